--TEST--
Where a server listens, and the errors of that
--FILE--
<?php
require __DIR__ . '/websocket.inc';
use Towline\WebSocket\{HttpResponse, Server};

$server = new Server('127.0.0.1:0');
$port = substr(strrchr($server->address, ':'), 1);
ob_start();
attempt(fn () => new Server("127.0.0.1:$port"));
echo str_replace($port, 'PORT', ob_get_clean());
foreach (['', 'nonsense', '127.0.0.1', '127.0.0.1:70000', '127.0.0.1:x', 'name.invalid:80', "\xff", '192.0.2.1:0', 'unix:', 'unix:/nonexistent/x.sock', "unix:/tmp/a\0b",
    'unix:/' . str_repeat('x', 200), 'https://127.0.0.1:80'] as $address) {
    echo json_encode(strlen($address) > 100 ? 'long' : $address, JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES), ": ";
    ob_start();
    attempt(fn () => new Server($address));
    echo preg_replace('/x{50,}/', 'x...', ob_get_clean());
}
echo "-- options\n";
foreach ([
    'maxMessage' => 0, 'maxConnections' => 0, 'highWatermark' => 0, 'maxBody' => -1, 'pingInterval' => -1.0, 'handshakeTimeout' => 0.0,
    'allowedOrigins' => ['x'], 'subprotocols' => ['a b'], 'loop' => 5,
] as $name => $value) {
    attempt(fn () => new Server('127.0.0.1:0', ...[$name => $value]));
}
attempt(fn () => new Server('127.0.0.1:0', allowedOrigins: [5.5]));
attempt(fn () => new Server('127.0.0.1:0', allowedOrigins: [null]));
attempt(fn () => new Server('127.0.0.1:0', pingInterval: NAN));
attempt(fn () => new Server());
attempt(fn () => $server->__construct('127.0.0.1:0'));
attempt(fn () => clone $server);
attempt(fn () => serialize($server));
attempt(fn () => $server->address = 'x');
attempt(fn () => new Towline\WebSocket\Connection());
attempt(fn () => new Towline\WebSocket\HttpRequest());
new Server('127.0.0.1:0', $server->loop, pingInterval: 0);

