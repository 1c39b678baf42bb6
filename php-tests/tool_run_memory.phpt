--TEST--
towline run: big answers that wait for their turn are not kept in memory
--FILE--
<?php
require __DIR__ . '/tool.php';

$done = scratch() . '/done';
place('first.php', "<?php while (count(glob('$done*')) < 4) { usleep(1000); } echo \"first\\n\";");
place('big.php', "<?php for (\$i = 0; \$i < 64; \$i++) { echo str_repeat('x', 1 << 20); } touch('$done' . \$_SERVER['N'] . getmypid() . uniqid());");
// The peak memory of the process is told by itself, at its end.
place('peak.php', '<?php register_shutdown_function(static function () {
    preg_match("/VmHWM:\s+(\d+)/", file_get_contents("/proc/self/status"), $peak);
    file_put_contents(getenv("TOWLINE_TEST_PEAK"), $peak[1]);
});');
$peak = scratch() . '/peak';
putenv("TOWLINE_TEST_PEAK=$peak");
$module = dirname(__DIR__) . '/modules/towline.so';
$command = [PHP_BINARY, '-d', "extension=$module", '-d', 'auto_prepend_file=' . scratch() . '/peak.php', dirname(__DIR__) . '/bin/towline',
    'run', '--workers', '3', '--param', 'N=1', 'first.php', 'big.php', 'big.php', 'big.php', 'big.php'];
$tool = proc_open($command, [['file', '/dev/null', 'r'], ['pipe', 'w'], tmpfile()], $pipes, scratch());
echo fgets($pipes[1]);
$bytes = 0;
while (!feof($pipes[1])) {
    $bytes += strlen(fread($pipes[1], 65536));
}
echo "$bytes bytes, exit code ", proc_close($tool), "\n";
// 256 MiB went through it.
$kib = (int) file_get_contents($peak);
echo $kib > 0 && $kib < 64 * 1024 ? "little memory\n" : "$kib KiB\n";
?>
--EXPECT--
first
268435456 bytes, exit code 0
little memory
