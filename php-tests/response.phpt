--TEST--
Responses: read-only, headers as lists by lower-case name
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$client = client();
$response = $client->request(Request::get(script('http_response_code(418); header("X-Two: 1"); header("X-Two: 2", false); header("Content-Type: a/b"); header_remove("X-Powered-By"); echo "body\0"; error_log("words on stderr");')));
var_dump($response->header('x-TWO'), $response->header('none'));
var_dump(isset($response->headers), isset($response->headers['none']), isset($response->nothing), empty($response->body));
var_dump($response->headers['x-two']);
var_dump($response->duration > 0 && $response->duration < 60, str_contains($response->stderr, 'words on stderr'));
var_dump($response);
echo json_encode(['headers' => $response->headers]), "\n";
echo implode(',', array_keys(get_object_vars($response))), "\n";
foreach (['body', 'headers', 'status'] as $property) {
    attempt(fn () => $response->$property = 1);
    attempt(function () use ($response, $property) { unset($response->$property); });
}
attempt(fn () => $response->headers['x'] = ['y']);
attempt(fn () => $response->body .= 'x');
attempt(fn () => $response->other = 1);
attempt(fn () => clone $response);
attempt(fn () => serialize($response));
var_dump($client->request(Request::get(script('header("Location: /elsewhere");')))->status);
var_dump($client->request(Request::get(script('http_response_code(204);')))->status);

// A request that waits for another one's connection has been sent all the same.
$single = client(1, [], maxConnections: 1);
$single->send(Request::get(script('usleep(50_000);')));
var_dump($single->request(Request::get(script('')))->duration >= 0.05);

// A server of another kind has a status of its own.
[$path, $socket] = listener();
$future = (new Client($path))->send(new Request('/x'));
$server = stream_socket_accept($socket);
fread($server, 65536);
fwrite($server, "\1\6\0\1\0\2\0\0\r\n" . "\1\3\0\1\0\x8\0\0\xff\0\0\7\0\0\0\0");
var_dump($future->await()->appStatus === 0xff000007);
?>
--EXPECTF--
string(1) "1"
NULL
bool(true)
bool(false)
bool(false)
bool(false)
array(2) {
  [0]=>
  string(1) "1"
  [1]=>
  string(1) "2"
}
bool(true)
bool(true)
object(Towline\FastCgi\Response)#%d (6) {
  ["status"]=>
  int(418)
  ["headers"]=>
  array(3) {
    ["status"]=>
    array(1) {
      [0]=>
      string(%d) "418%S"
    }
    ["x-two"]=>
    array(2) {
      [0]=>
      string(1) "1"
      [1]=>
      string(1) "2"
    }
    ["content-type"]=>
    array(1) {
      [0]=>
      string(3) "a/b"
    }
  }
  ["body"]=>
  string(5) "body%0"
  ["stderr"]=>
  string(%d) "%swords on stderr%A"
  ["appStatus"]=>
  int(0)
  ["duration"]=>
  float(%f)
}
{"headers":%s}
status,headers,body,stderr,appStatus,duration
Error: Cannot modify readonly property Towline\FastCgi\Response::$body
Error: Cannot unset readonly property Towline\FastCgi\Response::$body
Error: Cannot modify readonly property Towline\FastCgi\Response::$headers
Error: Cannot unset readonly property Towline\FastCgi\Response::$headers
Error: Cannot modify readonly property Towline\FastCgi\Response::$status
Error: Cannot unset readonly property Towline\FastCgi\Response::$status
Error: Cannot modify readonly property Towline\FastCgi\Response::$headers
Error: Cannot modify readonly property Towline\FastCgi\Response::$body
Error: Cannot create dynamic property Towline\FastCgi\Response::$other
Error: Trying to clone an uncloneable object of class Towline\FastCgi\Response
Exception: Serialization of 'Towline\FastCgi\Response' is not allowed
int(302)
int(204)
bool(true)
bool(true)
