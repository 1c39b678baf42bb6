--TEST--
terminal/server.php: an Engine that does not answer holds up those who ask for it, and nobody else
--FILE--
<?php
require __DIR__ . '/websocket.inc';
require dirname(__DIR__) . '/terminal/server.php';
use Towline\Docker\Client;
use Towline\Terminal\{Hub, Tokens};
use Towline\WebSocket\Server;

[$path, $engine] = listener();
$server = new Server('127.0.0.1:0');
$tokens = new Tokens();
terminals($server, new Client($path, $server->loop), new Hub($server->loop), $tokens);
$bearer = "Authorization: Bearer $tokens->access\r\n";

echo "-- many ask for the list, and some for a terminal\n";
$lists = $pages = [];
for ($i = 0; $i < 20; $i++) {
    $lists[] = $peer = new Peer($server);
    $peer->write("GET /containers HTTP/1.1\r\nHost: localhost\r\n$bearer\r\n");
    $pages[] = $page = new Page($server, '/ws?container=web', AuthToken: $tokens->issue());
    // Longer than what a first message may be.
    $page->type(str_repeat('x', 20000));
}
echo strtok((new Peer($server))->get('/icon.svg'), "\n"), "\n";
echo strtok((new Peer($server))->get('/token', $bearer), "\n"), "\n";
// Whoever sends the next message has been heard before: all wait for the Engine now.
foreach ($pages as $page) {
    $page->peer->send('ping', 9);
}
echo (new Page($server, '/ws', AuthToken: 'wrong'))->rest(), "\n";
echo array_sum(array_map(fn (Peer $peer) => (int) $peer->ended, $lists)), " lists have been given up\n";

echo "-- it answers: one has no name, one is ours\n";
$containers = json_encode([
    ['Id' => 'nameless', 'Names' => [], 'Image' => 'i', 'State' => 'dead'], ['Id' => 'null', 'Names' => null, 'Image' => 'i', 'State' => 'dead'],
    ['Id' => 'abc', 'Names' => ['/mine'], 'Image' => 'i', 'State' => 'running'],
]);
$answer = function (string $request) use ($containers): string {
    $body = str_contains($request, '/_ping') ? 'OK' : $containers;
    return "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\nContent-Length: " . strlen($body) . "\r\n\r\n$body";
};
stream_set_blocking($engine, false);
$connections = [];
$serve = function () use ($engine, &$connections, $answer): void {
    while ($connection = @stream_socket_accept($engine, 0)) {
        stream_set_blocking($connection, false);
        $connections[] = [$connection, ''];
    }
    foreach ($connections as [$connection, &$in]) {
        $in .= fread($connection, 65536);
        while (($end = strpos($in, "\r\n\r\n")) !== false) {
            fwrite($connection, $answer(substr($in, 0, $end)));
            $in = substr($in, $end + 4);
        }
    }
};
$server->loop->repeat(0.001, $serve);
$names = fn (string $answer) => array_column(json_decode(explode("\n\n", $answer, 2)[1], true)['containers'], 'name');
echo json_encode(array_unique(array_map(fn (Peer $peer) => json_encode($names($peer->answer())), $lists))), "\n";
foreach ($pages as $page) {
    $ends[] = $page->rest();
}
print_r(array_count_values($ends));
?>
--EXPECT--
-- many ask for the list, and some for a terminal
HTTP/1.1 200 OK
HTTP/1.1 200 OK
1008 This token is missing, wrong, or was used already.
0 lists have been given up
-- it answers: one has no name, one is ours
["[\"nameless\",\"null\",\"mine\"]"]
Array
(
    [1011 There is no such container here.] => 20
)
