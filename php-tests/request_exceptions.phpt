--TEST--
An exception in each kind of callback of a request
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$client = client();
$loop = $client->loop;
$request = Request::get(script('fwrite(fopen("php://stderr", "w"), ""); error_log("words"); echo "body";'));
$thrower = fn (string $what) => fn () => throw new Exception($what);

$client->send($request)->onDone($thrower('onDone'))->onDone(fn () => print("the second onDone\n"));
attempt(fn () => $loop->run());
$loop->run();

$client->send($request, onHead: $thrower('onHead'))->onDone(fn ($r) => print("$r->body\n"));
attempt(fn () => $loop->run());
$loop->run();

$client->send($request, onBody: $thrower('onBody'))->onDone(fn ($r) => print("done\n"));
attempt(fn () => $loop->run());
$loop->run();

$client->send($request, onStderr: $thrower('onStderr'))->onDone(fn ($r) => print("done\n"));
attempt(fn () => $loop->run());
$loop->run();

$upload = new Request($request->getParams()['SCRIPT_FILENAME'], 'POST', body: $thrower('source'), contentLength: 10);
$client->send($upload)->onError(fn ($e) => print(get_class($e) . ": {$e->getMessage()}\n"));
attempt(fn () => $loop->run());
$loop->run();

// Without onError nothing is thrown twice.
$client->send($upload);
attempt(fn () => $loop->run());
$loop->run();

$odd = new Request($request->getParams()['SCRIPT_FILENAME'], 'POST', body: fn (int $n) => [$n], contentLength: 10);
attempt(fn () => $client->request($odd));
attempt(fn () => $client->request(new Request('/x', 'POST', body: fn (int $n): ?string => null, contentLength: 10)));
attempt(fn () => $client->request(new Request('/x', 'POST', body: fn (int $n): ?string => 'too much', contentLength: 3)));

$nowhere = new Client('/nonexistent.sock', $loop);
$nowhere->send($request)->onError($thrower('onError'))->onError(fn ($e) => print("the second onError\n"));
attempt(fn () => $loop->run());
$loop->run();

// await() of one future lets the exception of another's callback out; it may go on after that.
$client->send($request)->onDone($thrower('of another'));
$slow = $client->send(Request::get(script('usleep(100000); echo "slow";')));
attempt(fn () => $slow->await());
echo $slow->await()->body, "\n";
?>
--EXPECTF--
Exception: onDone
the second onDone
Exception: onHead
body
Exception: onBody
done
Exception: onStderr
done
Exception: source
Towline\ClosedException: the source of the request's body failed
Exception: source
TypeError: the body's source must return a string of at most 10 bytes, or null at the end; array returned
%s
%s
Exception: onError
the second onError
Exception: of another
slow
