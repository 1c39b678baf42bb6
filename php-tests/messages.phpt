--TEST--
Messages keep all their bytes
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$show = function (Closure $call): void {
    try {
        $call();
    } catch (Throwable $thrown) {
        echo get_class($thrown), ': ', addcslashes($thrown->getMessage(), "\0..\37"), ' ', basename($thrown->getFile()), ' ', $thrown->getLine() > 1 ? 'with' : 'without', " a line\n";
    }
};
$show(fn () => Request::multipart('/x', [], ['f' => "/tmp\0x"]));
$show(fn () => new Client("/tmp/a\0b"));
$show(fn () => (new Request('/x'))->withParam("A\0B", 'x'));
?>
--EXPECT--
ValueError: Towline\FastCgi\Request::multipart(): Argument #3 ($files) must name files that can be read: /tmp\000x: the path holds a NUL byte messages.php with a line
ValueError: "/tmp/a\0b" is no address: the path holds a NUL byte; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port messages.php with a line
ValueError: param name "A\0B" holds '=' or a NUL byte messages.php with a line
