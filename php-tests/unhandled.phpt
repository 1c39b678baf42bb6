--TEST--
A failure that nobody handles is thrown
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$nowhere = new Client('/nonexistent.sock');
$loop = $nowhere->loop;
$request = Request::get('/x');
$words = fn (Throwable $e) => print(get_class($e) . "\n");

echo "out of run() and tick(), held or not:\n";
$nowhere->send($request);
attempt(fn () => $loop->run());
$held = $nowhere->send($request)->onDone(fn () => print("never\n"));
attempt(function () use ($loop) { while ($loop->pending()) $loop->tick(1); });
attempt(fn () => $held->await());

echo "handled:\n";
$nowhere->send($request)->onError($words);
$loop->run();
attempt(fn () => $nowhere->send($request)->await());
$loop->run();

echo "kept while another is awaited, and thrown by the next run():\n";
$held = $nowhere->send($request);
attempt(fn () => $nowhere->request($request));
var_dump($held->isDone());
attempt(fn () => $loop->run());
$loop->run();

echo "kept, and handled in time:\n";
$held = $nowhere->send($request);
attempt(fn () => $nowhere->request($request));
$held->onError($words);
$loop->run();

echo "cannot be reached any more, so not kept:\n";
$nowhere->send($request);
$slow = client()->loop;
attempt(fn () => Towline\Future::all([$nowhere->send($request)]));
$loop->run();

echo "what the program itself ends surprises nobody:\n";
$nowhere->send($request)->cancel();
$nowhere->send($request);
$nowhere->close();
$loop->run();
?>
--EXPECTF--
out of run() and tick(), held or not:
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
handled:
Towline\ConnectException
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
kept while another is awaited, and thrown by the next run():
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
bool(true)
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
kept, and handled in time:
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
Towline\ConnectException
cannot be reached any more, so not kept:
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
what the program itself ends surprises nobody:
