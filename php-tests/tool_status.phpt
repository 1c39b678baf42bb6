--TEST--
towline status: the status page of a php-fpm, as text and as JSON
--FILE--
<?php
require __DIR__ . '/tool.php';

$fpm = Towline\FastCgi\Fpm::start(workers: 1);
[$code, $out, $err] = tool(['status', '--fpm', $fpm->address]);
echo "$code $err", implode("\n", array_filter(explode("\n", $out), static fn($line) => preg_match('/^(pool|process manager)/', $line))), "\n";
[$code, $out, $err] = tool(['status', "--fpm=$fpm->address", '--json', '--full']);
$status = json_decode($out, true, flags: JSON_THROW_ON_ERROR);
echo "$code $err{$status['pool']} ", count($status['processes']), "\n";
[$code, $out, $err] = tool(['status', '--fpm', $fpm->address, '--full']);
echo substr_count($out, 'pid:'), "\n";
[$code, $out, $err] = tool(['status', '--fpm', $fpm->address, '--path', '/other']);
echo "$code $out", preg_match('/^towline: .+\n$/', $err) ? "one line\n" : $err;
foreach (['[]', '{"a":1,"processes":[1]}', '{"a":1,"processes":[[]]}', '{"a":1,"processes":7}', '{"1":2,"processes":{"x":{"b":[3]}}}'] as $json) {
    [$code, $out, $err] = tool(['status', '--fpm', $fpm->address, '--path', place('page.php', "<?php echo '$json';")]);
    echo "$code $out", plain($err);
}
[$code, $out, $err] = tool(['status', '--fpm', scratch() . '/none.sock']);
echo "$code $out", plain($err);
?>
--EXPECT--
0 pool:                 towline
process manager:      static
0 towline 1
1
1 one line
1 towline: DIR/page.php is no status page of php-fpm; expected names with their values
1 towline: DIR/page.php is no status page of php-fpm; expected names with their values
1 towline: DIR/page.php is no status page of php-fpm; expected names with their values
1 towline: DIR/page.php is no status page of php-fpm; expected a list of processes
0 1: 2

b: [3]
1 towline: cannot connect to DIR/none.sock: No such file or directory (os error 2) (is php-fpm running, and is this its `listen` path?)
