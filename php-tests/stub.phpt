--TEST--
The stubs say what reflection says
--FILE--
<?php
require __DIR__ . '/inc.php';
$stub = dirname(__DIR__) . '/stubs/towline.stub.php';
$described = shell_exec(escapeshellarg(PHP_BINARY) . ' -n ' . escapeshellarg(__DIR__ . '/describe.php') . ' ' . escapeshellarg($stub));
$stubs = json_decode($described, true) ?? exit("the stubs cannot be loaded:\n$described");

ob_start();
$argv = ['describe.php'];
require __DIR__ . '/describe.php';
$real = json_decode(ob_get_clean(), true);

foreach ($stubs + $real as $name => $_) {
    foreach (($stubs[$name] ?? []) + ($real[$name] ?? []) as $member => $_) {
        $said = $stubs[$name][$member] ?? 'missing';
        $is = $real[$name][$member] ?? 'missing';
        if ($said !== $is) {
            echo "$name $member\n  stub: ", json_encode($said), "\n  real: ", json_encode($is), "\n";
        }
    }
}
echo count($real), " classes compared\n";
?>
--EXPECT--
30 classes compared
