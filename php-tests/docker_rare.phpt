--TEST--
What Engines do rarely: no upgrade, a stream that breaks off, an error in the output; a kill after the end
--FILE--
<?php
use Towline\Docker\{ApiException, Client};
require __DIR__ . '/inc.php';
require __DIR__ . '/fake_engine.inc';

/** Runs an exec on such a stream to its end, and shows what is told of it. */
function shown(Closure $stream): void
{
    $docker = new Client(fake_engine($stream)[0]);
    $exec = $docker->exec('web', ['x'])
        ->onOpen(fn (bool $upgraded) => print($upgraded ? 'upgraded, ' : 'not upgraded, '))
        ->onOutput(fn (string $bytes) => print("$bytes, "))
        ->onExit(fn (?int $code) => print("exit $code"))
        ->onError(fn (Throwable $e) => print(get_class($e) . ($e instanceof ApiException ? " {$e->getStatus()}" : '') . ": {$e->getMessage()}"));
    $docker->loop->run();
    echo $exec->isTruncated() ? ", truncated\n" : "\n";
    try {
        $result = $docker->run('web', ['x'])->await();
        echo "run: $result->exitCode $result->stdout\n";
    } catch (Towline\Exception $e) {
        echo 'run: ', get_class($e), ": {$e->getMessage()}\n";
    }
}

shown(fn ($connection) => fwrite($connection, UPGRADED . frame(1, 'whole')));
shown(fn ($connection) => fwrite($connection, "HTTP/1.1 200 OK\r\n\r\n" . frame(1, 'whole')));
shown(fn ($connection) => fwrite($connection, UPGRADED . substr(frame(1, 'whole'), 0, 11)));
shown(fn ($connection) => fwrite($connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" . frame(1, 'whole')));
shown(fn ($connection) => fwrite($connection, UPGRADED . frame(3, 'no log driver')));

// The process has exited, and a pause holds that back.
$docker = new Client(fake_engine(fn ($connection) => fwrite($connection, UPGRADED . frame(1, 'whole')))[0]);
$exec = $docker->exec('web', ['x'])->onOutput(fn (string $bytes) => print("$bytes, "))->onExit(fn (int $code) => print("exit $code\n"));
$exec->pause();
while ($docker->stats()['live'] > 0) {
    $docker->loop->tick(1.0);
}
var_dump($exec->kill()->await(), $exec->isDone());
$exec->resume();
$docker->loop->run();
var_dump($exec->kill()->await());
// Closed, it is out of reach.
$exec = $docker->exec('web', ['x']);
$exec->pause();
while ($docker->stats()['live'] > 0) {
    $docker->loop->tick(1.0);
}
$exec->close();
attempt(fn () => $exec->kill());
$docker->loop->run();
?>
--EXPECT--
upgraded, whole, exit 7
run: 7 whole
not upgraded, whole, exit 7
run: 7 whole
upgraded, who, exit 7, truncated
run: Towline\ClosedException: the connection broke off: some of the command's output may be missing
not upgraded, whole, exit 7, truncated
run: Towline\ClosedException: the connection broke off: some of the command's output may be missing
upgraded, Towline\Docker\ApiException 200: no log driver
run: Towline\Docker\ApiException: no log driver
NULL
bool(false)
whole, exit 7
NULL
Error: this stream is closed: its process cannot be found any more
