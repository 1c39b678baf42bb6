--TEST--
After pcntl_fork() the loop belongs to the parent
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$client = client();
$loop = $client->loop;
$script = script('usleep(20000); echo "answer";');
$future = $client->send(Request::get($script));
$loop->tick();
$loop->delay(0.001, function () use (&$fired) { $fired = true; });

$child = pcntl_fork();
if ($child === 0) {
    $attempts = [
        fn () => $loop->run(), fn () => $loop->tick(), fn () => $loop->getStream(), fn () => $loop->pending(),
        fn () => $loop->delay(1, fn () => 1), fn () => $loop->defer(fn () => 1), fn () => $client->send(Request::get($script)),
        fn () => $client->stats(), fn () => $client->close(), fn () => $client->send(Request::get($script)), fn () => $client->close(),
        fn () => $future->await(), fn () => $future->cancel(),
        fn () => new Client('/x', $loop),
    ];
    foreach ($attempts as $attempt) {
        try {
            $attempt();
            echo "nothing was thrown\n";
        } catch (Towline\Exception $e) {
            $words[$e->getMessage()] = true;
        }
    }
    echo implode("\n", array_keys($words)), "\n";
    $own = new Client('/nonexistent.sock');
    attempt(fn () => $own->request(Request::get($script)));
    exit(0);
}
pcntl_waitpid($child, $status);
echo 'child ended with ', pcntl_wexitstatus($status), "\n";
echo $future->await()->body, "\n";
$loop->run();
var_dump($fired);
echo $client->request(Request::get($script))->body, "\n";
?>
--EXPECTF--
this loop belongs to the process that made it: make a new Towline\Loop after pcntl_fork()
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
child ended with 0
answer
bool(true)
answer
