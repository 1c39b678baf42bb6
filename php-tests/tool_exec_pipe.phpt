--TEST--
towline exec: a command that has ended while its reader is slow
--FILE--
<?php
require __DIR__ . '/inc.php';
require __DIR__ . '/tool.php';
require __DIR__ . '/fake_engine.inc';

/** The tool, writing without blocking; the command has written more than its reader takes, and has ended. */
function ended_command(): array
{
    [$path, $log] = fake_engine(fn ($connection) => fwrite($connection, UPGRADED . str_repeat(frame(1, str_repeat('x', 8000)), 100)));
    $pipe = scratch() . '/' . basename($path) . '.pipe';
    posix_mkfifo($pipe, 0600);
    // n: without blocking; e: the tool does not inherit it.
    [$ours, $theirs] = [fopen($pipe, 'rne'), fopen($pipe, 'wne')];
    $tool = start_tool(['exec', '-H', $path, 'web', 'x'], [['file', '/dev/null', 'r'], $theirs, ['pipe', 'w']], $pipes);
    fclose($theirs);
    stream_set_blocking($ours, true);
    until_answered($log, '/exec/e1/json');
    // The answer has woken it; it sleeps again when it has taken that in.
    do {
        $state = preg_replace('/^.*\) (.).*$/s', '$1', file_get_contents('/proc/' . proc_get_status($tool)['pid'] . '/stat'));
    } while ($state !== 'S');
    return [$tool, $ours, $pipes[2]];
}

// The reader goes.
[$tool, $reader, $errors] = ended_command();
fclose($reader);
echo stream_get_contents($errors), proc_close($tool), "\n";

// A signal, and then the reader goes on.
[$tool, $reader, $errors] = ended_command();
posix_kill(proc_get_status($tool)['pid'], SIGINT);
echo strlen(stream_get_contents($reader)), ' ', stream_get_contents($errors), proc_close($tool), "\n";
?>
--EXPECT--
141
800000 7
