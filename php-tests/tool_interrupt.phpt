--TEST--
towline run: interrupted, it cleans up and tells so by its exit code
--FILE--
<?php
require __DIR__ . '/tool.php';

foreach (['SIGINT' => SIGINT, 'SIGTERM' => SIGTERM] as $name => $signal) {
    $script = place('long.php', '<?php while (ob_get_level()) ob_end_clean(); echo "begun\n"; flush(); sleep(60);');
    $tool = start_tool(['run', '--workers', '1', $script, $script], [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
    // Only now it is sure to be in the middle.
    fgets($pipes[1]);
    echo count(glob(scratch() . '/towline-fpm-*')), ' ';
    posix_kill(proc_get_status($tool)['pid'], $signal);
    $err = stream_get_contents($pipes[2]);
    echo "$name: ", plain($err);
    // proc_close() tells the exit code.
    echo 'exit code ', proc_close($tool), ', folders left: ', count(glob(scratch() . '/towline-fpm-*')), "\n";
}
?>
--EXPECT--
1 SIGINT: 0 of 2 done, 0 failed, TIME (interrupted)
exit code 130, folders left: 0
1 SIGTERM: 0 of 2 done, 0 failed, TIME (interrupted)
exit code 143, folders left: 0
