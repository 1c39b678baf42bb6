--TEST--
Cycles through servers and connections are collected, and what ends lets go at once
--FILE--
<?php
require __DIR__ . '/websocket.inc';
use Towline\WebSocket\{Connection, HttpRequest, Server};

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
collected('server', function (Witness $w) {
    $server = $w->holds[] = new Server('127.0.0.1:0');
    $touch = function () use ($w) {};
    $server->onRequest($touch)->onUpgrade($touch)->onOpen($touch);
});
collected('server that nobody keeps', function (Witness $w) {
    (new Server('127.0.0.1:0'))->onOpen(function () use ($w) {});
});
collected('connection', function (Witness $w) {
    $server = new Server('127.0.0.1:0');
    $server->onOpen(function (Connection $it, HttpRequest $request) use ($w) {
        $w->holds[] = [$it, $request];
        $touch = function () use ($w, $it) {};
        $it->onMessage($touch)->onDrain($touch)->onClose($touch);
    });
    Peer::open($server);
});
collected('connection that nobody keeps', function (Witness $w) {
    $server = new Server('127.0.0.1:0');
    $server->onOpen(function (Connection $it) use ($w) { $it->onClose(function () use ($w) {}); });
    Peer::open($server);
});
collected('tasks that wait', function (Witness $w) {
    $server = new Server('127.0.0.1:0');
    $throw = function () use ($w) { throw new Exception('thrown'); };
    $server->onOpen($throw);
    $server->onOpen($throw);
    try {
        Peer::open($server);
        $server->loop->tick();
    } catch (Exception $e) {
        echo $e->getMessage(), "\n";
    }
});

echo "what ends lets go at once, without the collector:\n";
$server = new Server('127.0.0.1:0');
$w = new Witness('callbacks of a connection');
$server->onOpen(function (Connection $it) use (&$w) {
    [$kept, $w] = [$w, null];
    $it->onMessage(function () use ($kept) {})->onDrain(function () use ($kept) {})->onClose(function () use ($kept) { echo "called\n"; });
});
$peer = Peer::open($server);
$peer->await(fn () => $server->loop->tick() === 0);
unset($w);
$peer->close();
$peer->await(fn () => false);
$w = new Witness('callbacks of a server');
$other = (new Server('127.0.0.1:0', $server->loop))->onRequest(function () use ($w) {});
unset($w);
$other->close();
$server->close();
$server->loop->run();
$w = new Witness('callback after the end');
$other->onOpen(function () use ($w) {});
unset($w);
echo "end\n";
?>
--EXPECT--
server destroyed
server that nobody keeps destroyed
connection destroyed
connection that nobody keeps destroyed
thrown
tasks that wait destroyed
what ends lets go at once, without the collector:
called
callbacks of a connection destroyed
callbacks of a server destroyed
callback after the end destroyed
end
