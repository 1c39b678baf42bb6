--TEST--
Deep inside callbacks one waits without other callbacks, which keep their order and may still be called off
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$log = [];
function print_later(string $line): void { $GLOBALS['log'][] = $line; }
$client = client(4);
$loop = $client->loop;
[$begun, $release] = [folder() . '/begun', folder() . '/release'];
$long = Request::get(script("echo 'part'; flush(); touch('$begun'); while (!file_exists('$release')) usleep(1000);"));
$slow = Request::get(script("while (!file_exists('$begun')) usleep(1000); usleep(20000); echo 'slow';"));
$parts = Request::get(script('echo "part"; flush(); echo "part";'));

// Calls back from within so many nested run().
$deep = function (int $levels, Closure $callback) use ($loop, &$deep): void {
    $loop->defer(fn () => $levels === 1 ? $callback() : $deep($levels - 1, $callback));
    $loop->run();
};

$deep(10, function () use ($client, $loop, $slow, $parts, $long, $release) {
    $loop->defer(fn () => print_later("deferred"));
    $loop->delay(0.0, fn () => print_later("timer"));
    $cancelled = $loop->delay(0.0, fn () => print("never this timer\n"));
    $beats = 0;
    $repeated = $loop->repeat(0.001, function () use (&$beats, &$repeated) {
        $beats++;
        $repeated->cancel();
    });
    $calledOff = $client->send($long, onBody: fn () => print("never this part\n"));
    $client->send($parts, onBody: function (string $part) use (&$body) { $body .= $part; })->onDone(function () use (&$body) { print_later("done after $body"); });
    $kept = (new Client('/nonexistent.sock', $loop))->send($parts);
    $kept->onError(fn () => print_later("failed"));
    $fiber = new Fiber(fn () => print_later("fiber has " . $client->request($slow)->body));
    $fiber->start();
    echo $client->request($slow)->body, "\n";
    var_dump($kept->isDone());
    $cancelled->cancel();
    $calledOff->cancel();
    touch($release);
    echo count($GLOBALS['log']), " callbacks meanwhile, $beats beats\n";
    $loop->defer(function () use (&$beats) { print_later("in the end $beats"); });
});
$loop->run();
echo $loop->pending(), " pending\n";
sort($log);
echo implode("\n", $log), "\n";
?>
--EXPECT--
slow
bool(true)
0 callbacks meanwhile, 0 beats
0 pending
deferred
done after partpart
failed
fiber has slow
in the end 1
timer
