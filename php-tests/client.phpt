--TEST--
status(), ping(), getValues(), stats(), deadlines, the full queue, close()
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
use Towline\Future;
use Towline\Loop;
require __DIR__ . '/inc.php';
$client = client(2);
$loop = $client->loop;
var_dump($client->loop instanceof Loop, $client->ping()->await(), $client->ping('/nothing')->await());
// php-fpm answers as soon as one of its workers is there.
do $status = $client->status(full: true)->await(); while (count($status['processes']) < 2);
$status = $client->status()->await();
echo $status['pool'], ' ', $status['process manager'], ' ', count($client->status(full: true)->await()['processes']), "\n";
attempt(fn () => $client->status('/nothing')->await());
attempt(fn () => $client->status(script('echo "no json";'))->await());
var_dump($client->getValues()->await());
$stats = $client->stats();
echo implode(',', array_keys($stats)), ' / ', implode(',', array_keys($stats['upstreams'][0])), "\n";

[$path, $socket] = listener();
$silent = new Client($path, $loop, maxConnections: 1, maxPending: 2, firstByteTimeout: 0.05);
$first = $silent->send(new Request('/x'));
$loop->tick();
$second = $silent->send(new Request('/y'), timeout: 0.01);
$silent->send(new Request('/z'))->cancel();
while ($silent->stats()['waiting'] < 2) $silent->send(new Request('/z'))->onError(fn () => null);
attempt(fn () => $silent->send(new Request('/too much')));
foreach ([$first, $second] as $future) {
    try {
        $future->await();
    } catch (Towline\TimeoutException $e) {
        echo $e->getPhase(), ': ', $e->getMessage(), "\n";
    }
}
$late = $silent->send(new Request('/late'));
$silent->close();
$silent->close();
attempt(fn () => $late->await());
attempt(fn () => $silent->send(new Request('/x')));
attempt(fn () => $silent->stats());
var_dump($silent->loop === $loop);
$loop->run();

echo "a lost client lets its requests end:\n";
(client())->send(Request::get(script('echo "lost";')))->onDone(function ($r) use (&$lost) { $lost = $r->body; });
$own = client();
$future = $own->send(Request::get(script('echo "kept";')));
unset($own);
echo $future->await()->body, "\n";

echo "several upstreams:\n";
$good = client()->stats()['upstreams'][0]['address'];
$group = new Client(['/nonexistent.sock', $good], balance: Towline\FastCgi\Balance::RoundRobin);
foreach (Future::all([$group->send(Request::get(script('echo 1;'))), $group->send(Request::get(script('echo 2;')))]) as $response) echo $response->body, "\n";
echo json_encode(array_column($group->stats()['upstreams'], 'down')), "\n";
?>
--EXPECTF--
bool(true)
bool(true)
bool(false)
towline static 2
Towline\ProtocolException: the status page answered 404; is pm.status_path set to the path that was asked for?
Towline\ProtocolException: the status page answered something else than JSON: is this php-fpm's pm.status_path?
array(1) {
  ["FCGI_MPXS_CONNS"]=>
  string(1) "0"
}
sent,done,failed,waiting,active,idle,connects,reused,retried,upstreams / address,active,idle,connects,refused,down
Towline\QueueFullException: the queue of waiting requests is full (2); nothing was sent
first-byte: first-byte deadline of 0.05 s passed (%s)
total: total deadline of 0.01 s passed (%s)
Towline\CancelledException: the request was cancelled
Error: this client is closed: make a new one
Error: this client is closed: it has no statistics any more
bool(true)
a lost client lets its requests end:
kept
several upstreams:
1
2
[true,false]
