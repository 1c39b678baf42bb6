--TEST--
At the end of a request everything is closed without a call, and until then all works
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
final class Last
{
    public function __construct(private Client $client) {}
    public function __destruct()
    {
        var_dump($this->client->ping()->await());
        echo "in a destructor\n";
        $this->client->send(new Request('/x'))->onDone(fn () => print("never\n"));
    }
}
$client = client();
$last = new Last($client);
register_shutdown_function(function () use ($client) {
    var_dump($client->ping()->await());
    echo "in a shutdown function\n";
});

[$path, $socket] = listener();
$silent = new Client($path);
$loop = $silent->loop;
$loop->getStream();
$timers = [$loop->delay(100, fn () => print("never\n")), $loop->repeat(0.001, fn () => print("never\n"))];
$loop->defer(fn () => print("never\n"));
$request = new Request('/x', 'POST', body: fn (int $n) => print("never\n"), contentLength: 5);
$future = $silent->send($request, onBody: fn () => print("never\n"))->onDone(fn () => print("never\n"));
$results = $silent->each([$request]);
$fiber = new Fiber(function () use ($silent) {
    try {
        $silent->request(new Request('/x'));
    } finally {
        echo "the fiber unwinds\n";
    }
});
$fiber->start();
// Cycles that only the end of the request breaks.
$silent->send(new Request('/x'))->onError(function () use ($silent, &$fiber, $timers, $results) {});
echo "end\n";
?>
--EXPECT--
end
bool(true)
in a shutdown function
bool(true)
in a destructor
the fiber unwinds
