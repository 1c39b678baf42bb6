--TEST--
Misuse of the Docker classes gets words that help
--FILE--
<?php
use Towline\Docker\Client;
require __DIR__ . '/inc.php';

// Nothing here reaches an Engine.
$docker = new Client('/nonexistent.sock');
$key = file_with('no key', 'key.pem');
$closed = new Client('/nonexistent.sock');
$closed->close();
$misuses = [
    fn () => new Client(''),
    fn () => new Client("\xff"),
    fn () => new Client('ssh://host'),
    fn () => new Client('tcp://host:port'),
    fn () => new Client(loop: 1),
    fn () => new Client('https://x', caFile: '/nonexistent.pem'),
    fn () => new Client('https://x', caFile: $key),
    fn () => new Client('https://x', caFile: "a\0b"),
    fn () => new Client('https://x', certFile: $key),
    fn () => new Client('http://x', caFile: $key),
    fn () => new Client('/x', apiVersion: 'new'),
    fn () => new Client('/x', connectTimeout: -1),
    fn () => new Client('/x', timeout: NAN),
    fn () => new Client('/x', timeout: 1e9),
    fn () => new Client('/x', maxConnections: 0),
    fn () => new Client('/x', maxResponse: 0),
    fn () => $docker->__construct(),
    fn () => $docker->loop = new Towline\Loop(),
    fn () => $docker->exec(),
    fn () => $docker->exec('', ['x']),
    fn () => $docker->exec('..', ['x']),
    fn () => $docker->exec("a\0b", ['x']),
    fn () => $docker->exec("\xff", ['x']),
    fn () => $docker->exec('web', 'x'),
    fn () => $docker->exec('web', []),
    fn () => $docker->exec('web', ['']),
    fn () => $docker->exec('web', ["a\0b"]),
    fn () => $docker->exec('web', ["\xff"]),
    fn () => $docker->exec('web', [['x']]),
    fn () => $docker->exec('web', [null]),
    fn () => $docker->exec('web', ['x'], env: ['A']),
    fn () => $docker->exec('web', ['x'], env: ['A' => []]),
    fn () => $docker->exec('web', ['x'], env: ['A=B' => 'x']),
    fn () => $docker->exec('web', ['x'], env: ['' => 'x']),
    fn () => $docker->exec('web', ['x'], env: ['A' => "x\0y"]),
    fn () => $docker->exec('web', ['x'], env: ["A\0" => 'x']),
    fn () => $docker->exec('web', ['x'], env: ['A' => "\xff"]),
    fn () => $docker->exec('web', ['x'], user: "a\0b"),
    fn () => $docker->exec('web', ['x'], workingDir: "a\0b"),
    fn () => $docker->exec('web', ['x'], rows: 0),
    fn () => $docker->exec('web', ['x'], columns: 65536),
    fn () => $docker->exec('web', ['x'], rows: -1, tty: true),
    fn () => $docker->exec('web', ['x'], pauseBuffer: -1),
    fn () => $docker->exec(container: 'web', command: ['x'], nonsense: 1),
    fn () => $docker->attach(''),
    fn () => $docker->attach('web', pauseBuffer: -1),
    fn () => $docker->run('web', []),
    fn () => $docker->run('web', ['x'], timeout: -1),
    fn () => $docker->run('web', ['x'], timeout: INF),
    fn () => $docker->run('web', ['x'], timeout: 1e9),
    fn () => $docker->run('web', ['x'], maxOutput: -1),
    fn () => $docker->logs('web', 'strlen'),
    fn () => $docker->logs('', fn () => 1),
    fn () => $docker->logs('web', fn () => 1, tail: 'some'),
    fn () => $docker->logs('web', fn () => 1, since: -1),
    fn () => $docker->events('strlen'),
    fn () => $docker->events(fn () => 1, ['x']),
    fn () => $docker->events(fn () => 1, ['x' => null]),
    fn () => $docker->containers(filters: ['x' => [[]]]),
    fn () => $docker->inspect('..'),
    fn () => $docker->request('', '/x'),
    fn () => $docker->request('G T', '/x'),
    fn () => $docker->request('GET', 'x'),
    fn () => $docker->request('GET', "/x\r\n"),
    fn () => $docker->request('GET', '/x', query: ['a']),
    fn () => $docker->request('GET', '/x', query: ['a' => new stdClass()]),
    fn () => $docker->request('GET', '/x', query: ['a' => [[]]]),
    fn () => $docker->request('GET', '/x', headers: ['Host' => 'x']),
    fn () => $docker->request('GET', '/x', headers: ['A' => "b\nc"]),
    fn () => $docker->request('GET', '/x', headers: ['A B' => 'c']),
    fn () => $docker->request('POST', '/x', "\xff" . 'bytes are bytes')->cancel(),
    fn () => $docker->request('POST', '/x', ["\xff"]),
    fn () => $docker->request('POST', '/x', fopen('php://memory', 'r')),
    fn () => $docker->request('GET', '/x', timeout: -1),
    fn () => $docker->request('GET', '/x', onBody: 'x'),
    fn () => $closed->exec('web', ['x']),
    fn () => $closed->attach('web'),
    fn () => $closed->run('web', ['x']),
    fn () => $closed->version(),
    fn () => $closed->stats(),
    fn () => $closed->close(),
    fn () => clone $docker,
    fn () => serialize($docker),
    fn () => $docker->nothing = 1,
    fn () => new Towline\Docker\Exec(),
    fn () => new Towline\Docker\Result(),
    fn () => print((new Towline\Docker\ApiException('made by hand'))->getStatus() . "\n"),
];
foreach ($misuses as $misuse) {
    attempt($misuse);
}

