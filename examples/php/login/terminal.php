<?php
/**
 * The web terminal behind a login of your own: whoever has logged in on the site (login.php) may open terminals.
 *
 *   php -d session.save_path=/var/lib/php/sessions examples/php/login/terminal.php unix:/run/towline/terminal.sock
 *
 * It runs as a user who may read the site's sessions, and nginx passes /wsapp/ to it (terminal/nginx.conf).
 */
declare(strict_types=1);

require dirname(__DIR__, 3) . '/terminal/server.php';

use Towline\Docker\Client;
use Towline\Terminal\{Hub, Tokens};
use Towline\WebSocket\{HttpRequest, HttpResponse, Server};

/** The name in the site's session that a request comes with; null when nobody has logged in. */
function user(HttpRequest $request): ?string
{
    $id = $request->cookie('PHPSESSID') ?? '';
    if (!preg_match('/^[A-Za-z0-9,-]{22,256}$/', $id)) {
        return null;
    }
    session_id($id);
    // Reads it and lets it go, for it is the site's. In strict mode an id that nobody has been given makes another one.
    session_start(['read_and_close' => true]);
    $user = session_id() === $id ? $_SESSION['user'] ?? null : null;
    $_SESSION = [];
    return is_string($user) ? $user : null;
}

function main(string $address): void
{
    foreach (['use_cookies' => '0', 'use_only_cookies' => '0', 'cache_limiter' => '', 'use_strict_mode' => '1'] as $name => $value) {
        ini_set("session.$name", $value);
    }
    $server = new Server($address);
    $hub = new Hub($server->loop);
    // Asked before the terminal is: the first answer counts.
    $login = fn (HttpRequest $request): ?HttpResponse => user($request) === null ? new HttpResponse(401, "Log in first.\n") : null;
    $server->onRequest($login)->onUpgrade($login);
    terminals(
        $server,
        new Client(loop: $server->loop),
        $hub,
        new Tokens(),
        // Who got this far may have a token.
        free: true,
        opened: function ($session, string $container, HttpRequest $request): void {
            error_log(user($request) . " has a terminal in $container");
        },
    );
    pcntl_async_signals(true);
    pcntl_signal(SIGTERM, function () use ($server, $hub): void {
        $server->close();
        $hub->close();
    });
    echo "$server->address\n";
    $server->loop->run();
}

main($argv[1] ?? 'unix:/run/towline/terminal.sock');
