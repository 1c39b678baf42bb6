--TEST--
towline run: bodies in the order asked for, error streams apart and with the script's path in front
--FILE--
<?php
require __DIR__ . '/tool.php';

// The first answers only once the last has run: the order of the output is not that of the answers.
$gate = scratch() . '/gate';
place('first.php', "<?php while (!file_exists('$gate')) { usleep(1000); clearstatcache(); } error_log(\"one\\ntwo\"); echo \"first\\n\";");
place('second.php', '<?php echo "second\n";');
place('third.php', "<?php touch('$gate'); echo \"third\\n\";");
chdir(scratch());
show(tool(['run', '--workers=3', 'first.php', './second.php', scratch() . '/third.php']));
?>
--EXPECT--
exit code 0
--- stdout
first
second
third
--- stderr
DIR/first.php: PHP message: one
DIR/first.php: two
3 of 3 done, 0 failed, TIME
