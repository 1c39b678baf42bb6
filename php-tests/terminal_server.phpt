--TEST--
terminal/server.php: the page and its assets, tokens, containers, sharing
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/websocket.inc';
require dirname(__DIR__) . '/terminal/server.php';
use Towline\Terminal\{Hub, Tokens};
use Towline\WebSocket\Server;

$engine = Engine::get('docker');
$web = $engine->container();
$labelled = $engine->container(['Image' => Engine::IMAGE, 'Cmd' => ['sleep', 'infinity'], 'StopSignal' => 'SIGKILL', 'Labels' => ['tty' => 'yes']]);
$hidden = $engine->container();
$server = new Server('127.0.0.1:0');
$docker = $engine->client(loop: $server->loop);
$hub = new Hub($server->loop);
$tokens = new Tokens();
$opened = [];
terminals($server, $docker, $hub, $tokens, [substr($web, 0, -1) . '[' . substr($web, -1) . ']', 'label=tty=yes'], ['sh'],
    opened: function ($session, $name) use (&$opened) { $opened[] = $name; });
$bearer = "Authorization: Bearer $tokens->access\r\n";
$json = fn (string $answer) => json_decode(explode("\n\n", $answer, 2)[1], true);
$get = fn (string $path, string $headers = '') => (new Peer($server))->get($path, $headers);

echo "-- the page\n";
foreach (['/', '/app.js', '/style.css', '/icon.svg', '/none', '/..%2fserver.php', '/../server.php'] as $path) {
    [$head, $body] = explode("\n\n", $get($path), 2) + [1 => ''];
    preg_match('/Content-Type: .*/', $head, $type);
    echo "$path: ", strtok($head, "\n"), ', ', $type[0], ', ', strlen($body) > 100 ? 'long' : trim($body),
        str_contains($head, 'Content-Security-Policy') ? ', with a policy' : '', "\n";
}
echo "-- who may\n";
foreach (['/token', '/containers', '/token?token=wrong', '/token?token[]=x'] as $path) {
    echo brief($get($path)), "\n";
}
echo brief($get('/token', "Authorization: Bearer wrong\r\n")), "\n";
echo brief($get('/token', "Authorization: Basic $tokens->access\r\n")), "\n";
var_dump(strlen($json($get("/token?token=$tokens->access"))['token']));
$token = fn () => $json($get('/token', $bearer))['token'];
$share = fn (mixed $body) => (new Peer($server))->ask("POST /share HTTP/1.1\r\nHost: localhost\r\n{$bearer}Content-Length: " . strlen($body) . "\r\n\r\n$body");
echo "-- containers\n";
$list = $json($get('/containers', $bearer));
var_dump($list['readOnly'], array_column($list['containers'], 'name') == [$web, $labelled], array_keys($list['containers'][0]), $list['containers'][0]['state']);

echo "-- who is not let in\n";
echo (new Page($server, "/ws?container=$web", AuthToken: 'wrong'))->rest(), "\n";
echo (new Page($server, "/ws?container=$web", columns: 80))->rest(), "\n";
$page = new Page($server, "/ws?container=$web");
$page->peer->send('{bad json', 2);
echo $page->rest(), "\n";
$page = new Page($server, "/ws?container=$web");
$page->peer->send('0ls', 2);
echo $page->rest(), "\n";
foreach (["container=$hidden", 'container=none', '', 'container[]=x'] as $query) {
    $page = new Page($server, "/ws?$query", AuthToken: $token());
    echo $page->rest(), ' ', json_encode($page->messages), "\n";
}
echo brief((new Peer($server))->ask(Peer::upgrade('/other'))), "\n";
echo count($hub->sessions()), " sessions\n";

echo "-- a session\n";
$single = $token();
$page = new Page($server, "/ws?container=$web", AuthToken: $single, columns: 91, rows: 17);
$joined = $page->message('s');
echo json_encode(array_diff_key($joined, ['session' => 0])), ' ', strlen($joined['session']), "\n";
// An old Engine takes the size only once the process runs.
$page->type("until [ \"\$(stty size)\" = '17 91' ]; do :; done; echo \$TERM; echo ma''rk\n");
var_dump(str_contains($page->until("\r\nmark")->screen, "\r\nxterm-256color\r\nmark"));
var_dump($opened === [$web]);
echo (new Page($server, "/ws?container=$web", AuthToken: $single))->rest(), "\n";
echo "-- coming back\n";
$page->peer->drop();
$page = new Page($server, '/ws', AuthToken: $token(), session: $joined['session'], columns: 80, rows: 24);
var_dump($page->message('s')['replay'] > 0);
$page->until("\r\nmark");
echo "-- sharing\n";
$shared = $json($share(json_encode(['session' => $joined['session']])));
var_dump($shared['session'] === $joined['session'], strlen($shared['token']));
foreach (['{"session":"x"}', '{"session":["x"]}', '{"session":null}', '[]', '5', 'x', ''] as $body) {
    echo brief($share($body)), "\n";
}
echo brief((new Peer($server))->get('/share', $bearer)), "\n";
$watcher = new Page($server, '/ws', AuthToken: $shared['token'], columns: 10, rows: 10);
echo json_encode(array_diff_key($watcher->message('s'), ['session' => 0, 'replay' => 0])), "\n";
$watcher->type("echo nev''er\n");
// Once this has been answered, the above has been read.
$watcher->peer->send('x', 9);
while ($watcher->peer->frame()[0] !== 10);
$page->type("echo sha''red\n");
$watcher->until("\r\nshared");
var_dump(str_contains($watcher->screen, 'never'));
// A share link's token is good for its own session alone.
$other = new Page($server, "/ws?container=$labelled", AuthToken: $shared['token'], session: 'another');
var_dump($other->message('s')['session'] === $joined['session'], $other->message('s')['readOnly'], $hub->find($joined['session'])->viewers());
echo "-- the end\n";
$page->type("exit 3\n");
echo json_encode($page->message('x')), ' ', $page->rest(), ', ', json_encode($watcher->message('x')), "\n";
$late = new Page($server, '/ws', AuthToken: $token(), session: $joined['session']);
echo json_encode($late->message('x')), ' ', $late->rest(), "\n";
echo (new Page($server, '/ws', AuthToken: $token(), session: 'gone'))->rest(), "\n";

