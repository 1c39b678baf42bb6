--TEST--
Nothing is left of a thousand connects, requests and drops; and what waits to be sent has a limit
--FILE--
<?php
require __DIR__ . '/websocket.inc';
use Towline\WebSocket\{Connection, HttpRequest, HttpResponse, Server};

$server = new Server('127.0.0.1:0', highWatermark: 65536);
$opened = $closed = 0;
$server->onRequest(fn (HttpRequest $request) => new HttpResponse(body: str_repeat($request->query['x'], 1000)));
$server->onOpen(function (Connection $it, HttpRequest $request) use (&$opened, &$closed): void {
    $opened++;
    $it->onMessage(fn (string $data) => $it->send($data));
    $it->onClose(function () use (&$closed, $it, $request): void { $closed++; });
});
$round = function (int $count) use ($server): void {
    for ($i = 0; $i < $count; $i++) {
        $peer = Peer::open($server, "/?number=$i");
        $peer->send(str_repeat('x', 1000));
        $peer->frame();
        if ($i % 2 === 0) {
            $peer->close();
            $peer->await(fn () => false);
        }
        $peer->drop();
        $page = new Peer($server);
        $page->get('/?x=y');
        $page->drop();
    }
    while ($server->connections() > 0) {
        $server->loop->tick(1.0);
    }
    $server->loop->tick();
};
$descriptors = fn (): int => count(scandir('/proc/self/fd'));
$resident = fn (): int => (int) preg_replace('/.*VmRSS:\s+(\d+).*/s', '$1', file_get_contents('/proc/self/status'));
$round(200);
$before = [memory_get_usage(), $descriptors(), $resident()];
$round(1000);
$after = [memory_get_usage(), $descriptors(), $resident()];
echo "$opened opened, $closed closed\n";
echo 'memory: ', $after[0] - $before[0] < 4096 ? 'the same' : $after[0] - $before[0], "\n";
echo 'descriptors: ', $after[1] - $before[1], "\n";
echo 'resident: ', $after[2] - $before[2] < 1024 ? 'the same' : $after[2] - $before[2] . ' KiB more', "\n";

echo "-- a peer that does not read\n";
$kept = null;
$drained = 0;
$slow = new Server('127.0.0.1:0', highWatermark: 65536);
$slow->onOpen(function (Connection $it) use (&$kept, &$drained) {
    $kept = $it->onDrain(function () use (&$drained): void { $drained++; });
});
$peer = Peer::open($slow);
$peer->await(function () use (&$kept) { return $kept !== null; });
$message = str_repeat('x', 4 * 1024 * 1024);
try {
    for ($sent = 0; $sent < 100; $sent++) {
        $waiting = $kept->sendBinary($message);
    }
} catch (Towline\QueueFullException $full) {
    echo get_class($full), preg_replace('/^\d+/', ': N', $full->getMessage()), "\n";
}
var_dump($sent >= 16 && $sent <= 18, $waiting <= 64 * 1024 * 1024, $kept->isOpen());
for ($got = 0; $got < $sent; $got++) {
    $peer->frame() === [2, $message] || exit("not what was sent\n");
}
$peer->await(function () use (&$drained) { return $drained > 0; });
echo "drained: $drained, then waiting: ", $kept->send('x'), "\n";
?>
--EXPECT--
1200 opened, 1200 closed
memory: the same
descriptors: 0
resident: the same
-- a peer that does not read
Towline\QueueFullException: N bytes wait to be sent, 67108864 may: nothing was sent
bool(true)
bool(true)
bool(true)
drained: 1, then waiting: 0
