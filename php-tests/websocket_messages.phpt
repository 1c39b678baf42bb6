--TEST--
Messages in both directions, and how a WebSocket ends
--FILE--
<?php
require __DIR__ . '/websocket.inc';
use Towline\WebSocket\{Connection, Server};

/** A server that echoes and tells how connections end. */
function echoing(mixed ...$options): Server
{
    $server = new Server('127.0.0.1:0', ...$options);
    return $server->onOpen(function (Connection $connection): void {
        $connection->onMessage(fn (string $data, bool $binary) => $binary ? $connection->sendBinary($data) : $connection->send($data));
        $connection->onClose(function (int $code, string $reason): void { echo "  closed: $code $reason\n"; });
    });
}

$server = echoing();
$peer = Peer::open($server);
$peer->send("gr\u{fc}n");
echo $peer->said(), "\n";
$peer->send("\0\xff", 2);
echo bin2hex($peer->said()), "\n";
$peer->send('', 1);
echo $peer->said(), "|\n";
foreach ([125, 126, 65535, 65536, 3 * 1024 * 1024] as $size) {
    $bytes = random_bytes($size);
    $peer->send($bytes, 2);
    var_dump($peer->frame() === [2, $bytes]);
}
$peer->send('a', 1, false);
$peer->send('ping', 9);
$peer->send('b', 0, false);
$peer->send('c', 0);
echo $peer->said(), ', ', $peer->said(), "\n";
$peer->close(3001, "au revoir \u{e9}");
echo $peer->said(), ', ', $peer->said(), "\n";

echo "-- what peers do\n";
foreach ([
    'no code' => fn (Peer $peer) => $peer->send('', 8),
    'gone' => function (Peer $peer): void { stream_socket_shutdown($peer->socket, STREAM_SHUT_WR); },
    'no UTF-8' => fn (Peer $peer) => $peer->send("\xff"),
    'unmasked' => fn (Peer $peer) => $peer->write("\x81\x01a"),
    'reserved bit' => fn (Peer $peer) => $peer->write("\xc1\x80\0\0\0\0"),
    'bad opcode' => fn (Peer $peer) => $peer->send('', 3),
    'long ping' => fn (Peer $peer) => $peer->send(str_repeat('x', 126), 9),
    'continues nothing' => fn (Peer $peer) => $peer->send('x', 0),
    'bad code' => fn (Peer $peer) => $peer->close(1005),
] as $name => $do) {
    echo "$name:\n";
    $peer = Peer::open($server);
    $do($peer);
    echo '  ', $peer->said(), ', ', $peer->said(), "\n";
}
echo "-- maxMessage\n";
$peer = Peer::open($small = echoing(maxMessage: 5));
$peer->send('12345');
echo $peer->said(), "\n";
$peer->send('123', 1, false);
$peer->send('456', 0);
echo $peer->said(), "\n";

echo "-- what the program does\n";
$with = function (Closure $do, ?Peer &$peer = null): Connection {
    $server = new Server('127.0.0.1:0');
    $server->onOpen(function (Connection $it) use (&$connection) { $connection = $it; });
    $peer = Peer::open($server);
    $peer->await(function () use (&$connection) { return $connection !== null; });
    $connection->onClose(function (int $code, string $reason): void { echo "  closed: $code $reason\n"; });
    $do($connection);
    return $connection;
};
$connection = $with(function (Connection $it): void {
    echo $it->id, ' ', $it->send('abc'), "\n";
    attempt(fn () => $it->send("ab\xffc"));
    attempt(fn () => $it->send(5.0));
    attempt(fn () => $it->send());
    attempt(fn () => $it->close(1005));
    attempt(fn () => $it->close(999));
    attempt(fn () => $it->close(70000));
    attempt(fn () => $it->close(1000, str_repeat('x', 124)));
    attempt(fn () => $it->close(1000, "\xff"));
    var_dump($it->isOpen());
    $it->close(4000, 'enough');
    $it->close();
    var_dump($it->isOpen());
    attempt(fn () => $it->send('x'));
    attempt(fn () => $it->sendBinary('x'));
    $it->pause();
    $it->resume();
}, $peer);
echo $peer->said(), ', ', $peer->said(), ', ', $peer->said(), "\n";
$peer->close(4000);
$peer->await(fn () => false);
echo $peer->said(), "\n";
attempt(fn () => $connection->send('x'));
// The peer goes; both events are in the queue when the program sends.
$server = new Server('127.0.0.1:0');
$others = [];
$server->onOpen(function (Connection $it) use (&$others): void {
    $others[] = $it->onMessage(function () use (&$others): void {
        foreach ($others as $other) {
            try {
                $waiting = $other->send('to all');
                echo "  sent, waiting: $waiting\n";
            } catch (Towline\ClosedException $gone) {
                echo '  ', $gone->getMessage(), ', open: ', json_encode($other->isOpen()), "\n";
            }
        }
    });
});
$peers = [Peer::open($server), Peer::open($server)];
$peers[0]->await(function () use (&$others) { return count($others) === 2; });
$peers[0]->send('x');
$peers[1]->drop();
$peers[0]->await(fn () => $peers[0]->in !== '');
$peers[0]->await(fn () => $server->connections() === 1);
$peers[0]->send('x');
$peers[0]->await(fn () => strlen($peers[0]->in) > 10);

