--TEST--
However many callbacks wait inside one another, the stack stays shallow
--INI--
fiber.stack_size=64k
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$client = client();
$loop = $client->loop;
$echo = script('echo file_get_contents("php://input");');
$request = Request::get($echo);

// Sends requests whose callbacks each send and await one more; returns how deep those nested.
$nest = function (int $count, Closure $ask) use ($client, $loop, $request): int {
    $depth = $deepest = $asked = 0;
    for ($i = 0; $i < $count; $i++) {
        $client->send($request)->onDone(function () use ($ask, &$depth, &$deepest, &$asked) {
            $deepest = max($deepest, ++$depth);
            $ask();
            $asked++;
            $depth--;
        });
    }
    $loop->run();
    echo "$asked asked\n";
    return $deepest;
};

echo "in {main}:\n";
var_dump($nest(1000, fn () => $client->request($request)) <= 9);
echo "each():\n";
var_dump($nest(200, function () use ($client, $request) {
    foreach ($client->each([$request, $request]) as $answer) $answer->body === '' or exit('no answer');
}) <= 9);
echo "a body's source is asked there too:\n";
var_dump($nest(100, function () use ($client, $echo) {
    $parts = ['part ', 'by part', null];
    $body = function () use (&$parts) { return array_shift($parts); };
    $answer = $client->request(new Request($echo, 'POST', body: $body, contentLength: 12));
    $answer->body === 'part by part' or exit("answered '$answer->body'");
}) <= 9);
echo "in a Fiber with a small stack:\n";
(new Fiber(fn () => var_dump($nest(200, fn () => $client->request($request)) <= 9)))->start();

echo "what comes meanwhile for others is bounded:\n";
$wide = client(2, ['memory_limit' => '-1']);
$much = script('for ($i = 0; $i < 1000; $i++) { echo str_repeat("x", 100000); }');
[$path, $listener] = listener();
$silent = new Client($path, $wide->loop, timeout: 30);
$came = 0;
$deep = function (int $levels) use ($wide, $silent, $much, &$deep, &$came) {
    if ($levels > 0) {
        $wide->loop->defer(fn () => $deep($levels - 1));
        $wide->loop->tick();
        return;
    }
    $wide->send(Request::get($much), onBody: function (string $bytes) use (&$came) { $came += strlen($bytes); });
    attempt(fn () => $silent->request(new Request('/x')));
    echo "$came bytes delivered\n";
};
$deep(12);
$silent->close();
$wide->loop->run();
echo "$came bytes delivered\n";

echo "sources that wait for another request with the same source end with an error at last:\n";
$wide = client(1, [], maxConnections: 100);
$body = function () use ($wide, $echo, &$body): string {
    $wide->request(new Request($echo, 'POST', body: $body, contentLength: 1));
    return 'x';
};
attempt(fn () => $wide->request(new Request($echo, 'POST', body: $body, contentLength: 1)));
$wide->close();
$wide->loop->run();

echo "run() and tick():\n";
$run = function (string $how) {
    $loop = new Towline\Loop();
    $depth = 0;
    $go = function () use ($loop, $how, &$depth, &$go) {
        $depth++;
        $loop->defer($go);
        $loop->$how();
    };
    $loop->defer($go);
    attempt(fn () => $loop->run());
    echo "$depth levels\n";
};
$run('run');
$run('tick');
$loops = [];
$deeper = function () use (&$loops, &$deeper) {
    $loops[] = $loop = new Towline\Loop();
    $loop->defer($deeper);
    $loop->run();
};
attempt($deeper);
echo count($loops), " loops\n";
(new Fiber(fn () => $run('run')))->start();
echo "and then as ever:\n";
$loop = new Towline\Loop();
$loop->defer(fn () => print("called\n"));
$loop->run();
?>
--EXPECT--
in {main}:
1000 asked
bool(true)
each():
200 asked
bool(true)
a body's source is asked there too:
100 asked
bool(true)
in a Fiber with a small stack:
200 asked
bool(true)
what comes meanwhile for others is bounded:
Error: more than 67108864 bytes have come for callbacks that cannot run while this one waits, deep inside others: let callbacks return, or have them wait in a Fiber
0 bytes delivered
100000000 bytes delivered
sources that wait for another request with the same source end with an error at last:
Error: the loop is driven inside its own callbacks 24 times over, and deeper it cannot go: let callbacks return, or have them wait in a Fiber
run() and tick():
Error: the loop is driven inside its own callbacks 24 times over, and deeper it cannot go: let callbacks return, or have them wait in a Fiber
24 levels
Error: the loop is driven inside its own callbacks 24 times over, and deeper it cannot go: let callbacks return, or have them wait in a Fiber
24 levels
Error: the loop is driven inside its own callbacks 24 times over, and deeper it cannot go: let callbacks return, or have them wait in a Fiber
25 loops
Error: the loop is driven inside its own callbacks 16 times over, and deeper it cannot go: let callbacks return, or have them wait in a Fiber
16 levels
and then as ever:
called