echo "-- no Engine\n";
$server = new Server('127.0.0.1:0');
terminals($server, new Towline\Docker\Client('/nonexistent.sock', $server->loop), new Hub($server->loop), $tokens, free: true, readOnly: true);
$get = fn (string $path) => (new Peer($server))->get($path);
echo strtok($get('/containers'), "\n"), "\n";
$page = new Page($server, '/ws?container=x', AuthToken: $json($get('/token'))['token']);
echo preg_replace('/:.*/', '', $page->rest()), "\n";
?>
--EXPECT--
-- the page
/: HTTP/1.1 200 OK, Content-Type: text/html; charset=utf-8, long, with a policy
/app.js: HTTP/1.1 200 OK, Content-Type: text/javascript; charset=utf-8, long, with a policy
/style.css: HTTP/1.1 200 OK, Content-Type: text/css; charset=utf-8, long, with a policy
/icon.svg: HTTP/1.1 200 OK, Content-Type: image/svg+xml, long, with a policy
/none: HTTP/1.1 404 Not Found, Content-Type: text/plain; charset=utf-8, not found
/..%2fserver.php: HTTP/1.1 404 Not Found, Content-Type: text/plain; charset=utf-8, not found
/../server.php: HTTP/1.1 404 Not Found, Content-Type: text/plain; charset=utf-8, not found
-- who may
HTTP/1.1 401 Unauthorized: {"message":"The access token is missing or wrong."}
HTTP/1.1 401 Unauthorized: {"message":"The access token is missing or wrong."}
HTTP/1.1 401 Unauthorized: {"message":"The access token is missing or wrong."}
HTTP/1.1 401 Unauthorized: {"message":"The access token is missing or wrong."}
HTTP/1.1 401 Unauthorized: {"message":"The access token is missing or wrong."}
HTTP/1.1 401 Unauthorized: {"message":"The access token is missing or wrong."}
int(32)
-- containers
bool(false)
bool(true)
array(4) {
  [0]=>
  string(2) "id"
  [1]=>
  string(4) "name"
  [2]=>
  string(5) "image"
  [3]=>
  string(5) "state"
}
string(7) "running"
-- who is not let in
1008 This token is missing, wrong, or was used already.
1008 This token is missing, wrong, or was used already.
1008 the first message is no JSON object: key must be a string at line 1 column 2
1008 the first message is not the one that opens or rejoins
1011 There is no such container here. [["e",{"message":"There is no such container here."}]]
1011 There is no such container here. [["e",{"message":"There is no such container here."}]]
1011 There is no such container here. [["e",{"message":"There is no such container here."}]]
1011 There is no such container here. [["e",{"message":"There is no such container here."}]]
HTTP/1.1 404 Not Found
0 sessions
-- a session
{"rows":17,"columns":91,"readOnly":false,"replay":0} 32
bool(true)
bool(true)
1008 This token is missing, wrong, or was used already.
-- coming back
bool(true)
-- sharing
bool(true)
int(32)
HTTP/1.1 404 Not Found: {"message":"This session has ended."}
HTTP/1.1 404 Not Found: {"message":"This session has ended."}
HTTP/1.1 404 Not Found: {"message":"This session has ended."}
HTTP/1.1 404 Not Found: {"message":"This session has ended."}
HTTP/1.1 404 Not Found: {"message":"This session has ended."}
HTTP/1.1 404 Not Found: {"message":"This session has ended."}
HTTP/1.1 404 Not Found: {"message":"This session has ended."}
HTTP/1.1 404 Not Found: not found
{"rows":24,"columns":80,"readOnly":true}
bool(false)
bool(true)
bool(true)
int(3)
-- the end
{"code":3} 1000 , {"code":3}
{"code":3} 1000 
1011 This session has ended.
-- no Engine
HTTP/1.1 502 Bad Gateway
1011 cannot connect to /nonexistent.sock
