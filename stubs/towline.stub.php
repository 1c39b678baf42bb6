<?php

/**
 * Stubs of the PHP extension `towline`, for editors and static analysis. Never load this file where the extension is.
 *
 * Seconds are floats; the loop tells time to the millisecond. Strings are bytes (never required to be UTF-8) unless said
 * otherwise. Callbacks are \Closure; first-class callable syntax, `foo(...)`, makes one of anything callable. They are never called inside the call that registered them or
 * started the operation. All classes are final, not cloneable, not serializable and without dynamic properties.
 *
 * Misuse is a \TypeError, a \ValueError or an \Error (closed object); everything else that goes wrong is a \Towline\Exception.
 */

namespace Towline {

    /** Base of everything thrown at run time. */
    class Exception extends \RuntimeException {}

    /** No connection: refused, not found, no permission, no route, name not resolved, TLS failed. */
    final class ConnectException extends Exception {}

    /** A deadline passed. */
    final class TimeoutException extends Exception
    {
        /** Which deadline: 'connect', 'first-byte', 'idle' or 'total'. */
        public function getPhase(): string {}
    }

    /** The peer broke the protocol: a bad record, frame or head, an answer above maxResponse, not such a server at all. */
    final class ProtocolException extends Exception {}

    /** The connection ended before the answer or the process did, the body's source failed, or a WebSocket's peer has gone. */
    final class ClosedException extends Exception {}

    /** Future::cancel(), Exec::close() or Client::close() ended it. */
    final class CancelledException extends Exception {}

    /** As many as may be wait already: maxPending requests, 1 GiB of an exec's input, 64 MiB for a WebSocket's peer; or maxSessions are open. */
    final class QueueFullException extends Exception {}

    /**
     * One event loop. It belongs to the process that made it: after pcntl_fork() the child gets an exception and makes its own.
     *
     *     $loop = new Towline\Loop();
     *     $loop->delay(0.5, function () { echo "half a second\n"; });
     *     $loop->run();
     *
     * Another loop (Revolt, ReactPHP, Amp, stream_select()) drives it with getStream() and tick().
     */
    final class Loop
    {
        public function __construct() {}

        /**
         * Dispatches until nothing is pending or stop(). An exception from a callback, and a failure that nobody handles, comes out
         * of here; the rest of the queue is kept for the next run(). May be called inside a callback: then it does what is queued
         * further out first. More than 24 run() and others inside one another (fewer in a Fiber with a small fiber.stack_size) are
         * an \Error.
         */
        public function run(): void {}

        /**
         * One turn: waits at most $timeout seconds, dispatches what is ready, returns how many callbacks ran. Returns early when a
         * signal came. May be called inside a callback, as run() may.
         */
        public function tick(float $timeout = 0.0): int {}

        /** Ends the innermost run() once the callback that calls this returns. What is queued stays queued. */
        public function stop(): void {}

        /** Calls back in the next turn. */
        public function defer(\Closure $callback): void {}

        /** Calls back once after so many seconds. Losing the Timer does not cancel it. */
        public function delay(float $seconds, \Closure $callback): Timer {}

        /** Calls back every so many seconds (more than 0) until cancelled. Beats missed while the program was busy are left out. */
        public function repeat(float $seconds, \Closure $callback): Timer {}

        /**
         * A stream that is readable when tick() has work: give it to Revolt, ReactPHP, Amp or stream_select(). Never read from it.
         * Works in every SAPI. On Linux timers show on it too; elsewhere heed getTimeout(). Each call makes a new descriptor: call it
         * once and keep the stream. Keep the loop as well: with its last object the requests still on it are dropped.
         *
         * @return resource
         */
        public function getStream() {}

        /** Seconds until the next timer, 0.0 when work waits, null when there is no timer. */
        public function getTimeout(): ?float {}

        /** What keeps run() going: requests, calls, execs, timers, deferred callbacks. Idle pooled connections do not count. */
        public function pending(): int {}
    }

    final class Timer
    {
        private function __construct() {}

        public function cancel(): void {}

        /** True while it will call back (again). */
        public function isActive(): bool {}
    }

    /**
     * What an asynchronous operation will yield. A failure that nobody handles (no onError(), no await()) is thrown out of
     * run() or tick(). While await(), request(), all() or each() drive the loop, the failure of another future that the program
     * still holds is kept, and the next run() or tick() throws it if nobody has handled it by then.
     *
     * @template T
     */
    final class Future
    {
        private function __construct() {}

        /** @param \Closure(T): void $callback */
        public function onDone(\Closure $callback): static {}

        /** @param \Closure(Exception): void $callback */
        public function onError(\Closure $callback): static {}

        /**
         * Inside a Fiber: suspends it until the loop resumes it. Elsewhere, and in a Fiber that is itself dispatching: drives the loop
         * until this future has ended; other callbacks run meanwhile. So too, suspending nothing, in `finally` and destructors of a
         * Fiber that is being destroyed.
         *
         * Callbacks that wait nest, and the innermost goes on first; those that answer a browser (WebSocket\Server, Terminal\Hub::welcome())
         * have a Fiber of their own instead. Inside eight of them, waiting (await(), all(), request(),
         * each()) runs no more callbacks, only sources of bodies: the callbacks stay queued, in their order, for the outer levels. When
         * more than 64 MiB wait for them there, waiting ends with an \Error.
         *
         * @return T
         * @throws Exception what the operation failed with
         */
        public function await(): mixed {}

        /** Ends the operation with a CancelledException for onError() and await(). Nobody else is told. */
        public function cancel(): void {}

        /** True once it has a result or has failed. */
        public function isDone(): bool {}

        /**
         * Awaits all; keys are kept. The first failure in the order given is thrown after all have ended.
         *
         * @template K
         * @param iterable<K, Future> $futures
         * @return array<K, mixed>
         */
        public static function all(iterable $futures): array {}
    }
}

namespace Towline\FastCgi {

    use Towline\Future;
    use Towline\Loop;

    enum Role: int
    {
        case Responder = 1;
        case Authorizer = 2;
        case Filter = 3;
    }

    enum Balance
    {
        case LeastConnections;
        case RoundRobin;
    }

    /**
     * A FastCGI client: pools of connections to one or more servers such as php-fpm.
     *
     *     $client = new Towline\FastCgi\Client('/run/php/fpm.sock');
     *     $client->send(Request::get('/srv/app/report.php', ['year' => 2030]))
     *         ->onDone(fn (Response $r) => print($r->body))
     *         ->onError(fn (Towline\Exception $e) => error_log($e->getMessage()));
     *     $client->loop->run();
     */
    final class Client
    {
        public readonly Loop $loop;

        /**
         * @param string|list<string> $address 'unix:/run/php/fpm.sock', '/run/php/fpm.sock', 'tcp://127.0.0.1:9000', '127.0.0.1:9000',
         *     '[::1]:9000', 'tcp://name:9000' (resolved off the loop). A list is a group of upstreams: balanced, an upstream that
         *     refuses is left alone for $failTimeout, a request that cannot have reached a script is retried on the next one.
         * @param ?Loop $loop null: a new one
         * @param int $maxConnections per upstream; keep it below the pool's pm.max_children. Requests beyond it wait in a queue.
         * @param int $maxPending waiting requests before QueueFullException
         * @param bool $keepAlive reuse connections; each pins a php-fpm worker while it is open. False for scripts that go on after
         *     fastcgi_finish_request(): on a reused connection the next request waits for them.
         * @param float $idleClose an idle connection is closed after so many seconds
         * @param ?float $firstByteTimeout from the request sent to the first byte of the answer
         * @param ?float $idleTimeout between two bytes
         * @param ?float $timeout total per request, queueing included
         * @param int $maxResponse most bytes of body and stderr of one answer; more fails it
         */
        public function __construct(
            string|array $address,
            ?Loop $loop = null,
            int $maxConnections = 8,
            int $maxPending = 100000,
            bool $keepAlive = true,
            float $idleClose = 1.0,
            float $connectTimeout = 5.0,
            ?float $firstByteTimeout = null,
            ?float $idleTimeout = null,
            ?float $timeout = null,
            int $maxResponse = 64 * 1024 * 1024,
            Balance $balance = Balance::LeastConnections,
            float $failTimeout = 10.0,
        ) {}

        /**
         * Sends a request, or queues it when no connection is free.
         *
         * Without $onBody the body is collected into the Response. With it, each chunk of body bytes is handed over as it comes and
         * the Response's body stays ''; likewise $onStderr. $onHead gets a Response without a body as soon as the headers are there.
         *
         * @param ?\Closure(Response): void $onHead
         * @param ?\Closure(string): void $onBody
         * @param ?\Closure(string): void $onStderr
         * @return Future<Response>
         * @throws \Towline\QueueFullException
         */
        public function send(Request $request, ?\Closure $onHead = null, ?\Closure $onBody = null, ?\Closure $onStderr = null, ?float $timeout = null): Future {}

        /**
         * send()->await()
         *
         * @throws \Towline\Exception
         */
        public function request(Request $request, ?float $timeout = null): Response {}

        /**
         * Runs many requests with bounded concurrency and yields each as it ends, under its own key: a Response, or the Exception.
         * Pulls lazily from $requests, so a million scripts need no memory. Leaving the loop early cancels what is on its way.
         * When $requests throws or gives something else than a Request, no more is pulled; what is on its way is yielded, then the
         * exception comes. A request that finds the client's queue full waits until another one of the iteration has ended; if
         * none is on its way, a QueueFullException is yielded for it.
         * Only one at a time may wait for the next answer: another gets an \Error, as of a generator that is running.
         *
         *     foreach ($client->each($requests, concurrency: 4) as $key => $answer) { ... }
         *
         * @template K
         * @param iterable<K, Request> $requests
         * @return \Iterator<K, Response|\Towline\Exception>
         */
        public function each(iterable $requests, int $concurrency = 8): \Iterator {}

        /**
         * php-fpm's status page (pm.status_path), decoded. Anything else than JSON with status 200 is a ProtocolException. It takes a
         * free worker, unless this is a client of pm.status_listen.
         *
         * @return Future<array<string, mixed>>
         */
        public function status(string $path = '/status', bool $full = false): Future {}

        /** @return Future<bool> true when ping.path answers pong; it takes a free worker, as status() does */
        public function ping(string $path = '/ping'): Future {}

        /**
         * FCGI_GET_VALUES on a connection of its own.
         *
         * @return Future<array<string, string>>
         */
        public function getValues(): Future {}

        /**
         * Counters since the client was made, and what is open now.
         *
         * @return array{sent: int, done: int, failed: int, waiting: int, active: int, idle: int, connects: int, reused: int, retried: int,
         *     upstreams: list<array{address: string, active: int, idle: int, connects: int, refused: int, down: bool}>}
         */
        public function stats(): array {}

