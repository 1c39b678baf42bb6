--TEST--
A private php-fpm
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
use Towline\FastCgi\Fpm;
$fpm = Fpm::start(2, ['memory_limit' => '77M', 'display_errors' => true, 'precision' => 5], ['TOWN' => "Köln"]);
$client = new Client($fpm->address);
echo $client->request(Request::get(script('echo ini_get("memory_limit"), " ", ini_get("precision"), " ", getenv("TOWN"), " ", PHP_VERSION === $_GET["v"] ? "same version" : PHP_VERSION;'), ['v' => PHP_VERSION]))->body, "\n";
$path = substr($fpm->address, strlen('unix:'));
printf("%o %s\n", fileperms(dirname($path)) & 0777, var_export(posix_kill($fpm->pid, 0), true));
attempt(fn () => $fpm->pid = 1);
$fpm->stop();
$fpm->stop();
var_dump(posix_kill($fpm->pid, 0), file_exists(dirname($path)));
attempt(fn () => $client->request(Request::get('/x')));

$fpm = Fpm::start(1);
[$pid, $folder] = [$fpm->pid, dirname(substr($fpm->address, strlen('unix:')))];
unset($fpm);
var_dump(posix_kill($pid, 0), file_exists($folder));

attempt(fn () => Fpm::start(binary: '/bin/false', startTimeout: 5));
?>
--EXPECTF--
77M 5 Köln same version
700 true
Error: Cannot modify readonly property Towline\FastCgi\Fpm::$pid
bool(false)
bool(false)
Towline\ConnectException: %s
bool(false)
bool(false)
Towline\Exception: %s
