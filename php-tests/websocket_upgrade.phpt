--TEST--
Who may open a WebSocket: onUpgrade, origins, subprotocols
--FILE--
<?php
require __DIR__ . '/websocket.inc';
use Towline\WebSocket\{Connection, HttpRequest, HttpResponse, Server};

$server = new Server('127.0.0.1:0');
$peer = new Peer($server);
echo $peer->ask(Peer::upgrade()), "\n";
$asked = [];
$server->onUpgrade(function (HttpRequest $request) use (&$asked): ?HttpResponse {
    $asked[] = $request->path;
    return $request->path === '/ws' ? null : new HttpResponse(403, 'not you', ['X-Why' => 'path']);
});
$server->onUpgrade(fn (HttpRequest $request) => ($request->query['token'] ?? '') === 'good' ? null : new HttpResponse(401));
$server->onOpen(function (Connection $connection, HttpRequest $request): void {
    echo "open: $request->path ", $request->query['token'] ?? 'no token', ' ', preg_replace('/\d+$/', 'PORT', $connection->remoteAddress), "\n";
    var_dump($connection->isOpen());
});
$peer->close();
$peer->await(fn () => $server->connections() === 0);
echo (new Peer($server))->ask(Peer::upgrade('/other')), "\n";
echo brief((new Peer($server))->ask(Peer::upgrade('/ws?token=bad'))), "\n";
$peer = Peer::open($server, '/ws?token=good');
$peer->send('nobody listens');
echo implode(' ', $asked), ', open: ', $server->connections(), "\n";
$peer->close();
echo $peer->said(), ', ', $peer->said(), ", open: ", $server->connections(), "\n";

echo "-- not even asked\n";
echo brief((new Peer($server))->get('/ws')), "\n";
echo brief((new Peer($server))->ask(str_replace('Version: 13', 'Version: 8', Peer::upgrade('/ws')))), "\n";
echo brief((new Peer($server))->ask(Peer::upgrade('/ws', "Origin: http://evil.example\r\n"))), "\n";
echo count($asked), "\n";

echo "-- origins\n";
$try = function (?array $allowed, string $origin): void {
    $server = new Server('127.0.0.1:0', allowedOrigins: $allowed);
    echo json_encode($allowed), " $origin: ", brief((new Peer($server))->ask(Peer::upgrade(headers: $origin === '' ? '' : "Origin: $origin\r\n"))), "\n";
};
$try(null, 'http://localhost');
$try(null, 'http://localhost:81');
$try(null, 'null');
$try(['*'], 'http://evil.example');
$try(['https://a.example', 'http://b.example:8080'], 'http://b.example:8080');
$try(['https://a.example'], 'http://a.example');
$try([], 'http://localhost');
$try([], '');

echo "-- subprotocols\n";
$offer = function (Server $server, string $offered): void {
    preg_match('/Sec-WebSocket-Protocol: .*/', (new Peer($server))->ask(Peer::upgrade(headers: "Sec-WebSocket-Protocol: $offered\r\n")), $match);
    echo $match[0] ?? 'none', "\n";
};
$offer(new Server('127.0.0.1:0'), 'other, tty');
$offer(new Server('127.0.0.1:0'), 'other');
$offer(new Server('127.0.0.1:0', subprotocols: ['a', 'b']), 'b, a');
$offer(new Server('127.0.0.1:0', subprotocols: []), 'tty');

echo "-- what is no answer\n";
foreach (['onRequest', 'onUpgrade'] as $on) {
    $server = new Server('127.0.0.1:0');
    $server->$on(fn () => 'text');
    $peer = new Peer($server);
    attempt(fn () => $on === 'onRequest' ? $peer->get('/') : $peer->ask(Peer::upgrade()));
    $peer->await(fn () => $peer->in !== '');
    echo strtok($peer->in, "\r"), "\n";
}
?>
--EXPECT--
HTTP/1.1 101 Switching Protocols
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
open: / no token 127.0.0.1:PORT
bool(true)
HTTP/1.1 403 Forbidden
Content-Length: 7
Connection: close
X-Why: path
Content-Type: text/plain; charset=utf-8

not you
HTTP/1.1 401 Unauthorized
/other /ws /ws, open: 1
open: /ws good 127.0.0.1:PORT
bool(true)
close 1000 , the end, open: 0
-- not even asked
HTTP/1.1 404 Not Found: not found
HTTP/1.1 426 Upgrade Required: version 13 of WebSocket is spoken here
HTTP/1.1 403 Forbidden: pages of this origin may not open a WebSocket here
3
-- origins
null http://localhost: HTTP/1.1 101 Switching Protocols
null http://localhost:81: HTTP/1.1 403 Forbidden: pages of this origin may not open a WebSocket here
null null: HTTP/1.1 403 Forbidden: pages of this origin may not open a WebSocket here
["*"] http://evil.example: HTTP/1.1 101 Switching Protocols
["https:\/\/a.example","http:\/\/b.example:8080"] http://b.example:8080: HTTP/1.1 101 Switching Protocols
["https:\/\/a.example"] http://a.example: HTTP/1.1 403 Forbidden: pages of this origin may not open a WebSocket here
[] http://localhost: HTTP/1.1 403 Forbidden: pages of this origin may not open a WebSocket here
[] : HTTP/1.1 101 Switching Protocols
-- subprotocols
Sec-WebSocket-Protocol: tty
none
Sec-WebSocket-Protocol: a
none
-- what is no answer
TypeError: the callback must return Towline\WebSocket\HttpResponse or null, string returned
HTTP/1.1 500 Internal Server Error
TypeError: the callback must return Towline\WebSocket\HttpResponse or null, string returned
HTTP/1.1 500 Internal Server Error