        /** Cancels all requests and closes all connections. Losing the Client instead lets its requests end. */
        public function close(): void {}
    }

    /** Immutable; may be sent any number of times (one with a source as its body as often as the source can give it). */
    final class Request
    {
        /**
         * @param string $script absolute path as the FastCGI server sees it (SCRIPT_FILENAME)
         * @param string $query already percent-encoded, without the question mark
         * @param string|\Closure(int): ?string $body bytes, or a source that is asked for at most $n bytes at a time and returns null
         *     or '' at the end; a source needs $contentLength. A source that calls run(), or awaits its own request, waits for itself.
         * @param array<string, string|int|float|bool> $params added to, and overriding, the CGI variables that Towline sets itself. Never
         *     take names from untrusted input: PHP_VALUE and PHP_ADMIN_VALUE are php.ini settings, and may outlast the request.
         */
        public function __construct(
            string $script,
            string $method = 'GET',
            string $query = '',
            string|\Closure $body = '',
            ?int $contentLength = null,
            string $contentType = '',
            array $params = [],
            Role $role = Role::Responder,
        ) {}

        /** @param array $query as for http_build_query() */
        public static function get(string $script, array $query = []): Request {}

        /** application/x-www-form-urlencoded. @param array $form as for http_build_query() */
        public static function post(string $script, array $form): Request {}

        /**
         * application/json.
         *
         * @throws \JsonException
         */
        public static function json(string $script, mixed $data): Request {}

        /**
         * multipart/form-data, with files as a browser uploads them. The files are read now.
         *
         * @param array<string, string|int|float|bool|array> $fields
         * @param array<string, string> $files field => path of the file
         */
        public static function multipart(string $script, array $fields, array $files): Request {}

        /** As one of the constructor's $params. */
        public function withParam(string $name, string $value): Request {}

        /** Sets HTTP_*, or CONTENT_TYPE for Content-Type. 'Proxy' is refused (httpoxy), and so is Content-Length. */
        public function withHeader(string $name, string $value): Request {}

        /** What a filter (Role::Filter) is to filter: the bytes of the DATA stream. */
        public function withData(string $data): Request {}

        /**
         * All CGI variables that will be sent.
         *
         * @return array<string, string>
         */
        public function getParams(): array {}
    }

    final class Response
    {
        /** From Status:, a raw HTTP/1.x line, 302 for a lone Location, else 200. */
        public readonly int $status;

        /** @var array<string, list<string>> by lower-case name */
        public readonly array $headers;

        public readonly string $body;

        public readonly string $stderr;

        /** The application's own status; php-fpm always says 0. */
        public readonly int $appStatus;

        /** Seconds, queueing included. */
        public readonly float $duration;

        private function __construct() {}

        /** The first value of a header, whatever the case of its name. */
        public function header(string $name): ?string {}
    }

    /**
     * What Client::each() returns. The answers come once: it cannot be rewound.
     *
     * @implements \Iterator<mixed, Response|\Towline\Exception>
     */
    final class Results implements \Iterator
    {
        private function __construct() {}

        public function current(): mixed {}

        public function key(): mixed {}

        public function next(): void {}

        public function rewind(): void {}

        public function valid(): bool {}
    }

    /**
     * A private php-fpm on a socket in a private folder (0700): nothing to configure. Ends with the object or the process.
     *
     *     $fpm = Towline\FastCgi\Fpm::start(workers: 4);
     *     $client = new Towline\FastCgi\Client($fpm->address);
     */
    final class Fpm
    {
        public readonly string $address;

        public readonly int $pid;

        private function __construct() {}

        /**
         * @param array<string, string|int|bool> $ini settings of the scripts
         * @param array<string, string|int|bool> $env environment of the scripts
         * @param ?string $binary null: the environment's TOWLINE_PHP_FPM, else the php-fpm of this PHP's version, else any
         * @throws \Towline\Exception with php-fpm's own words when it does not start
         */
        public static function start(int $workers = 4, array $ini = [], array $env = [], ?string $binary = null, float $startTimeout = 10.0): Fpm {}

        /** Ends it and removes its folder; returns when it is gone. */
        public function stop(): void {}
    }
}

namespace Towline\Docker {

    use Towline\Future;
    use Towline\Loop;

    /** The Engine answered with an error; the message is its own. */
    final class ApiException extends \Towline\Exception
    {
        /**
         * The HTTP status: 404 no such container, 409 it is not running or is paused... 301 and its like: the Engine redirects, which is
         * not followed. 200: the Engine reported the error in the midst of an output that had begun well.
         */
        public function getStatus(): int {}
    }

    /**
     * A client of a container Engine: Docker's, or podman's service. API versions 1.40 to 1.55; the highest that both sides know is
     * spoken.
     *
     *     $docker = new Towline\Docker\Client();
     *     $shell = $docker->exec('web', ['/bin/sh'], tty: true, stdin: true)
     *         ->onOutput(function (string $bytes) { echo $bytes; })
     *         ->onExit(function (?int $code) { echo "exit code $code\n"; });
     *     $shell->write("ls\n");
     *     $shell->closeStdin();
     *     $docker->loop->run();
     */
    final class Client
    {
        public readonly Loop $loop;

