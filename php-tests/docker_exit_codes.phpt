--TEST--
Exit codes: 0 to 255, not found, not executable, killed, not started twice
--FILE--
<?php
require __DIR__ . '/docker.php';

foreach (engines() as $engine) {
    $docker = $engine->client();
    $web = $engine->container();
    $codes = [0, 1, 2, 42, 125, 126, 127, 128, 137, 254, 255];
    $runs = array_map(fn (int $code) => $docker->run($web, ['sh', '-c', "exit $code"]), array_combine($codes, $codes));
    foreach (Towline\Future::all($runs) as $code => $result) {
        echo $result->exitCode === $code ? '.' : "exit $code is told as $result->exitCode\n";
    }
    echo "\n";
    // What the Engine says of it is output; the code tells what it means.
    // Docker (20.10 and 26.1) tells a command that is not found by 127 or, for some, by 126.
    $missing = $engine->kind === 'docker' ? [127, 126] : [127];
    foreach (['/nonexistent' => $missing, 'nonexistent' => $missing, '/etc/passwd' => [126], '/etc' => [126]] as $program => $expected) {
        $said = 0;
        $exec = $docker->exec($web, [$program])->onOutput(function (string $bytes) use (&$said) { $said += strlen($bytes); });
        $code = $exec->await();
        echo "$program: ", in_array($code, $expected, true) ? 'as expected' : $code, $said > 0 ? ', with words' : ', without words', "\n";
    }
    foreach (['KILL', 'TERM'] as $signal) {
        echo "$signal: ", $engine->run($web, 'sh', '-c', "kill -$signal \$\$")[0], "\n";
    }
    // Its standard output is closed long before it ends.
    echo 'silent: ', $engine->run($web, 'sh', '-c', 'exec >&- 2>&-; sleep 0.3; exit 5')[0], "\n";
}
?>
--EXPECT--
...........
/nonexistent: as expected, with words
nonexistent: as expected, with words
/etc/passwd: as expected, with words
/etc: as expected, with words
KILL: 137
TERM: 143
silent: 5
...........
/nonexistent: as expected, with words
nonexistent: as expected, with words
/etc/passwd: as expected, with words
/etc: as expected, with words
KILL: 137
TERM: 143
silent: 5