echo "-- sockets\n";
$path = folder() . '/x.sock';
$unix = new Server("unix:$path");
$unix->onRequest(fn ($request) => new HttpResponse(body: $request->remoteAddress));
echo brief((new Peer($unix))->get('/')), "\n";
ob_start();
attempt(fn () => new Server("unix:$path"));
echo str_replace($path, 'PATH', ob_get_clean());
$unix->close();
$unix->close();
$unix->loop->run();
echo $unix->connections(), ' ', $unix->address === "unix:$path" ? 'still known' : 'lost', "\n";
var_dump(file_exists($path));
// Somebody died and left it.
$dead = stream_socket_server("unix://$path");
fclose($dead);
var_dump(file_exists($path));
$unix = new Server("unix:$path");
$unix->onRequest(fn ($request) => new HttpResponse(body: 'again'));
echo brief((new Peer($unix))->get('/')), "\n";
$unix->close();
$unix->onRequest(fn () => null)->onUpgrade(fn () => null)->onOpen(fn () => null);
$unix->loop->run();
$six = new Server('[::1]:0');
$six->onRequest(fn ($request) => new HttpResponse(body: preg_replace('/\d+$/', 'PORT', $request->remoteAddress)));
echo preg_replace('/\d+$/', 'PORT', $six->address), ' ', brief((new Peer($six))->get('/')), "\n";
echo "-- a child\n";
$pid = pcntl_fork();
if ($pid === 0) {
    attempt(fn () => $six->connections());
    attempt(fn () => $six->close());
    unset($six);
    gc_collect_cycles();
    posix_kill(getmypid(), SIGKILL);
}
pcntl_waitpid($pid, $status);
echo brief((new Peer($six))->get('/')), "\n";
?>
--EXPECT--
Towline\Exception: cannot listen on 127.0.0.1:PORT: Address already in use (os error 98)
"": ValueError: "" is no address: it is empty; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port
"nonsense": ValueError: "nonsense" is no address: the port is missing; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port
"127.0.0.1": ValueError: "127.0.0.1" is no address: the port is missing; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port
"127.0.0.1:70000": ValueError: "127.0.0.1:70000" is no address: the port is a number from 0 to 65535; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port
"127.0.0.1:x": ValueError: "127.0.0.1:x" is no address: the port is a number from 0 to 65535; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port
"name.invalid:80": Towline\Exception: cannot listen on name.invalid:80: a numeric address is needed to listen
"\ufffd": ValueError: Towline\WebSocket\Server::__construct(): Argument #1 ($address) must be an address, bytes that are no UTF-8 given
"192.0.2.1:0": Towline\Exception: cannot listen on 192.0.2.1:0: Cannot assign requested address (os error 99)
"unix:": ValueError: "unix:" is no address: the path is empty; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port
"unix:/nonexistent/x.sock": Towline\Exception: cannot listen on unix:/nonexistent/x.sock: No such file or directory (os error 2)
"unix:/tmp/a\u0000b": ValueError: "unix:/tmp/a\0b" is no address: the path holds a NUL byte; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port
"long": ValueError: "unix:/x..." is no address: a unix socket's path has at most 107 bytes; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port
"https://127.0.0.1:80": ValueError: "https://127.0.0.1:80" is no address: the scheme is not known; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port
-- options
ValueError: Towline\WebSocket\Server::__construct(): Argument #4 ($maxMessage) must be at least 1, 0 given
ValueError: Towline\WebSocket\Server::__construct(): Argument #5 ($maxConnections) must be at least 1, 0 given
ValueError: Towline\WebSocket\Server::__construct(): Argument #8 ($highWatermark) must be at least 1, 0 given
ValueError: Towline\WebSocket\Server::__construct(): Argument #10 ($maxBody) must be at least 0, -1 given
ValueError: Towline\WebSocket\Server::__construct(): Argument #6 ($pingInterval) must be a finite number of seconds, 0 or more, -1 given
ValueError: handshakeTimeout is 0 s; expected more than 0 and at most a year
ValueError: "x" is no origin; expected one like "https://example.org", or "*" for any
ValueError: "a b" cannot name a subprotocol; expected a token like "tty"
TypeError: Towline\WebSocket\Server::__construct(): Argument #2 ($loop) must be of type ?Towline\Loop, int given
ValueError: "5.5" is no origin; expected one like "https://example.org", or "*" for any
TypeError: Towline\WebSocket\Server::__construct(): Argument #3 ($allowedOrigins) must be of type list<string|int|float>, null given
ValueError: Towline\WebSocket\Server::__construct(): Argument #6 ($pingInterval) must be a finite number of seconds, 0 or more, NaN given
ArgumentCountError: Towline\WebSocket\Server::__construct() expects at least 1 argument, 0 given
Error: this object has been constructed already
Error: Trying to clone an uncloneable object of class Towline\WebSocket\Server
Exception: Serialization of 'Towline\WebSocket\Server' is not allowed
Error: Cannot modify readonly property Towline\WebSocket\Server::$address
Error: Call to private Towline\WebSocket\Connection::__construct() from global scope
Error: Call to private Towline\WebSocket\HttpRequest::__construct() from global scope
-- sockets
HTTP/1.1 200 OK: unix:
Towline\Exception: cannot listen on unix:PATH: another process listens on this socket
0 still known
bool(false)
bool(true)
HTTP/1.1 200 OK: again
[::1]:PORT HTTP/1.1 200 OK: [::1]:PORT
-- a child
Towline\Exception: this loop belongs to the process that made it: make a new Towline\Loop after pcntl_fork()
Towline\Exception: this loop belongs to the process that made it: make a new Towline\Loop after pcntl_fork()
HTTP/1.1 200 OK: [::1]:PORT