        /**
         * Connects to nothing yet. The files are read now.
         *
         * @param ?string $address 'unix:///var/run/docker.sock', '/var/run/docker.sock', 'tcp://127.0.0.1:2375', 'https://engine:2376' (TLS).
         *     null: what DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say, or unix:///var/run/docker.sock
         * @param ?Loop $loop null: a new one
         * @param ?string $caFile PEM; any of the three files makes a tcp address one with TLS. Without it the system's authorities are trusted.
         *     The server's name is always checked.
         * @param ?string $certFile PEM, our certificate; goes with $keyFile
         * @param ?string $apiVersion speak this one, such as '1.41', instead of asking
         * @param float $connectTimeout until a connection stands, TLS included
         * @param float $timeout total of a plain call, queueing included; and until a stream opens. A stream itself has none.
         * @param int $maxConnections for plain calls; more calls wait. Streams have their own.
         * @param int $maxResponse most bytes of one answer; more fails it (ProtocolException)
         */
        public function __construct(
            ?string $address = null,
            ?Loop $loop = null,
            ?string $caFile = null,
            ?string $certFile = null,
            ?string $keyFile = null,
            ?string $apiVersion = null,
            float $connectTimeout = 5.0,
            float $timeout = 30.0,
            int $maxConnections = 32,
            int $maxResponse = 64 * 1024 * 1024,
        ) {}

        /**
         * Creates and starts an exec and takes its connection over. Returns at once: what is written before the stream is open is queued;
         * errors (404, 409...) arrive at onError() and await(). A program that cannot be started is no error but an exit code: 127 not
         * found, 126 not executable.
         *
         * @param list<string|int|float> $command program and arguments; no shell is involved
         * @param bool $tty give it a terminal: one output stream, a size, control characters
         * @param bool $stdin attach its standard input; else it has none and write() is refused
         * @param array<string, string|int|float|bool> $env added to the container's environment
         * @param string $user 'name', 'uid', 'name:group'; '': the container's own
         * @param string $workingDir '': the container's own
         * @param string $detachKeys for a terminal, such as 'ctrl-p,ctrl-q'; '': the Engine's default
         * @param int $pauseBuffer bytes that are still taken in while paused
         */
        public function exec(
            string $container,
            array $command,
            bool $tty = false,
            bool $stdin = false,
            array $env = [],
            string $user = '',
            string $workingDir = '',
            bool $privileged = false,
            int $rows = 24,
            int $columns = 80,
            string $detachKeys = '',
            int $pauseBuffer = 1024 * 1024,
        ): Exec {}

        /**
         * Runs a command to its end and collects.
         *
         *     echo $docker->run('web', ['date'])->await()->stdout;
         *
         * @param list<string|int|float> $command
         * @param string $input its standard input; '': it has none
         * @param array<string, string|int|float|bool> $env
         * @param ?float $timeout then the command and its children are killed, and the future fails with a TimeoutException. So they are
         *     when the future is cancelled.
         * @param int $maxOutput most bytes of both outputs together; a command that writes more is killed (ProtocolException)
         * @return Future<Result>
         */
        public function run(
            string $container,
            array $command,
            string $input = '',
            array $env = [],
            string $user = '',
            string $workingDir = '',
            ?float $timeout = null,
            int $maxOutput = 64 * 1024 * 1024,
        ): Future {}

        /**
         * The stream of the container's own process.
         *
         * @param bool $stdin attach its standard input, which the container must have been made with
         * @param bool $logs begin with what it has logged so far
         */
        public function attach(string $container, bool $stdin = false, bool $logs = false, string $detachKeys = '', int $pauseBuffer = 1024 * 1024): Exec {}

        /**
         * @param \Closure(string $bytes, int $stream): void $onOutput $stream: 1 stdout (and everything of a terminal), 2 stderr
         * @param bool $follow go on as the container writes
         * @param string $tail 'all', or how many lines from the end
         * @param int $since unix time; 0: from the beginning
         * @param bool $timestamps begin every line with its time
         * @return Future<null> ends when the log does; cancel() ends a followed one
         */
        public function logs(
            string $container,
            \Closure $onOutput,
            bool $follow = false,
            string $tail = 'all',
            int $since = 0,
            bool $timestamps = false,
        ): Future {}

        /**
         * The Engine's events from now on.
         *
         * @param \Closure(array): void $onEvent
         * @param array<string, string|list<string>> $filters such as ['type' => 'container', 'event' => ['start', 'die']]
         * @return Future<null> ends with cancel(), or fails with the connection
         */
        public function events(\Closure $onEvent, array $filters = []): Future {}

        /**
         * @param bool $all also those that do not run
         * @param array<string, string|bool|list<string>> $filters such as ['label' => ['app=web'], 'status' => 'running']
         * @return Future<list<array>> as GET /containers/json of the Engine API describes them
         */
        public function containers(bool $all = false, array $filters = []): Future {}

        /** @return Future<array> GET /containers/{container}/json */
        public function inspect(string $container): Future {}

        /** @return Future<array> GET /version */
        public function version(): Future {}

        /**
         * Any other call of the Engine API. An answer of 400 or above is an ApiException, and so is a redirect.
         *
         *     $docker->request('POST', '/containers/web/restart', query: ['t' => 5])->await();
         *
         * @param string $path begins with '/', without the API version
         * @param mixed $body null: none; a string is sent as it is; anything else as JSON (an empty array as {}). Its type is
         *     application/json unless $headers say otherwise.
         * @param array<string, string|int|float|bool|array> $query a list becomes one parameter for each element; a map becomes the JSON that
         *     'filters' are made of
         * @param array<string, string> $headers
         * @param ?\Closure(string): void $onBody gets the answer's body as it comes, which then has no deadline and no limit; 'body' stays ''
         * @param ?float $timeout instead of the client's
         * @return Future<array{status: int, headers: array<string, list<string>>, body: string}> header names in lower case
         */
        public function request(
            string $method,
            string $path,
            mixed $body = null,
            array $query = [],
            array $headers = [],
            ?\Closure $onBody = null,
            ?float $timeout = null,
        ): Future {}

