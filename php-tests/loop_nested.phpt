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
1
stopped, 2 kept
2
3
0 kept
