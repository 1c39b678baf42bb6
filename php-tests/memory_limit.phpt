--TEST--
What comes beyond the memory limit ends the script as PHP itself does: its shutdown functions run, and no answer was cut
--FILE--
<?php
use Towline\FastCgi\Request;
use Towline\Future;
require __DIR__ . '/inc.php';
require __DIR__ . '/websocket.inc';
if (isset($argv[1])) {
    // Before the first scratch file, for those go in a shutdown function.
    register_shutdown_function(function () use (&$client, &$loop, &$get, &$kept) {
        $kept = [];
        ini_set('memory_limit', '64M');
        $loop->delay(0, fn () => print("the loop goes on\n"));
        $loop->tick(1);
        echo $client->request($get(3))->body, "\n";
    });
}
$client = client(1, ['memory_limit' => '-1']);
$loop = $client->loop;
$script = script('echo str_repeat("x", (int) $_GET["n"]);');
$get = fn (int $bytes) => Request::get($script, ['n' => $bytes]);
$show = fn ($response) => print(strlen($response->body) . " bytes\n");
$kept = [];
$cases = [
    'more and more' => function () use ($client, $get, &$kept) {
        for ($i = 0; $i < 4; $i++) {
            $kept[] = $client->send($get(13_000_000));
        }
        $client->loop->run();
    },
    'far too much' => fn () => $show($client->request($get(60_000_000))),
    'with callbacks' => function () use ($client, $get, $show) {
        $client->send($get(60_000_000))->onDone($show);
        $client->loop->run();
    },
    'all()' => fn () => Future::all([$client->send($get(60_000_000)), $client->send($get(60_000_000))]),
    'in pieces' => function () use ($client, $get, &$kept) {
        $client->send($get(60_000_000), onBody: function (string $bytes) use (&$kept) {
            $bytes === '' ? print("cut\n") : $kept[] = $bytes;
        });
        $client->loop->run();
    },
    'in a fiber' => function () use ($client, $get, $show) {
        (new Fiber(fn () => $show($client->request($get(60_000_000)))))->start();
        $client->loop->run();
    },
];
if (($case = $argv[1] ?? null) === null) {
    foreach (array_keys($cases) as $case) {
        $process = proc_open([PHP_BINARY, '-d', 'extension=' . library(), '-d', 'display_errors=1', '-d', 'log_errors=0', __FILE__, $case], [1 => ['pipe', 'w']], $pipes);
        echo "$case:", preg_replace('/of \d+ bytes exhausted.*/', 'exhausted', stream_get_contents($pipes[1]));
        echo 'exit code ', proc_close($process), "\n";
    }
    exit;
}
ini_set('memory_limit', '24M');
$cases[$case]();
echo "never reached\n";
?>
--EXPECT--
more and more:
Fatal error: Allowed memory size exhausted
the loop goes on
xxx
exit code 255
far too much:
Fatal error: Allowed memory size exhausted
the loop goes on
xxx
exit code 255
with callbacks:
Fatal error: Allowed memory size exhausted
the loop goes on
xxx
exit code 255
all():
Fatal error: Allowed memory size exhausted
the loop goes on
xxx
exit code 255
in pieces:
Fatal error: Allowed memory size exhausted
the loop goes on
xxx
exit code 255
in a fiber:
Fatal error: Allowed memory size exhausted
the loop goes on
xxx
exit code 255
