--TEST--
Waiting in a Fiber that is being destroyed, and in a destructor that the collector calls, drives the loop
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
use Towline\Future;
require __DIR__ . '/inc.php';
$client = client();
$loop = $client->loop;
$hello = Request::get(script('echo "hello";'));
$class = new class(null) {
    public ?self $self = null;
    public function __construct(private ?Closure $last) {}
    public function __destruct() { if ($this->last) ($this->last)(); }
};
$ask = function () use ($client, $hello): void {
    echo $client->request($hello)->body, ' ', $client->send($hello)->await()->body, ' ', count(Future::all([$client->send($hello)])), "\n";
    foreach ($client->each([$hello]) as $answer) echo $answer->body, "\n";
};

echo "finally:\n";
$fiber = new Fiber(function () use ($ask) { try { Fiber::suspend(); } finally { $ask(); } });
$fiber->start();
unset($fiber);

echo "a destructor:\n";
$fiber = new Fiber(function () use ($ask, $class) { $local = new $class($ask); Fiber::suspend(); });
$fiber->start();
unset($fiber);

echo "while another Fiber waits:\n";
$other = new Fiber(fn () => print("other: " . $client->request($hello)->body . "\n"));
$fiber = new Fiber(function () use ($ask, $loop) { try { Fiber::suspend(); } finally { $ask(); attempt(fn () => $loop->run()); } });
$fiber->start();
$other->start();
unset($fiber);
var_dump($other->isTerminated());
$loop->run();
var_dump($other->isTerminated());

echo "the collector:\n";
$waits = new Fiber(fn () => print("waits: " . $client->request($hello)->body . "\n"));
$waits->start();
$cycle = new $class($ask);
$cycle->self = $cycle;
unset($cycle);
gc_collect_cycles();
$loop->run();
var_dump($waits->isTerminated());
?>
--EXPECTF--
finally:
hello hello 1
hello
a destructor:
hello hello 1
hello
while another Fiber waits:
hello hello 1
hello
FiberError: Cannot switch fibers in current execution context
bool(false)
other: hello
bool(true)
the collector:
hello hello 1
hello
waits: hello
bool(true)
