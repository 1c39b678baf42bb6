--TEST--
Nothing is kept of what has ended
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
use Towline\Future;
use Towline\Loop;
require __DIR__ . '/inc.php';
$client = client();
$loop = $client->loop;
$nowhere = new Client('/nonexistent.sock', $loop);
$script = script('header("X-A: 1"); echo str_repeat("x", 5000);');
$get = Request::get($script);
$ignore = function () {};

$scenarios = [
    'send' => function () use ($client, $loop, $get, $ignore) { $client->send($get)->onDone($ignore)->onError($ignore); $loop->run(); },
    'streams' => function () use ($client, $get, $ignore) { $client->send($get, $ignore, $ignore, $ignore)->await()->headers; },
    'source' => function () use ($client, $script) {
        $pieces = ['a', 'b'];
        $client->request(new Request($script, 'POST', body: function () use (&$pieces) { return array_shift($pieces); }, contentLength: 2));
    },
    'failure' => function () use ($nowhere, $get) { try { $nowhere->request($get); } catch (Towline\ConnectException) {} },
    'unhandled' => function () use ($nowhere, $loop, $get) { $nowhere->send($get); try { $loop->run(); } catch (Towline\ConnectException) {} },
    'cancel' => function () use ($client, $loop, $get, $ignore) { $client->send($get, onBody: $ignore)->cancel(); $loop->run(); },
    'throwing callback' => function () use ($client, $loop, $get) {
        $client->send($get)->onDone(fn () => throw new LogicException());
        try { $loop->run(); } catch (LogicException) {}
        $loop->run();
    },
    'fiber' => function () use ($client, $loop, $get) { (new Fiber(fn () => $client->request($get)->body))->start(); $loop->run(); },
    'all' => fn () => Future::all([$client->send($get), $client->send($get)]),
    'each' => function () use ($client, $get) { $client->each([$get, $get, $get], 2)->current()->body; },
    'timers' => function () use ($loop, $ignore) { $loop->delay(0, $ignore); $loop->defer($ignore); $loop->repeat(1, $ignore)->cancel(); $loop->run(); },
    'requests' => fn () => Request::json($script, ['a' => 1])->withHeader('X', 'y')->withParam('A', 'b')->getParams(),
    'misuse' => function () use ($client) { try { $client->send(new Request('')); } catch (ValueError) {} },
    'loops' => function () use ($ignore) { $l = new Loop(); $l->delay(1, function () use ($l) {}); $l->getStream(); },
    'clients' => function () use ($client, $get) { $c = new Client($client->stats()['upstreams'][0]['address']); $c->request($get); $c->ping()->await(); $c->close(); },
];
$resident = fn () => (int) preg_replace('/.*^VmRSS:\s+(\d+).*/ms', '$1', file_get_contents('/proc/self/status'));
$run = function (Closure $scenario, int $times): void {
    for ($i = 0; $i < $times; $i++) {
        $scenario();
    }
    gc_collect_cycles();
};
foreach ($scenarios as $name => $scenario) {
    $run($scenario, 200);
    [$before, $pages] = [memory_get_usage(), $resident()];
    $run($scenario, 200);
    [$after, $grown] = [memory_get_usage() - $before, $resident() - $pages];
    // The engine's own tables may grow once; a leak of one object would be 200 of at least 56 bytes.
    echo $after < 8192 ? '' : "$name: $after bytes more in PHP\n", $grown < 1024 ? '' : "$name: $grown KiB more\n";
}
echo count($scenarios), ' scenarios, ', $loop->pending(), ' pending, ', count(glob('/proc/self/fd/*')) < 30 ? "few descriptors\n" : "descriptors leak\n";
?>
--EXPECT--
15 scenarios, 0 pending, few descriptors
