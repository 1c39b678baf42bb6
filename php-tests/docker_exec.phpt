--TEST--
An exec: output, input, environment, user, folder, a terminal
--FILE--
<?php
require __DIR__ . '/docker.php';

foreach (engines() as $engine) {
    $docker = $engine->client();
    $web = $engine->container();

    // Everything is queued in the call, and nothing is called back before the loop runs.
    $told = [];
    $exec = $docker->exec($web, ['sh', '-c', 'echo "$A|$B|$(id -u)|$(pwd)"; cat; echo bad >&2; exit 7'],
        stdin: true, env: ['A' => "x=y\nz", 'B' => ''], user: 'user', workingDir: '/home/user')
        ->onOpen(function (bool $upgraded) use (&$told) { $told[] = $upgraded ? 'open' : 'open without upgrade'; })
        ->onOutput(function (string $bytes, int $stream) use (&$told) { @$told[$stream === 1 ? 'out' : 'err'] .= $bytes; })
        ->onExit(function (?int $code) use (&$told) { $told[] = "exit $code"; });
    var_dump($exec->id, $exec->isDone(), $exec->write("typed\0\xff\n"), $told);
    $exec->closeStdin();
    $docker->loop->run();
    echo strlen($exec->id), ' ', json_encode($told, JSON_INVALID_UTF8_SUBSTITUTE), ' ', var_export($exec->isDone(), true), "\n";
    var_dump($exec->await(), $exec->isTruncated());

    // A terminal.
    $output = '';
    $exec = $docker->exec($web, ['sh', '-c', 'stty size; test -t 0 && test -t 1 && echo tty; read line; echo "got $line"; cat'],
        tty: true, stdin: true, rows: 12, columns: 34, env: ['TERM' => 'dumb'])
        ->onOutput(function (string $bytes) use (&$output) { $output .= $bytes; });
    // The size is there at the latest shortly after the start; here the process asks when told to.
    $exec->write("hello\n");
    $exec->closeStdin();
    var_dump($exec->await());
    echo str_contains($output, "tty\r\n") ? 'terminal' : $output, ', ', str_contains($output, "got hello\r\n") ? 'typed' : $output, "\n";

    // The object may be dropped, and so may the client.
    $docker->exec($web, ['echo', 'still here'])->onOutput(function (string $bytes) { echo $bytes; })
        ->onExit(function (?int $code) { echo "exit $code\n"; });
    $loop = $docker->loop;
    unset($docker);
    $loop->run();
    unset($loop, $exec);
}
?>
--EXPECT--
string(0) ""
bool(false)
int(8)
array(0) {
}
64 {"0":"open","out":"x=y\nz||1000|\/home\/user\ntyped\u0000\ufffd\n","err":"bad\n","1":"exit 7"} true
int(7)
bool(false)
int(0)
terminal, typed
still here
exit 0
string(0) ""
bool(false)
int(8)
array(0) {
}
64 {"0":"open","out":"x=y\nz||1000|\/home\/user\ntyped\u0000\ufffd\n","err":"bad\n","1":"exit 7"} true
int(7)
bool(false)
int(0)
terminal, typed
still here
exit 0
