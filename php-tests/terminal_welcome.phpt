--TEST--
Hub::welcome(): first messages, tokens, what the callback may do
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/websocket.inc';
use Towline\Terminal\{Hello, Hub, Pass, Tokens};
use Towline\WebSocket\{Connection, HttpRequest, Server};

$engine = Engine::get('docker');
$web = $engine->container();
$server = new Server('127.0.0.1:0');
$docker = $engine->client(loop: $server->loop);
$hub = new Hub($server->loop);
$do = null;
$tokens = null;
$timeout = 10.0;
$server->onOpen(function (Connection $it) use ($hub, &$do, &$tokens, &$timeout): void {
    $hub->welcome($it, fn (...$arguments) => $do(...$arguments), $tokens, timeout: $timeout);
});
$shell = fn () => $docker->exec($web, ['sh'], tty: true, stdin: true);
$page = fn (mixed ...$hello) => new Page($server, '/', [null, ''], ...$hello);

echo "-- what comes\n";
$seen = null;
$do = function (Hello $hello, Connection $it) use (&$seen) { $seen = $hello; };
$hellos = [
    ['AuthToken' => 'x', 'columns' => 91, 'rows' => 17, 'session' => 's', 'readOnly' => true], ['AuthToken' => ''], ['columns' => 0, 'rows' => 70000, 'session' => ''],
];
foreach ($hellos as $hello) {
    echo '  ', $page(...$hello)->rest(), ' ', json_encode($seen), "\n";
}
attempt(fn () => $seen->token = 'x');
foreach (['{', '[]', '"x"', '{"AuthToken":5}', '{"readOnly":"yes"}', '', '0input', '1{"columns":1,"rows":1}', '{' . str_repeat(' ', 20000) . '}'] as $first) {
    $it = $page();
    $it->peer->send($first, 2);
    echo '  ', strlen($first) > 50 ? 'long' : $first, ': ', $it->rest(), "\n";
}
$it = $page();
$it->peer->send('{}', 1);
echo '  as text: ', $it->rest(), "\n";
$it = $page();
$it->peer->write("\x82\xff" . pack('J', 16_000_000) . 'mask');
echo '  the beginning of much: ', $it->rest(), "\n";
echo "-- nothing comes\n";
$timeout = 0.05;
echo '  ', $page()->rest(), "\n";
$timeout = 10.0;
$it = $page();
$it->peer->drop();
until($server->loop, fn () => $server->connections() === 0 && $server->loop->pending() === 1);

echo "-- what the callback does\n";
foreach ([
    'null' => fn () => null,
    'text' => fn () => 'text',
    'its own close' => fn (Hello $hello, Connection $it) => $it->close(4000, 'mine'),
    'Towline\Exception' => fn () => throw new Towline\Exception("gr\u{fc}\u{df}e " . str_repeat("\u{e4}", 100)),
    'Exception' => fn () => throw new Exception('mine'),
    'a session of another loop' => function () use ($engine, $web) {
        $client = $engine->client();
        return (new Hub($client->loop))->open($client->exec($web, ['cat'], tty: true, stdin: true));
    },
] as $name => $do) {
    echo "  $name\n";
    $it = $page(AuthToken: '');
    try {
        $it->rest();
    } catch (Throwable $thrown) {
        echo '  ', get_class($thrown), ': ', $thrown->getMessage(), "\n";
        $it->rest();
    }
    echo '  ', $it->end, ' ', json_encode($it->messages, JSON_UNESCAPED_UNICODE), "\n";
}
$do = function (Hello $hello, Connection $it) use ($hub, $shell): void {
    $session = $hub->open($shell());
    $session->attach($it);
    attempt(fn () => $session->attach($it));
    attempt(fn () => $hub->welcome($it, fn () => null));
};
$it = $page(AuthToken: '');
$it->message('s');
$it->type("exit 3\n");
echo json_encode($it->message('x')), "\n";
$it->rest();
echo "-- what is said while the callback waits\n";
$do = function () use ($hub, $shell, $docker, $web) {
    $docker->run($web, ['true'])->await();
    $session = $hub->open($shell());
    $docker->run($web, ['true'])->await();
    return $session;
};
$it = $page(AuthToken: '');
$it->type("echo fi''rst\n");
$it->type("exit 4\n");
echo json_encode($it->until("\r\nfirst")->message('x')), "\n";
$it->rest();
echo "-- who has gone meanwhile\n";
$session = null;
$do = function (Hello $hello, Connection $gone) use ($hub, $shell, $docker, $web, &$it, &$session) {
    $it->peer->drop();
    $docker->run($web, ['true'])->await();
    return $session = $hub->open($shell());
};
$it = $page(AuthToken: '');
until($server->loop, function () use (&$session) { return $session !== null && $session->viewers() === 0; });
echo '  ', count($hub->sessions()), "\n";

