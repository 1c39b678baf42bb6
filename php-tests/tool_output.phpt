--TEST--
bin/towline: output into pipes that do not block and are full for a while; nobody reads; a folder as input
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/tool.php';

$engine = Engine::get('docker');
$web = $engine->container();
$exec = fn (string ...$arguments) => ['exec', '-H', $engine->address, ...$arguments];

/** Runs the tool with one of its streams a pipe that does not block and is full; its exit code and how much came. */
function into_full_pipe(array $arguments, int $which): string
{
    // PHP cannot make the tool's own end of a pipe one that does not block; a socket is the same and both ends are here.
    [$ours, $its] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    stream_set_blocking($its, false);
    $full = 0;
    while (($count = fwrite($its, str_repeat('.', 4096))) > 0) {
        $full += $count;
    }
    $streams = [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'], ['file', '/dev/null', 'w']];
    $streams[$which] = $its;
    $tool = start_tool($arguments, $streams, $pipes);
    fclose($its);
    // Room comes only when it waits for it: asleep, with no processor time used between two looks.
    $stat = static fn() => explode(' ', (string) file_get_contents('/proc/' . proc_get_status($tool)['pid'] . '/stat'));
    do {
        $before = $stat();
        usleep(300000);
        $after = $stat();
    } while (($before[13] ?? 0) !== ($after[13] ?? 0) || ($after[2] ?? 'S') !== 'S');
    $came = strlen(stream_get_contents($ours)) - $full;
    return proc_close($tool) . " $came\n";
}
echo into_full_pipe($exec($web, 'head', '-c', '1000000', '/dev/zero'), 1);
echo into_full_pipe($exec($web, 'sh', '-c', 'head -c 1000000 /dev/zero >&2'), 2);
$script = place('much.php', '<?php echo str_repeat("x", 1000000);');
echo into_full_pipe(['run', '--workers', '1', $script], 1);

// Both at once, each in its order.
[$ours, $its] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
stream_set_blocking($its, false);
$numbers = implode("\n", range(1, 100000)) . "\n";
$tool = start_tool($exec($web, 'sh', '-c', 'seq 1 100000; echo >&2 done; exit 7'), [['file', '/dev/null', 'r'], $its, $err = tmpfile()], $pipes);
fclose($its);
var_dump(stream_get_contents($ours) === $numbers);
echo proc_close($tool), ' ', file_get_contents(stream_get_meta_data($err)['uri']);

// Nobody reads standard error.
$tool = start_tool($exec($web, 'sh', '-c', 'yes >&2'), [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'], ['pipe', 'w']], $pipes);
fgets($pipes[2]);
fclose($pipes[2]);
echo proc_close($tool), "\n";
// Another error.
$tool = start_tool($exec($web, 'echo', 'x'), [['file', '/dev/null', 'r'], ['file', '/dev/full', 'w'], $err = tmpfile()], $pipes);
echo proc_close($tool), ' ', file_get_contents(stream_get_meta_data($err)['uri']);

$tool = start_tool($exec('-i', $web, 'cat'), [['file', '/', 'r'], ['file', '/dev/null', 'w'], $err = tmpfile()], $pipes);
echo proc_close($tool), ' ', file_get_contents(stream_get_meta_data($err)['uri']);
?>
--EXPECT--
0 1000000
0 1000000
0 1000000
bool(true)
7 done
141
125 towline: cannot write to standard output: No space left on device
125 towline: standard input is a folder
