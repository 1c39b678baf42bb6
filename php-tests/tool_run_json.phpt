--TEST--
towline run --json: one object per line and script, in the order asked for
--FILE--
<?php
require __DIR__ . '/tool.php';

place('one.php', '<?php header("X-A: 1"); header("X-A: 2", false); http_response_code(202); error_log("said"); echo "h\u{e9}llo\n";');
place('two.php', '<?php echo "\xff\x00";');
place('three.php', '<?php sleep(60);');
chdir(scratch());
[$code, $out, $err] = tool(['run', '--json', '--workers', '3', '--timeout', '2', 'one.php', 'two.php', 'three.php']);
foreach (explode("\n", rtrim($out)) as $line) {
    $row = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    if ($row['duration'] !== null) {
        $row['duration'] = is_float($row['duration']) && $row['duration'] > 0 && $row['duration'] < 60;
    }
    unset($row['headers']['content-type']);
    echo plain(json_encode($row, JSON_UNESCAPED_SLASHES)), "\n";
}
echo plain($err), "exit code $code\n";
?>
--EXPECT--
{"index":0,"script":"DIR/one.php","status":202,"headers":{"status":["202 Accepted"],"x-a":["1","2"]},"body":"h\u00e9llo\n","stderr":"PHP message: said","duration":true,"error":null}
{"index":1,"script":"DIR/two.php","status":200,"headers":[],"body_base64":"/wA=","stderr":"","duration":true,"error":null}
{"index":2,"script":"DIR/three.php","status":null,"headers":null,"body":"","stderr":null,"duration":null,"error":"total deadline of 2 s passed (unix:DIR/FPM/fpm.sock)"}
3 of 3 done, 1 failed, TIME
exit code 1