        /**
         * What is open now, counters since the client was made, and the API version spoken (null before the first answer).
         *
         * @return array{apiVersion: ?string, connects: int, reused: int, retried: int, idle: int, live: int}
         */
        public function stats(): array {}

        /** Cancels all calls and closes all streams and connections. Losing the Client instead lets them end. */
        public function close(): void {}
    }

    /**
     * A hijacked stream. Always one of onExit() and onError() ends it. While it lives its loop holds it, so the object need not be
     * kept. A failure that nobody handles (no onError(), no await()) is thrown out of run() or tick(), as for a Future.
     *
     * Any of its methods may be called in any callback.
     */
    final class Exec
    {
        /** The exec's id, or the attached container's; '' until the stream is open. */
        public readonly string $id;

        private function __construct() {}

        /**
         * Called once when the stream is open, with true, or false when a proxy on the way may have swallowed the upgrade: then input may
         * not arrive.
         *
         * @param \Closure(bool $upgraded): void $callback
         */
        public function onOpen(\Closure $callback): static {}

        /**
         * $stream: 1 stdout (and everything of a terminal), 2 stderr. Bytes are cut anywhere. Output that comes while there is no such
         * callback is dropped.
         *
         * @param \Closure(string $bytes, int $stream): void $callback
         */
        public function onOutput(\Closure $callback): static {}

        /** @param \Closure(?int $code): void $callback null when the Engine cannot tell (detached, container removed) */
        public function onExit(\Closure $callback): static {}

        /** @param \Closure(\Towline\Exception): void $callback after close(): a CancelledException */
        public function onError(\Closure $callback): static {}

        /** Called when no more than 256 KiB wait to be sent, after more than 1 MiB did. */
        public function onDrain(\Closure $callback): static {}

        /**
         * Writes to the process. What is written when it has ended, and its end is not told yet, is dropped.
         *
         * @return int bytes that now wait; above 1 MiB stop writing until onDrain()
         * @throws \Error after close(), after closeStdin(), after the end, and without standard input
         * @throws \Towline\QueueFullException when more than 1 GiB would wait
         */
        public function write(string $bytes): int {}

        /**
         * End of input, behind all that was written: half-closes the connection, or types the end of transmission (0x04) into a terminal.
         * More than once, or after the end: does nothing.
         *
         * @throws \Error without standard input
         */
        public function closeStdin(): void {}

        /**
         * Sets the terminal's size, 1 to 65535 each. The latest wins; tried again while the process is starting. After the end: does
         * nothing.
         *
         * @throws \Error without a terminal
         */
        public function resize(int $rows, int $columns): void {}

        /**
         * Calls no onOutput() until resume(). What comes is kept up to pauseBuffer; then the process is made to wait. One that ends during a
         * long pause may lose what neither this nor the Engine (about 1 MB) can hold.
         */
        public function pause(): void {}

        public function resume(): void {}

        /**
         * Sends a signal to the process and its children inside the container, through a second exec, also on a remote Engine; to an
         * attached container's own process. It takes a shell in the container. A process that has exited is no error.
         *
         * @param string $signal 'TERM', 'SIGTERM', '15'
         * @return Future<null>
         * @throws \Error when the stream was closed, or ended without an exit code
         */
        public function kill(string $signal = 'TERM'): Future {}

        /** @return Future<array> GET /exec/{id}/json, also after the end; of an attached container its own inspect */
        public function inspect(): Future {}

        /**
         * Waits for the end, as Future::await() does.
         *
         * @return ?int the exit code; null when the Engine cannot tell
         * @throws \Towline\Exception
         */
        public function await(): ?int {}

        /**
         * The end as a future, for Future::all(). Its cancel() is close().
         *
         * @return Future<?int>
         */
        public function future(): Future {}

        /** True once it has ended. */
        public function isDone(): bool {}

        /** True when the stream broke off before its end, so that output may be missing. Known with the end. */
        public function isTruncated(): bool {}

        /** Closes the stream; the process goes on (kill() ends it, but before). Its output is not handed out any more. */
        public function close(): void {}
    }

    /** What a command left that was run to its end. */
    final class Result
    {
        /** null when the Engine cannot tell */
        public readonly ?int $exitCode;

        public readonly string $stdout;

        public readonly string $stderr;

        private function __construct() {}
    }
}

namespace Towline\WebSocket {

    use Towline\Loop;

    /**
     * A server of plain HTTP requests and of WebSockets (RFC 6455), on one port.
     *
     *     $server = new Towline\WebSocket\Server('127.0.0.1:9501');
     *     $server->onRequest(fn (HttpRequest $request) => HttpResponse::file(__DIR__ . '/public', $request));
     *     $server->onOpen(function (Connection $connection) {
     *         $connection->onMessage(function (string $data, bool $binary) use ($connection) { $connection->send("you said $data"); });
     *     });
     *     $server->loop->run();
     *
     * HTTP/1.1 and HTTP/1.0 are spoken, without TLS: nginx or the like stands in front for that. What is no proper request is answered
     * by the server itself (400, 413, 431...), as is a WebSocket from a foreign page (403) and one connection too many (503). Behind its
     * last words on a connection it waits up to 2 seconds for the client's end, so that they arrive.
     *
     * Until it has ended its loop holds it, so the object need not be kept.
     */
    final class Server
    {
        public readonly Loop $loop;

