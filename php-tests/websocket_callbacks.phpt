--TEST--
close(), exceptions and waiting in each callback
--FILE--
<?php
require __DIR__ . '/websocket.inc';
use Towline\WebSocket\{Connection, HttpRequest, HttpResponse, Server};

/** A server that calls back in every way and does something in one of them; and what it told. */
function in(string $which, Closure $do): array
{
    $server = new Server('127.0.0.1:0', highWatermark: 65536);
    $told = new ArrayObject();
    $tell = function (string $name, mixed $subject) use ($which, $do, $told, $server): void {
        $told[] = $name;
        if ($name === $which) {
            $do($subject, $server);
        }
    };
    $server->onRequest(function () use ($tell, $server): HttpResponse { $tell('onRequest', $server); return new HttpResponse(body: 'page'); });
    $server->onUpgrade(function () use ($tell, $server): ?HttpResponse { $tell('onUpgrade', $server); return null; });
    $server->onOpen(function (Connection $it) use ($tell): void {
        $it->onMessage(function () use ($tell, $it): void {
            $tell('onMessage', $it);
            if ($it->isOpen()) {
                $it->sendBinary(str_repeat('x', 8 * 1024 * 1024));
            }
        });
        $it->onDrain(fn () => $tell('onDrain', $it));
        $it->onClose(fn () => $tell('onClose', $it));
        $tell('onOpen', $it);
    });
    return [$server, $told];
}

/** A browser's whole life; what it got. What is thrown meanwhile is told, and the loop driven on. */
function visit(Server $server): string
{
    $attempt = function (Closure $call): mixed {
        while (true) {
            try {
                return $call();
            } catch (Exception $thrown) {
                echo '  ', $thrown->getMessage(), "\n";
            }
        }
    };
    $page = new Peer($server);
    $page->write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    $got = $attempt(fn () => brief($page->answer()));
    $socket = new Peer($server);
    $socket->write(Peer::upgrade());
    $got .= '; ' . strtok($attempt(fn () => $socket->answer()), "\n");
    if (!str_contains($got, ' 101 ')) {
        return $got;
    }
    $socket->send('hello');
    do {
        $frame = $attempt(fn () => $socket->frame());
        $got .= '; ' . (strlen($frame[1] ?? '') > 200 ? 'a long one' : substr($frame[1] ?? 'the end', 2));
        $socket->close();
    } while ($frame !== null && $frame[0] !== 8);
    $attempt(fn () => $socket->await(fn () => false));
    return $got;
}

foreach (['onUpgrade', 'onOpen', 'onMessage', 'onDrain', 'onClose'] as $which) {
    [$server, $told] = in($which, fn (Server|Connection $it) => $it instanceof Server ? $it->close() : $it->close(3000, 'done'));
    echo "close in $which: ", visit($server), "\n  ", implode(', ', (array) $told), "\n";
}
foreach (['onRequest', 'onUpgrade', 'onOpen', 'onMessage', 'onDrain', 'onClose'] as $which) {
    echo "the server is closed in $which:\n";
    [$server, $told] = in($which, fn (Server|Connection $it, Server $server) => $server->close());
    $page = new Peer($server);
    $socket = new Peer($server);
    if ($which === 'onRequest') {
        echo '  ', brief($page->get('/')), "\n";
    } else {
        echo '  ', strtok($socket->ask(Peer::upgrade()), "\n"), "\n";
        $socket->send('hello');
        $which === 'onClose' ? $socket->close() : null;
        while (($frame = $socket->frame()) !== null) {
            echo '  ', json_encode(strlen($frame[1]) > 100 ? 'a long one' : substr($frame[1], 2)), "\n";
            if ($frame[0] === 8) {
                $socket->close(1001);
            }
        }
    }
    $page->await(fn () => false);
    $socket->await(fn () => false);
    $server->loop->run();
    echo '  ', implode(', ', (array) $told), ', pending: ', $server->loop->pending(), "\n";
}
foreach (['onRequest', 'onUpgrade', 'onOpen', 'onMessage', 'onDrain', 'onClose'] as $which) {
    echo "thrown in $which:\n";
    [$server, $told] = in($which, fn () => throw new Exception("thrown in $which"));
    echo '  ', visit($server), "\n  ", implode(', ', (array) $told), "\n";
}
echo "the loop is driven inside:\n";
$server = new Server('127.0.0.1:0');
$server->onRequest(function (HttpRequest $request) use ($server): HttpResponse {
    $later = false;
    $server->loop->delay(0.001, function () use (&$later) { $later = true; });
    until($server, function () use (&$later) { return $later; });
    return new HttpResponse(body: $request->path);
});
$server->onOpen(fn (Connection $it) => $it->onMessage(function (string $data) use ($it, $server) {
    $inner = new Peer($server);
    echo '  ', $data, ', ', brief($inner->get('/inside')), "\n";
    $it->send('after');
}));
$peer = Peer::open($server);
$peer->send('outside');
echo '  ', $peer->said(), "\n";
$fiber = new Fiber(function () use ($server): void {
    $peer = Peer::open($server);
    $peer->send('in a fiber');
    echo '  ', $peer->said(), "\n";
});
$fiber->start();
var_dump($fiber->isTerminated());

