--TEST--
exit, fatal errors and fork() with an exec open
--FILE--
<?php
require __DIR__ . '/docker.php';

final class Last
{
    public function __destruct() { echo "destroyed\n"; }
}

$engine = Engine::get('docker');
$web = $engine->container();
$scenarios = [
    'exit in onOutput' => function ($docker, $exec) { $exec->onOutput(function () { exit("exits\n"); }); },
    'fatal in onOutput' => function ($docker, $exec) { $exec->onOutput(function () { (fn (int $x) => 1)('x'); }); },
    'memory in onOutput' => function ($docker, $exec) {
        ini_set('memory_limit', '16M');
        $exec->onOutput(function () { str_repeat('x', 100000000); });
    },
    'memory for the output' => function ($docker, $exec) {
        ini_set('memory_limit', '16M');
        $all = [];
        $exec->onOutput(function (string $bytes) use (&$all, $exec) { $all[] = $bytes; $exec->write(str_repeat('x', 100000)); });
    },
    'used at shutdown' => function ($docker, $exec) {
        $exec->onOutput(function () use ($exec) {
            register_shutdown_function(function () use ($exec) {
                $exec->write('late');
                $exec->close();
                attempt(fn () => $exec->await());
            });
            exit;
        });
    },
    'left open' => function ($docker, $exec) {
        $exec->onOutput(function () use ($docker) { $docker->loop->stop(); });
        (new Fiber(function () use ($exec) {
            try {
                $exec->await();
            } finally {
                echo "the fiber unwinds\n";
            }
        }))->start();
    },
];
foreach ($scenarios as $name => $scenario) {
    echo "$name: ";
    $child = pcntl_fork();
    if ($child === 0) {
        $docker = $engine->client();
        $exec = $docker->exec($web, ['cat'], stdin: true);
        // A cycle that only the end of the request breaks.
        $last = new Last();
        $exec->onExit(function () use ($exec, $last) {});
        $scenario($docker, $exec);
        $exec->write('x');
        $docker->loop->run();
        echo "ends\n";
        exit;
    }
    pcntl_waitpid($child, $status);
    echo 'exit code ', pcntl_wexitstatus($status), "\n";
}

echo "fork: ";
$docker = $engine->client();
$exec = $docker->exec($web, ['cat'], stdin: true)->onOutput(fn (string $bytes) => print($bytes));
$open = false;
$exec->onOpen(function () use (&$open) { $open = true; });
until($docker->loop, function () use (&$open) { return $open; });
$child = pcntl_fork();
if ($child === 0) {
    attempt(fn () => $exec->write("from the child\n"));
    attempt(fn () => $exec->closeStdin());
    attempt(fn () => $exec->resize(1, 1));
    attempt(fn () => $exec->kill());
    attempt(fn () => $exec->inspect());
    attempt(fn () => $exec->close());
    attempt(fn () => $docker->version());
    attempt(fn () => $docker->close());
    unset($exec, $docker);
    gc_collect_cycles();
    exit(0);
}
pcntl_waitpid($child, $status);
$exec->write("from the parent\n");
$exec->closeStdin();
echo $exec->await(), "\n";
?>
--EXPECTF--
exit in onOutput: exits
destroyed
exit code 0
fatal in onOutput: 
Fatal error: Uncaught TypeError: %a
destroyed
exit code 255
memory in onOutput: 
Fatal error: Allowed memory size of %s
exit code 255
memory for the output: 
Fatal error: Allowed memory size of %s
exit code 255
used at shutdown: Towline\CancelledException: the operation was cancelled
destroyed
exit code 0
left open: ends
destroyed
the fiber unwinds
exit code 0
fork: Towline\Exception: this loop belongs to the process that made it: make a new Towline\Loop after pcntl_fork()
Towline\Exception: this loop belongs to the process that made it: make a new Towline\Loop after pcntl_fork()
Towline\Exception: this loop belongs to the process that made it: make a new Towline\Loop after pcntl_fork()
Towline\Exception: this loop belongs to the process that made it: make a new Towline\Loop after pcntl_fork()
Towline\Exception: this loop belongs to the process that made it: make a new Towline\Loop after pcntl_fork()
Towline\Exception: this loop belongs to the process that made it: make a new Towline\Loop after pcntl_fork()
Towline\Exception: this loop belongs to the process that made it: make a new Towline\Loop after pcntl_fork()
Towline\Exception: this loop belongs to the process that made it: make a new Towline\Loop after pcntl_fork()
from the parent
0
