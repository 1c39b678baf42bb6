--TEST--
towline exec -it: a raw terminal, its size, and the terminal as it was whatever happens
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/tool.php';

/** Runs stty on the terminal behind a pipe of proc_open(). */
function stty($terminal, string ...$arguments): string
{
    $process = proc_open(['stty', ...$arguments], [$terminal, ['pipe', 'w'], ['pipe', 'w']], $pipes);
    $said = trim(stream_get_contents($pipes[1]));
    proc_close($process);
    return $said;
}

/** Reads until something has come. */
function expect($terminal, string $wanted): void
{
    $seen = '';
    while (!str_contains($seen, $wanted)) {
        $bytes = fread($terminal, 8192);
        if ($bytes === false || $bytes === '') {
            exit("the terminal ended before '$wanted': $seen");
        }
        $seen .= $bytes;
    }
}

function begin(string $address, array $arguments, ?array &$pipes)
{
    return start_tool(['exec', '-H', $address, '-it', ...$arguments], [['pty'], ['pty'], ['pty']], $pipes);
}

/** Reads until the tool has ended. @return int its exit code */
function finish($tool, $terminal): int
{
    do {
        @fread($terminal, 8192);
        $state = proc_get_status($tool);
    } while ($state['running']);
    return $state['signaled'] ? 128 + $state['termsig'] : $state['exitcode'];
}

foreach (engines() as $engine) {
    $web = $engine->container();
    $shell = [$web, 'sh', '-c', 'echo begun; while read line; do case $line in size) stty size;; *) exit $line;; esac; done'];

    $tool = begin($engine->address, $shell, $pipes);
    $before = stty($pipes[0], '-g');
    expect($pipes[0], 'begun');
    echo stty($pipes[0], '-g') === $before ? 'as before' : 'raw', ', ';
    // Told of a new size.
    stty($pipes[0], 'rows', '31', 'cols', '117');
    posix_kill(proc_get_status($tool)['pid'], SIGWINCH);
    $seen = '';
    while (!str_contains($seen, "31 117\r\n")) {
        fwrite($pipes[0], "size\r");
        $seen .= fread($pipes[0], 8192);
    }
    fwrite($pipes[0], "7\r");
    echo finish($tool, $pipes[0]), ', ', stty($pipes[0], '-g') === $before ? "as before\n" : "still raw\n";

    // Ended by signals, of which one gives no chance to clean up.
    foreach (['TERM' => SIGTERM, 'KILL' => SIGKILL] as $name => $signal) {
        $tool = begin($engine->address, $shell, $pipes);
        $before = stty($pipes[0], '-g');
        expect($pipes[0], 'begun');
        posix_kill(proc_get_status($tool)['pid'], $signal);
        echo "$name: ", finish($tool, $pipes[0]);
        while (stty($pipes[0], '-g') !== $before);
        echo ", as before\n";
    }

    // No such command, no such container.
    foreach ([[$web, 'nonexistent'], ['nonexistent', 'sh']] as $command) {
        $tool = begin($engine->address, $command, $pipes);
        $before = stty($pipes[0], '-g');
        $code = finish($tool, $pipes[0]);
        echo in_array($code, [126, 127], true) ? 'not found' : $code, ', ', stty($pipes[0], '-g') === $before ? "as before\n" : "still raw\n";
    }
}
?>
--EXPECT--
raw, 7, as before
TERM: 143, as before
KILL: 137, as before
not found, as before
125, as before
raw, 7, as before
TERM: 143, as before
KILL: 137, as before
not found, as before
125, as before
