--TEST--
A failed exec or call that nobody handles is thrown
--FILE--
<?php
use Towline\Docker\Client;
require __DIR__ . '/inc.php';
$nowhere = new Client('/nonexistent.sock');
$loop = $nowhere->loop;
$words = fn (Throwable $e) => print(get_class($e) . "\n");

echo "out of run() and tick(), held or not:\n";
$nowhere->exec('web', ['x'])->onExit(fn () => print("never\n"));
attempt(fn () => $loop->run());
$held = $nowhere->exec('web', ['x']);
attempt(function () use ($loop) { while ($loop->pending()) $loop->tick(1); });
attempt(fn () => $held->await());
$nowhere->run('web', ['x']);
attempt(fn () => $loop->run());
$nowhere->logs('web', fn () => print("never\n"));
attempt(fn () => $loop->run());

echo "handled:\n";
$nowhere->exec('web', ['x'])->onError($words);
$loop->run();
attempt(fn () => $nowhere->exec('web', ['x'])->await());
$nowhere->exec('web', ['x'])->future()->onError($words);
$loop->run();
$loop->run();

echo "kept while another is awaited, and thrown by the next run():\n";
$held = $nowhere->exec('web', ['x']);
attempt(fn () => $nowhere->version()->await());
var_dump($held->isDone());
attempt(fn () => $loop->run());
$loop->run();

echo "kept, and handled in time:\n";
$held = $nowhere->exec('web', ['x']);
attempt(fn () => $nowhere->version()->await());
$held->onError($words);
$loop->run();
$future = $nowhere->exec('web', ['x'])->future();
attempt(fn () => $nowhere->version()->await());
$future->onError($words);
$loop->run();

echo "cannot be reached any more, so not kept:\n";
$nowhere->exec('web', ['x']);
attempt(fn () => Towline\Future::all([$nowhere->exec('web', ['x'])->future()]));
$loop->run();

echo "what the program itself ends surprises nobody:\n";
$nowhere->exec('web', ['x'])->close();
$nowhere->exec('web', ['x'])->future()->cancel();
$nowhere->run('web', ['x'])->cancel();
$nowhere->exec('web', ['x']);
$nowhere->run('web', ['x']);
$nowhere->events(fn () => 1);
$nowhere->close();
$loop->run();
?>
--EXPECTF--
out of run() and tick(), held or not:
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
handled:
Towline\ConnectException
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
Towline\ConnectException
kept while another is awaited, and thrown by the next run():
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
bool(true)
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
kept, and handled in time:
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
Towline\ConnectException
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
Towline\ConnectException
cannot be reached any more, so not kept:
Towline\ConnectException: cannot connect to /nonexistent.sock: %s
what the program itself ends surprises nobody:
