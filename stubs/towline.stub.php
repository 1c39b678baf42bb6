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

    /** No connection: refused, not found, no permission, no route, name not resolved. */
    final class ConnectException extends Exception {}

    /** A deadline passed. */
    final class TimeoutException extends Exception
    {
        /** Which deadline: 'connect', 'first-byte', 'idle' or 'total'. */
        public function getPhase(): string {}
    }

    /** The peer broke the protocol: a bad record, a bad head, an answer above maxResponse, not a FastCGI server at all. */
    final class ProtocolException extends Exception {}

    /** The connection ended before the answer did, or the body's source failed. */
    final class ClosedException extends Exception {}

    /** Future::cancel() or Client::close() ended it. */
    final class CancelledException extends Exception {}

    /** maxPending requests are waiting already. Nothing was sent. */
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

        /** What keeps run() going: requests, timers, deferred callbacks. Idle pooled connections do not count. */
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
         * Callbacks that wait nest, and the innermost goes on first. Inside eight of them, waiting (await(), all(), request(),
         * each()) runs no more callbacks, only sources of bodies: the callbacks stay queued, in their order, for the outer levels.
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
         * @param bool $keepAlive reuse connections; each pins a php-fpm worker while it is open
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
         *
         *     foreach ($client->each($requests, concurrency: 4) as $key => $answer) { ... }
         *
         * @template K
         * @param iterable<K, Request> $requests
         * @return \Iterator<K, Response|\Towline\Exception>
         */
        public function each(iterable $requests, int $concurrency = 8): \Iterator {}

        /**
         * php-fpm's status page (pm.status_path), decoded. Anything else than JSON with status 200 is a ProtocolException.
         *
         * @return Future<array<string, mixed>>
         */
        public function status(string $path = '/status', bool $full = false): Future {}

        /** @return Future<bool> true when ping.path answers pong */
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
         * @param array<string, string|int|float|bool> $params added to, and overriding, the CGI variables that Towline sets itself
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
