--TEST--
Cycles through hubs and sessions are collected; exit() and fatal errors with a session open
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/websocket.inc';
use Towline\Terminal\{Hub, Session};
use Towline\WebSocket\{Connection, Server};

final class Witness
{
    public array $holds = [];
    public function __construct(private string $name) {}
    public function __destruct() { echo "$this->name destroyed\n"; }
}

/** Makes cycles, forgets them, and collects. */
function collected(string $name, Closure $make): void
{
    $make(new Witness($name));
    gc_collect_cycles();
    gc_collect_cycles();
}

gc_disable();
$engine = Engine::get('docker');
$web = $engine->container();
collected('hub', function (Witness $w) {
    $w->holds[] = new Hub();
});
collected('session', function (Witness $w) use ($engine, $web) {
    $docker = $engine->client();
    $hub = $w->holds[] = new Hub($docker->loop);
    $touch = function () use ($w) {};
    $w->holds[] = $hub->open($docker->exec($web, ['cat'], tty: true, stdin: true))
        ->onStart($touch)->onExit($touch)->onError($touch)->onJoin($touch)->onLeave($touch)->onRecordingError($touch)->onEnd($touch);
    $docker->loop->tick();
});
collected('who is welcomed', function (Witness $w) use ($engine) {
    $server = new Server('127.0.0.1:0');
    $hub = new Hub($server->loop);
    $server->onOpen(fn (Connection $it) => $hub->welcome($it, function () use ($w) {}));
    $peer = Peer::open($server);
    $peer->await(fn () => $server->loop->pending() === 2);
});
collected('who watches', function (Witness $w) use ($engine, $web) {
    $server = new Server('127.0.0.1:0');
    $docker = $engine->client(loop: $server->loop);
    $hub = new Hub($server->loop);
    $server->onOpen(fn (Connection $it) => $hub->welcome($it, fn () => $w->holds[]
        = $hub->open($docker->exec($web, ['cat'], tty: true, stdin: true))->onExit(function () use ($w, $it) {})));
    $page = new Page($server, '/', [null, ''], AuthToken: '');
    $page->message('s');
});
echo "what ends lets go at once, without the collector:\n";
$server = new Server('127.0.0.1:0');
$docker = $engine->client(loop: $server->loop);
$hub = new Hub($server->loop, linger: 0.01);
$w = new Witness('callbacks');
$server->onOpen(function (Connection $it) use ($hub, $docker, $web, &$w) {
    $hub->welcome($it, function () use ($hub, $docker, $web, &$w) {
        [$kept, $w] = [$w, null];
        return $hub->open($docker->exec($web, ['true'], tty: true, stdin: true))->onExit(function () use ($kept) {})->onJoin(function () use ($kept) {});
    });
});
$page = new Page($server, '/', [null, ''], AuthToken: '');
$page->rest();
$server->close();
$server->loop->run();
unset($page);
echo "end\n";

echo "-- exit and fatal errors\n";
foreach (['onStart', 'onJoin', 'onExit', 'onEnd', 'welcome'] as $which) {
    foreach (['exit("exits\n");', 'str_repeat("x", PHP_INT_MAX);'] as $end) {
        $code = <<<'PHP'
            [, $which, $end, $engine, $web] = $argv;
            register_shutdown_function(function () { echo "shutdown function\n"; });
            $server = new Towline\WebSocket\Server('127.0.0.1:0');
            $docker = new Towline\Docker\Client($engine, $server->loop);
            $hub = new Towline\Terminal\Hub($server->loop, linger: 0);
            $server->onOpen(fn ($it) => $hub->welcome($it, function () use ($hub, $docker, $which, $end, $web) {
                $which === 'welcome' && eval($end);
                $session = $hub->open($docker->exec($web, ['true'], tty: true, stdin: true));
                return $which === 'welcome' ? $session : $session->$which(function () use ($end) { eval($end); });
            }));
            $socket = stream_socket_client("tcp://$server->address");
            fwrite($socket, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                . "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x82\x82\0\0\0\0{}");
            $server->loop->run();
            echo "never reached\n";
            PHP;
        echo "$which: ", str_replace("\n", ', ', apart($code, '-d memory_limit=32M', $which, $end, $engine->address, $web)), "\n";
    }
}
?>
--EXPECT--
hub destroyed
session destroyed
who is welcomed destroyed
who watches destroyed
what ends lets go at once, without the collector:
callbacks destroyed
end
-- exit and fatal errors
onStart: exits, shutdown function, 
onStart: shutdown function, 
onJoin: exits, shutdown function, 
onJoin: shutdown function, 
onExit: exits, shutdown function, 
onExit: shutdown function, 
onEnd: exits, shutdown function, 
onEnd: shutdown function, 
welcome: exits, shutdown function, 
welcome: shutdown function,
