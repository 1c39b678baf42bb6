--TEST--
Fibers, and many at once
--FILE--
<?php
use Towline\Future;
require __DIR__ . '/docker.php';

foreach (engines() as $engine) {
    $docker = $engine->client();
    $web = $engine->container();

    // Two fibers talk to two shells, in turns.
    $say = function (string $name) use ($docker, $web) {
        $shell = $docker->exec($web, ['sh', '-c', 'read a; echo "$a"; read b; echo "$b"; exit 4'], stdin: true);
        $lines = [];
        $waiting = null;
        $shell->onOutput(function (string $bytes) use (&$lines, &$waiting) {
            array_push($lines, ...explode("\n", rtrim($bytes)));
            $waiting?->resume();
        });
        foreach (['first', 'second'] as $word) {
            $shell->write("$name $word\n");
            $waiting = Fiber::getCurrent();
            Fiber::suspend();
            $waiting = null;
        }
        return [...$lines, $shell->await(), $docker->run($web, ['hostname'])->await()->exitCode];
    };
    $fibers = [];
    foreach (['a', 'b'] as $name) {
        $fibers[$name] = new Fiber($say);
        $fibers[$name]->start($name);
    }
    $docker->loop->run();
    foreach ($fibers as $name => $fiber) {
        echo json_encode($fiber->getReturn()), "\n";
    }

    // An exception reaches the fiber that awaits, and only it.
    $fiber = new Fiber(function () use ($docker) {
        try {
            $docker->exec('nonexistent', ['true'])->await();
        } catch (Towline\Docker\ApiException $e) {
            echo 'in the fiber: ', $e->getStatus(), "\n";
        }
        $docker->exec('nonexistent', ['true'])->await();
    });
    $fiber->start();
    try {
        $docker->loop->run();
    } catch (Towline\Docker\ApiException $e) {
        echo 'out of it: ', $e->getStatus(), "\n";
    }

    // Several wait for one, in fibers and not.
    $exec = $docker->exec($web, ['sh', '-c', 'exit 6']);
    $waiters = array_map(fn (int $n) => new Fiber(fn () => $exec->await()), [1, 2]);
    array_map(fn (Fiber $fiber) => $fiber->start(), $waiters);
    echo $exec->await(), ' ';
    $docker->loop->run();
    echo implode(' ', array_map(fn (Fiber $fiber) => $fiber->getReturn(), $waiters)), "\n";

    // Futures of execs and of runs go together.
    $all = ['exec' => $docker->exec($web, ['false'])->future(), 'run' => $docker->run($web, ['echo', 'x']), 'version' => $docker->version()];
    $all = Future::all($all);
    echo json_encode([$all['exec'], $all['run']->stdout, isset($all['version']['ApiVersion'])]), "\n";
    try {
        Future::all([$docker->exec($web, ['true'])->future(), $docker->exec('nonexistent', ['true'])->future()]);
    } catch (Towline\Docker\ApiException $e) {
        echo $e->getStatus(), "\n";
    }
    $exec = $docker->exec($web, ['cat'], stdin: true);
    $exec->future()->cancel();
    attempt(fn () => $exec->await());

    // 40 at once, on one loop with a FastCGI request.
    $codes = Future::all(array_map(fn (int $n) => $docker->exec($web, ['sh', '-c', "sleep 0.1; exit $n"])->future(), range(1, 40)));
    var_dump($codes === range(1, 40));
    $script = script('echo "page";');
    $pages = client(1, loop: $docker->loop)->send(Towline\FastCgi\Request::get($script));
    [$page, $result] = Future::all([$pages, $docker->run($web, ['echo', 'container'])]);
    echo $page->body, ' ', $result->stdout;
}
?>
--EXPECT--
["a first","a second",4,0]
["b first","b second",4,0]
in the fiber: 404
out of it: 404
6 6 6
[1,"x\n",true]
404
Towline\CancelledException: the operation was cancelled
bool(true)
page container
["a first","a second",4,0]
["b first","b second",4,0]
in the fiber: 404
out of it: 404
6 6 6
[1,"x\n",true]
404
Towline\CancelledException: the operation was cancelled
bool(true)
page container
