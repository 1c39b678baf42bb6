--TEST--
close(), cancel(), send() and nested run() inside every kind of callback
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$client = client();
$loop = $client->loop;
$script = script('echo str_repeat("x", 100000); flush(); error_log("words"); echo str_repeat("y", 100000);');
$ends = fn (string $what) => [fn ($r) => print("$what: done\n"), fn ($e) => print("$what: " . get_class($e) . "\n")];

foreach (['onHead', 'onBody', 'onStderr'] as $kind) {
    [$done, $error] = $ends("cancel() in $kind");
    $calls = 0;
    $future = null;
    $future = $client->send(new Request($script), ...[$kind => function () use (&$future, &$calls) { $calls++; $future->cancel(); }]);
    $future->onDone($done)->onError($error);
    $loop->run();
    echo "$calls call\n";

    [$done, $error] = $ends("send() and run() in $kind");
    $first = true;
    $client->send(new Request($script), ...[$kind => function () use ($client, $loop, &$first, &$inner) {
        if ($first) {
            $first = false;
            $client->send(Request::get(script('echo "inner";')))->onDone(function ($r) use (&$inner) { $inner = $r->body; });
            $loop->run();
        }
    }])->onDone($done)->onError($error);
    $loop->run();
    echo "$inner\n";

    [$done, $error] = $ends("close() in $kind");
    $other = client(1);
    $other->send(new Request($script), ...[$kind => fn () => $other->close()])->onDone($done)->onError($error);
    $other->loop->run();
}

[$done, $error] = $ends('cancel() in the source');
$future = $client->send(new Request($script, 'POST', body: function () use (&$future) { $future->cancel(); return 'x'; }, contentLength: 5));
$future->onDone($done)->onError($error);
$loop->run();

[$done, $error] = $ends('run() in the source');
$client->send(new Request($script, 'POST', body: function () use ($loop, &$nested) {
    if ($nested) {
        return null;
    }
    $nested = true;
    $loop->delay(0, fn () => $loop->stop());
    $loop->run();
    return 'x';
}, contentLength: 1))->onDone($done)->onError($error);
$loop->run();

$client->send(new Request($script))->onDone(function () use ($client) { $client->close(); echo "close() in onDone\n"; });
$loop->run();
(new Client('/nonexistent.sock', $loop))->send(new Request('/x'))->onError(function () use ($loop) { $loop->run(); echo "run() in onError\n"; });
$loop->run();
var_dump($loop->pending());
?>
--EXPECT--
cancel() in onHead: Towline\CancelledException
1 call
send() and run() in onHead: done
inner
close() in onHead: Towline\CancelledException
cancel() in onBody: Towline\CancelledException
1 call
send() and run() in onBody: done
inner
close() in onBody: Towline\CancelledException
cancel() in onStderr: Towline\CancelledException
1 call
send() and run() in onStderr: done
inner
close() in onStderr: Towline\CancelledException
cancel() in the source: Towline\CancelledException
run() in the source: done
close() in onDone
run() in onError
int(0)