function until(Server $server, Closure $is): void
{
    while (!$is()) {
        $server->loop->tick(1.0);
    }
}
?>
--EXPECT--
close in onUpgrade: HTTP/1.1 200 OK: page; HTTP/1.1 503 Service Unavailable
  onRequest, onUpgrade
close in onOpen: HTTP/1.1 200 OK: page; HTTP/1.1 101 Switching Protocols; done
  onRequest, onUpgrade, onOpen, onClose
close in onMessage: HTTP/1.1 200 OK: page; HTTP/1.1 101 Switching Protocols; done
  onRequest, onUpgrade, onOpen, onMessage, onClose
close in onDrain: HTTP/1.1 200 OK: page; HTTP/1.1 101 Switching Protocols; a long one; done
  onRequest, onUpgrade, onOpen, onMessage, onDrain, onClose
close in onClose: HTTP/1.1 200 OK: page; HTTP/1.1 101 Switching Protocols; a long one; 
  onRequest, onUpgrade, onOpen, onMessage, onDrain, onClose
the server is closed in onRequest:
  HTTP/1.1 503 Service Unavailable: the server is going away
  onRequest, pending: 0
the server is closed in onUpgrade:
  HTTP/1.1 503 Service Unavailable
  onUpgrade, pending: 0
the server is closed in onOpen:
  HTTP/1.1 101 Switching Protocols
  "the server is going away"
  onUpgrade, onOpen, onClose, pending: 0
the server is closed in onMessage:
  HTTP/1.1 101 Switching Protocols
  "the server is going away"
  onUpgrade, onOpen, onMessage, onClose, pending: 0
the server is closed in onDrain:
  HTTP/1.1 101 Switching Protocols
  "a long one"
  "the server is going away"
  onUpgrade, onOpen, onMessage, onDrain, onClose, pending: 0
the server is closed in onClose:
  HTTP/1.1 101 Switching Protocols
  "a long one"
  ""
  onUpgrade, onOpen, onMessage, onClose, pending: 0
thrown in onRequest:
    thrown in onRequest
HTTP/1.1 500 Internal Server Error: something went wrong here; HTTP/1.1 101 Switching Protocols; a long one; 
  onRequest, onUpgrade, onOpen, onMessage, onDrain, onClose
thrown in onUpgrade:
    thrown in onUpgrade
HTTP/1.1 200 OK: page; HTTP/1.1 500 Internal Server Error
  onRequest, onUpgrade
thrown in onOpen:
    thrown in onOpen
HTTP/1.1 200 OK: page; HTTP/1.1 101 Switching Protocols; something went wrong here
  onRequest, onUpgrade, onOpen, onClose
thrown in onMessage:
    thrown in onMessage
HTTP/1.1 200 OK: page; HTTP/1.1 101 Switching Protocols; ; 
  onRequest, onUpgrade, onOpen, onMessage, onClose
thrown in onDrain:
    thrown in onDrain
HTTP/1.1 200 OK: page; HTTP/1.1 101 Switching Protocols; a long one; 
  onRequest, onUpgrade, onOpen, onMessage, onDrain, onClose
thrown in onClose:
    thrown in onClose
HTTP/1.1 200 OK: page; HTTP/1.1 101 Switching Protocols; a long one; 
  onRequest, onUpgrade, onOpen, onMessage, onDrain, onClose
the loop is driven inside:
    outside, HTTP/1.1 200 OK: /inside
text after
    in a fiber, HTTP/1.1 200 OK: /inside
text after
bool(true)
