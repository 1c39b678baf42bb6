--TEST--
What a hub's options do
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/websocket.inc';
use Towline\Terminal\Hub;
use Towline\WebSocket\Server;

$engine = Engine::get('docker');
$web = $engine->container();
$server = new Server('127.0.0.1:0');
$docker = $engine->client(loop: $server->loop);
$session = null;
$server->onOpen(function ($it) use (&$session) { $session->attach($it); });
$run = fn (Hub $hub, string $line) => $hub->open($docker->exec($web, ['sh', '-c', $line], tty: true, stdin: true));

echo "-- scrollback\n";
$hub = new Hub($server->loop, scrollback: 10);
$session = $run($hub, 'read -r _; printf 0123456789abcdef; exec cat');
$page = new Page($server);
$page->type("\n");
$page->until('abcdef');
$page = new Page($server);
echo $page->message('s')['replay'], ' ', $page->until('abcdef')->screen, "\n";
$hub->close();
echo "-- pauseLimit\n";
// The process has more to say than all buffers take, and its only viewer wants nothing for now: it waits no longer than that.
$hub = new Hub($server->loop, pauseLimit: 0.1);
$session = $run($hub, 'read -r _; head -c 30000000 /dev/zero; exit 7');
$page = new Page($server);
$page->message('s');
$page->peer->send('2', 2);
$page->type("\n");
echo $page->rest(), "\n";
$hub->close();
?>
--EXPECT--
-- scrollback
10 6789abcdef
-- pauseLimit
1013 too slow for the output: join again
