--TEST--
run(), tick() and stop() inside callbacks
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$loop = new Towline\Loop();
$loop->stop();
$loop->defer(function () use ($loop) {
    echo "outer\n";
    $loop->defer(fn () => print("inner, by a nested tick()\n"));
    var_dump($loop->tick());
    $loop->delay(0.001, fn () => print("inner, by a nested run()\n"));
    $loop->defer(function () use ($loop) {
        echo "stops the nested run() only\n";
        $loop->stop();
    });
    $loop->run();
    echo "outer ends\n";
});
$loop->run();
echo "all done, ", $loop->pending(), " pending\n";

// A stop() before a nested run() is for the outer one, however the nested one ends.
foreach ([fn () => null, fn () => throw new LogicException('from the nested run()')] as $ends) {
    $loop->defer(function () use ($loop, $ends) {
        $loop->stop();
        $loop->defer(fn () => print("runs in the nested run()\n"));
        $loop->defer($ends);
        try {
            $loop->run();
        } catch (LogicException $e) {
            echo $e->getMessage(), "\n";
        }
        $loop->defer(fn () => print("left for later\n"));
    });
    $loop->run();
    echo "the outer run() was stopped, ", $loop->pending(), " kept\n";
    $loop->run();
}

for ($i = 1; $i <= 3; $i++) {
    $loop->defer(function () use ($loop, $i) {
        echo "$i\n";
        $loop->stop();
    });
}
$loop->run();
echo "stopped, ", $loop->pending(), " kept\n";
$loop->run();
$loop->run();
echo $loop->pending(), " kept\n";
?>
--EXPECT--
outer
inner, by a nested tick()
int(1)
stops the nested run() only
outer ends
inner, by a nested run()
all done, 0 pending
runs in the nested run()
the outer run() was stopped, 1 kept
left for later
runs in the nested run()
from the nested run()
the outer run() was stopped, 1 kept
left for later
1
stopped, 2 kept
2
3
0 kept
