<?php
/**
 * The clients that benches/run measures, in PHP: the same as in client.rs. Prints one line of name=value pairs.
 *   load SOCKET SCRIPT REQUESTS CONCURRENCY      send() with onDone, that many requests in flight; resident memory is
 *                                                watched from the 10,000th answer on
 *   each, await, request (same arguments)        the other ways to ask
 *   soak SOCKET SCRIPT REQUESTS CONCURRENCY      as load; watches resident memory from the 10,000th request on
 *   read SOCKET SCRIPT                           streams one answer to onBody
 *   write SOCKET SCRIPT BYTES                    gives one request body from a source
 */
declare(strict_types=1);

use Towline\FastCgi\{Client, Request, Response};
use Towline\Loop;

const SETTLED = 10_000;

function cpu(): float
{
    $usage = getrusage();
    return $usage['ru_utime.tv_sec'] + $usage['ru_stime.tv_sec']
        + ($usage['ru_utime.tv_usec'] + $usage['ru_stime.tv_usec']) / 1e6;
}

/** A figure of /proc/self/status in KiB. */
function memory(string $name): int
{
    preg_match("/^$name:\s+(\d+) kB$/m", file_get_contents('/proc/self/status'), $found);
    return (int) $found[1];
}

function check(Response $response): void
{
    if ($response->status !== 200 || $response->body === '') {
        throw new UnexpectedValueException("status $response->status, body '$response->body'");
    }
}

/** Keeps $concurrency requests in flight until $requests have been answered; calls $watch after SETTLED of them. */
function load(Loop $loop, Client $client, string $script, int $requests, int $concurrency, Closure $watch): int
{
    $sent = $done = 0;
    $onDone = static function (Response $response) use ($client, $script, $requests, $watch, &$sent, &$done, &$onDone): void {
        check($response);
        if (++$done === SETTLED) {
            $watch();
        }
        if ($sent < $requests) {
            $sent++;
            $client->send(new Request($script))->onDone($onDone);
        }
    };
    for (; $sent < min($requests, $concurrency); $sent++) {
        $client->send(new Request($script))->onDone($onDone);
    }
    $loop->run();
    return $done;
}

[, $what, $socket, $script] = $argv;
$requests = (int) ($argv[4] ?? 0);
$concurrency = (int) ($argv[5] ?? 1);
$loop = new Loop();
$client = new Client($socket, $loop, maxConnections: $concurrency);
$peak = memory('VmHWM');
$line = [];
$from = hrtime(true);
$cpu = cpu();
switch ($what) {
    case 'load':
    case 'soak':
        $settled = 0;
        $watch = static function () use (&$settled): void {
            $settled = memory('VmRSS');
        };
        $line['requests'] = load($loop, $client, $script, $requests, $concurrency, $watch);
        $line += ['settled_kib' => $settled, 'grown_kib' => memory('VmRSS') - $settled];
        break;
    case 'each':
        $line['requests'] = 0;
        $all = static function () use ($script, $requests): Generator {
            for ($i = 0; $i < $requests; $i++) {
                yield new Request($script);
            }
        };
        foreach ($client->each($all(), $concurrency) as $response) {
            check($response);
            $line['requests']++;
        }
        break;
    case 'await':
        $line['requests'] = 0;
        for ($i = 0; $i < $concurrency; $i++) {
            $fiber = new Fiber(static function () use ($client, $script, $requests, $concurrency, $i, &$line): void {
                for ($n = $i; $n < $requests; $n += $concurrency) {
                    check($client->send(new Request($script))->await());
                    $line['requests']++;
                }
            });
            $fiber->start();
        }
        $loop->run();
        break;
    case 'request':
        for ($line['requests'] = 0; $line['requests'] < $requests; $line['requests']++) {
            check($client->request(new Request($script)));
        }
        break;
    case 'read':
        $bytes = 0;
        $client->send(new Request($script), onBody: static function (string $chunk) use (&$bytes): void {
            $bytes += strlen($chunk);
        })->await();
        $line += ['bytes' => $bytes, 'grown_kib' => memory('VmHWM') - $peak];
        break;
    case 'write':
        $left = $requests;
        $page = str_repeat('x', 65_536);
        $source = static function (int $most) use (&$left, $page): ?string {
            $bytes = min($left, $most, strlen($page));
            $left -= $bytes;
            return $bytes > 0 ? substr($page, 0, $bytes) : null;
        };
        $client->request(new Request($script, 'POST', body: $source, contentLength: $requests));
        $line += ['bytes' => $requests, 'grown_kib' => memory('VmHWM') - $peak];
        break;
    default:
        fwrite(STDERR, "client.php: $what is none of load, each, await, request, read, write\n");
        exit(2);
}
$line += ['seconds' => sprintf('%.6f', (hrtime(true) - $from) / 1e9), 'cpu' => sprintf('%.6f', cpu() - $cpu)];
echo implode(' ', array_map(static fn($name, $value) => "$name=$value", array_keys($line), $line)), "\n";
