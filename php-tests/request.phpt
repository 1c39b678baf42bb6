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

echo "what is a string to PHP:\n";
$text = new class() { public function __toString(): string { return 'text'; } };
foreach ([5, 1.5, true, $text] as $body) {
    $show(new Request($dump, 'POST', body: $body));
}

echo "files that open_basedir forbids:\n";
set_error_handler(function () use (&$path) { $path = null; echo "the handler was called\n"; return true; });
$path = '/nonexistent/' . str_repeat('x', 20);
ini_set('open_basedir', folder() . PATH_SEPARATOR . dirname(__DIR__));
attempt(fn () => Request::multipart($dump, [], ['f' => &$path]));
restore_error_handler();

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
what is a string to PHP:
["POST","",[],[],[],1]
["POST","",[],[],[],3]
["POST","",[],[],[],1]
["POST","",[],[],[],4]
files that open_basedir forbids:
ValueError: Towline\FastCgi\Request::multipart(): Argument #3 ($files) must name files that can be read: /nonexistent/xxxxxxxxxxxxxxxxxxxx: open_basedir forbids it
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