        /** Where it listens, with the real port: '127.0.0.1:9501', 'unix:/run/towline.sock'. */
        public readonly string $address;

        /**
         * Listens at once.
         *
         * @param string $address '127.0.0.1:9501', '[::1]:0' (the system chooses the port), 'unix:/run/towline.sock'. A socket file that
         *     nobody listens on any more is replaced; it is removed at the end.
         * @param ?Loop $loop null: a new one
         * @param ?list<string> $allowedOrigins whose pages may open a WebSocket: null for those of the same host and port as the request's
         *     Host, else origins such as 'https://example.org', or '*' for any. Programs that send no Origin are let in: they could send
         *     any. So this protects browsers' users, and is no login.
         * @param int $maxMessage most bytes of a message; a peer that sends more is closed with 1009. So much address space is set aside
         *     for a message as soon as its beginning says how long it is, on each connection: with a limit on that (ulimit -v, no
         *     overcommit) choose a lower one
         * @param int $maxConnections connections at a time, of both kinds
         * @param float $pingInterval a WebSocket on which nothing has come for this long is asked for a sign of life, and closed when none
         *     comes for as long again; 0: never
         * @param float $handshakeTimeout until a request is complete, and until the next bytes of an answer are taken
         * @param int $highWatermark bytes that wait to be sent above which the program should wait for Connection::onDrain()
         * @param list<string> $subprotocols that are spoken; of those that a client offers the first of these is chosen
         * @param int $maxBody most bytes of a request's body; more is answered with 413
         * @throws \Towline\Exception when it cannot listen there: the address is in use, not one of this machine...
         */
        public function __construct(
            string $address,
            ?Loop $loop = null,
            ?array $allowedOrigins = null,
            int $maxMessage = 16 * 1024 * 1024,
            int $maxConnections = 10000,
            float $pingInterval = 30.0,
            float $handshakeTimeout = 10.0,
            int $highWatermark = 1024 * 1024,
            array $subprotocols = ['tty'],
            int $maxBody = 1024 * 1024,
        ) {}

        /**
         * Answers plain requests: a page, its assets, a health check. With several callbacks the first answer counts; without one it is
         * 404. After an exception, which comes out of run(), it is 500.
         *
         * The callback runs in a Fiber of its own: while it waits (await(), all(), request()...) everything else goes on, requests
         * among it. What is on another loop than the server's is waited for by driving that loop, and the server's waits meanwhile. It
         * may suspend itself for another library, too; that it is never resumed makes it 500.
         *
         * At most 1000 such callbacks of a loop (of onUpgrade(), onOpen() and Terminal\Hub::welcome() as well) wait at a time, also for
         * clients that have gone; above that requests are answered with 503 and WebSockets closed with 1013, nobody being asked.
         * PHP's collector of cycles does not see what a callback that waits holds: a server that is given up meanwhile goes when the
         * callback's wait has ended, or with the script.
         *
         * @param \Closure(HttpRequest): ?HttpResponse $callback
         */
        public function onRequest(\Closure $callback): static {}

        /**
         * Decides whether a WebSocket may be opened: null accepts, a response refuses. With several callbacks the first response
         * refuses; without one all are accepted. After an exception, which comes out of run(), it is refused with 500. It may wait, as
         * onRequest() may.
         *
         * @param \Closure(HttpRequest): ?HttpResponse $callback
         */
        public function onUpgrade(\Closure $callback): static {}

        /**
         * An exception in it closes the WebSocket with 1011. It may wait, as onRequest() may; messages that come before it has called
         * onMessage() are lost.
         *
         * @param \Closure(Connection, HttpRequest): void $callback the request is the one that was accepted
         */
        public function onOpen(\Closure $callback): static {}

        /** WebSockets that are open. */
        public function connections(): int {}

        /**
         * Stops listening, says goodbye (1001) to every WebSocket, and ends when all have gone, or after five seconds: then run() has
         * nothing more to wait for.
         */
        public function close(): void {}
    }

    /**
     * A WebSocket. Until it has ended its loop holds it, so the object need not be kept. Its methods may be called in any callback.
     */
    final class Connection
    {
        /** No other WebSocket of the loop has it. */
        public readonly int $id;

        /** '127.0.0.1:50000', '[::1]:50000', or 'unix:' for whoever came over a unix socket. */
        public readonly string $remoteAddress;

        private function __construct() {}

        /** @param \Closure(string $data, bool $binary): void $callback a text is always UTF-8 */
        public function onMessage(\Closure $callback): static {}

        /**
         * Called once at the end, whoever ended it.
         *
         * @param \Closure(int $code, string $reason): void $callback what the peer said; 1005: it gave no code; 1006: it went without a word,
         *     and $reason tells what happened; ours when the peer broke the protocol (1002, 1007, 1009)
         */
        public function onClose(\Closure $callback): static {}

        /** Called when the bytes that wait to be sent, more before, are a quarter of the server's $highWatermark or less. @param \Closure(): void $callback */
        public function onDrain(\Closure $callback): static {}

