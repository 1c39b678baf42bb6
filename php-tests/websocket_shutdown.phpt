--TEST--
Goodbyes: close() of a server, exit(), a fatal error, a loop that is lost
--FILE--
<?php
require __DIR__ . '/websocket.inc';
use Towline\WebSocket\{Connection, Server};

$server = new Server('127.0.0.1:0');
$server->onOpen(fn (Connection $it) => $it->onClose(function (int $code, string $reason): void { echo "closed: $code $reason\n"; }));
$peers = [Peer::open($server), Peer::open($server)];
$late = new Peer($server);
$server->close();
foreach ($peers as $peer) {
    echo $peer->said(), "\n";
    $peer->close(1001);
    echo $peer->said(), "\n";
}
$late->await(fn () => false);
echo $late->in === '' ? 'nothing for who said nothing' : $late->in, "\n";
$server->loop->run();
var_dump(@stream_socket_client("tcp://$server->address"));

echo "-- exit and fatal errors in each callback\n";
foreach (['onRequest', 'onUpgrade', 'onOpen', 'onMessage', 'onClose'] as $which) {
    foreach (['exit("exits\n");', 'str_repeat("x", PHP_INT_MAX);'] as $end) {
        $code = <<<'PHP'
            $server = new Towline\WebSocket\Server('127.0.0.1:0');
            register_shutdown_function(function () { echo "shutdown function\n"; });
            [, $which, $end] = $argv;
            $in = function (string $name) use ($which, $end) { if ($name === $which) { eval($end); } };
            $server->onRequest(function () use ($in) { $in('onRequest'); });
            $server->onUpgrade(function () use ($in) { $in('onUpgrade'); });
            $server->onOpen(function ($it) use ($in) {
                $in('onOpen');
                $it->onMessage(fn () => $in('onMessage'))->onClose(fn () => $in('onClose'));
            });
            $socket = stream_socket_client("tcp://$server->address");
            fwrite($socket, $which === 'onRequest' ? "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
                : "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x80\0\0\0\0\x88\x80\0\0\0\0");
            $server->loop->run();
            echo "never reached\n";
            PHP;
        echo "$which: ", str_replace("\n", ', ', apart($code, '-d memory_limit=32M', $which, $end)), "\n";
    }
}
echo "-- lost\n";
$server = new Server('127.0.0.1:0');
$peer = Peer::open($server);
$address = $server->address;
$socket = $peer->socket;
unset($server, $peer);
gc_collect_cycles();
stream_set_blocking($socket, true);
var_dump(fread($socket, 10), feof($socket), @stream_socket_client("tcp://$address"));
?>
--EXPECT--
close 1001 the server is going away
closed: 1001 
the end
close 1001 the server is going away
closed: 1001 
the end
nothing for who said nothing
bool(false)
-- exit and fatal errors in each callback
onRequest: exits, shutdown function, 
onRequest: shutdown function, 
onUpgrade: exits, shutdown function, 
onUpgrade: shutdown function, 
onOpen: exits, shutdown function, 
onOpen: shutdown function, 
onMessage: exits, shutdown function, 
onMessage: shutdown function, 
onClose: exits, shutdown function, 
onClose: shutdown function, 
-- lost
string(0) ""
bool(true)
bool(false)
