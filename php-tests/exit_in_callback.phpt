--TEST--
exit() in a callback exits
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
register_shutdown_function(fn () => print("\nshutdown function\n"));
$client = client();
$client->send(Request::get(script('echo 1;')))->onDone(function () use ($client) {
    $client->send(Request::get(script('echo 2;')))->onDone(function () {
        exit('exits');
    });
    $client->loop->run();
});
$client->loop->delay(5, fn () => print("never\n"));
try {
    $client->loop->run();
} catch (Throwable $e) {
    echo "not to be caught\n";
} finally {
    echo "";
}
echo "never reached\n";
?>
--EXPECT--
exits
shutdown function
