--TEST--
towline run: exit code 1 when a status is 400 or above or there is no answer; the rest is printed all the same
--FILE--
<?php
require __DIR__ . '/tool.php';

place('good.php', '<?php echo "good\n";');
place('bad.php', '<?php http_response_code(503); echo "bad\n";');
place('edge.php', '<?php http_response_code(399); echo "edge\n";');
place('sleep.php', '<?php sleep(60);');
place('die.php', '<?php posix_kill(getmypid(), 9);');
chdir(scratch());
echo "== a status\n";
show(tool(['run', 'bad.php', 'good.php']));
echo "== below 400\n";
show(tool(['run', 'edge.php']));
echo "== no script\n";
show(tool(['run', '/nonexistent/x.php']));
echo "== a deadline\n";
show(tool(['run', '--timeout', '2', 'sleep.php', 'good.php']));
echo "== a worker that dies\n";
show(tool(['run', 'good.php', 'die.php']));
echo "== no php-fpm\n";
show(tool(['run', '--fpm', scratch() . '/none.sock', 'good.php']));
echo "== no output\n";
$tool = start_tool(['run', '--repeat', '1000', 'good.php'], [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
fclose($pipes[1]);
echo stream_get_contents($pipes[2]), 'exit code ', proc_close($tool), "\n";
?>
--EXPECT--
== a status
exit code 1
--- stdout
bad
good
--- stderr
DIR/bad.php: status 503
2 of 2 done, 1 failed, TIME
== below 400
exit code 0
--- stdout
edge
--- stderr
1 of 1 done, 0 failed, TIME
== no script
exit code 1
--- stdout
File not found.
--- stderr
/nonexistent/x.php: Primary script unknown
/nonexistent/x.php: status 404
1 of 1 done, 1 failed, TIME
== a deadline
exit code 1
--- stdout
good
--- stderr
DIR/sleep.php: total deadline of 2 s passed (unix:DIR/FPM/fpm.sock)
2 of 2 done, 1 failed, TIME
== a worker that dies
exit code 1
--- stdout
good
--- stderr
DIR/die.php: unix:DIR/FPM/fpm.sock closed the connection before it answered (worker killed or crashed, request refused, or listen.allowed_clients)
2 of 2 done, 1 failed, TIME
== no php-fpm
exit code 1
--- stdout
--- stderr
DIR/good.php: cannot connect to DIR/none.sock: No such file or directory (os error 2) (is php-fpm running, and is this its `listen` path?)
1 of 1 done, 1 failed, TIME
== no output
exit code 141
