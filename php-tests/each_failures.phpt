--TEST--
each(): failures of the source come after what was on its way; a full queue is waited for
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$client = client(2);
$echo = script('usleep(20000); echo $_GET["n"];');
$get = fn ($n) => Request::get($echo, ['n' => $n]);
$show = function (Client $client, iterable $requests, int $concurrency): void {
    $seen = [];
    try {
        foreach ($client->each($requests, $concurrency) as $key => $answer) {
            $seen[$key] = $answer->body ?? get_class($answer);
        }
    } catch (Throwable $thrown) {
        $last = get_class($thrown) . ': ' . $thrown->getMessage();
    }
    ksort($seen);
    echo json_encode($seen), ' ', $last ?? 'ended', "\n";
};

echo "the generator throws:\n";
$object = new DomainException('no more');
$show($client, (function () use ($get, $object) { yield 'a' => $get(1); yield 'b' => $get(2); throw $object; })(), 3);
try {
    foreach ($client->each((function () use ($get, $object) { yield $get(1); throw $object; })(), 2) as $_);
} catch (DomainException $thrown) {
    var_dump($thrown === $object);
}
echo "at once:\n";
$show($client, (function () { throw new DomainException('none at all'); yield; })(), 3);
echo "no request, and nothing is pulled after it:\n";
$show($client, (function () use ($get) { yield 'a' => $get(1); yield 'b' => 'two'; echo "pulled\n"; yield 'c' => $get(3); })(), 3);
echo "the client was closed meanwhile:\n";
$other = new Client(listener()[0]);
$show($other, (function () use ($get, $other) { yield 'a' => $get(1); $other->close(); yield 'b' => $get(2); })(), 3);
echo "exit is not held up:\n";
$child = pcntl_fork();
if ($child === 0) {
    $own = new Client('/nonexistent.sock');
    foreach ($own->each((function () use ($get) { yield $get(1); exit(7); })(), 2) as $_) echo "never\n";
}
pcntl_waitpid($child, $status);
echo pcntl_wexitstatus($status), "\n";

echo "more at a time than the client takes:\n";
$small = client(1, [], maxConnections: 1, maxPending: 2);
$show($small, array_map($get, range(0, 9)), 8);
echo "full of others' requests:\n";
for ($i = 0; $i < 3; $i++) $others[] = $small->send($get("other $i"));
$show($small, ['a' => $get(1), 'b' => $get(2)], 8);
echo implode(',', array_map(fn ($r) => $r->body, Towline\Future::all($others))), "\n";
?>
--EXPECT--
the generator throws:
{"a":"1","b":"2"} DomainException: no more
bool(true)
at once:
[] DomainException: none at all
no request, and nothing is pulled after it:
{"a":"1"} TypeError: Client::each() takes Towline\FastCgi\Request objects, string given among the requests
the client was closed meanwhile:
{"a":"Towline\\CancelledException"} Error: this client is closed: make a new one
exit is not held up:
7
more at a time than the client takes:
["0","1","2","3","4","5","6","7","8","9"] ended
full of others' requests:
{"a":"Towline\\QueueFullException","b":"Towline\\QueueFullException"} ended
other 0,other 1,other 2
