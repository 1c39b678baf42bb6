--TEST--
close(), cancel(), send(), tick() and nested run() inside every kind of callback
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

    [$done, $error] = $ends("tick() in $kind");
    $ticked = null;
    $client->send(new Request($script), ...[$kind => function () use ($loop, &$ticked) {
        if ($ticked === null) {
            $ticked = false;
            $loop->defer(function () use (&$ticked) { $ticked = true; });
            while (!$ticked) {
                $loop->tick(1.0);
            }
        }
    }])->onDone($done)->onError($error);
    $loop->run();
    var_dump($ticked);

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

[$done, $error] = $ends('tick() and send() in the source');
$asked = 0;
$client->send(new Request($script, 'POST', body: function () use ($client, $loop, &$asked, &$inner) {
    if ($asked++ === 0) {
        $inner = 'none';
        $client->send(Request::get(script('echo "inner of the source";')))->onDone(function ($r) use (&$inner) { $inner = $r->body; });
        $loop->tick();
        return 'x';
    }
    return null;
}, contentLength: 1))->onDone($done)->onError($error);
$loop->run();
echo "$inner\n";

[$done, $error] = $ends('close() in the source');
$other = client(1);
$other->send(new Request($script, 'POST', body: function () use ($other) { $other->close(); return 'x'; }, contentLength: 5))->onDone($done)->onError($error);
$other->loop->run();

$client->send(new Request($script))->onDone(function () use ($client, $loop) {
    $client->send(Request::get(script('echo "inner";')))->onDone(fn ($r) => print("$r->body\n"));
    $loop->run();
    echo "send() and run() in onDone\n";
});
$loop->run();
$client->send(new Request($script))->onDone(function () use ($loop) {
    $loop->defer(function () use (&$ticked) { $ticked = true; });
    while (!$ticked) {
        $loop->tick(1.0);
    }
    echo "tick() in onDone\n";
});
$loop->run();
$client->send(new Request($script))->onDone(function () use ($client) { $client->close(); echo "close() in onDone\n"; });
$loop->run();
$other = new Client('/nonexistent.sock', $loop);
$other->send(new Request('/x'))->onError(function () use ($other, $ends) {
    $other->send(new Request('/y'))->onDone($ends('send() in onError')[0])->onError($ends('send() in onError')[1]);
});
$loop->run();
foreach (['tick()' => fn () => $loop->tick(), 'close()' => fn () => $other->close()] as $what => $do) {
    $other->send(new Request('/x'))->onError(function () use ($what, $do) { $do(); echo "$what in onError\n"; });
    $loop->run();
}
(new Client('/nonexistent.sock', $loop))->send(new Request('/x'))->onError(function () use ($loop) { $loop->run(); echo "run() in onError\n"; });
$loop->run();
var_dump($loop->pending());
?>
--EXPECT--
cancel() in onHead: Towline\CancelledException
1 call
send() and run() in onHead: done
inner
tick() in onHead: done
bool(true)
close() in onHead: Towline\CancelledException
cancel() in onBody: Towline\CancelledException
1 call
send() and run() in onBody: done
inner
tick() in onBody: done
bool(true)
close() in onBody: Towline\CancelledException
cancel() in onStderr: Towline\CancelledException
1 call
send() and run() in onStderr: done
inner
tick() in onStderr: done
bool(true)
close() in onStderr: Towline\CancelledException
cancel() in the source: Towline\CancelledException
run() in the source: done
tick() and send() in the source: done
inner of the source
close() in the source: Towline\CancelledException
inner
send() and run() in onDone
tick() in onDone
close() in onDone
send() in onError: Towline\ConnectException
tick() in onError
close() in onError
run() in onError
int(0)
