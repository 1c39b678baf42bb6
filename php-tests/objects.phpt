--TEST--
What var_dump() shows, and how objects compare
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$client = client();
$future = $client->send(Request::get(script('echo "answer";')));
print_r([$client->loop, $future, $client]);
$response = $future->await();
$failed = (new Client('/nonexistent.sock', $client->loop))->send(new Request('/x'));
try { $failed->await(); } catch (Towline\Exception) {}
ob_start();
var_dump($future, $failed);
echo preg_match_all('/"(pending|done|failed)"|object\(Towline[^)]*\)/', ob_get_clean(), $found) ? implode(' ', $found[0]) : '', "\n";
$timer = $client->loop->delay(10, strlen(...));
print_r($timer);
$timer->cancel();
print_r($timer);
print_r(new Request('/a', body: 'bytes', params: ['X' => 1]));

echo "equal only to itself:\n";
var_dump($client == $client, $future == $failed, new Request('/a') == new Request('/a'), $client->loop == $client);
echo "callbacks of every kind:\n";
class Base { public function __invoke() { echo static::class, "\n"; } public static function fixed() { echo static::class, "\n"; } }
final class Derived extends Base { public function method() { echo __METHOD__, "\n"; } }
foreach ([(new Base())(...), Derived::fixed(...), (new Derived())->method(...), Closure::fromCallable([new Derived(), 'method']), static fn () => print("static\n"), $client->loop->stop(...)] as $callback) {
    $client->loop->defer($callback);
}
$client->loop->run();
?>
--EXPECTF--
Array
(
    [0] => Towline\Loop Object
        (
            [pending] => 1
        )

    [1] => Towline\Future Object
        (
            [state] => pending
        )

    [2] => Towline\FastCgi\Client Object
        (
            [loop] => Towline\Loop Object
                (
                    [pending] => 1
                )

        )

)
object(Towline\Future) "done" object(Towline\FastCgi\Response) object(Towline\Future) "failed" object(Towline\ConnectException)%A
Towline\Timer Object
(
    [active] => 1
)
Towline\Timer Object
(
    [active] => 
)
Towline\FastCgi\Request Object
(
    [params] => Array
        (
%A
            [X] => 1
        )

    [body] => bytes
)
equal only to itself:
bool(true)
bool(false)
bool(false)
bool(false)
callbacks of every kind:
Base
Derived
Derived::method
Derived::method
static
