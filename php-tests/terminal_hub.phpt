--TEST--
Sessions: who hears of what, how they end, recordings, misuse
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/websocket.inc';
use Towline\Terminal\{Hello, Hub, Session, Tokens};
use Towline\WebSocket\{Connection, HttpRequest, Server};

$engine = Engine::get('docker');
$web = $engine->container();
$server = new Server('127.0.0.1:0');
$docker = $engine->client(loop: $server->loop);
$shell = fn (string ...$command) => $docker->exec($web, $command ?: ['sh'], tty: true, stdin: true);
/** The session that connections with ?id= come to, and what the others get. */
$hub = new Hub($server->loop, linger: 0.2);
$server->onOpen(fn (Connection $it, HttpRequest $request) => $hub->welcome(
    $it,
    fn (Hello $hello) => $hub->find($request->parameter('id') ?? '') ?? throw new Towline\Exception('none'),
    readOnly: $request->parameter('watch') !== null,
));
/** Has what happens to a session told. */
function told(Session $session): ArrayObject
{
    $told = new ArrayObject();
    $session->onJoin(function (Connection $it, bool $readOnly) use ($told) { $told[] = 'join' . ($readOnly ? ' read-only' : ''); })
        ->onLeave(function (Connection $it, int $code) use ($told) { $told[] = "leave $code"; })
        ->onExit(function (?int $code) use ($told) { $told[] = 'exit ' . json_encode($code); })
        ->onError(function (Towline\Exception $error) use ($told) { $told[] = get_class($error); })
        ->onRecordingError(function (Towline\Exception $error) use ($told) { $told[] = 'recording'; })
        ->onEnd(function (string $why) use ($told) { $told[] = "end $why"; });
    return $told;
}
$page = fn (string $path, mixed ...$hello) => new Page($server, $path, [null, ''], ...($hello ?: ['AuthToken' => '']));
$until = function (Closure $is) use ($server) { until($server->loop, $is); };

echo "-- a life\n";
$session = $hub->open($shell(), 'one');
$started = false;
$session->onStart(function () use (&$started) { $started = true; });
$told = told($session);
echo $session->id, ' ', $session->viewers(), ' ', count($hub->sessions()), ' ', $hub->find('one') === $session ? 'found' : 'lost', ' ', json_encode($hub->find("\xff")), "\n";
$first = $page('/?id=one');
$first->message('s');
$second = $page('/?id=one&watch');
echo json_encode($second->message('s')['readOnly']), ' ', $session->viewers(), "\n";
$first->type("echo in''side\n");
$second->until("\r\ninside");
$second->peer->close();
$second->rest();
$first->type("exit 5\n");
echo json_encode($first->message('x')), ' ', $first->rest(), "\n";
$until(fn () => in_array('end process', (array) $told, true));
var_dump($started);
echo implode(', ', (array) $told), "\n";
var_dump($hub->find('one'), $session->viewers());
$session->end();

echo "-- ends\n";
$session = $hub->open($shell('cat'), 'abandoned');
$told = told($session);
$until(fn () => in_array('end abandoned', (array) $told, true));
echo preg_replace('/exit \d+/', 'exit SIGNAL', implode(', ', (array) $told)), "\n";
$session = $hub->open($shell('cat'), 'asked');
$told = told($session);
$viewer = $page('/?id=asked');
$viewer->message('s');
$session->end();
$session->end();
echo preg_replace('/"code":\d+/', '"code":SIGNAL', json_encode($viewer->message('x'))), ' ', $viewer->rest(), "\n";
$until(fn () => in_array('end asked', (array) $told, true));
echo preg_replace('/exit \d+/', 'exit SIGNAL', implode(', ', (array) $told)), "\n";
$idle = new Hub($server->loop, idleTimeout: 0.05);
$told = told($idle->open($shell('cat')));
$until(fn () => in_array('end idle', (array) $told, true));
echo $told[count($told) - 1], "\n";
// Nobody handles the exec's own failure, which viewers are told.
$session = $hub->open($docker->exec('towline-no-such', ['sh'], tty: true, stdin: true), 'failed');
$told = told($session);
$until(fn () => count($told) === 1);
$viewer = $page('/?id=failed');
echo words(json_encode($viewer->message('e'))), ' ', words($viewer->rest()), "\n";
$until(fn () => count($told) > 0 && str_starts_with($told[count($told) - 1], 'end'));
echo implode(', ', (array) $told), "\n";
$other = new Hub($server->loop);
$told = told($other->open($shell('cat')));
$other->close();
$other->close();
$until(fn () => in_array('end closed', (array) $told, true));
echo preg_replace('/exit \d+/', 'exit SIGNAL', implode(', ', (array) $told)), "\n";
attempt(fn () => $other->open($shell()));

