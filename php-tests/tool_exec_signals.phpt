--TEST--
towline exec: a second signal, of whatever kind, leaves the command; a signal before there is a command
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/tool.php';

$engine = Engine::get('docker');
$web = $engine->container();
$script = 'trap "echo told" INT; trap "" TERM; echo ready; while :; do sleep 0.05; done';
$tool = start_tool(['exec', '-H', $engine->address, $web, 'sh', '-c', $script], [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
echo fgets($pipes[1]);
posix_kill(proc_get_status($tool)['pid'], SIGINT);
echo fgets($pipes[1]);
posix_kill(proc_get_status($tool)['pid'], SIGTERM);
echo stream_get_contents($pipes[2]), proc_close($tool), "\n";

// An Engine that goes away before it has made the exec.
$path = scratch() . '/engine.sock';
foreach ([[SIGINT], [SIGINT, SIGTERM]] as $signals) {
    $listener = stream_socket_server("unix://$path");
    $tool = start_tool(['exec', '-H', $path, 'web', 'true'], [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'], ['pipe', 'w']], $pipes);
    $request = static function ($connection): string {
        for ($head = ''; !str_ends_with($head, "\r\n\r\n") && !feof($connection);) {
            $head .= fgets($connection);
        }
        return strtok($head, ' ') . ' ' . strtok(' ');
    };
    $first = stream_socket_accept($listener, 60);
    $request($first);
    fwrite($first, "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nConnection: close\r\nContent-Length: 2\r\n\r\nOK");
    fclose($first);
    $second = stream_socket_accept($listener, 60);
    // It is in its loop now, for it has read an answer.
    echo $request($second), "\n";
    foreach ($signals as $signal) {
        posix_kill(proc_get_status($tool)['pid'], $signal);
    }
    if ($signals === [SIGINT]) {
        fclose($listener);
        unlink($path);
        fclose($second);
    }
    $said = stream_get_contents($pipes[2]);
    echo proc_close($tool), ' ', substr_count($said, "\n"), ' ', strpos($said, 'goes on') === false ? 'well' : $said, "\n";
}
?>
--EXPECT--
ready
told
143
POST /v1.41/containers/web/exec
125 1 well
POST /v1.41/containers/web/exec
143 0 well
