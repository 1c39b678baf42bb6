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
    // It is closed already, and may be closed again.
    $docker = $engine->client();
    $exec = $docker->exec('nonexistent', ['cat']);
    $exec->onError(function (Throwable $e) use ($exec) {
        $exec->close();
        echo 'close in onError: ', get_class($e), "\n";
    });
    $docker->loop->run();
    // The whole client: what it was doing is cancelled, and another one goes on.
    [$loop, $told] = in($engine, $web, 'onOpen', fn ($exec) => null);
    $docker = $engine->client(loop: $loop);
    $cancelled = new ArrayObject();
    $note = fn (string $what) => function (Throwable $e) use ($what, $cancelled) { $cancelled[] = "$what " . get_class($e); };
    $docker->exec($web, ['cat'], stdin: true)->onOpen(fn () => $docker->close())->onExit(fn () => print("never\n"))->onError($note('exec'));
    $docker->run($web, ['sleep', '1000'])->onDone(fn () => print("never\n"))->onError($note('run'));
    $docker->logs($web, fn () => 1, follow: true)->onDone(fn () => print("never\n"))->onError($note('logs'));
    $loop->run();
    $cancelled->asort();
    echo implode(', ', (array) $cancelled), "\n", implode(', ', array_unique((array) $told)), "\n";
    // What follows a call may throw, and close the client.
    $talker = $engine->container(['Cmd' => ['sh', '-c', 'echo logged; sleep infinity']]);
    foreach ([false, true] as $closes) {
        $act = function () use ($closes, &$docker, &$acts) {
            $acts->count++;
            $closes ? $docker->close() : throw new Exception('thrown in a follower');
        };
        $calls = [
            'logs' => fn ($docker) => $docker->logs($talker, $act, follow: true),
            'events' => fn ($docker) => $docker->events($act, ['container' => [$talker]]),
            'request' => fn ($docker) => $docker->request('GET', '/version', onBody: $act),
        ];
        foreach ($calls as $name => $begin) {
            $docker = $engine->client();
            $acts = (object) ['count' => 0];
            $ends = new ArrayObject();
            $call = $begin($docker)->onError(function (Throwable $e) use ($ends) { $ends[] = get_class($e); });
            // Nothing tells when events are listened for.
            $other = $engine->client(loop: $docker->loop);
            $poke = $docker->loop->repeat(0.05, fn () => $other->exec($talker, ['true']));
            echo "$name: ";
            attempt(fn () => until($docker->loop, fn () => $acts->count > 0));
            $poke->cancel();
            $call->cancel();
            $docker->loop->run();
            echo '  ', implode(', ', (array) $ends), "\n";
        }
    }
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
close in onError: Towline\Docker\ApiException
exec Towline\CancelledException, logs Towline\CancelledException, run Towline\CancelledException
onOpen, onDrain, onOutput, onExit
logs: Exception: thrown in a follower
  Towline\CancelledException
events: Exception: thrown in a follower
  Towline\CancelledException
request: Exception: thrown in a follower
  Towline\CancelledException
logs: nothing was thrown
  Towline\CancelledException
events: nothing was thrown
  Towline\CancelledException
request: nothing was thrown
  Towline\CancelledException
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
close in onError: Towline\Docker\ApiException
exec Towline\CancelledException, logs Towline\CancelledException, run Towline\CancelledException
onOpen, onDrain, onOutput, onExit
logs: Exception: thrown in a follower
  Towline\CancelledException
events: Exception: thrown in a follower
  Towline\CancelledException
request: Exception: thrown in a follower
  Towline\CancelledException
logs: nothing was thrown
  Towline\CancelledException
events: nothing was thrown
  Towline\CancelledException
request: nothing was thrown
  Towline\CancelledException
outer
exit 0, then 1
inner
