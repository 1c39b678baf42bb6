--TEST--
towline run: a progress line on a terminal, and only there
--FILE--
<?php
require __DIR__ . '/tool.php';

$script = place('nap.php', '<?php usleep(1000); echo "x";');
[, , $err] = tool(['run', '--repeat', '400', '--workers', '2', $script]);
echo plain($err);

$tool = start_tool(['run', '--repeat', '400', '--workers', '2', $script], [['file', '/dev/null', 'r'], tmpfile(), ['pty']], $pipes);
$err = '';
while (!str_contains($err, '400 of 400 done') && ($bytes = @fread($pipes[2], 8192)) !== false && $bytes !== '') {
    $err .= $bytes;
}
proc_close($tool);
echo preg_match('#\r\e\[K\d+/400 done, 0 failed, \d running, [\d.]+/s#', $err), ' ';
echo plain(trim(substr($err, strrpos($err, "\e[K") + 3))), "\n";
?>
--EXPECT--
400 of 400 done, 0 failed, TIME
1 400 of 400 done, 0 failed, TIME