echo "an exec:\n";
$blind = $docker->exec('web', ['x']);
$exec = $docker->exec('web', ['x'], stdin: true);
$misuses = [
    fn () => $blind->write('x'),
    fn () => $blind->closeStdin(),
    fn () => $blind->resize(24, 80),
    fn () => $blind->resize(0, 80),
    fn () => $blind->resize(24, 65536),
    fn () => $blind->resize(-1, 1),
    fn () => $blind->resize('x', 1),
    fn () => $exec->write(),
    fn () => $exec->write([]),
    fn () => $exec->kill('NONSENSE'),
    fn () => $exec->kill('0'),
    fn () => $exec->kill("TERM\0"),
    fn () => $exec->onOutput('strlen'),
    fn () => $exec->id = 'x',
    fn () => $exec->nothing = 1,
    fn () => clone $exec,
    fn () => serialize($exec),
];
foreach ($misuses as $misuse) {
    attempt($misuse);
}
$blind->close();
$exec->closeStdin();
attempt(fn () => $exec->write('x'));
$exec->closeStdin();
$exec->close();
attempt(fn () => $exec->write('x'));
attempt(fn () => $exec->kill());
$exec->closeStdin();
$exec->close();
attempt(fn () => $exec->await());
attempt(fn () => $exec->write('x'));
$docker->close();
$docker->loop->run();
?>
--EXPECTF--
ValueError: "" is no address of an Engine: the host is empty; expected unix:///path, /path, tcp://host:port or https://host:port
ValueError: Towline\Docker\Client::__construct(): Argument #1 ($address) must be an address, bytes that are no UTF-8 given
ValueError: "ssh://host" is no address of an Engine: Towline does not speak SSH; forward the socket with `ssh -L` and give its path; expected unix:///path, /path, tcp://host:port or https://host:port
ValueError: "tcp://host:port" is no address of an Engine: the port is a number from 1 to 65535; expected unix:///path, /path, tcp://host:port or https://host:port
TypeError: Towline\Docker\Client::__construct(): Argument #2 ($loop) must be of type ?Towline\Loop, int given
ValueError: TLS for https://x: cannot read /nonexistent.pem: No such file or directory (os error 2)
ValueError: TLS for https://x: %s/key.pem holds no certificate in PEM form
ValueError: Towline\Docker\Client::__construct(): Argument #3 ($caFile) must be the path of a file, one with a NUL byte given
ValueError: TLS for https://x: a client certificate needs both its file and the file of its key
ValueError: "http://x" is no address of an Engine: http:// means no TLS, but files for TLS were given; expected unix:///path, /path, tcp://host:port or https://host:port
ValueError: apiVersion is "new"; expected one such as "1.41"
ValueError: Towline\Docker\Client::__construct(): Argument #7 ($connectTimeout) must be a finite number of seconds, 0 or more, -1 given
ValueError: Towline\Docker\Client::__construct(): Argument #8 ($timeout) must be a finite number of seconds, 0 or more, NaN given
ValueError: timeout is 1000000000 s; expected at most a year
ValueError: Towline\Docker\Client::__construct(): Argument #9 ($maxConnections) must be at least 1, 0 given
ValueError: Towline\Docker\Client::__construct(): Argument #10 ($maxResponse) must be at least 1, 0 given
Error: this object has been constructed already
Error: Cannot modify readonly property Towline\Docker\Client::$loop
ArgumentCountError: Towline\Docker\Client::exec() expects at least 2 arguments, 0 given
ValueError: "" is no name or id of a container
ValueError: ".." is no name or id of a container
ValueError: "a\0b" is no name or id of a container
ValueError: Towline\Docker\Client::exec(): Argument #1 ($container) must be UTF-8 text
TypeError: Towline\Docker\Client::exec(): Argument #2 ($command) must be of type array, string given
ValueError: the command is empty; expected a program and its arguments
ValueError: the command's program is an empty string
ValueError: argument 0 of the command holds a NUL byte
ValueError: Towline\Docker\Client::exec(): Argument #2 ($command) must hold UTF-8 text
TypeError: Towline\Docker\Client::exec(): Argument #2 ($command) must be of type list<string|int|float>, array given
TypeError: Towline\Docker\Client::exec(): Argument #2 ($command) must be of type list<string|int|float>, null given
ValueError: Towline\Docker\Client::exec(): Argument #5 ($env) must have names as keys, a number given
TypeError: Towline\Docker\Client::exec(): Argument #5 ($env) must be of type array<string, string|int|bool>, array given
ValueError: "A=B" is no name of an environment variable; expected one without = and NUL, and not empty
ValueError: "" is no name of an environment variable; expected one without = and NUL, and not empty
ValueError: the environment variable A holds a NUL byte
ValueError: "A\0" is no name of an environment variable; expected one without = and NUL, and not empty
ValueError: Towline\Docker\Client::exec(): Argument #5 ($env) must hold UTF-8 text
ValueError: user holds a NUL byte
ValueError: workingDir holds a NUL byte
ValueError: Towline\Docker\Client::exec(): Argument #9 ($rows) must be between 1 and 65535, 0 given
ValueError: Towline\Docker\Client::exec(): Argument #10 ($columns) must be between 1 and 65535, 65536 given
ValueError: Towline\Docker\Client::exec(): Argument #9 ($rows) must be between 1 and 65535, -1 given
ValueError: Towline\Docker\Client::exec(): Argument #12 ($pauseBuffer) must be at least 0, -1 given
Error: Unknown named parameter $nonsense
ValueError: "" is no name or id of a container
ValueError: Towline\Docker\Client::attach(): Argument #5 ($pauseBuffer) must be at least 0, -1 given
ValueError: the command is empty; expected a program and its arguments
ValueError: Towline\Docker\Client::run(): Argument #7 ($timeout) must be a finite number of seconds, 0 or more, -1 given
ValueError: Towline\Docker\Client::run(): Argument #7 ($timeout) must be a finite number of seconds, 0 or more, inf given
ValueError: timeout is 1000000000 s; expected at most a year
ValueError: Towline\Docker\Client::run(): Argument #8 ($maxOutput) must be at least 0, -1 given
TypeError: Towline\Docker\Client::logs(): Argument #2 ($onOutput) must be of type Closure, string given
ValueError: "" is no name or id of a container
ValueError: tail is "some"; expected "all" or a number of lines
ValueError: since is -1; expected a unix time
TypeError: Towline\Docker\Client::events(): Argument #1 ($onEvent) must be of type Closure, string given
ValueError: Towline\Docker\Client::events(): Argument #2 ($filters) must have names as keys, a number given
TypeError: Towline\Docker\Client::events(): Argument #2 ($filters) must be of type array<string, string|int|bool|array>, null given
TypeError: Towline\Docker\Client::containers(): Argument #2 ($filters) must be of type array<string, string|int|bool|array>, array given
ValueError: ".." is no name or id of a container
ValueError: "" is no HTTP method; expected a word such as GET
ValueError: "G T" is no HTTP method; expected a word such as GET
ValueError: "x" is no request path; expected one that begins with / and holds no spaces, control or non-ASCII characters (percent-encode them)
ValueError: "/x\r\n" is no request path; expected one that begins with / and holds no spaces, control or non-ASCII characters (percent-encode them)
ValueError: Towline\Docker\Client::request(): Argument #4 ($query) must have names as keys, a number given
TypeError: Towline\Docker\Client::request(): Argument #4 ($query) must be of type array<string, string|int|bool|array>, stdClass given
TypeError: Towline\Docker\Client::request(): Argument #4 ($query) must be of type array<string, string|int|bool|array>, array given
ValueError: the header Host is Towline's to set
ValueError: the value of header A holds a line end or another control byte
ValueError: "A B" is no header name
nothing was thrown
JsonException: Malformed UTF-8 characters, possibly incorrectly encoded
JsonException: Type is not supported
ValueError: Towline\Docker\Client::request(): Argument #7 ($timeout) must be a finite number of seconds, 0 or more, -1 given
TypeError: Towline\Docker\Client::request(): Argument #6 ($onBody) must be of type ?Closure, string given
Error: this client is closed: make a new one
Error: this client is closed: make a new one
Error: this client is closed: make a new one
Error: this client is closed: make a new one
Error: this client is closed: it has no statistics any more
nothing was thrown
Error: Trying to clone an uncloneable object of class Towline\Docker\Client
Exception: Serialization of 'Towline\Docker\Client' is not allowed
Error: Cannot create dynamic property Towline\Docker\Client::$nothing
Error: Call to private Towline\Docker\Exec::__construct() from global scope
Error: Call to private Towline\Docker\Result::__construct() from global scope
0
nothing was thrown
an exec:
Error: the stream was opened without standard input (stdin)
Error: the stream was opened without standard input (stdin)
Error: the stream has no terminal to be resized (it was opened without tty)
ValueError: Towline\Docker\Exec::resize(): Argument #1 ($rows) must be between 1 and 65535, 0 given
ValueError: Towline\Docker\Exec::resize(): Argument #2 ($columns) must be between 1 and 65535, 65536 given
ValueError: Towline\Docker\Exec::resize(): Argument #1 ($rows) must be between 1 and 65535, -1 given
TypeError: Towline\Docker\Exec::resize(): Argument #1 ($rows) must be of type int, string given
ArgumentCountError: Towline\Docker\Exec::write() expects exactly 1 argument, 0 given
TypeError: Towline\Docker\Exec::write(): Argument #1 ($bytes) must be of type string, array given
ValueError: "NONSENSE" is no signal; expected a name such as "TERM" or 1 to 64
ValueError: "0" is no signal; expected a name such as "TERM" or 1 to 64
ValueError: "TERM\0" is no signal; expected a name such as "TERM" or 1 to 64
TypeError: Towline\Docker\Exec::onOutput(): Argument #1 ($callback) must be of type Closure, string given
Error: Cannot modify readonly property Towline\Docker\Exec::$id
Error: Cannot create dynamic property Towline\Docker\Exec::$nothing
Error: Trying to clone an uncloneable object of class Towline\Docker\Exec
Exception: Serialization of 'Towline\Docker\Exec' is not allowed
Error: the standard input was closed
Error: this stream is closed: nothing can be written to it
Error: this stream is closed: its process cannot be found any more
Towline\CancelledException: the operation was cancelled
Error: this stream is closed: nothing can be written to it
