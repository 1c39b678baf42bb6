--TEST--
getStream() with stream_select()
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
use Towline\Loop;
require __DIR__ . '/inc.php';
$client = client();
$loop = $client->loop;
$stream = $loop->getStream();
var_dump(is_resource($stream), get_resource_type($stream));

/** Drives the loop as a foreign loop does, without a timeout of its own, until $done. */
function drive(Loop $loop, $stream, Closure $done): void
{
    while (!$done()) {
        $readable = [$stream];
        $none = null;
        if (stream_select($readable, $none, $none, 20) !== 1) {
            exit("the stream was not readable in time\n");
        }
        $loop->tick();
    }
}

$fired = 0;
$loop->delay(0.02, function () use (&$fired) { $fired++; });
drive($loop, $stream, function () use (&$fired) { return $fired === 1; });
echo "a timer shows\n";
$loop->defer(function () use (&$fired, $loop) { $loop->defer(function () use (&$fired) { $fired++; }); });
drive($loop, $stream, function () use (&$fired) { return $fired === 2; });
echo "deferred callbacks show\n";
$future = $client->send(Request::get(script('echo "answer";')))->onDone(fn ($r) => print("$r->body\n"));
drive($loop, $stream, fn () => $future->isDone());
$future->onDone(function () use (&$fired) { $fired++; });
drive($loop, $stream, function () use (&$fired) { return $fired === 3; });
$future = $client->send(Request::get(script('sleep(30);')))->onError(fn ($e) => print("{$e->getMessage()}\n"));
$future->cancel();
drive($loop, $stream, fn () => $future->isDone());
$nowhere = new Client('/nonexistent.sock', $loop);
$future = $nowhere->send(new Request('/x'));
attempt(fn () => drive($loop, $stream, fn () => $future->isDone()));
for ($i = 0; $i < 3; $i++) {
    $loop->defer(fn () => throw new Exception("number $i"));
}
for ($i = 0; $i < 3; $i++) {
    attempt(fn () => drive($loop, $stream, fn () => false));
}

$loop->tick();
$readable = [$stream];
$none = null;
var_dump(stream_select($readable, $none, $none, 0), $loop->pending(), $loop->getTimeout() === null || $loop->getTimeout() > 0);
fclose($stream);
$again = $loop->getStream();
$loop->defer(fn () => print("the loop outlives its stream\n"));
drive($loop, $again, fn () => $loop->pending() === 0);
?>
--EXPECTF--
bool(true)
string(6) "stream"
a timer shows
deferred callbacks show
answer
the request was cancelled
Towline\ConnectException: %s
Exception: number 0
Exception: number 1
Exception: number 2
int(0)
int(0)
bool(true)
the loop outlives its stream
