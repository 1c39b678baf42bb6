--TEST--
Requests: what is sent
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
use Towline\Future;
require __DIR__ . '/inc.php';
$request = new Request('/srv/a.php', 'PUT', 'a=1', "b\0c", params: ['X' => 1, 'Y' => 1.5, 'Z' => true, 'SERVER_NAME' => 'mine', 7 => 'seven']);
$changed = $request->withHeader('X-Foo', 'bar')->withHeader('Content-Type', 'a/b')->withParam('BYTES', "\xff\0");
var_dump($changed === $request);
foreach ($changed->getParams() as $name => $value) {
    echo "$name=", addcslashes($value, "\0..\37\177..\377"), "\n";
}
echo count($changed->getParams()) - count($request->getParams()), " more than before\n";

$client = client();
$dump = script('echo json_encode([$_SERVER["REQUEST_METHOD"], $_SERVER["CONTENT_TYPE"] ?? "", $_GET, $_POST, array_map(fn ($f) => [$f["name"], $f["type"], file_get_contents($f["tmp_name"])], $_FILES), strlen(file_get_contents("php://input"))]);');
$show = fn (Request $r) => print($client->request($r)->body . "\n");
$show(Request::get($dump, ['q' => 'ä & b', 'list' => [1, 2]]));
$show(Request::get($dump));
$show(Request::post($dump, ['a' => 'x=y', 'n' => ['k' => 'v']]));
$show(Request::json($dump, ['a' => [1.5, null]]));
$upload = file_with("line\r\nline\0", 'a "quoted".TXT');
$show(Request::multipart($dump, ['field' => 'v', 'deep' => ['a' => [true, 2]], 3 => "\r\n--x"], ['up' => $upload]));

echo "sent again and again:\n";
$request = Request::get(script('echo $_SERVER["HTTP_X_N"] ?? "none";'));
echo implode(',', array_map(fn ($r) => $r->body, Future::all([$client->send($request), $client->send($request), $client->send($request->withHeader('X-N', '5'))]))), "\n";

echo "other roles:\n";
var_dump((new Request('/auth', role: Towline\FastCgi\Role::Authorizer))->getParams()['SCRIPT_FILENAME']);
var_dump((new Request('/filter', role: Towline\FastCgi\Role::Filter))->withData('12345')->getParams()['FCGI_DATA_LENGTH'] ?? null);
var_dump(Towline\FastCgi\Role::from(2), Towline\FastCgi\Balance::cases());
?>
--EXPECTF--
bool(false)
GATEWAY_INTERFACE=CGI/1.1
SERVER_SOFTWARE=towline/%s
SERVER_PROTOCOL=HTTP/1.1
SERVER_ADDR=127.0.0.1
SERVER_PORT=80
REMOTE_ADDR=127.0.0.1
REMOTE_PORT=0
REQUEST_METHOD=PUT
QUERY_STRING=a=1
CONTENT_LENGTH=3
CONTENT_TYPE=a/b
REQUEST_URI=/srv/a.php?a=1
SCRIPT_FILENAME=/srv/a.php
SCRIPT_NAME=/srv/a.php
X=1
Y=1.5
Z=1
SERVER_NAME=mine
7=seven
HTTP_X_FOO=bar
BYTES=\377\000
3 more than before
["GET","",{"q":"\u00e4 & b","list":["1","2"]},[],[],0]
["GET","",[],[],[],0]
["POST","application\/x-www-form-urlencoded",[],{"a":"x=y","n":{"k":"v"}},[],%d]
["POST","application\/json",[],[],[],16]
["POST","multipart\/form-data; boundary=%s",[],{"field":"v","deep":{"a":["1","2"]},"3":"\r\n--x"},{"up":["a %squoted%s.TXT","text\/plain","line\r\nline\u0000"]},0]
sent again and again:
none,none,5
other roles:
string(5) "/auth"
string(1) "5"
enum(Towline\FastCgi\Role::Authorizer)
array(2) {
  [0]=>
  enum(Towline\FastCgi\Balance::LeastConnections)
  [1]=>
  enum(Towline\FastCgi\Balance::RoundRobin)
}
