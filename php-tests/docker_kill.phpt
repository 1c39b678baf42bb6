--TEST--
kill(), and what kills by itself
--FILE--
<?php
require __DIR__ . '/docker.php';

/** How many processes of the container have this in their command line. */
function count_of(Engine $engine, string $web, string $what): int
{
    [, $list] = $engine->run($web, 'sh', '-c', 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\0" "\n"');
    return count(array_filter(explode("\n", $list), fn (string $word) => $word === $what));
}

foreach (engines() as $engine) {
    $docker = $engine->client();
    $web = $engine->container();

    // Before it is open, after it is, with a child, by every name of a signal.
    foreach (['TERM' => 143, 'SIGKILL' => 137, '1' => 129] as $signal => $code) {
        $exec = $docker->exec($web, ['sleep', '1000']);
        $killed = $exec->kill((string) $signal);
        var_dump($killed->await(), $exec->await() === $code);
    }
    $exec = $docker->exec($web, ['sh', '-c', 'sleep 2001 & sleep 2001; echo never']);
    $exec->onOutput(fn (string $bytes) => print($bytes));
    until($docker->loop, fn () => count_of($engine, $web, '2001') === 2);
    $exec->kill()->await();
    var_dump($exec->await());
    until($docker->loop, fn () => count_of($engine, $web, '2001') === 0);

    // One that handles the signal.
    $output = '';
    $exec = $docker->exec($web, ['sh', '-c', 'trap "echo caught; exit 9" USR1; echo ready; while :; do sleep 0.05; done'], tty: true)
        ->onOutput(function (string $bytes) use (&$output) { $output .= $bytes; });
    until($docker->loop, function () use (&$output) { return str_contains($output, 'ready'); });
    $exec->kill('USR1')->await();
    echo $exec->await(), ' ', str_contains($output, 'caught') ? 'caught' : $output, "\n";

    // Once it has exited there is nothing to do.
    var_dump($exec->kill()->await(), $exec->inspect()->await()['Running']);

    // Closing kills nothing, and then it is too late.
    $exec = $docker->exec($web, ['sleep', '2002']);
    $exec->onError(fn (Throwable $e) => print(get_class($e) . "\n"));
    until($docker->loop, fn () => count_of($engine, $web, '2002') === 1);
    $exec->close();
    attempt(fn () => $exec->kill());
    $docker->loop->run();
    attempt(fn () => $exec->kill());
    echo count_of($engine, $web, '2002'), " goes on\n";

    // A deadline kills, and so does cancel().
    attempt(fn () => $docker->run($web, ['sh', '-c', 'sleep 2003 & sleep 2003'], timeout: 0.3)->await());
    until($docker->loop, fn () => count_of($engine, $web, '2003') === 0);
    $run = $docker->run($web, ['sleep', '2004']);
    until($docker->loop, fn () => count_of($engine, $web, '2004') === 1);
    $run->cancel();
    attempt(fn () => $run->await());
    until($docker->loop, fn () => count_of($engine, $web, '2004') === 0);
    attempt(fn () => $docker->run($web, ['yes'], maxOutput: 1000)->await());
    until($docker->loop, fn () => count_of($engine, $web, 'yes') === 0);
    attempt(fn () => $docker->run($web, ['yes', 'x'], timeout: 0.0)->await());

    // Without a shell it cannot be done.
    $bare = $engine->container(['Image' => Engine::BARE, 'Cmd' => ['/sleep', '1000']]);
    $exec = $docker->exec($bare, ['/sleep', '1000']);
    attempt(fn () => $exec->kill()->await());
    $exec->close();
}
?>
--EXPECTF--
NULL
bool(true)
NULL
bool(true)
NULL
bool(true)
int(143)
9 caught
NULL
bool(false)
Error: this stream is closed: its process cannot be found any more
Towline\CancelledException
Error: this stream is closed: its process cannot be found any more
1 goes on
Towline\TimeoutException: total deadline of 0.3 s passed (a command in towline-%d-docker-0)
Towline\CancelledException: the operation was cancelled
Towline\ProtocolException: the command wrote more than the 1000 bytes allowed (maxOutput)
Towline\TimeoutException: total deadline of 0 s passed (a command in towline-%d-docker-0)
Towline\Exception: cannot signal the process: it takes a shell in the container, and /bin/sh cannot be run there (%a)
NULL
bool(true)
NULL
bool(true)
NULL
bool(true)
int(143)
9 caught
NULL
bool(false)
Error: this stream is closed: its process cannot be found any more
Towline\CancelledException
Error: this stream is closed: its process cannot be found any more
1 goes on
Towline\TimeoutException: total deadline of 0.3 s passed (a command in towline-%d-podman-0)
Towline\CancelledException: the operation was cancelled
Towline\ProtocolException: the command wrote more than the 1000 bytes allowed (maxOutput)
Towline\TimeoutException: total deadline of 0 s passed (a command in towline-%d-podman-0)
Towline\Exception: cannot signal the process: it takes a shell in the container, and /bin/sh cannot be run there (%a)
