--TEST--
Calls: containers, inspect, version, request, logs, events, stats
--FILE--
<?php
use Towline\Docker\ApiException;
require __DIR__ . '/docker.php';

foreach (engines() as $engine) {
    echo "$engine->kind:\n";
    $docker = $engine->client();
    var_dump($docker->stats()['apiVersion']);
    $mark = "mark$engine->kind" . getmypid();
    $up = $engine->container(['Labels' => ['towline' => $mark]]);
    $down = $engine->created(['Labels' => ['towline' => $mark, 'x' => '1'], 'Cmd' => ['sh', '-c', 'echo one; echo bad >&2; echo two; exit 3']]);

    // containers
    $names = function (mixed ...$arguments) use ($docker) {
        $found = $docker->containers(...$arguments)->await();
        return json_encode(array_map(fn (array $c) => words(ltrim($c['Names'][0], '/')), $found));
    };
    echo $names(filters: ['label' => "towline=$mark"]), ' ';
    echo $names(true, ['label' => ["towline=$mark", 'x=1']]), ' ';
    echo $names(all: true, filters: ['label' => ["towline=$mark"], 'status' => 'created']), "\n";

    // inspect, version
    echo json_encode($docker->inspect($up)->await()['State']['Running']), ' ';
    echo json_encode(isset($docker->version()->await()['ApiVersion'])), "\n";

    // request: an object, an empty array, a string; queries of all kinds; headers
    $answer = $docker->request('GET', '/containers/json', query: ['all' => true, 'limit' => 1, 'filters' => ['label' => ["towline=$mark", 'x=1']]])->await();
    echo $answer['status'], ' ', $answer['headers']['content-type'][0], ' ', count(json_decode($answer['body'])), "\n";
    $answer = $docker->request('POST', "/containers/$up/exec", ['Cmd' => ['true']])->await();
    $id = json_decode($answer['body'])->Id;
    echo $answer['status'], ' ', strlen($id), ' ';
    echo $docker->request('POST', "/exec/$id/start", json_encode(['Detach' => true]))->await()['status'], ' ';
    try {
        $docker->request('POST', '/containers/create', [])->await();
    } catch (ApiException $e) {
        echo $e->getStatus() >= 400 ? 'refused' : 'odd', "\n";
    }
    // Bytes as they are: an archive into the container.
    $tar = folder() . '/x.tar';
    (new PharData($tar))->addFromString('file', "from a tar\0");
    echo $docker->request('PUT', "/containers/$up/archive", file_get_contents($tar), ['path' => '/tmp'], ['Content-Type' => 'application/x-tar'])->await()['status'], ' ';
    echo json_encode($engine->run($up, 'cat', '/tmp/file')), ' ';
    // And out of it, as it comes.
    $got = '';
    $answer = $docker->request('GET', "/containers/$up/archive", query: ['path' => '/tmp/file'], onBody: function (string $bytes) use (&$got) { $got .= $bytes; })->await();
    echo $answer['status'], ' ', strlen($got) % 512, ' ', var_export(str_contains($got, "from a tar\0"), true), ' ', json_encode($answer['body']), "\n";
    unlink($tar);

    // logs
    $engine->post("/containers/$down/start");
    $engine->post("/containers/$down/wait");
    $log = function (mixed ...$options) use ($docker, $down) {
        $lines = ['', '', ''];
        $ended = $docker->logs($down, function (string $bytes, int $stream) use (&$lines) { $lines[$stream] .= $bytes; }, ...$options)->await();
        return json_encode([$ended, $lines[1], $lines[2]]);
    };
    echo $log(), ' ', $log(follow: true), ' ', $log(since: time() + 1000), "\n";
    echo preg_match('/^\[null,"(\d{4}-\d\d-\d\dT[^ ]+ (one|two)\\\\n){2}"/', $log(timestamps: true)) === 1 ? 'with times' : $log(timestamps: true), ' ';
    echo $log(tail: '0'), ' ', substr_count($log(tail: '1'), '\n'), "\n";
    // A followed log ends with cancel().
    $talker = $engine->container(['Cmd' => ['sh', '-c', 'echo first; sleep infinity']]);
    $follow = $docker->logs($talker, function (string $bytes) use (&$follow) {
        echo $bytes;
        $follow->cancel();
    }, follow: true);
    attempt(fn () => $follow->await());

    // events
    $seen = [];
    $events = $docker->events(function (array $event) use (&$seen, &$events, $up) {
        $seen[] = $event['Action'];
        if ($event['Action'] === 'unpause') {
            $events->cancel();
        }
    }, ['type' => 'container', 'container' => [$up], 'event' => ['pause', 'unpause']]);
    $events->onError(fn (Throwable $e) => print(get_class($e) . "\n"));
    // They are told from when the Engine has answered; only a request behind theirs is sure to be later.
    $other = $engine->client(loop: $docker->loop);
    $poke = $docker->loop->repeat(0.05, function () use ($other, $up) {
        static $busy = false;
        if (!$busy) {
            $busy = true;
            $next = fn (string $what) => $other->request('POST', "/containers/$up/$what");
            $next('pause')->onDone(function () use ($next, &$busy) { $next('unpause')->onDone(function () use (&$busy) { $busy = false; }); });
        }
    });
    until($docker->loop, fn () => $events->isDone());
    $poke->cancel();
    $docker->loop->run();
    echo $seen[0] === 'pause' || $seen[0] === 'unpause' ? end($seen) : $seen[0], "\n";

    // stats
    $stats = $docker->stats();
    echo implode(' ', array_keys($stats)), ' ', preg_match('/^1\.\d+$/', $stats['apiVersion']), ' ', $stats['reused'] > 0 ? 'reused' : 'none reused', ' ', $stats['live'], "\n";
}
?>
--EXPECT--
docker:
NULL
["CONTAINER0"] ["CONTAINER1"] ["CONTAINER1"]
true true
200 application/json 1
201 64 200 refused
200 [0,"from a tar\u0000",""] 200 0 true ""
[null,"one\ntwo\n","bad\n"] [null,"one\ntwo\n","bad\n"] [null,"",""]
with times [null,"",""] 1
first
Towline\CancelledException: the operation was cancelled
Towline\CancelledException
unpause
apiVersion connects reused retried idle live 1 reused 0
podman:
NULL
["CONTAINER0"] ["CONTAINER1"] ["CONTAINER1"]
true true
200 application/json 1
201 64 200 refused
200 [0,"from a tar\u0000",""] 200 0 true ""
[null,"one\ntwo\n","bad\n"] [null,"one\ntwo\n","bad\n"] [null,"",""]
with times [null,"",""] 1
first
Towline\CancelledException: the operation was cancelled
Towline\CancelledException
unpause
apiVersion connects reused retried idle live 1 reused 0
