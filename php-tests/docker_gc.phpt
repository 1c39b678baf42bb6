--TEST--
Cycles through execs and calls are collected, and what ends lets go at once
--FILE--
<?php
use Towline\Docker\Client;
require __DIR__ . '/docker.php';
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
collected('exec under way', function (Witness $w) {
    [$path, $w->holds[]] = listener();
    $docker = $w->holds[] = new Client($path);
    $touch = function () use ($w) {};
    $w->holds[] = $docker->exec('web', ['x'])->onOpen($touch)->onOutput($touch)->onDrain($touch)->onExit($touch)->onError($touch);
    $docker->loop->tick();
});
collected('exec that nobody keeps', function (Witness $w) {
    [$path, $w->holds[]] = listener();
    $docker = $w->holds[] = new Client($path);
    $docker->attach('web')->onOutput(function () use ($w) {});
    $docker->loop->tick();
});
collected('exec that is open', function (Witness $w) use ($engine, $web) {
    $docker = $engine->client();
    $exec = $w->holds[] = $docker->exec($web, ['cat'], stdin: true);
    $open = false;
    $exec->onOpen(function () use ($w, &$open) { $open = true; });
    until($docker->loop, function () use (&$open) { return $open; });
    $exec->write('x');
    $exec->onOutput(function () use ($w, $exec) {});
});
collected('exec that has failed', function (Witness $w) {
    $docker = $w->holds[] = new Client('/nonexistent.sock');
    $exec = $w->holds[] = $docker->exec('web', ['x']);
    attempt(fn () => $exec->await());
    $exec->onError(function () use ($w) {});
});
collected('its future', function (Witness $w) {
    [$path, $w->holds[]] = listener();
    $docker = new Client($path);
    $w->holds[] = $docker->exec('web', ['x'])->future()->onDone(function () use ($w) {});
});
collected('calls', function (Witness $w) {
    [$path, $w->holds[]] = listener();
    $docker = $w->holds[] = new Client($path);
    $touch = function () use ($w) {};
    $w->holds[] = $docker->run('web', ['x'])->onDone($touch);
    $w->holds[] = $docker->logs('web', $touch);
    $w->holds[] = $docker->events($touch)->onError($touch);
    $w->holds[] = $docker->request('GET', '/x', onBody: $touch);
    $docker->loop->tick();
});
collected('fiber', function (Witness $w) {
    [$path, $w->holds[]] = listener();
    $docker = new Client($path);
    $fiber = $w->holds[] = new Fiber(function () use ($docker, $w) { $docker->exec('web', ['x'])->await(); });
    $fiber->start();
});

echo "what ends lets go at once, without the collector:\n";
$docker = $engine->client();
$w = new Witness('callbacks');
$docker->exec($web, ['echo', 'out'])->onOutput(function () use ($w) {})->onOpen(function () use ($w) {})->onExit(function () use ($w) { echo "called\n"; });
unset($w);
$docker->loop->run();
$w = new Witness('closed');
$exec = $docker->exec($web, ['cat'], stdin: true)->onOutput(function () use ($w) {});
unset($w);
$exec->close();
$w = new Witness('client closed');
$other = $engine->client(loop: $docker->loop);
$other->exec($web, ['cat'], stdin: true)->onOutput(function () use ($w) {});
$other->events(function () use ($w) {});
unset($w);
$other->close();
$docker->loop->run();
$w = new Witness('cancelled');
$events = $docker->events(function () use ($w) {});
unset($w);
$events->cancel();
echo "end\n";
?>
--EXPECTF--
exec under way destroyed
exec that nobody keeps destroyed
exec that is open destroyed
Towline\ConnectException: %s
exec that has failed destroyed
its future destroyed
calls destroyed
fiber destroyed
what ends lets go at once, without the collector:
called
callbacks destroyed
closed destroyed
client closed destroyed
cancelled destroyed
end
