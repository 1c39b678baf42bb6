--TEST--
Inside php-fpm: the loop, its stream and await()
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
use Towline\FastCgi\Fpm;
// The library that this process has loaded.
$library = preg_match('~\S*towline\S*\.so$~m', file_get_contents('/proc/self/maps'), $found) ? $found[0] : exit("which library?\n");
$fpm = Fpm::start(1, ['extension' => $library, 'display_errors' => '1']);
$outer = new Client($fpm->address);
$inner = Fpm::start(2);

$address = var_export($inner->address, true);
$echo = script('echo "inner ", $_GET["n"];');
$request = "Towline\\FastCgi\\Request::get('$echo', ['n' => \$n])";
$show = fn (string $code) => print($outer->request(Request::get(script("\$client = new Towline\\FastCgi\\Client($address); \$get = fn (\$n) => $request; $code")))->body . "\n");

$show('echo PHP_SAPI, " ", $client->request($get(1))->body;');
$show('$client->send($get(2))->onDone(fn ($r) => print($r->body)); $client->loop->run();');
$show('$f = new Fiber(fn () => print($client->request($get(3))->body)); $f->start(); $client->loop->run();');
$show('$s = $client->loop->getStream(); $f = $client->send($get(4)); while (!$f->isDone()) { $r = [$s]; $w = null; if (stream_select($r, $w, $w, 20) !== 1) exit("not readable"); $client->loop->tick(); } echo $f->await()->body;');

echo "a worker is not harmed by what scripts leave behind:\n";
$pid = $outer->request(Request::get($who = script('echo getmypid();')))->body;
$show('$client->send($get(5))->onDone(function () { exit("exits"); }); $client->loop->run();');
$show('ini_set("html_errors", 0); $client->send($get(6))->onDone(function () { eval("function strlen() {}"); }); $client->loop->run();');
$show('ini_set("html_errors", 0); $client->send($get(7))->onDone(function () use ($client) { $client->request(new Towline\FastCgi\Request("/nothing")); ini_set("memory_limit", "8M"); str_repeat("x", 9 << 20); }); $client->loop->run();');
$show('$client->send($get(8))->onDone(function () use ($client) { }); $client->loop->repeat(0.001, fn () => $client); echo "left behind";');
echo $outer->request(Request::get($who))->body === $pid ? "the same worker\n" : "another worker\n";
?>
--EXPECTF--
fpm-fcgi inner 1
inner 2
inner 3
inner 4
a worker is not harmed by what scripts leave behind:
exits

Fatal error: Cannot redeclare strlen() in %s on line %d


Fatal error: Allowed memory size of 8388608 bytes exhausted %s on line %d

left behind
the same worker
