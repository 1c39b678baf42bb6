--TEST--
No more than 1000 callbacks wait at a time, also for clients that have gone
--FILE--
<?php
require __DIR__ . '/websocket.inc';
use Towline\Terminal\Hub;
use Towline\WebSocket\{Connection, HttpRequest, HttpResponse, Server};

$server = new Server('127.0.0.1:0');
$hub = new Hub($server->loop);
$waiting = [];
$wait = function (HttpRequest $request) use (&$waiting): HttpResponse {
    if ($request->path === '/wait') {
        $waiting[] = Fiber::getCurrent();
        Fiber::suspend();
    }
    return new HttpResponse(body: 'answered');
};
$server->onRequest($wait);
$server->onUpgrade(fn (HttpRequest $request) => $request->path === '/asked' ? new HttpResponse(403, 'no') : null);
$open = new Server('127.0.0.1:0', $server->loop);
$open->onOpen(fn (Connection $it, HttpRequest $request) => $request->path === '/page' ? $hub->welcome($it, fn () => null) : $it->send('hello'));
// Has so many wait, by clients that are reset: an answer came before that they have not read.
$fill = function (int $until) use ($server, &$waiting): void {
    for ($i = count($waiting); $i < $until; $i++) {
        $peer = new Peer($server);
        $peer->write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
        while (count($waiting) === $i) {
            $server->loop->tick(1.0);
        }
        $peer->drop();
    }
};
$show = function () use ($server, $open): void {
    echo brief((new Peer($server))->get('/')), "\n";
    echo brief((new Peer($server))->ask(Peer::upgrade('/asked'))), "\n";
    $peer = Peer::open($open);
    echo $peer->said(), "\n";
};
$page = fn () => Peer::open($open, '/page');
$first = function (Peer $page): void {
    $page->send('{"AuthToken":""}', 2);
    echo $page->said(), "\n";
};

[$one, $other] = [$page(), $page()];
$fill(999);
echo "-- one more may wait\n";
$show();
$fill(1000);
echo "-- no more\n";
$show();
$first($one);
echo "-- one has ended\n";
array_pop($waiting)->resume();
$show();
$fill(1000);
$show();
echo "-- one is given up\n";
array_pop($waiting);
$show();
echo "-- all are\n";
$waiting = [];
$first($other);
$fill(10);
$show();
?>
--EXPECT--
-- one more may wait
HTTP/1.1 200 OK: answered
HTTP/1.1 403 Forbidden: no
text hello
-- no more
HTTP/1.1 503 Service Unavailable: too many callbacks wait
HTTP/1.1 503 Service Unavailable: too many callbacks wait
close 1013 too many callbacks wait
close 1013 too many callbacks wait
-- one has ended
HTTP/1.1 200 OK: answered
HTTP/1.1 403 Forbidden: no
text hello
HTTP/1.1 503 Service Unavailable: too many callbacks wait
HTTP/1.1 503 Service Unavailable: too many callbacks wait
close 1013 too many callbacks wait
-- one is given up
HTTP/1.1 200 OK: answered
HTTP/1.1 403 Forbidden: no
text hello
-- all are
close 1008 refused
HTTP/1.1 200 OK: answered
HTTP/1.1 403 Forbidden: no
text hello
