--TEST--
What a server's options do
--FILE--
<?php
require __DIR__ . '/websocket.inc';
use Towline\WebSocket\Server;

echo "-- pingInterval\n";
$peer = Peer::open(new Server('127.0.0.1:0', pingInterval: 0.05));
echo $peer->said(), ', ', $peer->said(), "\n";
$server = new Server('127.0.0.1:0', pingInterval: 0.05);
$server->onOpen(fn ($it) => $it->pause());
$peer = Peer::open($server);
$peer->send('not read');
$peer->drop();
while ($server->connections() > 0) {
    $server->loop->tick(1.0);
}
echo "one that is not read, and gone, is noticed\n";
echo "-- handshakeTimeout\n";
$peer = new Peer(new Server('127.0.0.1:0', handshakeTimeout: 0.05));
echo brief($peer->ask('GET / HT')), "\n";
echo "-- maxConnections\n";
$server = new Server('127.0.0.1:0', maxConnections: 1);
$first = Peer::open($server);
echo brief((new Peer($server))->get('/')), "\n";
echo "-- maxBody\n";
echo brief((new Peer(new Server('127.0.0.1:0', maxBody: 3)))->ask("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody")), "\n";
?>
--EXPECT--
-- pingInterval
ping , the end
one that is not read, and gone, is noticed
-- handshakeTimeout
HTTP/1.1 408 Request Timeout: the request did not arrive within 0.05 s
-- maxConnections
HTTP/1.1 503 Service Unavailable: too many connections; try again later
-- maxBody
HTTP/1.1 413 Content Too Large: the request's body has 4 bytes; at most 3 are taken