echo "-- recordings\n";
$path = folder() . '/x.cast';
$session = $hub->open($shell('sh', '-c', 'read -r x; echo "got $x"'), 'recorded');
$session->record($path, input: true);
attempt(fn () => $session->record(folder() . '/y.cast'));
$viewer = $page('/?id=recorded', columns: 33, rows: 11);
$viewer->message('s');
$viewer->type("word\n");
$viewer->until('got word');
$viewer->rest();
$until(fn () => str_contains((string) @file_get_contents($path), 'got word'));
$lines = array_map(fn ($line) => json_decode($line, true), file($path));
echo $lines[0]['version'], ' ', implode('', array_column(array_filter($lines, fn ($line) => ($line[1] ?? '') === 'i'), 2)), ' ', decoct(fileperms($path) & 0777), "\n";
$session = $hub->open($shell('cat'), 'unrecorded');
ob_start();
attempt(fn () => $session->record($path));
attempt(fn () => $session->record(folder() . '/none/x.cast'));
attempt(fn () => $session->record(''));
attempt(fn () => $session->record("a\0b"));
echo str_replace(folder(), 'FOLDER', ob_get_clean());
$session->end();

echo "-- misuse\n";
$exec = $shell('cat');
$hub->open($exec, 'again');
attempt(fn () => $hub->open($exec));
attempt(fn () => $hub->open($shell('cat'), 'again'));
attempt(fn () => $hub->open($shell('cat'), ''));
attempt(fn () => $hub->open($shell('cat'), "\xff"));
attempt(fn () => $hub->open($engine->client()->exec($web, ['true'])));
$small = new Hub($server->loop, maxSessions: 1);
$small->open($shell('cat'));
attempt(fn () => $small->open($shell('cat')));
attempt(fn () => new Hub(scrollback: -1));
attempt(fn () => new Hub(scrollback: 33554433));
attempt(fn () => new Hub(linger: -1));
attempt(fn () => new Hub(idleTimeout: 0));
attempt(fn () => new Hub(maxSessions: 0));
attempt(fn () => new Session());
attempt(fn () => clone $hub);
attempt(fn () => new Tokens(''));
attempt(fn () => new Tokens(lifetime: -1));
attempt(fn () => (new Tokens())->isAccess(5));
ob_start();
var_dump(new Tokens('secret'));
echo preg_replace('/#\d+/', '#N', ob_get_clean());
$none = (new Hub());
var_dump($none->loop instanceof Towline\Loop, $none->sessions());
$exec = $shell('true');
$exec->await();
attempt(fn () => $hub->open($exec));
$hub->close();
$small->close();
$server->close();
// Those whose session was refused.
$docker->close();
$server->loop->run();
echo 'pending: ', $server->loop->pending(), "\n";
?>
--EXPECT--
-- a life
one 0 1 found null
true 2
{"code":5} 1000 
bool(true)
join, join read-only, leave 1000, exit 5, leave 1000, end process
NULL
int(0)
-- ends
exit SIGNAL, end abandoned
{"code":SIGNAL} 1000 the session was ended
join, exit SIGNAL, leave 1000, end asked
end idle
{"message":"No such container: towline-no-such"} 1011
Towline\Docker\ApiException, join, leave 1011, end process
exit SIGNAL, end closed
Error: this hub is closed: make a new one
-- recordings
Error: the session is recorded already
2 word
 600
Towline\Exception: cannot record to FOLDER/x.cast: File exists (os error 17)
Towline\Exception: cannot record to FOLDER/none/x.cast: No such file or directory (os error 2)
ValueError: Towline\Terminal\Session::record(): Argument #1 ($path) must be the path of a file, without a NUL byte
ValueError: Towline\Terminal\Session::record(): Argument #1 ($path) must be the path of a file, without a NUL byte
-- misuse
ValueError: the stream has a session already
ValueError: Towline\Terminal\Hub::open(): Argument #2 ($id) must be new: the hub has a session "again" already
ValueError: the id has 0 bytes; expected 1 to 255
ValueError: Towline\Terminal\Hub::open(): Argument #2 ($id) must be UTF-8 text
ValueError: Towline\Terminal\Hub::open(): Argument #1 ($exec) must be on the hub's own loop: give its client the same one
Towline\QueueFullException: the hub has 1 sessions; no more may be open (maxSessions)
ValueError: Towline\Terminal\Hub::__construct(): Argument #2 ($scrollback) must be at least 0, -1 given
ValueError: Towline\Terminal\Hub::__construct(): Argument #2 ($scrollback) must be at most 33554432, 33554433 given
ValueError: Towline\Terminal\Hub::__construct(): Argument #3 ($linger) must be a finite number of seconds, 0 or more, -1 given
ValueError: idleTimeout is 0 s; expected more
ValueError: Towline\Terminal\Hub::__construct(): Argument #5 ($maxSessions) must be at least 1, 0 given
Error: Call to private Towline\Terminal\Session::__construct() from global scope
Error: Trying to clone an uncloneable object of class Towline\Terminal\Hub
ValueError: Towline\Terminal\Tokens::__construct(): Argument #1 ($access) must not be empty: expected a text that nobody can guess
ValueError: Towline\Terminal\Tokens::__construct(): Argument #2 ($lifetime) must be a finite number of seconds, 0 or more, -1 given
TypeError: Towline\Terminal\Tokens::isAccess(): Argument #1 ($token) must be of type Towline\WebSocket\HttpRequest|string, int given
object(Towline\Terminal\Tokens)#N (0) {
}
bool(true)
array(0) {
}
Error: this exec has ended: a session needs a process
pending: 0
