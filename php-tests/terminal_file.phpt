--TEST--
terminal/server.php is as long as promised, makes no global variable, and is what the README shows; it runs by itself
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/remote.inc';

$top = dirname(__DIR__);
$code = file_get_contents("$top/terminal/server.php");
var_dump(substr_count($code, "\n") < 60, str_contains(file_get_contents("$top/README.md"), "```PHP\n$code```\n"));
var_dump(str_contains(file_get_contents("$top/docs/terminal.md"), preg_replace('/.*?(function user.*?\n}\n).*/s', '$1', file_get_contents("$top/examples/php/login/terminal.php"))));
$before = array_keys($GLOBALS);
require "$top/terminal/server.php";
echo json_encode(array_values(array_diff(array_keys($GLOBALS), $before, ['before']))), "\n";

$engine = Engine::get('docker');
$web = $engine->container();
$terminal = new Remote(
    [PHP_BINARY, '-d', 'extension=' . library(), "$top/terminal/server.php", "$web"], ['DOCKER_HOST' => $engine->address, 'LISTEN' => '127.0.0.1:0'],
);
$page = $terminal->page("/ws?container=$web", ['AuthToken' => $terminal->token]);
$page->send("0exit 9\n");
$page->until('[x{"code":9}]');
$terminal->signal(SIGKILL);
echo "a session\n";
?>
--EXPECT--
bool(true)
bool(true)
bool(true)
[]
a session