echo "-- pause\n";
$connection = $with(fn (Connection $it) => $it->onMessage(function (string $data) { echo "  $data\n"; })->pause(), $peer);
$peer->send('one');
$peer->send('two');
$connection->onDrain(fn () => null);
$connection->send('ready?');
echo $peer->said(), "\n";
$connection->resume();
$connection->onMessage(function (string $data) use ($connection) { $data === 'two' && $connection->send('done'); });
echo $peer->said(), "\n";
?>
--EXPECT--
text grün
62696e6172792000ff
text |
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
pong ping, text abc
  closed: 3001 au revoir é
close 3001 , the end
-- what peers do
no code:
    closed: 1005 
close, the end
gone:
    closed: 1006 the connection ended without a closing handshake
the end, the end
no UTF-8:
    closed: 1007 text that is not UTF-8
close 1007 text that is not UTF-8, the end
unmasked:
    closed: 1002 Received an unmasked frame from client
close 1002 Received an unmasked frame from client, the end
reserved bit:
    closed: 1002 Reserved bits are non-zero
close 1002 Reserved bits are non-zero, the end
bad opcode:
    closed: 1002 Encountered invalid opcode: 3
close 1002 Encountered invalid opcode: 3, the end
long ping:
    closed: 1002 Control frame too big (payload must be 125 bytes or less)
close 1002 Control frame too big (payload must be 125 bytes or less), the end
continues nothing:
    closed: 1002 Continue frame but nothing to continue
close 1002 Continue frame but nothing to continue, the end
bad code:
    closed: 1002 Protocol violation
close 1002 , the end
-- maxMessage
text 12345
  closed: 1009 Space limit exceeded: Message too long: 6 > 5
close 1009 Space limit exceeded: Message too long: 6 > 5
-- what the program does
1 0
ValueError: Towline\WebSocket\Connection::send(): Argument #1 ($text) must be UTF-8 text, byte 2 is not; sendBinary() takes any bytes
nothing was thrown
ArgumentCountError: Towline\WebSocket\Connection::send() expects exactly 1 argument, 0 given
ValueError: Towline\WebSocket\Connection::close(): Argument #1 ($code) must be a close code that may be sent (1000 to 1003, 1007 to 1013, 3000 to 4999), 1005 given
ValueError: Towline\WebSocket\Connection::close(): Argument #1 ($code) must be a close code that may be sent (1000 to 1003, 1007 to 1013, 3000 to 4999), 999 given
ValueError: Towline\WebSocket\Connection::close(): Argument #1 ($code) must be a close code that may be sent (1000 to 1003, 1007 to 1013, 3000 to 4999), 70000 given
ValueError: Towline\WebSocket\Connection::close(): Argument #2 ($reason) must have at most 123 bytes, 124 given
ValueError: Towline\WebSocket\Connection::close(): Argument #2 ($reason) must be UTF-8 text
bool(true)
bool(false)
Error: this connection is closed: nothing can be sent
Error: this connection is closed: nothing can be sent
text abc, text 5, close 4000 enough
  closed: 4000 
the end
Towline\ClosedException: the connection is closed: nothing was sent
  sent, waiting: 0
  sent, waiting: 0
  sent, waiting: 0
  the connection is closed: nothing was sent, open: false
-- pause
text ready?
  one
  two
text done
