--TEST--
examples/php/login: a terminal for those who have logged in on a site of PHP's
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/remote.inc';
use Towline\FastCgi\{Client, Fpm, Request};

$sessions = scratch() . '-sessions';
mkdir($sessions, 0700);
register_shutdown_function(fn () => shell_exec('rm -r ' . escapeshellarg($sessions)));
$example = dirname(__DIR__) . '/examples/php/login';
$fpm = Fpm::start(1, ['session.save_path' => $sessions]);
$site = new Client($fpm->address);
$engine = Engine::get('docker');
$web = $engine->container();
$terminal = new Remote(
    [PHP_BINARY, '-d', "extension=" . library(), '-d', "session.save_path=$sessions", '-d', 'error_log=', "$example/terminal.php", 'unix:' . scratch() . '/t.sock'],
    ['DOCKER_HOST' => $engine->address],
);

echo "-- a stranger\n";
foreach (['', 'PHPSESSID=' . str_repeat('a', 26), 'PHPSESSID=../../etc/passwd', 'PHPSESSID='] as $cookie) {
    $headers = "Cookie: $cookie\r\n";
    echo $terminal->get('/', $headers)[0], ' ', $terminal->get('/token', $headers)[0], ' ', $terminal->page("/ws?container=$web", [], $headers)->answer, "\n";
}
echo "-- who has a session, but no name in it\n";
$response = $site->request(Request::get("$example/login.php"));
preg_match('/PHPSESSID=([^;]+)/', $response->header('Set-Cookie'), $id);
echo $response->status, ' ', $terminal->get('/', "Cookie: PHPSESSID=$id[1]\r\n")[0], "\n";
echo "-- who has logged in\n";
$response = $site->request(Request::post("$example/login.php", ['name' => 'ada']));
preg_match('/.*PHPSESSID=([^;]+)/s', implode("\n", $response->headers['set-cookie']), $id);
echo $response->status, ' ', $response->header('Location'), "\n";
$headers = "Cookie: other=1; PHPSESSID=$id[1]\r\n";
echo $terminal->get('/', $headers)[0], "\n";
$token = json_decode($terminal->get('/token', $headers)[2], true)['token'];
$page = $terminal->page("/ws?container=$web", ['AuthToken' => $token], $headers);
$page->send("0echo in''side; exit\n");
$page->until('inside');
$page->until('[x{"code":0}]');
echo preg_replace('/towline-\d+-docker-\d+/', 'CONTAINER', $terminal->log());
// A foreign page has the cookie, too, but not the origin.
echo $terminal->page("/ws?container=$web", [], "{$headers}Origin: https://evil.example\r\n")->answer, "\n";
$terminal->signal(SIGTERM);
echo $terminal->end(), "\n";
?>
--EXPECT--
-- a stranger
401 401 HTTP/1.1 401 Unauthorized
401 401 HTTP/1.1 401 Unauthorized
401 401 HTTP/1.1 401 Unauthorized
401 401 HTTP/1.1 401 Unauthorized
-- who has a session, but no name in it
200 401
-- who has logged in
302 /wsapp/
200
ada has a terminal in CONTAINER
HTTP/1.1 403 Forbidden
exit code 0