        /**
         * @param string $text UTF-8, else a \ValueError
         * @return int bytes that now wait to be sent; above the server's $highWatermark wait for onDrain()
         * @throws \Towline\ClosedException the peer has gone, or is going
         * @throws \Towline\QueueFullException 64 MiB are waiting already; nothing was sent
         * @throws \Error after close()
         */
        public function send(string $text): int {}

        /** As send(), for any bytes. */
        public function sendBinary(string $bytes): int {}

        /**
         * Reads nothing more from the peer, which will have to wait, until resume(). A peer that closes its socket meanwhile is noticed
         * within the server's $pingInterval, and what was not read is lost; one that vanishes, when the system gives up sending to it.
         */
        public function pause(): void {}

        public function resume(): void {}

        /** False as soon as one of both sides has begun to close. */
        public function isOpen(): bool {}

        /**
         * Says goodbye after what waits to be sent. No more messages come; onClose() is called when the peer has answered, or has not for
         * 5 seconds (1006). A second close() does nothing.
         *
         * @param int $code 1000 to 1003, 1007 to 1013, 3000 to 4999
         * @param string $reason UTF-8, at most 123 bytes
         */
        public function close(int $code = 1000, string $reason = ''): void {}
    }

    /** What a browser asks for. */
    final class HttpRequest
    {
        /** GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS. */
        public readonly string $method;

        /** Without the query; percent-encoding is undone, so it may hold any bytes. */
        public readonly string $path;

        /** As parse_str() makes it. @var array<array|string> */
        public readonly array $query;

        /** @var array<string, list<string>> names in lower case */
        public readonly array $headers;

        public readonly string $body;

        /** '127.0.0.1:50000', '[::1]:50000', or 'unix:' for whoever came over a unix socket. */
        public readonly string $remoteAddress;

        private function __construct() {}

        /** The first value of a header field, its name in any case. */
        public function header(string $name): ?string {}

        /** The value of a cookie; percent-encoding is undone. */
        public function cookie(string $name): ?string {}

        /** A parameter of the query; null when there is none, or an array. */
        public function parameter(string $name): ?string {}
    }

    /** An answer. Content-Length, Date and Connection are set by the server. */
    final class HttpResponse
    {
        public readonly int $status;

        public readonly string $body;

        /** @var array<string, list<string>> */
        public readonly array $headers;

        /**
         * @param int $status 200 to 599
         * @param string $body of type text/plain unless $headers say otherwise
         * @param array<string, string|int|float|list<string|int|float>> $headers
         */
        public function __construct(int $status = 200, string $body = '', array $headers = []) {}

        /**
         * An answer of type application/json that is not to be cached, unless $headers say otherwise.
         *
         * @throws \JsonException
         */
        public static function json(mixed $data, int $status = 200, array $headers = []): HttpResponse {}

        /**
         * A file below a folder; null when there is none, so that onRequest() may return it as it is.
         *
         *     $server->onRequest(fn (HttpRequest $request) => HttpResponse::file(__DIR__ . '/public', $request));
         *
         * No path leads out of the folder, by a step upwards or a link; names that begin with a dot are not served. A path that ends with
         * a slash is that of the index.html there. The type is known by the name's ending. Browsers may keep the file, but ask each time
         * whether it is still the same: a request with the same If-None-Match gets 304. $headers override all that.
         *
         * @param HttpRequest|string $path a request's own path, or another
         * @throws \Towline\Exception the file cannot be read, or has more than 64 MiB
         */
        public static function file(string $root, HttpRequest|string $path, array $headers = []): ?HttpResponse {}
    }
}

namespace Towline\Terminal {

    use Towline\Docker\Exec;
    use Towline\Loop;
    use Towline\WebSocket\Connection;
    use Towline\WebSocket\HttpRequest;

    /**
     * Keeps terminal sessions alive on this side, so that a browser may leave and come back, and others may watch. Bytes never pass
     * through PHP.
     *
     *     $hub = new Towline\Terminal\Hub($loop);
     *     $server->onOpen(fn (Connection $connection) => $hub->welcome(
     *         $connection,
     *         fn (Hello $hello) => $hub->open($docker->exec('web', ['sh'], tty: true, stdin: true, rows: $hello->rows, columns: $hello->columns)),
     *         $tokens,
     *     ));
     *
     * docs/terminal-protocol.md describes what is said over the WebSocket.
     */
    final class Hub
    {
        public readonly Loop $loop;

        /**
         * @param ?Loop $loop that of the Docker client and of the WebSocket server; null: a new one, for them to share
         * @param int $scrollback bytes of output that are kept for a viewer who (re)joins; at most 32 MiB
         * @param float $linger seconds that a session without viewers lives on before its process is ended; and that one whose process
         *     has ended can still be looked at
         * @param ?float $idleTimeout seconds without input after which a session is ended; null: never
         * @param int $maxSessions those whose process has ended give way to new ones
         * @param int $highWatermark bytes that may wait for one viewer before it is sent nothing more for now
         * @param float $pauseLimit seconds that viewers who pause may hold the process up; then its output goes on into the scrollback
         */
        public function __construct(
            ?Loop $loop = null,
            int $scrollback = 262144,
            float $linger = 300.0,
            ?float $idleTimeout = null,
            int $maxSessions = 10000,
            int $highWatermark = 1024 * 1024,
            float $pauseLimit = 30.0,
        ) {}

        /**
         * Opens a session on an exec, which may still be starting. Its output goes to the viewers from now on and not to onOutput();
         * a failure is told to them and need not be handled.
         *
         * @param Exec $exec made with tty: true and stdin: true
         * @param ?string $id 1 to 255 bytes of UTF-8, by which a browser finds it; null: 128 random bits
         * @throws \Towline\QueueFullException maxSessions are open
         */
        public function open(Exec $exec, ?string $id = null): Session {}

