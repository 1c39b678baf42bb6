--TEST--
php --ri towline
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$library = null;
ob_start();
(new ReflectionExtension('towline'))->info();
$shown = ob_get_clean();
foreach (['Towline => \d+\.\d+\.\d+', 'Poll backend => (epoll|kqueue)', 'mio => \d+\.\d+', 'ext-php-rs => \d+\.\d+', 'socket2 => \d', 'slotmap => \d', 'bytes => \d', 'httparse => \d', 'rustls => \d', 'ring => \d', 'serde_json => \d'] as $wanted) {
    echo preg_match("/^$wanted/m", $shown) ? '' : "missing: $wanted\n";
}
var_dump(phpversion('towline') === (new ReflectionExtension('towline'))->getVersion());
?>
--EXPECT--
bool(true)
