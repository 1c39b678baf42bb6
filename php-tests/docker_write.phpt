--TEST--
Writing: much at once, any bytes, back-pressure, and when it is over
--FILE--
<?php
require __DIR__ . '/docker.php';

foreach (engines() as $engine) {
    $docker = $engine->client();
    $web = $engine->container();

    // 16 MiB at once into a pipe: all of it arrives, and the writer is told when there is room again.
    $megabyte = implode(array_map(chr(...), range(0, 255)));
    $megabyte = str_repeat($megabyte, 4096);
    $paste = str_repeat($megabyte, 16);
    $sum = '';
    $drained = 0;
    $exec = $docker->exec($web, ['md5sum'], stdin: true)
        ->onOutput(function (string $bytes) use (&$sum) { $sum .= $bytes; })
        ->onDrain(function () use (&$drained) { $drained++; });
    $buffered = $exec->write($paste);
    $exec->closeStdin();
    echo $buffered > 15 * 1024 * 1024 ? 'buffered' : $buffered, ' ', $exec->await(), ' ', $drained, ' ';
    echo strtok($sum, ' ') === md5($paste) ? 'all arrived' : $sum, "\n";

    // The same by the rules: no more than the high watermark waits.
    $sum = '';
    $written = $most = 0;
    $exec = $docker->exec($web, ['md5sum'], stdin: true)->onOutput(function (string $bytes) use (&$sum) { $sum .= $bytes; });
    $fill = function () use ($exec, $megabyte, &$written, &$most) {
        while ($written < 16) {
            $written++;
            $buffered = $exec->write($megabyte);
            $most = max($most, $buffered);
            // Only then is there a drain to come.
            if ($buffered > 1024 * 1024) {
                break;
            }
        }
        if ($written === 16) {
            $exec->closeStdin();
        }
    };
    $exec->onDrain($fill);
    $fill();
    echo $exec->await(), ' ', $written, ' ', $most <= 2 * 1024 * 1024 ? 'bounded' : $most, ' ';
    echo strtok($sum, ' ') === md5($paste) ? 'all arrived' : $sum, "\n";

    // Into a terminal; a line must not be longer than the kernel's editor takes.
    $lines = str_repeat(str_repeat('x', 63) . "\n", 16 * 1024 * 1024 / 64);
    $sum = '';
    $exec = $docker->exec($web, ['sh', '-c', 'stty -echo; echo ready; md5sum'], tty: true, stdin: true)
        ->onOutput(function (string $bytes) use (&$sum, &$exec, $lines) {
            $ready = str_contains($sum, 'ready');
            $sum .= $bytes;
            if (!$ready && str_contains($sum, 'ready')) {
                $exec->write($lines);
                $exec->closeStdin();
            }
        });
    echo $exec->await(), ' ', str_contains($sum, md5($lines)) ? 'all arrived' : $sum, "\n";

    // Output is bytes, whatever they are and wherever they are cut.
    $output = ['', '', ''];
    $exec = $docker->exec($web, ['sh', '-c', 'cat; head -c 100000 /dev/zero >&2'], stdin: true)
        ->onOutput(function (string $bytes, int $stream) use (&$output) { $output[$stream] .= $bytes; });
    $exec->write($megabyte);
    $exec->closeStdin();
    echo $exec->await(), ' ', var_export($output[1] === $megabyte, true), ' ', var_export($output[2] === str_repeat("\0", 100000), true), "\n";

    // When it is over.
    $exec = $docker->exec($web, ['cat'], stdin: true);
    $exec->closeStdin();
    attempt(fn () => $exec->write('after closeStdin'));
    $exec->await();
    attempt(fn () => $exec->write('after the exit'));
    $exec = $docker->exec($web, ['cat'], stdin: true)->onError(fn (Throwable $e) => print(get_class($e) . "\n"));
    $exec->close();
    attempt(fn () => $exec->write('after close'));
    $docker->loop->run();
    attempt(fn () => $exec->write('after close and its end'));
    $exec = $docker->exec($web, ['cat'])->onError(fn () => 1);
    attempt(fn () => $exec->write('without standard input'));
    attempt(fn () => $exec->closeStdin());
    // What reads nothing and ends takes nothing; that is no error while the end is not told.
    $exec = $docker->exec($web, ['true'], stdin: true)->onExit(fn (int $code) => print("exit $code\n"));
    $exec->write($paste);
    $docker->loop->run();
}
?>
--EXPECT--
buffered 0 1 all arrived
0 16 bounded all arrived
0 all arrived
0 true true
Error: the standard input was closed
Error: this stream has ended: nothing can be written to it
Error: this stream is closed: nothing can be written to it
Towline\CancelledException
Error: this stream is closed: nothing can be written to it
Error: the stream was opened without standard input (stdin)
Error: the stream was opened without standard input (stdin)
exit 0
buffered 0 1 all arrived
0 16 bounded all arrived
0 all arrived
0 true true
Error: the standard input was closed
Error: this stream has ended: nothing can be written to it
Error: this stream is closed: nothing can be written to it
Towline\CancelledException
Error: this stream is closed: nothing can be written to it
Error: the stream was opened without standard input (stdin)
Error: the stream was opened without standard input (stdin)
exit 0
