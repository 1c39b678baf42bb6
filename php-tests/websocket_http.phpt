--TEST--
Plain requests: a page, its assets, what is not there, and what comes with a request
--FILE--
<?php
require __DIR__ . '/websocket.inc';
use Towline\WebSocket\{HttpRequest, HttpResponse, Server};

$server = new Server('127.0.0.1:0');
echo preg_match('/^127\.0\.0\.1:\d+$/', $server->address), "\n";
$peer = new Peer($server);
echo brief($peer->get('/')), "\n";

$seen = null;
$server->onRequest(function (HttpRequest $request) use (&$seen): ?HttpResponse {
    $seen = $request;
    return match ($request->path) {
        '/' => new HttpResponse(200, '<p>hi</p>', ['Content-Type' => 'text/html', 'X-List' => ['a', 'b'], 'X-Number' => 5]),
        '/plain' => new HttpResponse(body: 'words'),
        '/json' => HttpResponse::json(['a' => "\u{e9}", 'list' => [1, 2.5]], 201),
        '/none' => new HttpResponse(204),
        default => null,
    };
});
// Who comes second is asked when the first has no answer.
$server->onRequest(fn (HttpRequest $request) => $request->path === '/second' ? new HttpResponse(body: 'second') : null);
// One connection serves them all.
foreach (['/', '/plain', '/json', '/none', '/missing', '/second'] as $path) {
    echo "-- $path\n", $peer->get($path), "\n";
}
echo "-- HEAD\n", $peer->get('/plain', method: 'HEAD'), "\n";

echo "-- what comes\n";
$body = "name=x&y\0z";
echo brief($peer->ask("POST /a%20b/%C3%A9%00%zz?q[]=1&q[]=2&n=%26+x&flag HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\nx-a: 2\r\n"
    . "Cookie: first=1; token=a%3Db=\r\nContent-Length: " . strlen($body) . "\r\n\r\n$body")), "\n";
