--TEST--
Fpm: gone with its owner, however that ends, and left alone by a forked child
--FILE--
<?php
require __DIR__ . '/tool.php';

// Each owner starts a php-fpm, tells its pid and folder, and ends in its own way.
$owners = [
    'stop()' => '$fpm->stop(); echo "stopped\n"; fgets(STDIN);',
    'unset()' => 'unset($fpm); echo "unset\n"; fgets(STDIN);',
    'end of the script' => '',
    'exit()' => 'exit(3);',
    'an exception' => 'throw new Exception("x");',
    'a fatal error' => 'ini_set("memory_limit", "8M"); $x = str_repeat("x", 1 << 30);',
    'exit() in a callback' => '$loop = new Towline\Loop(); $loop->defer(function () { exit(4); }); $loop->run();',
    'a fatal error in a request\'s callback' => '$client = new Towline\FastCgi\Client($fpm->address);
        $client->send(Towline\FastCgi\Request::get("/none.php"))->onDone(function () { eval("function strlen() {}"); });
        $client->loop->run(); echo "never reached";',
    'a forked child that ends' => 'if (pcntl_fork() === 0) { exit(0); } pcntl_wait($status);
        echo (new Towline\FastCgi\Client($fpm->address))->ping()->await() ? "still answers\n" : "gone\n";',
    'SIGTERM' => 'fgets(STDIN);',
    'SIGKILL' => 'fgets(STDIN);',
];
$module = dirname(__DIR__) . '/modules/towline.so';
$gone = static function (int $master, string $folder): bool {
    clearstatcache();
    $state = @file_get_contents("/proc/$master/stat");
    return !file_exists($folder) && ($state === false || preg_match('/\) Z /', $state) === 1);
};
foreach ($owners as $name => $code) {
    $script = place('owner.php', "<?php \$fpm = Towline\\FastCgi\\Fpm::start(workers: 1);
        echo \$fpm->pid, ' ', dirname(substr(\$fpm->address, 5)), \"\\n\"; $code");
    $command = [PHP_BINARY, '-d', "extension=$module", '-d', 'display_errors=0', '-d', 'log_errors=0', $script];
    $owner = proc_open($command, [['pipe', 'r'], ['pipe', 'w'], ['file', '/dev/null', 'w']], $pipes);
    [$master, $folder] = explode(' ', trim(fgets($pipes[1])));
    echo "$name: ";
    if ($name === 'stop()' || $name === 'unset()') {
        // Gone before the owner is.
        echo trim(fgets($pipes[1])), $gone((int) $master, $folder) ? ' and gone' : ' but there';
        fwrite($pipes[0], "\n");
    }
    if (str_starts_with($name, 'SIG')) {
        posix_kill(proc_get_status($owner)['pid'], constant($name));
    }
    echo trim(stream_get_contents($pipes[1]));
    fclose($pipes[0]);
    proc_close($owner);
    for ($deadline = microtime(true) + 20; !$gone((int) $master, $folder) && microtime(true) < $deadline; usleep(2000));
    echo $gone((int) $master, $folder) ? " ok\n" : " the php-fpm is still there\n";
}
?>
--EXPECT--
stop(): stopped and gone ok
unset(): unset and gone ok
end of the script:  ok
exit():  ok
an exception:  ok
a fatal error:  ok
exit() in a callback:  ok
a fatal error in a request's callback:  ok
a forked child that ends: still answers ok
SIGTERM:  ok
SIGKILL:  ok
