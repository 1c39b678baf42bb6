--TEST--
A terminal's size, a pause, an attached container
--FILE--
<?php
require __DIR__ . '/docker.php';

foreach (engines() as $engine) {
    echo "$engine->kind:\n";
    $docker = $engine->client();
    $web = $engine->container();

    // The first size, and later ones: the latest wins. (busybox's stty shows no sizes beyond these.)
    $output = '';
    $exec = $docker->exec($web, ['sh', '-c', 'while read go; do stty size; done'], tty: true, stdin: true, rows: 33, columns: 111)
        ->onOutput(function (string $bytes) use (&$output) { $output .= $bytes; });
    $asking = $docker->loop->repeat(0.02, fn () => $exec->write("\n"));
    until($docker->loop, function () use (&$output) { return str_contains($output, "33 111\r\n"); });
    // podman's conmon loses one that follows another within milliseconds, so there it is one alone.
    foreach (range($engine->kind === 'podman' ? 50 : 10, 50) as $n) {
        $exec->resize($n, 100 + $n);
    }
    until($docker->loop, function () use (&$output) { return str_contains($output, "50 150\r\n"); });
    $exec->resize(29999, 2);
    until($docker->loop, function () use (&$output) { return str_contains($output, "29999 2\r\n"); });
    $asking->cancel();
    $exec->closeStdin();
    echo $exec->await(), "\n";
    $exec->resize(5, 5);

    // Paused, a process that writes is held back; resumed, everything is there.
    $count = 0;
    $hash = hash_init('md5');
    $exec = $docker->exec($web, ['sh', '-c', 'yes 0123456789 | head -c 20000000; echo done >/tmp/done'], pauseBuffer: 65536);
    $paused = false;
    $exec->onOutput(function (string $bytes) use (&$count, $hash, &$paused, $exec) {
        if ($paused) {
            echo "called while paused\n";
        }
        $count += strlen($bytes);
        hash_update($hash, $bytes);
        if ($count === strlen($bytes)) {
            $exec->pause();
            $paused = true;
        }
    });
    // Time for it to get further than it may.
    for ($i = 0; $i < 4; $i++) {
        $docker->run($web, ['true'])->await();
    }
    echo $count < 1000000 ? 'held back' : $count, ' ', $engine->run($web, 'test', '-e', '/tmp/done')[0], ' ';
    $paused = false;
    $exec->resume();
    echo $exec->await(), ' ', $count, ' ', hash_final($hash) === md5(substr(str_repeat("0123456789\n", 2000000), 0, 20000000)) ? 'all' : 'not all', "\n";

    // The container's own process.
    $cat = $engine->container(['Cmd' => ['sh', '-c', 'echo begun; read line; echo "got $line" >&2; exit 5'], 'OpenStdin' => true, 'StdinOnce' => true]);
    $output = ['', '', ''];
    $attached = $docker->attach($cat, stdin: true, logs: true)
        ->onOutput(function (string $bytes, int $stream) use (&$output) { $output[$stream] .= $bytes; });
    $attached->write("input\n");
    echo json_encode([$attached->await(), $output[1], $output[2]]), ' ', words($attached->id), ' ', $attached->inspect()->await()['State']['ExitCode'], "\n";

    // Its kill() goes to the container.
    $sleeper = $engine->container();
    $attached = $docker->attach($sleeper);
    $attached->onOpen(function () use ($attached) { $attached->kill('KILL'); });
    // podman forgets the code of a container that is killed soon after its start.
    echo in_array($attached->await(), $engine->kind === 'podman' ? [137, null] : [137], true) ? 'killed' : 'not killed', "\n";

    // Closed, it goes on.
    $sleeper = $engine->container();
    $attached = $docker->attach($sleeper)->onError(fn (Throwable $e) => print(get_class($e) . "\n"));
    $attached->close();
    $docker->loop->run();
    var_dump($docker->inspect($sleeper)->await()['State']['Running']);

    // A container with a terminal: its size, the end of its input, its log.
    $script = 'until [ "$(stty size)" = "44 55" ]; do sleep 0.01; done; echo sized; cat; echo over >&2; exit 6';
    $tty = $engine->container(['Cmd' => ['sh', '-c', $script], 'Tty' => true, 'OpenStdin' => true]);
    $output = '';
    $attached = $docker->attach($tty, stdin: true)->onOutput(function (string $bytes, int $stream) use (&$output) { $output .= $stream === 1 ? $bytes : 'stderr?'; });
    $attached->onOpen(function () use ($attached) { $attached->resize(44, 55); });
    until($docker->loop, function () use (&$output) { return str_contains($output, "sized\r\n"); });
    $attached->write("typed\n");
    $attached->closeStdin();
    echo $attached->await(), ' ', str_ends_with($output, "typed\r\ntyped\r\nover\r\n") ? 'all of it' : json_encode($output), ', ';
    $log = '';
    $docker->logs($tty, function (string $bytes, int $stream) use (&$log) { $log .= $stream === 1 ? $bytes : 'stderr?'; })->await();
    echo str_ends_with($log, "over\r\n") && str_contains($log, $output) ? 'logged' : json_encode([$log, $output]), "\n";

    // By its id, also when its name has gone.
    $engine->post("/containers/$tty/rename", query: ['name' => "$tty-renamed"]);
    echo $attached->inspect()->await()['State']['ExitCode'], "\n";
    $engine->post("/containers/$tty-renamed/rename", query: ['name' => $tty]);

    // Left by its keys it goes on. (podman looks only at keys that come alone.)
    if ($engine->kind === 'docker') {
        $tty = $engine->container(['Cmd' => ['sleep', 'infinity'], 'Tty' => true, 'OpenStdin' => true]);
        $attached = $docker->attach($tty, stdin: true, detachKeys: 'ctrl-a,z');
        $attached->write("\x01z");
        var_dump($attached->await(), $docker->inspect($tty)->await()['State']['Running']);
    }

    // Removed while it runs.
    $exec = $docker->exec($web, ['sh', '-c', 'echo up; sleep 1000'])->onOutput(function () use ($docker, $web) {
        $docker->request('DELETE', "/containers/$web", query: ['force' => true]);
    });
    $code = $exec->await();
    echo $code === null || $code === 137 ? 'ended' : $code, "\n";
}
?>
--EXPECT--
docker:
0
held back 1 0 20000000 all
[5,"begun\n","got input\n"] ID 5
killed
Towline\CancelledException
bool(true)
6 all of it, logged
6
NULL
bool(true)
ended
podman:
0
held back 1 0 20000000 all
[5,"begun\n","got input\n"] ID 5
killed
Towline\CancelledException
bool(true)
6 all of it, logged
6
ended
