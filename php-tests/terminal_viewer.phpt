--TEST--
What goes with a viewer may wait
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/websocket.inc';
use Towline\Docker\Client;
use Towline\Terminal\Hub;
use Towline\WebSocket\{Connection, Server};

$engine = Engine::get('docker');
$server = new Server('127.0.0.1:0');
$docker = $engine->client(loop: $server->loop);
$hub = new Hub($server->loop);
$session = $hub->open($docker->exec($engine->container(), ['cat'], tty: true, stdin: true));
$server->onOpen(fn (Connection $it) => $hub->welcome($it, fn () => $session));
$with = new WeakMap();
$session->onJoin(function (Connection $it) use ($with, $docker) {
    $with[$it] = new class($docker) {
        public function __construct(private Client $docker) {}
        public function __destruct() { attempt(fn () => $this->docker->version()->await()); }
    };
});
$viewer = new Page($server, '/', [null, ''], AuthToken: '');
$viewer->message('s');
until($server->loop, fn () => count($with) === 1);
$viewer->peer->drop();
until($server->loop, fn () => count($with) === 0);
echo $session->viewers(), " viewers\n";
$hub->close();
$server->close();
$server->loop->run();
?>
--EXPECT--
nothing was thrown
0 viewers
