--TEST--
A function of PHP's that is disabled fails the operation that needs it, and nothing else
--INI--
disable_functions=json_decode
--FILE--
<?php
require __DIR__ . '/inc.php';
$client = client(1);
$client->status()->onDone(fn () => print("never\n"))->onError(fn (Error $error) => print(get_class($error) . ": {$error->getMessage()}\n"));
$client->loop->run();
attempt(fn () => $client->status()->await());
?>
--EXPECT--
Error: Towline needs the function json_decode(), which this PHP does not have
Error: Towline needs the function json_decode(), which this PHP does not have
