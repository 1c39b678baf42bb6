--TEST--
towline run: a body is printed as it comes once its turn has come
--FILE--
<?php
require __DIR__ . '/tool.php';

$gate = scratch() . '/gate';
$script = place('slow.php', "<?php while (ob_get_level()) ob_end_clean();
    echo \"begun\\n\"; flush(); while (!file_exists('$gate')) { usleep(1000); clearstatcache(); } echo \"ended\\n\";");
$tool = start_tool(['run', $script], [['file', '/dev/null', 'r'], ['pipe', 'w'], tmpfile()], $pipes);
// The script goes on only after its first words have been seen here.
echo fgets($pipes[1]);
touch($gate);
echo stream_get_contents($pipes[1]), 'exit code ', proc_close($tool), "\n";
?>
--EXPECT--
begun
ended
exit code 0