        /**
         * Lets a terminal's page in: waits for its first message, and joins it to a session.
         *
         * With $tokens its token must be good for something (else it is closed with 1008). A page that comes back is joined to its session,
         * a share link's to the one it is for, read-only. For any other the callback opens one.
         *
         * Without $tokens the callback is asked every time, and decides by what Hello says.
         *
         * A page that sends no first message in time, or something else, is closed with 1008, and so it is when the callback returns null
         * without having attached it. The message of a Towline\Exception from the callback (no such container, no Engine...) is shown to
         * the browser, which is closed with 1011; so it is after any other exception, which comes out of run(). A session of another
         * loop is a ValueError.
         *
         * The callback may wait, as that of Server::onRequest() may. What the browser says meanwhile is kept for the session.
         *
         * @param \Closure(Hello, Connection): ?Session $callback
         * @param bool $readOnly who comes in here may only watch
         * @param float $timeout seconds
         */
        public function welcome(Connection $connection, \Closure $callback, ?Tokens $tokens = null, bool $readOnly = false, float $timeout = 10.0): void {}

        /** The session of this id; it may be one whose process has ended, which shows how. */
        public function find(string $id): ?Session {}

        /** @return list<Session> */
        public function sessions(): array {}

        /** Says goodbye (1001) to all viewers and ends all sessions. */
        public function close(): void {}
    }

    /** A terminal session. Until it has ended its loop holds it, so the object need not be kept. */
    final class Session
    {
        public readonly string $id;

        private function __construct() {}

        /**
         * Joins a browser: it gets the scrollback and then what comes, and may type unless it is read-only. The session reads its messages
         * from now on. Its size and a wish to only watch are those of its first message, if Hub::welcome() was there for it.
         *
         * @throws \Towline\ClosedException the browser has gone
         */
        public function attach(Connection $connection, bool $readOnly = false): void {}

        public function viewers(): int {}

        /**
         * Records from now on as asciicast v2 (a header, then one JSON line per event) into a new file that only its owner may read.
         *
         * @param bool $input what is typed, too: passwords included
         * @throws \Towline\Exception the file cannot be made, or is there already
         */
        public function record(string $path, bool $input = false): void {}

        /** @param \Closure(): void $callback the process runs */
        public function onStart(\Closure $callback): static {}

        /** @param \Closure(?int $code): void $callback the process has ended; null: the Engine cannot tell its exit code */
        public function onExit(\Closure $callback): static {}

        /** @param \Closure(\Towline\Exception): void $callback the process could not be started, was lost, or could not be ended */
        public function onError(\Closure $callback): static {}

        /** @param \Closure(Connection, bool $readOnly): void $callback a viewer has joined */
        public function onJoin(\Closure $callback): static {}

        /** @param \Closure(Connection, int $code): void $callback a viewer has left, with this close code; 1013: it read too slowly */
        public function onLeave(\Closure $callback): static {}

        /**
         * Called when a recording has ended early (a full disk); the session goes on. Without such a callback the exception comes out of run().
         *
         * @param \Closure(\Towline\Exception): void $callback
         */
        public function onRecordingError(\Closure $callback): static {}

        /**
         * @param \Closure(string $why): void $callback the session is gone: 'process' (it has ended by itself, and lingered), 'asked' (end()), 'abandoned'
         *     (no viewers), 'idle' or 'closed' (the hub)
         */
        public function onEnd(\Closure $callback): static {}

        /** Ends the process (TERM and, as a terminal that is closed does, HUP; KILL after 5 s) and the session. */
        public function end(): void {}
    }

    /** The first message of a terminal's page. */
    final class Hello
    {
        /** What the page was given to prove that it may; '' when it has nothing. */
        public readonly string $token;

        /** The id of the session to rejoin. */
        public readonly ?string $session;

        /** The page only wants to watch. */
        public readonly bool $readOnly;

        /** 24 when the page does not know. */
        public readonly int $rows;

        /** 80 when the page does not know. */
        public readonly int $columns;

        private function __construct() {}
    }

    /**
     * Tokens for terminals' pages: random, 128 bits each, and compared in a time that tells nothing.
     */
    final class Tokens
    {
        /** Good for everything, as long as this object lives. */
        public readonly string $access;

        /**
         * @param ?string $access null: a random one
         * @param float $lifetime seconds that a single-use token is good
         */
        public function __construct(?string $access = null, float $lifetime = 60.0) {}

        /** A new single-use token. Only the newest 4096 are good. */
        public function issue(): string {}

        /**
         * A token that is good for watching this session, any number of times, until it is gone; never for another one, even of the
         * same id. Only the newest 4096 are good.
         */
        public function share(Session $session): string {}

        /**
         * Whether it is the access token, which is not used up.
         *
         * @param HttpRequest|string $token a request's own: of its field `Authorization: Bearer TOKEN`, else its parameter `token`
         */
        public function isAccess(HttpRequest|string $token): bool {}

        /** What a token is good for; null: for nothing. A single-use token is used up by that. */
        public function redeem(string $token): ?Pass {}
    }

    /** What a token is good for. */
    final class Pass
    {
        /** The id of the only session it is for; null: for any. */
        public readonly ?string $session;

        public readonly bool $readOnly;

        private function __construct() {}
    }
}
