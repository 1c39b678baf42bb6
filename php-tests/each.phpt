--TEST--
each(): lazy, bounded, in the order of completion, under the original keys
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$client = client();
$echo = script('echo $_GET["n"];');
$get = fn ($n) => Request::get($echo, ['n' => $n]);

$pulled = 0;
$requests = (function () use ($get, &$pulled) {
    for ($i = 0; $i < 20; $i++) {
        $pulled++;
        yield "key $i" => $get($i);
    }
})();
$seen = [];
$ahead = 0;
foreach ($client->each($requests, 3) as $key => $response) {
    $seen[$key] = $response->body;
    $ahead = max($ahead, $pulled - count($seen));
}
ksort($seen, SORT_NATURAL);
echo implode(',', $seen), ' ', array_key_first($seen), ' ', var_export($ahead <= 3, true), "\n";

echo "failures are yielded, keys are of any type:\n";
$nowhere = new Client('/nonexistent.sock');
$object = new stdClass();
foreach ($nowhere->each((function () use ($object) { yield $object => new Request('/x'); yield 1.5 => new Request('/y'); })()) as $key => $failure) {
    echo get_debug_type($key), ' => ', get_class($failure), "\n";
}
foreach ($client->each(new ArrayObject(['a' => $get(1)])) as $key => $response) echo "$key => $response->body\n";
var_dump(iterator_to_array($client->each([])));

echo "the slow one does not hold up the others:\n";
$order = [];
$release = folder() . '/release';
$slow = Request::get(script("while (!file_exists('$release')) usleep(1000); echo 'slow';"));
foreach ($client->each([$slow, $get('a'), $get('b'), $get('c')], 2) as $response) {
    $order[] = $response->body;
    if (count($order) === 3) touch($release);
}
echo implode(',', $order), "\n";

echo "leaving early cancels what is on its way:\n";
unlink($release);
foreach ($client->each([$get(1), $slow, $slow], 3) as $response) {
    echo $response->body, "\n";
    break;
}
unset($response);
$client->loop->run();
touch($release);
$stats = $client->stats();
echo $stats['failed'], ' failed, ', $stats['active'] + $stats['waiting'], " left\n";

echo "what the source throws comes out:\n";
attempt(function () use ($client, $get) {
    foreach ($client->each((function () use ($get) { yield $get(1); throw new Exception('of the generator'); })(), 1) as $response) echo $response->body, "\n";
});
attempt(function () use ($client, $get) {
    foreach ($client->each([$get(1), 'no request'], 1) as $response) echo $response->body, "\n";
});
echo "a callback of another that throws:\n";
$client->send($get(1))->onDone(fn () => throw new Exception('of another'));
unlink($release);
attempt(function () use ($client, $slow) { foreach ($client->each([$slow]) as $response) echo "never\n"; });
touch($release);
$client->loop->run();

echo "by hand:\n";
$results = $client->each(['x' => $get('y')]);
var_dump($results instanceof Iterator, $results->valid(), $results->key(), $results->current()->body);
$results->rewind();
$results->next();
var_dump($results->valid(), $results->key(), $results->current());
attempt(fn () => $results->rewind());
attempt(fn () => iterator_to_array($client->each([], 0)));

echo "two that wait:\n";
$results = $client->each([$get('x'), $get('y')]);
$first = new Fiber(function () use ($results) { foreach ($results as $response) echo "$response->body\n"; });
$first->start();
(new Fiber(fn () => attempt(fn () => $results->next())))->start();
$client->loop->run();
var_dump($first->isTerminated());
?>
--EXPECT--
0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19 key 0 true
failures are yielded, keys are of any type:
stdClass => Towline\ConnectException
float => Towline\ConnectException
a => 1
array(0) {
}
the slow one does not hold up the others:
a,b,c,slow
leaving early cancels what is on its way:
1
2 failed, 0 left
what the source throws comes out:
1
Exception: of the generator
1
TypeError: Client::each() takes Towline\FastCgi\Request objects, string given among the requests
a callback of another that throws:
Exception: of another
by hand:
bool(true)
bool(true)
string(1) "x"
string(1) "y"
bool(false)
NULL
NULL
Error: the answers of Client::each() come only once: call each() again
ValueError: Towline\FastCgi\Client::each(): Argument #2 ($concurrency) must be at least 1, 0 given
two that wait:
Error: somebody waits for the next answer of this Client::each() already
x
y
bool(true)
