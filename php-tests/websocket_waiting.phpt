--TEST--
Callbacks that wait hold up nobody, however many they are
--FILE--
<?php
require __DIR__ . '/websocket.inc';
use Towline\WebSocket\{Connection, HttpRequest, HttpResponse, Server};

$server = new Server('127.0.0.1:0');
/** What waits, by its path. */
$waiting = [];
$wait = function (HttpRequest $request) use (&$waiting): mixed {
    $waiting[$request->path] = Fiber::getCurrent();
    return Fiber::suspend();
};
$server->onRequest(fn (HttpRequest $request) => $request->path === '/quick' ? new HttpResponse(body: 'quick') : null);
$server->onRequest($wait);
$server->onRequest(fn (HttpRequest $request) => new HttpResponse(body: "the next one, $request->path"));
$server->onUpgrade(fn (HttpRequest $request) => str_starts_with($request->path, '/wait') ? $wait($request) : null);
$server->onOpen(function (Connection $it, HttpRequest $request) use ($wait): void {
    $it->onMessage(fn (string $said) => $it->send("you said $said"));
    str_starts_with($request->path, '/open') && $it->send($wait($request));
});
$ask = function (string $path) use ($server): Peer {
    $peer = new Peer($server);
    $peer->write("GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return $peer;
};
$until = function (Closure $is) use ($server): void {
    while (!$is()) {
        $server->loop->tick(1.0);
    }
};

echo "-- many\n";
$peers = [];
for ($i = 0; $i < 100; $i++) {
    $peers[] = $ask("/$i");
}
$until(function () use (&$waiting) { return count($waiting) === 100; });
echo brief((new Peer($server))->get('/quick')), "\n";
// In whatever order, and one of them by the next callback.
foreach ([50, 0, 99, 7] as $i) {
    $waiting["/$i"]->resume($i === 7 ? null : new HttpResponse(body: "answer $i"));
    echo brief($peers[$i]->answer()), "\n";
}
echo "-- something is thrown\n";
attempt(fn () => $waiting['/1']->resume('text'));
attempt(fn () => $waiting['/2']->throw(new Exception('mine')));
$server->loop->defer(fn () => $waiting['/3']->throw(new Exception('later')));
attempt(fn () => $until(fn () => $waiting['/3']->isTerminated()));
echo brief($peers[1]->answer()), "\n", brief($peers[2]->answer()), "\n", brief($peers[3]->answer()), "\n";
echo "-- nobody resumes it\n";
unset($waiting['/4']);
echo brief($peers[4]->answer()), "\n";
echo "-- the client has gone\n";
$peers[5]->drop();
$waiting['/5']->resume(new HttpResponse(body: 'for nobody'));
var_dump($waiting['/5']->isTerminated());
echo "-- upgrades\n";
$sockets = [];
foreach (['/wait-a', '/wait-b'] as $path) {
    $sockets[$path] = new Peer($server);
    $sockets[$path]->write(Peer::upgrade($path));
}
$until(function () use (&$waiting) { return isset($waiting['/wait-a'], $waiting['/wait-b']); });
$waiting['/wait-b']->resume(new HttpResponse(403, 'no'));
$waiting['/wait-a']->resume();
echo brief($sockets['/wait-b']->answer()), ', ', strtok($sockets['/wait-a']->answer(), "\n"), "\n";
$sockets['/wait-a']->send('hello');
echo $sockets['/wait-a']->said(), "\n";
echo "-- what opens\n";
$open = Peer::open($server, '/open');
$open->send('early');
echo $open->said(), "\n";
$waiting['/open']->resume('late');
echo $open->said(), "\n";
$open = Peer::open($server, '/open-badly');
$until(function () use (&$waiting) { return isset($waiting['/open-badly']); });
attempt(fn () => $waiting['/open-badly']->throw(new Exception('mine')));
echo $open->said(), "\n";
echo "-- the loop's own futures\n";
$client = client();
$script = script('echo "from ", $_SERVER["QUERY_STRING"];');
$other = new Server('127.0.0.1:0', $client->loop);
$other->onRequest(fn (HttpRequest $request) => new HttpResponse(
    body: $client->send(Towline\FastCgi\Request::get($script, ['page' => $request->parameter('page')]))->await()->body,
));
$asking = [];
for ($i = 0; $i < 30; $i++) {
    $asking[] = $peer = new Peer($other);
    $peer->write("GET /?page=$i HTTP/1.1\r\nHost: localhost\r\n\r\n");
}
foreach ($asking as $i => $peer) {
    str_ends_with($answer = $peer->answer(), "from page=$i") || exit("$i: $answer\n");
}
echo "all\n";
echo "-- futures of other loops\n";
$second = client();
$third = client();
$inside = new ArrayObject();
$get = fn (string $page) => Towline\FastCgi\Request::get($script, ['page' => $page]);
$other = new Server('127.0.0.1:0', $client->loop);
$other->onRequest(fn (HttpRequest $request) => new HttpResponse(body: match ($request->path) {
    '/second' => $second->request($get('second'))->body,
    '/all' => implode(', ', array_column(Towline\Future::all([$second->send($get('second')), $client->send($get('own')), $third->send($get('third'))]), 'body')),
    // The callback that waits for the server's loop has the second one's driver suspended.
    '/inside' => $second->send($get('second'))->onDone(function () use ($inside, $client, $get): void {
        Towline\Future::all(array_map(fn () => $client->send($get('own')), range(1, 20)));
        $inside[] = 'own';
    })->await()->body,
}));
foreach (['/second', '/all', '/inside'] as $path) {
    $asking = [];
    for ($i = 0; $i < 5; $i++) {
        $asking[] = $peer = new Peer($other);
        $peer->write("GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    echo $path, ': ', implode('; ', array_unique(array_map(fn (Peer $peer) => brief($peer->answer()), $asking))), "\n";
}
echo count($inside), " inside\n";
echo "-- the server closes\n";
$server->close();
echo brief($peers[6]->answer()), "\n";
$waiting['/6']->resume(new HttpResponse(body: 'too late'));
var_dump($waiting['/6']->isTerminated());
echo "-- the script ends\n";
$code = <<<'PHP'
    $server = new Towline\WebSocket\Server('127.0.0.1:0');
    $waiting = [];
    $wait = function () use (&$waiting): void {
        $waiting[] = Fiber::getCurrent();
        try {
            Fiber::suspend();
        } finally {
            echo 'finally ';
        }
    };
    $server->onRequest($wait);
    $server->onUpgrade(fn () => match ($argv[1]) { 'exit inside' => exit('exit '), 'fatal inside' => str_repeat('x', PHP_INT_MAX - 100), default => null });
    $ask = function (string $headers) use ($server, &$sockets): void {
        fwrite($sockets[] = stream_socket_client("tcp://$server->address"), "GET / HTTP/1.1\r\nHost: localhost\r\n$headers\r\n");
    };
    $ask('');
    $ask('');
    while (count($waiting) < 2) {
        $server->loop->tick(1.0);
    }
    if (str_ends_with($argv[1], 'inside')) {
        $ask("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
        $server->loop->run();
    }
    match ($argv[1]) { 'exit' => exit('exit '), 'fatal' => str_repeat('x', PHP_INT_MAX - 100), 'lost' => [$server = $waiting = $wait = $ask = null, gc_collect_cycles()], 'end' => null };
    echo 'end ';
    PHP;
foreach (['end', 'lost', 'exit', 'fatal', 'exit inside', 'fatal inside'] as $how) {
    echo "$how: ", trim(apart($code, '', $how)), "\n";
}
?>
--EXPECT--
-- many
HTTP/1.1 200 OK: quick
HTTP/1.1 200 OK: answer 50
HTTP/1.1 200 OK: answer 0
HTTP/1.1 200 OK: answer 99
HTTP/1.1 200 OK: the next one, /7
-- something is thrown
TypeError: the callback must return Towline\WebSocket\HttpResponse or null, string returned
Exception: mine
Exception: later
HTTP/1.1 500 Internal Server Error: something went wrong here
HTTP/1.1 500 Internal Server Error: something went wrong here
HTTP/1.1 500 Internal Server Error: something went wrong here
-- nobody resumes it
HTTP/1.1 500 Internal Server Error: something went wrong here
-- the client has gone
bool(true)
-- upgrades
HTTP/1.1 403 Forbidden: no, HTTP/1.1 101 Switching Protocols
text you said hello
-- what opens
text you said early
text late
Exception: mine
close 1011 something went wrong here
-- the loop's own futures
all
-- futures of other loops
/second: HTTP/1.1 200 OK: from page=second
/all: HTTP/1.1 200 OK: from page=second, from page=own, from page=third
/inside: HTTP/1.1 200 OK: from page=second
5 inside
-- the server closes
HTTP/1.1 503 Service Unavailable: the server is going away
bool(true)
-- the script ends
end: end finally finally
lost: finally finally end
exit: exit finally finally
fatal: 
exit inside: exit finally finally
fatal inside: 
