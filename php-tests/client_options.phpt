--TEST--
Each option of a client does what its name says, the others being out of the way
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';

$good = client(8)->stats()['upstreams'][0]['address'];
$hello = Request::get(script('echo "hello";'));

/** A client with these options; every other time it has is far away. */
function of(string|array $address, mixed ...$options): Client
{
    $far = array_fill_keys(['idleClose', 'connectTimeout', 'firstByteTimeout', 'idleTimeout', 'timeout', 'failTimeout'], 60.0);
    return new Client($address, ...$options + $far);
}

/** Ticks until the client is so. */
function until(Client $client, Closure $so): void
{
    for ($begun = microtime(true); !$so($client->stats()); $client->loop->tick(0.01)) {
        if (microtime(true) > $begun + 60) {
            exit("hung\n");
        }
    }
}

foreach ([true, false] as $keep) {
    $client = of($good, keepAlive: $keep);
    $client->request($hello);
    $client->request($hello);
    ['connects' => $connects, 'reused' => $reused, 'idle' => $idle] = $client->stats();
    echo 'keepAlive ', var_export($keep, true), ": $connects connects, $reused reused, $idle idle\n";
}

$client = of($good, idleClose: 0.05);
$client->request($hello);
echo "idleClose: {$client->stats()['idle']} idle, then ";
until($client, fn ($stats) => $stats['idle'] === 0);
echo "none\n";

$client = of(['/nonexistent.sock', $good], balance: Towline\FastCgi\Balance::RoundRobin, failTimeout: 0.05);
$client->request($hello);
until($client, fn ($stats) => !$stats['upstreams'][0]['down']);
echo "failTimeout: down no more\n";
$client = of(['/nonexistent.sock', $good], balance: Towline\FastCgi\Balance::RoundRobin, failTimeout: 60.0, idleClose: 0.05);
$client->request($hello);
until($client, fn ($stats) => $stats['idle'] === 0);
var_dump($client->stats()['upstreams'][0]['down']);

// A full backlog, a script that says nothing, one that stops in the middle.
$full = folder() . '/full.sock';
$listener = stream_socket_server("unix://$full", context: stream_context_create(['socket' => ['backlog' => 0]]));
$inside = [];
while ($socket = @stream_socket_client("unix://$full", flags: STREAM_CLIENT_CONNECT | STREAM_CLIENT_ASYNC_CONNECT)) {
    $inside[] = $socket;
}
$silent = Request::get(script('usleep(30_000_000);'));
$stops = Request::get(script('echo "begun"; ob_get_level() && ob_end_flush(); flush(); usleep(30_000_000);'));
foreach ([
    'connectTimeout' => [$full, $hello], 'firstByteTimeout' => [$good, $silent], 'idleTimeout' => [$good, $stops], 'timeout' => [$good, $stops],
] as $option => [$address, $request]) {
    try {
        of($address, ...[$option => 0.05])->request($request);
    } catch (Towline\TimeoutException $e) {
        echo "$option: {$e->getPhase()}, {$e->getMessage()}\n";
    }
}

attempt(fn () => of($good, maxResponse: 1999)->request(Request::get(script('echo str_repeat("x", 2000);'))));
echo strlen(of($good, maxResponse: 2000)->request(Request::get(script('echo str_repeat("x", 2000);')))->body), "\n";
?>
--EXPECTF--
keepAlive true: 1 connects, 1 reused, 1 idle
keepAlive false: 2 connects, 0 reused, 0 idle
idleClose: 1 idle, then none
failTimeout: down no more
bool(true)
connectTimeout: connect, connect deadline of 0.05 s passed (%s/full.sock)
firstByteTimeout: first-byte, first-byte deadline of 0.05 s passed (%s)
idleTimeout: idle, idle deadline of 0.05 s passed (%s)
timeout: total, total deadline of 0.05 s passed (%s)
Towline\ProtocolException: the answer is larger than the 1999 bytes allowed (maxResponse)
2000
