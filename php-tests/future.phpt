--TEST--
Futures: callbacks, await(), cancel(), all()
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
use Towline\Future;
require __DIR__ . '/inc.php';
$client = client();
$loop = $client->loop;
$echo = script('echo $_GET["n"];');
$get = fn ($n) => $client->send(Request::get($echo, ['n' => $n]));

$future = $get(1);
var_dump($future->isDone(), $future === $future->onDone(fn ($r) => print("done $r->body\n")));
echo $future->await()->body, "\n";
var_dump($future->isDone());
$future->onDone(fn ($r) => print("late $r->body\n"))->onError(fn () => print("never\n"));
echo "not inside onDone()\n";
$loop->run();
echo $future->await()->body, "\n";

foreach (Future::all(['a' => $get(1), 7 => $get(2)]) as $key => $response) {
    echo "$key: $response->body\n";
}
$generator = (function () use ($get) { yield 'x' => $get(3); yield 'y' => $get(4); })();
echo implode(',', array_map(fn ($r) => $r->body, Future::all($generator))), "\n";
var_dump(Future::all([]));

$nowhere = new Client('/nonexistent.sock', $loop);
$futures = [$get(5), $nowhere->send(Request::get('/first')), $get(6), $nowhere->send(Request::get('/second'))];
attempt(fn () => Future::all($futures));
echo implode(',', array_map(fn ($f) => (int) $f->isDone(), $futures)), "\n";
attempt(fn () => Future::all([$get(1), 'x']));
attempt(fn () => Future::all(5));
$loop->run();

$slow = $client->send(Request::get(script('sleep(30);')));
$slow->cancel();
attempt(fn () => $slow->await());
attempt(fn () => $slow->await());
$slow->cancel();
$late = $client->send(Request::get($echo, ['n' => 1]))->onError(fn ($e) => print(get_class($e) . " by the callback\n"));
$late->cancel();
$loop->run();

// Futures of two loops.
$other = client();
$mixed = Future::all([$get(7), $other->send(Request::get($echo, ['n' => 8]))]);
echo $mixed[0]->body, $mixed[1]->body, "\n";

// Elements that are references: what they were counts.
[$first, $second] = [$get(9), $get(10)];
$loop->defer(function () use (&$first, &$second) { [$first, $second] = [null, 'x']; });
$both = [&$first, 'b' => &$second];
foreach (Future::all($both) as $key => $response) {
    echo "$key: $response->body\n";
}
?>
--EXPECTF--
bool(false)
bool(true)
done 1
1
bool(true)
not inside onDone()
late 1
1
a: 1
7: 2
3,4
array(0) {
}
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
1,1,1,1
TypeError: Towline\Future::all(): Argument #1 ($futures) must be of type iterable of Towline\Future, string given
TypeError: Towline\Future::all(): Argument #1 ($futures) must be of type iterable, int given
Towline\CancelledException: the request was cancelled
Towline\CancelledException: the request was cancelled
Towline\CancelledException by the callback
78
0: 9
b: 10
