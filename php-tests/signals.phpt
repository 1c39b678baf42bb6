--TEST--
Signal handlers run while run() blocks
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
use Towline\Loop;
require __DIR__ . '/inc.php';
pcntl_async_signals(true);
$loop = new Loop();
$parent = getmypid();
[$path, $socket] = listener();
$client = new Client($path, $loop);
$future = $client->send(new Request('/x'));

/** A child that sends a signal once the parent waits in the kernel. */
$sender = function (int $signal) use ($parent): void {
    if (pcntl_fork() === 0) {
        while (!preg_match('/ep_?poll/', (string) @file_get_contents("/proc/$parent/wchan"))
            && !str_contains((string) @file_get_contents("/proc/$parent/stat"), ") S ")) {
            usleep(1000);
        }
        posix_kill($parent, $signal);
        posix_kill(getmypid(), SIGKILL);
    }
};

pcntl_signal(SIGUSR1, function () use ($loop) { echo "handled\n"; $loop->stop(); });
$sender(SIGUSR1);
$loop->run();
echo "stopped by the handler\n";

pcntl_signal(SIGUSR1, fn () => throw new Exception('thrown by the handler'));
$sender(SIGUSR1);
attempt(fn () => $loop->run());
$sender(SIGUSR1);
attempt(fn () => $future->await());

pcntl_signal(SIGUSR1, fn () => print("handled in tick()\n"));
$sender(SIGUSR1);
$loop->tick(60);

pcntl_signal(SIGTERM, function () { echo "exits\n"; exit(0); });
$sender(SIGTERM);
$loop->run();
echo "never reached\n";
?>
--EXPECT--
handled
stopped by the handler
Exception: thrown by the handler
Exception: thrown by the handler
handled in tick()
exits
