<?php declare(strict_types=1);
/** Terminals in containers, for browsers: php terminal/server.php 'web-*'. A program of your own includes this file and calls terminals(). */
use Towline\{Docker, Exception};
use Towline\Terminal\{Hello, Hub, Session, Tokens};
use Towline\WebSocket\{HttpRequest, HttpResponse, Server};

/** @param list<string> $allow containers: names with * and ?, or label=NAME[=VALUE]  @param bool $free everybody may have a token */
function terminals(Server $server, Docker\Client $docker, Hub $hub, Tokens $tokens, array $allow = ['*'], array $command = ['sh'],
    string $user = '', bool $readOnly = false, bool $free = false, ?Closure $opened = null): void
{
    $containers = function () use ($docker, $allow): array {
        foreach ($allow as $pattern) {
            $filters = str_starts_with($pattern, 'label=') ? ['label' => [substr($pattern, 6)]] : [];
            foreach ($docker->containers(filters: $filters)->await() as ['Id' => $id, 'Names' => $names, 'Image' => $image, 'State' => $state]) {
                $name = ltrim($names[0] ?? $id, '/');
                if ($filters || fnmatch($pattern, $name)) {
                    $found[$name] = compact('id', 'name', 'image', 'state');
                }
            }
        }
        return $found ?? [];
    };
    $server->onRequest(function (HttpRequest $request) use ($containers, $hub, $tokens, $readOnly, $free): ?HttpResponse {
        if (!in_array("$request->method $request->path", ['GET /token', 'GET /containers', 'POST /share'], true)) {
            return HttpResponse::file(__DIR__ . '/public', $request, ['Content-Security-Policy' => "frame-ancestors 'none'"]);
        } elseif (!$free && !$tokens->isAccess($request)) {
            return HttpResponse::json(['message' => 'The access token is missing or wrong.'], 401);
        }
        $session = is_string($id = json_decode($request->body)->session ?? null) ? $hub->find($id) : null;
        try {
            return HttpResponse::json(match ($request->path) {
                '/token' => ['token' => $tokens->issue()],
                '/containers' => ['containers' => array_values($containers()), 'readOnly' => $readOnly],
                '/share' => ['token' => $tokens->share($session ?? throw new Exception('This session has ended.')), 'session' => $id],
            });
        } catch (Exception $error) {
            return HttpResponse::json(['message' => $error->getMessage()], $request->path === '/share' ? 404 : 502);
        }
    });
    $server->onUpgrade(fn (HttpRequest $request) => $request->path === '/ws' ? null : new HttpResponse(404));
    $open = function (Hello $hello, HttpRequest $request) use ($containers, $docker, $hub, $command, $user, $opened): Session {
        $name = $request->parameter('container') ?? '';
        $id = $containers()[$name]['id'] ?? throw new Exception('There is no such container here.');
        $session = $hub->open($docker->exec($id, $command, tty: true, stdin: true, env: ['TERM' => 'xterm-256color'], user: $user,
            rows: $hello->rows, columns: $hello->columns, detachKeys: 'ctrl-^,ctrl-_'));
        $opened && $opened($session, $name, $request);
        return $session;
    };
    $server->onOpen(fn ($page, $request) => $hub->welcome($page, fn ($hello) => $open($hello, $request), $tokens, $readOnly));
}

if (realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__) {
    (function (string ...$allow): void {
        $server = new Server(getenv('LISTEN') ?: '127.0.0.1:9501');
        terminals($server, new Docker\Client(loop: $server->loop), new Hub($server->loop), $tokens = new Tokens(), $allow ?: ['*']);
        echo "http://$server->address/?token=$tokens->access\n";
        $server->loop->run();
    })(...array_slice($_SERVER['argv'], 1));
}