echo "-- tokens\n";
$tokens = new Tokens('access', lifetime: 0.5);
$do = fn () => $hub->open($shell());
$enter = function (string $token, ?string $session = null) use ($page): string {
    $it = $page(...array_filter(['AuthToken' => $token, 'session' => $session]));
    while ($it->messages === [] && $it->read());
    $got = $it->messages[0] ?? $it->end;
    if ($it->end === '') {
        $it->peer->close();
    }
    $it->rest();
    return is_string($got) ? $got : json_encode([$got[0], array_intersect_key($got[1], ['readOnly' => 1, 'message' => 1])]);
};
$single = $tokens->issue();
echo '  ', $enter('access'), "\n";
echo '  ', $enter($single), "\n";
echo '  ', $enter($single), "\n";
echo '  ', $enter('wrong'), "\n";
echo '  ', $enter('access', 'none'), "\n";
echo '  ', $enter('access', $session->id), "\n";
echo '  ', $enter($tokens->share($session)), "\n";
echo '  ', $enter($tokens->share($session), 'none'), "\n";
var_dump($tokens->share($session) === $tokens->share($session), $tokens->issue() === $tokens->issue());
$late = new Tokens(lifetime: 0.0);
var_dump($late->redeem($late->issue()), $late->redeem(''), strlen($late->access), $late->isAccess($late->access));
echo json_encode([$tokens->redeem('access'), $tokens->redeem($tokens->issue())]), ' ', $tokens->redeem($tokens->share($session))->session === $session->id ? 'its own' : 'another', "\n";
$session->end();
until($server->loop, fn () => $hub->find($session->id) === null);
echo '  ', $enter($tokens->share($session)), "\n";
attempt(fn () => $late->redeem($late->issue()) ?? throw new Exception('none'));
echo "-- a share token is good for its own session alone, whatever the id of others\n";
$first = $hub->open($shell(), 'one');
$shared = $tokens->share($first);
$first->end();
until($server->loop, fn () => $hub->find('one') === null);
$second = $hub->open($shell(), 'one');
$elsewhere = new Hub($server->loop);
$third = $elsewhere->open($shell(), 'one');
var_dump($tokens->redeem($shared), count(array_unique([$shared, $tokens->share($second), $tokens->share($third)])));
echo '  ', $enter($shared), "\n";
echo '  ', $enter($tokens->share($second)), "\n";
echo '  ', $enter($tokens->share($third)), ", for it is another hub's\n";
echo '  ', $tokens->redeem($tokens->share($third))->session, "\n";
$elsewhere->close();
$hub->close();
$server->close();
$server->loop->run();
?>
--EXPECT--
-- what comes
  1008 refused {"token":"x","session":"s","readOnly":true,"rows":17,"columns":91}
  1008 refused {"token":"","session":null,"readOnly":false,"rows":24,"columns":80}
  1008 refused {"token":"","session":null,"readOnly":false,"rows":24,"columns":80}
Error: Cannot modify readonly property Towline\Terminal\Hello::$token
  {: 1008 the first message is no JSON object: EOF while parsing an object at line 1 column 1
  []: 1008 the first message is not the one that opens or rejoins
  "x": 1008 the first message is not the one that opens or rejoins
  {"AuthToken":5}: 1008 the first message has a field AuthToken that is no string
  {"readOnly":"yes"}: 1008 the first message has a field readOnly that is neither true nor false
  : 1008 the first message is not the one that opens or rejoins
  0input: 1008 the first message is not the one that opens or rejoins
  1{"columns":1,"rows":1}: 1008 the first message is not the one that opens or rejoins
  long: 1009 Space limit exceeded: Message too long: 20002 > 16384
  as text: 1008 refused
  the beginning of much: 1009 Space limit exceeded: Message too long: 16000000 > 16384
-- nothing comes
  1008 no first message has come
-- what the callback does
  null
  1008 refused []
  text
  TypeError: the callback must return Towline\Terminal\Session or null
  1011 something went wrong here []
  its own close
  4000 mine []
  Towline\Exception
  1011 grüße äääääääääääääääääääääääääääääääääääääääääääääääääääääääää [["e",{"message":"grüße ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää"}]]
  Exception
  Exception: mine
  1011 something went wrong here []
  a session of another loop
  ValueError: the callback must return a session on the connection's own loop
  1011 something went wrong here []
Error: the connection is attached to a session already
Error: this connection has been welcomed already
{"code":3}
-- what is said while the callback waits
{"code":4}
-- who has gone meanwhile
  3
-- tokens
  ["s",{"readOnly":false}]
  ["s",{"readOnly":false}]
  1008 This token is missing, wrong, or was used already.
  1008 This token is missing, wrong, or was used already.
  ["e",{"message":"This session has ended."}]
  ["s",{"readOnly":false}]
  ["s",{"readOnly":true}]
  ["s",{"readOnly":true}]
bool(true)
bool(false)
NULL
NULL
int(32)
bool(true)
[{"session":null,"readOnly":false},{"session":null,"readOnly":false}] its own
  ["e",{"message":"This session has ended."}]
Exception: none
-- a share token is good for its own session alone, whatever the id of others
NULL
int(3)
  ["e",{"message":"This session has ended."}]
  ["s",{"readOnly":true}]
  ["e",{"message":"This session has ended."}], for it is another hub's
  one