echo $seen->method, ' ', json_encode(bin2hex($seen->path)), ' ', json_encode($seen->query), ' ', json_encode($seen->body), "\n";
echo json_encode($seen->headers), "\n";
echo json_encode([$seen->header('X-A'), $seen->header('host'), $seen->header('none'), $seen->header('')]), "\n";
echo json_encode([$seen->cookie('first'), $seen->cookie('token'), $seen->cookie('rst'), $seen->cookie('')]), "\n";
echo preg_replace('/\d+$/', 'PORT', $seen->remoteAddress), "\n";
var_dump(isset($seen->query['n']), isset($seen->nothing), array_keys((array) $seen));
attempt(fn () => $seen->path = 'x');
echo "-- too much\n";
echo brief((new Peer($server))->ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n")), "\n";
echo brief((new Peer($server))->ask("\x16\x03\x01")), "\n";
echo brief((new Peer($server))->get('/', 'X: ' . str_repeat('x', 20000) . "\r\n")), "\n";
$small = new Server('127.0.0.1:0', maxBody: 3);
$small->onRequest(fn (HttpRequest $request) => new HttpResponse(body: $request->body));
echo brief((new Peer($small))->ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")), "\n";
echo brief((new Peer($small))->ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")), "\n";
echo "-- responses that cannot be\n";
attempt(fn () => new HttpResponse(101));
attempt(fn () => new HttpResponse(600));
attempt(fn () => new HttpResponse(headers: ['A' => "b\r\nSet-Cookie: x"]));
attempt(fn () => new HttpResponse(headers: ['A b' => 'c']));
attempt(fn () => new HttpResponse(headers: ['Content-Length' => 5]));
attempt(fn () => new HttpResponse(headers: ['text']));
attempt(fn () => new HttpResponse(headers: ['A' => null]));
attempt(fn () => new HttpResponse(headers: ['A' => [new stdClass()]]));
attempt(fn () => HttpResponse::json("\xff"));
attempt(fn () => HttpResponse::json([], 99));
$response = new HttpResponse(404, 'x', ['A' => ['1', '2'], 'b' => 'c']);
echo json_encode($response), "\n";
attempt(fn () => $response->status = 1);
attempt(fn () => clone $response);
?>
--EXPECT--
1
HTTP/1.1 404 Not Found: not found
-- /
HTTP/1.1 200 OK
Content-Length: 9
Content-Type: text/html
X-List: a
X-List: b
X-Number: 5

<p>hi</p>
-- /plain
HTTP/1.1 200 OK
Content-Length: 5
Content-Type: text/plain; charset=utf-8

words
-- /json
HTTP/1.1 201 Created
Content-Length: 29
Content-Type: application/json
Cache-Control: no-store

{"a":"\u00e9","list":[1,2.5]}
-- /none
HTTP/1.1 204 No Content
-- /missing
HTTP/1.1 404 Not Found
Content-Length: 10
Content-Type: text/plain; charset=utf-8

not found

-- /second
HTTP/1.1 200 OK
Content-Length: 6
Content-Type: text/plain; charset=utf-8

second
-- HEAD
HTTP/1.1 200 OK
Content-Length: 5
Content-Type: text/plain; charset=utf-8
-- what comes
HTTP/1.1 404 Not Found: not found
POST "2f6120622fc3a900257a7a" {"q":["1","2"],"n":"& x","flag":""} "name=x&y\u0000z"
{"host":["localhost"],"x-a":["1","2"],"cookie":["first=1; token=a%3Db="],"content-length":["10"]}
["1","localhost",null,null]
["1","a=b=",null,null]
127.0.0.1:PORT
bool(true)
bool(false)
array(6) {
  [0]=>
  string(6) "method"
  [1]=>
  string(4) "path"
  [2]=>
  string(5) "query"
  [3]=>
  string(7) "headers"
  [4]=>
  string(4) "body"
  [5]=>
  string(13) "remoteAddress"
}
Error: Cannot modify readonly property Towline\WebSocket\HttpRequest::$path
-- too much
HTTP/1.1 413 Content Too Large: the request's body has 1048577 bytes; at most 1048576 are taken
HTTP/1.1 400 Bad Request: TLS was spoken to a port without TLS
HTTP/1.1 431 Request Header Fields Too Large: the head of the request has more than 16384 bytes
HTTP/1.1 200 OK: abc
HTTP/1.1 413 Content Too Large: the request's body has 4 bytes; at most 3 are taken
-- responses that cannot be
ValueError: Towline\WebSocket\HttpResponse::__construct(): Argument #1 ($status) must be between 200 and 599, 101 given
ValueError: Towline\WebSocket\HttpResponse::__construct(): Argument #1 ($status) must be between 200 and 599, 600 given
ValueError: Towline\WebSocket\HttpResponse::__construct(): Argument #3 ($headers) cannot be sent: the value of header A holds a line break or a NUL byte
ValueError: Towline\WebSocket\HttpResponse::__construct(): Argument #3 ($headers) cannot be sent: "A b" cannot name a header field
ValueError: Towline\WebSocket\HttpResponse::__construct(): Argument #3 ($headers) cannot be sent: header Content-Length is set by the server itself
ValueError: Towline\WebSocket\HttpResponse::__construct(): Argument #3 ($headers) must have the names of header fields as keys, a number given
TypeError: Towline\WebSocket\HttpResponse::__construct(): Argument #3 ($headers) must be of type array<string, string|int|float|list<string|int|float>>, null given
TypeError: Towline\WebSocket\HttpResponse::__construct(): Argument #3 ($headers) must be of type array<string, string|int|float|list<string|int|float>>, stdClass given
JsonException: Malformed UTF-8 characters, possibly incorrectly encoded
ValueError: Towline\WebSocket\HttpResponse::json(): Argument #2 ($status) must be between 200 and 599, 99 given
{"status":404,"body":"x","headers":{"A":["1","2"],"b":["c"],"Content-Type":["text\/plain; charset=utf-8"]}}
Error: Cannot modify readonly property Towline\WebSocket\HttpResponse::$status
Error: Trying to clone an uncloneable object of class Towline\WebSocket\HttpResponse
