--TEST--
terminal/nginx.conf: the terminal behind a real nginx, below a path, over a unix socket
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/websocket.inc';
require dirname(__DIR__) . '/terminal/server.php';
use Towline\Terminal\{Hub, Tokens};
use Towline\WebSocket\{HttpRequest, Server};

$program = trim((string) shell_exec('PATH=$PATH:/usr/sbin:/sbin command -v nginx')) ?: exit("nginx is missing (Debian: apt-get install nginx-light)\n");
$folder = sys_get_temp_dir() . '/towline-nginx-' . bin2hex(random_bytes(6));
mkdir($folder, 0700);
$front = "unix:$folder/nginx.sock";
$config = strtr(file_get_contents(dirname(__DIR__) . '/terminal/nginx.conf'), [
    'listen 80;' => "listen $front;", '/run/towline/terminal.sock' => "$folder/terminal.sock",
]);
$temporary = implode(' ', array_map(fn ($what) => "{$what}_temp_path $folder/nginx-$what;", ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']));
file_put_contents("$folder/nginx.conf", "daemon off; master_process off; pid $folder/nginx.pid; error_log $folder/error.log; events {}\n"
    . "http { access_log $folder/access.log; default_type text/plain; $temporary\n$config }\n");

$engine = Engine::get('docker');
$web = $engine->container();
$server = new Server("unix:$folder/terminal.sock");
$tokens = new Tokens();
$who = [];
$server->onUpgrade(function (HttpRequest $request) use (&$who): void { $who[] = $request->header('X-Real-IP') . ' ' . $request->header('Host'); });
terminals($server, $engine->client(loop: $server->loop), new Hub($server->loop), $tokens, [$web]);

$nginx = proc_open([$program, '-p', $folder, '-e', "$folder/error.log", '-c', "$folder/nginx.conf"], [['file', '/dev/null', 'r'], STDOUT, STDOUT], $pipes);
register_shutdown_function(function () use ($nginx, $folder): void {
    proc_terminate($nginx);
    proc_close($nginx);
    shell_exec("rm -r $folder");
});
$until = microtime(true) + PATIENCE;
while (@stream_socket_client("unix://$folder/nginx.sock") === false) {
    microtime(true) < $until && proc_get_status($nginx)['running'] || exit("nginx did not start: " . file_get_contents("$folder/error.log"));
}
$get = fn (string $path, string $headers = '') => (new Peer($server, $front))->get($path, $headers);
foreach (['/wsapp', '/wsapp/', '/wsapp/app.js', '/wsapp/none', '/', '/wsapp/../server.php', '/wsapp/%2e%2e/server.php', '/wsapp/token'] as $path) {
    [$head, $body] = explode("\n\n", $get($path), 2) + [1 => ''];
    preg_match('/Location: .*/', $head, $location);
    echo "$path: ", strtok($head, "\n"), ' ', $location[0] ?? '', ' ', strlen($body) > 1000 ? 'the file' : '', "\n";
}
$token = fn () => json_decode(explode("\n\n", $get('/wsapp/token', "Authorization: Bearer $tokens->access\r\n"), 2)[1], true)['token'];
echo "-- the log, which has no token in it\n";
$get("/wsapp?token=$tokens->access");
$get("/wsapp/?token=$tokens->access");
foreach (file("$folder/access.log") as $line) {
    echo preg_match('/".*?"/', $line, $asked) ? $asked[0] : $line, "\n";
}
echo "-- a terminal\n";
$page = new Page($server, "/wsapp/ws?container=$web", [$front, "Origin: https://localhost\r\n"], AuthToken: $token());
$page->message('s');
$page->type("echo thr''ough; head -c 3000000 /dev/zero | tr '\\0' x; echo do''ne; exit 7\n");
$page->until("\r\nthrough");
$page->until("xdone");
echo substr_count($page->screen, 'x') >= 3000000 ? 'all of it' : 'something is missing', ', ', json_encode($page->message('x')), ' ', $page->rest(), "\n";
echo implode(', ', $who), "\n";
echo "-- foreign pages, wrong tokens\n";
echo brief((new Peer($server, $front))->ask(Peer::upgrade('/wsapp/ws', "Origin: https://evil.example\r\n"))), "\n";
echo (new Page($server, "/wsapp/ws?container=$web", [$front, ''], AuthToken: 'wrong'))->rest(), "\n";
echo brief((new Peer($server, $front))->ask(Peer::upgrade('/wsapp/other'))), "\n";
echo "-- the server goes\n";
$page = new Page($server, "/wsapp/ws?container=$web", [$front, ''], AuthToken: $token());
$page->message('s');
$server->close();
echo $page->rest(), "\n";
?>
--EXPECT--
/wsapp: HTTP/1.1 301 Moved Permanently Location: /wsapp/ 
/wsapp/: HTTP/1.1 200 OK  the file
/wsapp/app.js: HTTP/1.1 200 OK  the file
/wsapp/none: HTTP/1.1 404 Not Found  
/: HTTP/1.1 404 Not Found  
/wsapp/../server.php: HTTP/1.1 404 Not Found  
/wsapp/%2e%2e/server.php: HTTP/1.1 404 Not Found  
/wsapp/token: HTTP/1.1 401 Unauthorized  
-- the log, which has no token in it
"GET / HTTP/1.1"
"GET /wsapp/../server.php HTTP/1.1"
"GET /wsapp/%2e%2e/server.php HTTP/1.1"
-- a terminal
all of it, {"code":7} 1000 
unix: localhost
-- foreign pages, wrong tokens
HTTP/1.1 403 Forbidden: pages of this origin may not open a WebSocket here
1008 This token is missing, wrong, or was used already.
HTTP/1.1 404 Not Found
-- the server goes
1001 the server is going away
