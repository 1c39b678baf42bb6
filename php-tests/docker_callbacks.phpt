--TEST--
close() inside each callback, and an exception in each
--FILE--
<?php
require __DIR__ . '/docker.php';

/** Has an exec call back in every way, and does something in one of them. */
function in(Engine $engine, string $web, string $which, Closure $do): array
{
    $docker = $engine->client();
    $told = new ArrayObject();
    $exec = $docker->exec($web, ['sh', '-c', 'cat >/dev/null; echo out; exit 3'], stdin: true);
    foreach (['onOpen', 'onOutput', 'onDrain', 'onExit', 'onError'] as $callback) {
        $exec->$callback(function ($argument = null) use ($exec, $which, $callback, $do, $told) {
            $told[] = $callback . ($argument instanceof Throwable ? ' ' . get_class($argument) : '');
            if ($callback === $which) {
                $do($exec);
            }
        });
    }
    $exec->write(str_repeat('x', 4 * 1024 * 1024));
    $exec->closeStdin();
    return [$docker->loop, $told];
}

foreach (engines() as $engine) {
    $web = $engine->container();
    foreach (['onOpen', 'onOutput', 'onDrain', 'onExit'] as $which) {
        [$loop, $told] = in($engine, $web, $which, fn ($exec) => $exec->close());
        $loop->run();
        echo "close in $which: ", implode(', ', array_unique((array) $told)), "\n";
    }
    foreach (['onOpen', 'onOutput', 'onDrain', 'onExit'] as $which) {
        [$loop, $told] = in($engine, $web, $which, fn () => throw new Exception("thrown in $which"));
        attempt(fn () => $loop->run());
        $loop->run();
        echo implode(', ', array_unique((array) $told)), "\n";
    }
    // onError gets what was closed, and may throw as well.
    [$loop, $told] = in($engine, $web, 'onOpen', fn ($exec) => $exec->onError(fn () => throw new Exception('thrown in onError'))->close());
    attempt(fn () => $loop->run());
    $loop->run();
    echo implode(', ', (array) $told), "\n";
    // The whole client, and nobody is told what the program itself has ended... but who asked is.
    [$loop, $told] = in($engine, $web, 'onOpen', fn ($exec) => null);
    $docker = $engine->client(loop: $loop);
    $docker->exec($web, ['cat'], stdin: true)->onOpen(function () use ($docker) { $docker->close(); });
    $docker->run($web, ['cat'], 'x');
    $loop->run();
    echo implode(', ', array_unique((array) $told)), "\n";
    // The loop is driven inside a callback.
    $docker = $engine->client();
    $docker->exec($web, ['echo', 'outer'])->onOutput(function (string $bytes) use ($docker, $web) {
        echo $bytes, $docker->run($web, ['echo', 'inner'])->await()->stdout;
    })->onExit(function (int $code) use ($docker, $web) {
        echo "exit $code, then ", $docker->exec($web, ['false'])->await(), "\n";
    });
    $docker->loop->run();
}
?>
--EXPECT--
close in onOpen: onOpen, onError Towline\CancelledException
close in onOutput: onOpen, onDrain, onOutput, onError Towline\CancelledException
close in onDrain: onOpen, onDrain, onError Towline\CancelledException
close in onExit: onOpen, onDrain, onOutput, onExit
Exception: thrown in onOpen
onOpen, onDrain, onOutput, onExit
Exception: thrown in onOutput
onOpen, onDrain, onOutput, onExit
Exception: thrown in onDrain
onOpen, onDrain, onOutput, onExit
Exception: thrown in onExit
onOpen, onDrain, onOutput, onExit
Exception: thrown in onError
onOpen, onError Towline\CancelledException
onOpen, onDrain, onOutput, onExit
outer
exit 0, then 1
inner
close in onOpen: onOpen, onError Towline\CancelledException
close in onOutput: onOpen, onDrain, onOutput, onError Towline\CancelledException
close in onDrain: onOpen, onDrain, onError Towline\CancelledException
close in onExit: onOpen, onDrain, onOutput, onExit
Exception: thrown in onOpen
onOpen, onDrain, onOutput, onExit
Exception: thrown in onOutput
onOpen, onDrain, onOutput, onExit
Exception: thrown in onDrain
onOpen, onDrain, onOutput, onExit
Exception: thrown in onExit
onOpen, onDrain, onOutput, onExit
Exception: thrown in onError
onOpen, onError Towline\CancelledException
onOpen, onDrain, onOutput, onExit
outer
exit 0, then 1
inner
