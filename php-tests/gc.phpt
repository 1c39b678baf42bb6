--TEST--
Cycles through a loop are visible to the collector
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
use Towline\Loop;
require __DIR__ . '/inc.php';
final class Witness
{
    public array $holds = [];
    public function __construct(private string $name) {}
    public function __destruct() { echo "$this->name destroyed\n"; }
}

/** Makes cycles, forgets them, and collects. */
function collected(string $name, Closure $make): void
{
    $make(new Witness($name));
    gc_collect_cycles();
    gc_collect_cycles();
}

gc_disable();
collected('timer', function (Witness $w) {
    $loop = new Loop();
    $w->holds = [$loop, $loop->delay(100, function () use ($w) {})];
});
collected('deferred', function (Witness $w) {
    $loop = $w->holds[] = new Loop();
    $loop->defer(function () use ($w) {});
});
collected('request', function (Witness $w) {
    [$path, $w->holds[]] = listener();
    $client = $w->holds[] = new Client($path);
    $touch = function () use ($w) {};
    $source = new Request('/x', 'POST', body: function ($n) use ($w) { return ''; }, contentLength: 5);
    $w->holds[] = $client->send($source, $touch, $touch, $touch)->onDone($touch)->onError($touch);
    $client->loop->tick();
});
collected('ended future', function (Witness $w) {
    $client = $w->holds[] = new Client('/nonexistent.sock');
    $future = $w->holds[] = $client->send(new Request('/x'));
    attempt(fn () => $future->await());
    $future->onError(function () use ($w) {});
});
collected('iterator', function (Witness $w) {
    [$path, $w->holds[]] = listener();
    $client = new Client($path);
    $results = $w->holds[] = $client->each((function () use ($w) { yield $w => new Request('/x'); })());
    $client->loop->delay(0, fn () => throw new Exception('leaves each()'));
    attempt(fn () => $results->current());
});
collected('fiber', function (Witness $w) {
    [$path, $w->holds[]] = listener();
    $client = new Client($path);
    $fiber = $w->holds[] = new Fiber(function () use ($client, $w) { $client->request(new Request('/x')); });
    $fiber->start();
});
collected('fiber in all()', function (Witness $w) {
    [$path, $w->holds[]] = listener();
    [$client, $other] = [new Client($path), new Client($path)];
    $fiber = $w->holds[] = new Fiber(function () use ($client, $other, $w) {
        Towline\Future::all([$client->send(new Request('/x')), $other->send(new Request('/x'))]);
    });
    $fiber->start();
});
collected('fiber in all() of a generator', function (Witness $w) {
    [$path, $w->holds[]] = listener();
    $client = new Client($path);
    $fiber = $w->holds[] = new Fiber(function () use ($client, $w) {
        Towline\Future::all((function () use ($client, $w) { yield $client->send(new Request('/x')); })());
    });
    $fiber->start();
});
collected('kept failure', function (Witness $w) {
    $nowhere = new Client('/nonexistent.sock');
    $w->holds = [$nowhere, $nowhere->send(new Request('/x'))->onDone(function () use ($w) {})];
    attempt(fn () => $nowhere->request(new Request('/x')));
});

echo "what ends lets go at once, without the collector:\n";
$client = client();
$w = new Witness('callback');
$client->send(Request::get(script('')))->onDone(function () use ($w) { echo "called\n"; });
unset($w);
$client->loop->run();
$w = new Witness('cancelled');
[$path, $socket] = listener();
$silent = new Client($path, $client->loop);
$future = $silent->send(new Request('/x'), onBody: function () use ($w) {});
unset($w);
$future->cancel();
$w = new Witness('timer');
$timer = $client->loop->delay(10, function () use ($w) {});
unset($w);
$timer->cancel();

echo "what somebody drives is not collected:\n";
$futures = (function () {
    $client = client();
    $client->loop->defer(gc_collect_cycles(...));
    yield $client->send(Request::get(script('echo "answered";')));
})();
echo Towline\Future::all($futures)[0]->body, "\n";
echo "end\n";
?>
--EXPECTF--
timer destroyed
deferred destroyed
request destroyed
Towline\ConnectException: %s
ended future destroyed
Exception: leaves each()
iterator destroyed
fiber destroyed
fiber in all() destroyed
fiber in all() of a generator destroyed
Towline\ConnectException: %s
kept failure destroyed
what ends lets go at once, without the collector:
called
callback destroyed
cancelled destroyed
timer destroyed
what somebody drives is not collected:
answered
end
