--TEST--
await() inside a Fiber
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
use Towline\Future;
require __DIR__ . '/inc.php';
$client = client();
$loop = $client->loop;
$echo = script('echo $_GET["n"];');
$get = fn ($n) => $client->send(Request::get($echo, ['n' => $n]));

echo "suspends, and the loop resumes:\n";
$fiber = new Fiber(function () use ($get, $client) {
    echo $get(1)->await()->body, "\n";
    echo $client->request(Request::get(script('echo 2;')))->body, "\n";
    echo implode(',', array_map(fn ($r) => $r->body, Future::all([$get(3), $get(4)]))), "\n";
    foreach ($client->each(['k' => Request::get(script('echo 5;'))]) as $key => $r) echo "$key $r->body\n";
    attempt(fn () => (new Client('/nonexistent.sock', $client->loop))->request(Request::get('/x')));
    return 'returned';
});
$fiber->start();
echo "started\n";
$loop->run();
echo $fiber->getReturn(), "\n";

echo "many at once:\n";
$order = [];
foreach ([1, 2, 3] as $n) {
    (new Fiber(function () use ($get, $n, &$order) { $order[] = $get($n)->await()->body; }))->start();
}
$loop->run();
sort($order);
echo implode(',', $order), "\n";

echo "two fibers await one future:\n";
$one = $get('one');
$a = new Fiber(fn () => print($one->await()->body . "\n"));
$b = new Fiber(fn () => print($one->await()->body . "\n"));
$a->start();
$b->start();
$loop->run();

echo "what a fiber throws comes out of run():\n";
$fiber = new Fiber(function () use ($get) { $get(1)->await(); throw new Exception('by the fiber'); });
$fiber->start();
attempt(fn () => $loop->run());

echo "a callback suspends its fiber, which is dispatching; another turn goes on; later it is resumed:\n";
$parked = new Fiber(function () use ($loop) {
    $loop->defer(function () { echo "suspending\n"; echo Fiber::suspend(), "\n"; });
    $loop->defer(fn () => print("behind it\n"));
    $loop->run();
    echo "the fiber's run() ends\n";
});
$parked->start();
$loop->defer(fn () => print("of {main}\n"));
echo $loop->tick(), " by {main}\n";
$parked->resume('resumed');
var_dump($parked->isTerminated());

echo "await() in a callback that its own fiber dispatches drives the loop:\n";
$fiber = new Fiber(function () use ($loop, $get) {
    $loop->defer(fn () => print($get('nested')->await()->body . "\n"));
    $loop->run();
});
$fiber->start();
var_dump($fiber->isTerminated());

echo "a stranger resumes it too early:\n";
$fiber = new Fiber(fn () => print($get('patience')->await()->body . "\n"));
$fiber->start();
$fiber->resume();
$loop->run();

echo "thrown into:\n";
$fiber = new Fiber(function () use ($get) { attempt(fn () => $get(1)->await()); });
$fiber->start();
$fiber->throw(new Exception('enough'));
$loop->run();

echo "never resumed:\n";
$fiber = new Fiber(function () use ($get) { try { $get(1)->await(); } finally { echo "unwound\n"; } });
$fiber->start();
unset($fiber);
gc_collect_cycles();
$client->close();
$loop->run();
?>
--EXPECTF--
suspends, and the loop resumes:
started
1
2
3,4
k 5
Towline\ConnectException: %s
returned
many at once:
1,2,3
two fibers await one future:
one
one
what a fiber throws comes out of run():
Exception: by the fiber
a callback suspends its fiber, which is dispatching; another turn goes on; later it is resumed:
suspending
behind it
of {main}
2 by {main}
resumed
the fiber's run() ends
bool(true)
await() in a callback that its own fiber dispatches drives the loop:
nested
bool(true)
a stranger resumes it too early:
patience
thrown into:
Exception: enough
never resumed:
%A
