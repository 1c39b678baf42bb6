--TEST--
The loop: timers, deferred callbacks, turns
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$loop = new Towline\Loop();
var_dump($loop->pending(), $loop->getTimeout(), $loop->tick());
$loop->run();
echo "an idle run() returns\n";

$loop->delay(0.02, function () { echo "later\n"; });
$loop->delay(0.0, function () { echo "at once\n"; });
$timer = $loop->delay(60, fn () => print("never\n"));
$beats = 0;
$beat = $loop->repeat(0.001, function () use (&$beat, &$beats, $timer) {
    if (++$beats === 3) {
        $beat->cancel();
        $timer->cancel();
    }
});
var_dump($loop->pending(), $beat->isActive(), $timer->isActive());
$loop->defer(function () use ($loop) {
    echo "deferred\n";
    $loop->defer(fn () => print("deferred again, in the next turn\n"));
});
var_dump($loop->getTimeout());
$loop->run();
var_dump($beats, $loop->pending(), $beat->isActive(), $timer->isActive(), $loop->getTimeout());
$beat->cancel();

$loop->delay(10, strlen(...))->cancel();
$loop->defer(phpversion(...));
$loop->defer(phpversion(...));
echo $loop->tick(), " internal functions called\n";

$loop->delay(1000, fn () => null);
var_dump($loop->getTimeout() > 999 && $loop->getTimeout() <= 1000);
?>
--EXPECT--
int(0)
NULL
int(0)
an idle run() returns
int(4)
bool(true)
bool(true)
float(0)
deferred
at once
deferred again, in the next turn
later
int(3)
int(0)
bool(false)
bool(false)
NULL
2 internal functions called
bool(true)
