--TEST--
Misuse gets words that help
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
use Towline\Loop;
require __DIR__ . '/inc.php';
$client = client();
$request = new Request('/x');
$misuses = [
    fn () => new Request(''),
    fn () => new Request('/x', ''),
    fn () => new Request('/x', 'G T'),
    fn () => new Request('/x', params: ['' => 'x']),
    fn () => new Request('/x', params: ['a' => null]),
    fn () => new Request('/x', body: []),
    fn () => new Request('/x', body: 'abc', contentLength: 2),
    fn () => new Request('/x', body: fn () => ''),
    fn () => new Request('/x', body: fn () => '', contentLength: -1),
    fn () => new Request('/x', contentLength: 5),
    fn () => $request->withHeader('Proxy', 'x'),
    fn () => $request->withHeader('Content-Length', 'x'),
    fn () => $request->withHeader('a b', 'x'),
    fn () => $request->withParam('HTTP_PROXY', 'x'),
    fn () => $request->withParam('A', str_repeat('x', 65536)),
    fn () => new Request('/x', role: 5),
    fn () => new Request(script: '/x', nonsense: 1),
    fn () => Request::multipart('/x', [], ['f' => '/nonexistent']),
    fn () => Request::multipart('/x', [], ['f' => 5]),
    fn () => Request::multipart('/x', ['a' => new stdClass()], []),
    function () {
        $endless = ['x' => 1];
        $endless['x'] = &$endless;
        Request::multipart('/x', $endless, []);
    },
    fn () => Request::json('/x', "\xff"),
    fn () => new Client(''),
    fn () => new Client([]),
    fn () => new Client([5]),
    fn () => new Client(5),
    fn () => new Client(new stdClass()),
    fn () => eval('declare(strict_types=1); new Towline\FastCgi\Client(5);'),
    fn () => eval('declare(strict_types=1); new Towline\FastCgi\Request("/x", body: 5);'),
    fn () => new Request('/x', body: null),
    fn () => new Client('nonsense'),
    fn () => new Client('tcp://127.0.0.1:99999'),
    fn () => new Client('/x', maxConnections: 0),
    fn () => new Client('/x', maxPending: -1),
    fn () => new Client('/x', timeout: -1),
    fn () => new Client('/x', idleClose: INF),
    fn () => new Client('/x', connectTimeout: NAN),
    fn () => new Client('/x', maxResponse: 0),
    fn () => new Client('/x', balance: 'x'),
    fn () => new Client('/x', loop: 1),
    fn () => new Client(),
    fn () => $client->__construct('/x'),
    fn () => $client->loop->__construct(),
    fn () => $request->__construct('/x'),
    fn () => $client->loop = new Loop(),
    fn () => $client->send(),
    fn () => $client->send(1),
    fn () => $client->send($request, 'strlen'),
    fn () => $client->send($request, timeout: -1),
    fn () => $client->each(5),
    fn () => $client->loop->repeat(0, fn () => 1),
    fn () => $client->loop->delay(-0.001, fn () => 1),
    fn () => $client->loop->tick(NAN),
    fn () => $client->loop->defer('x'),
    fn () => $client->loop->run(5),
    fn () => $client->loop->nothing = 1,
    fn () => clone $client,
    fn () => clone $client->loop,
    fn () => clone $request,
    fn () => serialize($client),
    fn () => unserialize('O:12:"Towline\Loop":0:{}'),
    fn () => new Towline\Future(),
    fn () => new Towline\FastCgi\Response(),
    fn () => (new ReflectionClass('Towline\Future'))->newInstanceWithoutConstructor(),
    fn () => Towline\FastCgi\Fpm::start(0),
    fn () => Towline\FastCgi\Fpm::start(binary: '/nonexistent'),
    fn () => Towline\FastCgi\Fpm::start(ini: ['x' => []]),
    fn () => Towline\FastCgi\Fpm::start(ini: ['x']),
    fn () => Towline\FastCgi\Fpm::start(env: ['A' => "two\nlines"]),
    fn () => Towline\FastCgi\Fpm::start(startTimeout: -1),
    fn () => throw new Towline\TimeoutException('made by hand'),
    fn () => print((new Towline\TimeoutException('made by hand'))->getPhase() . "\n"),
];
foreach ($misuses as $misuse) {
    attempt($misuse);
}
?>
--EXPECT--
ValueError: the script path is empty; expected an absolute path
ValueError: "" is no request method; expected a word such as GET or POST
ValueError: "G T" is no request method; expected a word such as GET or POST
ValueError: a param has an empty name
TypeError: Towline\FastCgi\Request::__construct(): Argument #7 ($params) must be of type array<string, string|int|float|bool>, null given
TypeError: Towline\FastCgi\Request::__construct(): Argument #4 ($body) must be of type Closure|string, array given
ValueError: Towline\FastCgi\Request::__construct(): Argument #5 ($contentLength) must be null or the body's length of 3 bytes, 2 given
ValueError: Towline\FastCgi\Request::__construct(): Argument #5 ($contentLength) must be the number of bytes that the body's source will give
ValueError: Towline\FastCgi\Request::__construct(): Argument #5 ($contentLength) must be at least 0, -1 given
ValueError: Towline\FastCgi\Request::__construct(): Argument #5 ($contentLength) must be null or the body's length of 0 bytes, 5 given
ValueError: the header Proxy is refused: scripts would take HTTP_PROXY for their outgoing proxy (httpoxy)
ValueError: Content-Length follows from the body and cannot be set
ValueError: "a b" is no HTTP header name
ValueError: HTTP_PROXY is refused: scripts would take it for their outgoing proxy (httpoxy)
ValueError: param "A" with a value of 65536 bytes makes a pair of 65542; a FastCGI record holds 65535
TypeError: Towline\FastCgi\Request::__construct(): Argument #8 ($role) must be of type Towline\FastCgi\Role, int given
Error: Unknown named parameter $nonsense
ValueError: Towline\FastCgi\Request::multipart(): Argument #3 ($files) must name files that can be read: /nonexistent: No such file or directory (os error 2)
TypeError: Towline\FastCgi\Request::multipart(): Argument #3 ($files) must be of type array<string, string>, int given
TypeError: Towline\FastCgi\Request::multipart(): Argument #2 ($fields) must be of type array of strings, numbers, bools and such arrays, stdClass given
ValueError: Towline\FastCgi\Request::multipart(): Argument #2 ($fields) must not nest arrays deeper than 64, as PHP reads them
JsonException: Malformed UTF-8 characters, possibly incorrectly encoded
ValueError: "" is no address: it is empty; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port
ValueError: Towline\FastCgi\Client::__construct(): Argument #1 ($address) must hold at least one address
TypeError: Towline\FastCgi\Client::__construct(): Argument #1 ($address) must be of type list of strings, int given
ValueError: "5" is no address: the port is missing; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port
TypeError: Towline\FastCgi\Client::__construct(): Argument #1 ($address) must be of type array|string, stdClass given
TypeError: Towline\FastCgi\Client::__construct(): Argument #1 ($address) must be of type array|string, int given
TypeError: Towline\FastCgi\Request::__construct(): Argument #4 ($body) must be of type Closure|string, int given
TypeError: Towline\FastCgi\Request::__construct(): Argument #4 ($body) must be of type Closure|string, null given
ValueError: "nonsense" is no address: the port is missing; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port
ValueError: "tcp://127.0.0.1:99999" is no address: the port is a number from 1 to 65535; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port
ValueError: Towline\FastCgi\Client::__construct(): Argument #3 ($maxConnections) must be at least 1, 0 given
ValueError: Towline\FastCgi\Client::__construct(): Argument #4 ($maxPending) must be at least 1, -1 given
ValueError: Towline\FastCgi\Client::__construct(): Argument #10 ($timeout) must be a finite number of seconds, 0 or more, -1 given
ValueError: Towline\FastCgi\Client::__construct(): Argument #6 ($idleClose) must be a finite number of seconds, 0 or more, inf given
ValueError: Towline\FastCgi\Client::__construct(): Argument #7 ($connectTimeout) must be a finite number of seconds, 0 or more, NaN given
ValueError: Towline\FastCgi\Client::__construct(): Argument #11 ($maxResponse) must be at least 1, 0 given
TypeError: Towline\FastCgi\Client::__construct(): Argument #12 ($balance) must be of type Towline\FastCgi\Balance, string given
TypeError: Towline\FastCgi\Client::__construct(): Argument #2 ($loop) must be of type ?Towline\Loop, int given
ArgumentCountError: Towline\FastCgi\Client::__construct() expects at least 1 argument, 0 given
Error: this object has been constructed already
Error: this object has been constructed already
Error: this object has been constructed already
Error: Cannot modify readonly property Towline\FastCgi\Client::$loop
ArgumentCountError: Towline\FastCgi\Client::send() expects at least 1 argument, 0 given
TypeError: Towline\FastCgi\Client::send(): Argument #1 ($request) must be of type Towline\FastCgi\Request, int given
TypeError: Towline\FastCgi\Client::send(): Argument #2 ($onHead) must be of type ?Closure, string given
ValueError: Towline\FastCgi\Client::send(): Argument #5 ($timeout) must be a finite number of seconds, 0 or more, -1 given
TypeError: Towline\FastCgi\Client::each(): Argument #1 ($requests) must be of type iterable, int given
ValueError: Towline\Loop::repeat(): Argument #1 ($seconds) must be greater than 0: a timer that repeats needs a beat
ValueError: Towline\Loop::delay(): Argument #1 ($seconds) must be a finite number of seconds, 0 or more, -0.001 given
ValueError: Towline\Loop::tick(): Argument #1 ($timeout) must be a finite number of seconds, 0 or more, NaN given
TypeError: Towline\Loop::defer(): Argument #1 ($callback) must be of type Closure, string given
ArgumentCountError: Towline\Loop::run() expects exactly 0 arguments, 1 given
Error: Cannot create dynamic property Towline\Loop::$nothing
Error: Trying to clone an uncloneable object of class Towline\FastCgi\Client
Error: Trying to clone an uncloneable object of class Towline\Loop
Error: Trying to clone an uncloneable object of class Towline\FastCgi\Request
Exception: Serialization of 'Towline\FastCgi\Client' is not allowed
Exception: Unserialization of 'Towline\Loop' is not allowed
Error: Call to private Towline\Future::__construct() from global scope
Error: Call to private Towline\FastCgi\Response::__construct() from global scope
ReflectionException: Class Towline\Future is an internal class marked as final that cannot be instantiated without invoking its constructor
ValueError: Towline\FastCgi\Fpm::start(): Argument #1 ($workers) must be at least 1, 0 given
Towline\Exception: the php-fpm binary, "/nonexistent", is not an executable file; expected the path of php-fpm (Debian: package php-fpm)
TypeError: Towline\FastCgi\Fpm::start(): Argument #2 ($ini) must be of type array<string, string|int|bool>, array given
ValueError: Towline\FastCgi\Fpm::start(): Argument #2 ($ini) must have names as keys, a number given
ValueError: the value of environment variable "A" holds the control character '\n'; expected one line of text
ValueError: Towline\FastCgi\Fpm::start(): Argument #5 ($startTimeout) must be a finite number of seconds, 0 or more, -1 given
Towline\TimeoutException: made by hand

nothing was thrown
