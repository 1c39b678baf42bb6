--TEST--
towline exec: standard streams, options, exit codes; towline containers
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/tool.php';

$engine = Engine::get('docker');
$web = $engine->container();
$exec = fn (array $arguments, string $input = '') => print(words(json_encode(tool(['exec', '-H', $engine->address, ...$arguments], $input), JSON_UNESCAPED_SLASHES)) . "\n");

$exec([$web, 'sh', '-c', 'echo out; echo err >&2; exit 5']);
$exec(['-i', $web, 'cat', '-'], "typed\n");
$exec([$web, 'cat'], 'nobody reads this');
putenv('TOWLINE_GIVEN=from here');
$exec(['-u', 'user', '-w', '/home/user', '--env', 'A=b=c', '-eTOWLINE_GIVEN', '-e', 'TOWLINE_NOT_THERE', $web, 'sh', '-c', 'id -u; pwd; echo "$A $TOWLINE_GIVEN"; env | grep -c NOT_THERE']);
$exec(['--', $web, 'echo', '-i', '--', '-t']);
$exec(['-t', $web, 'sh', '-c', 'test -t 1 && echo terminal']);
$exec(['-it', $web, 'true']);
$exec([$web, 'sh', '-c', 'kill -KILL $$']);
$exec(['nonexistent', 'true']);
[$code, , $err] = tool(['exec', '-H', '/nonexistent.sock', $web, 'true']);
echo $code, ' ', strtok($err, ':'), strtok(':'), "\n";

// Much both ways.
$sent = random_bytes(5000000);
[$code, $out] = tool(['exec', '-H', $engine->address, '-i', $web, 'cat'], $sent);
echo $code, ' ', $out === $sent ? 'all' : strlen($out), "\n";

// Nobody reads on: the command ends.
$tool = start_tool(['exec', '-H', $engine->address, $web, 'yes'], [['file', '/dev/null', 'r'], ['pipe', 'w'], $err = tmpfile()], $pipes);
fgets($pipes[1]);
fclose($pipes[1]);
echo proc_close($tool), ' ', file_get_contents(stream_get_meta_data($err)['uri']), "\n";
do {
    $left = trim($engine->run($web, 'sh', '-c', 'pidof yes')[1]);
} while ($left !== '');

// Signals are passed on.
$script = 'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.05; done';
$tool = start_tool(['exec', '-H', $engine->address, $web, 'sh', '-c', $script], [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
echo fgets($pipes[1]);
posix_kill(proc_get_status($tool)['pid'], SIGINT);
echo stream_get_contents($pipes[1]), stream_get_contents($pipes[2]), proc_close($tool), "\n";
// One that does not heed them.
$tool = start_tool(['exec', '-H', $engine->address, $web, 'sh', '-c', 'trap "echo told" TERM; echo ready; while :; do sleep 0.05; done'], [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
echo fgets($pipes[1]);
posix_kill(proc_get_status($tool)['pid'], SIGTERM);
echo fgets($pipes[1]);
posix_kill(proc_get_status($tool)['pid'], SIGTERM);
stream_get_contents($pipes[1]);
echo proc_close($tool), "\n";

// containers
$down = $engine->created(['Labels' => ['x' => $web]]);
[$code, $out] = tool(['containers', '-H', $engine->address, '--filter', "name=$web"]);
echo $code, ' ', preg_replace(['/[0-9a-f]{12} /', '/Up .*/', '/ +/'], ['ID ', 'Up', ' '], words($out)), "\n";
[$code, $out] = tool(['containers', '--host', $engine->address, '-a', '--json', '--filter', "label=x=$web"]);
echo $code, ' ', words(json_decode($out)[0]->Names[0]), "\n";
putenv("DOCKER_HOST=$engine->address");
echo tool(['containers'])[0], ' ', tool(['containers', '-H', '/nonexistent.sock'])[0], "\n";
?>
--EXPECT--
[5,"out\n","err\n"]
[0,"typed\n",""]
[0,"",""]
[1,"1000\n/home/user\nb=c from here\n0\n",""]
[0,"-i -- -t\n",""]
[0,"terminal\r\n",""]
[125,"","towline: standard input is no terminal; leave out -t\n"]
[137,"",""]
[125,"","towline: No such container: nonexistent\n"]
125 towline cannot connect to /nonexistent.sock
0 all
141 
ready
caught
9
ready
told
143
0 ID NAME IMAGE STATUS
ID CONTAINER0 towline Up
0 /CONTAINER1
0 1
