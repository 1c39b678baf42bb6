--TEST--
An exception in a callback comes out of run() and tick(), and the rest of the queue is kept
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$loop = new Towline\Loop();
$loop->defer(fn () => throw new Exception('deferred'));
$loop->defer(fn () => print("the one behind it\n"));
$loop->delay(0, fn () => throw new Exception('timer'));
$loop->delay(0, fn () => print("the timer behind it\n"));
$timer = $loop->repeat(0.001, fn () => throw new LogicException('beat'));
attempt(fn () => $loop->run());
attempt(fn () => $loop->tick(1));
attempt(fn () => $loop->run());
$timer->cancel();
$loop->run();
echo $loop->pending(), " pending\n";

// Nested: the inner call throws into the callback, which may catch.
$loop->defer(function () use ($loop) {
    $loop->defer(fn () => throw new Exception('from the inside'));
    attempt(fn () => $loop->tick());
    throw new Exception('from the outside');
});
attempt(fn () => $loop->run());

// A destructor of what a callback leaves behind.
$loop->defer(function () {
    return new class { function __destruct() { throw new Exception('destructor'); } };
});
$loop->defer(fn () => print("still alive\n"));
attempt(fn () => $loop->run());
$loop->run();
?>
--EXPECT--
Exception: deferred
the one behind it
Exception: timer
the timer behind it
LogicException: beat
0 pending
Exception: from the inside
Exception: from the outside
Exception: destructor
still alive
