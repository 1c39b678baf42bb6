--TEST--
Nothing is kept of execs and calls that have ended
--FILE--
<?php
use Towline\Docker\Client;
require __DIR__ . '/docker.php';
$engine = Engine::get('docker');
$web = $engine->container();
$docker = $engine->client();
$loop = $docker->loop;
$nowhere = new Client('/nonexistent.sock', $loop);
[$path, $listener] = listener();
$ignore = function () {};
$scenarios = [
    'exec' => [20, function () use ($docker, $web, $loop, $ignore) {
        $exec = $docker->exec($web, ['cat'], stdin: true, env: ['A' => 'b']);
        $exec->onOpen($ignore)->onOutput(function () use ($exec) { $exec->closeStdin(); })->onDrain($ignore)->onExit($ignore)->onError($ignore)->write(str_repeat('x', 10000));
        $loop->run();
    }],
    'run' => [20, fn () => $docker->run($web, ['cat'], 'input')->await()->stdout],
    'fiber' => [20, function () use ($docker, $web, $loop) { (new Fiber(fn () => $docker->run($web, ['true'])->await()))->start(); $loop->run(); }],
    'call' => [200, fn () => $docker->inspect($web)->await()['Id']],
    'request' => [200, fn () => $docker->request('GET', '/containers/json', query: ['filters' => ['a' => ['b']]], headers: ['X' => 'y'], onBody: $ignore)->onError($ignore)],
    'no such' => [200, function () use ($docker) { try { $docker->exec('nonexistent', ['x'])->await(); } catch (Towline\Docker\ApiException) {} }],
    'failure' => [200, function () use ($nowhere) { try { $nowhere->exec('web', ['x'])->await(); } catch (Towline\ConnectException) {} }],
    'unhandled' => [200, function () use ($nowhere, $loop) { $nowhere->exec('web', ['x']); try { $loop->run(); } catch (Towline\ConnectException) {} }],
    'closed' => [200, function () use ($path, $listener, $loop, $ignore) {
        $silent = new Client($path, $loop);
        $silent->exec('web', ['x'], stdin: true)->onOutput($ignore)->write('x');
        $silent->events($ignore)->cancel();
        $loop->tick();
        $silent->close();
        while ($peer = @stream_socket_accept($listener, 0.0)) { fclose($peer); }
        $loop->run();
    }],
    'misuse' => [200, function () use ($docker) { try { $docker->exec('web', [], env: ['A' => 'x']); } catch (ValueError) {} }],
];
$resident = fn () => (int) preg_replace('/.*^VmRSS:\s+(\d+).*/ms', '$1', file_get_contents('/proc/self/status'));
$go = function (int $times, Closure $scenario) use ($loop): void {
    for ($i = 0; $i < $times; $i++) {
        $scenario();
    }
    $loop->run();
    gc_collect_cycles();
};
foreach ($scenarios as $name => [$times, $scenario]) {
    $go($times, $scenario);
    [$before, $pages] = [memory_get_usage(), $resident()];
    $go($times, $scenario);
    [$after, $grown] = [memory_get_usage() - $before, $resident() - $pages];
    // One object of at least 40 bytes each time would be more, in the scenarios that are run often.
    echo $after < 4096 ? '' : "$name: $after bytes more in PHP\n", $grown < 1024 ? '' : "$name: $grown KiB more\n";
}
echo count($scenarios), ' scenarios, ', $loop->pending(), ' pending, ', count(glob('/proc/self/fd/*')) < 30 ? "few descriptors\n" : "descriptors leak\n";
?>
--EXPECT--
10 scenarios, 0 pending, few descriptors
