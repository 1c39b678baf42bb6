<?php
/**
 * The Docker clients that benches/docker_run measures, in PHP: the same as in docker.rs. Prints one line of name=value
 * pairs.
 *   read SOCKET CONTAINER COMMAND...   a command's output to its end, a closure called for each piece
 *   echo SOCKET CONTAINER KEYS         keystrokes through a shell on a terminal, one at a time
 */
declare(strict_types=1);

use Towline\Docker\Client;

const LINE = 40;

function cpu(): float
{
    $usage = getrusage();
    return $usage['ru_utime.tv_sec'] + $usage['ru_stime.tv_sec']
        + ($usage['ru_utime.tv_usec'] + $usage['ru_stime.tv_usec']) / 1e6;
}

[, $what, $socket, $container] = $argv;
$command = array_slice($argv, 4);
$docker = new Client("unix://$socket");
switch ($what) {
    case 'read':
        $bytes = [0, 0, 0];
        $from = null;
        $exec = $docker->exec($container, $command);
        $exec->onOutput(static function (string $piece, int $stream) use (&$bytes, &$from, &$cpu): void {
            // There is nothing that tells of its opening.
            if ($from === null) {
                $from = hrtime(true);
                $cpu = cpu();
            }
            $bytes[$stream] += strlen($piece);
        });
        if ($exec->await() !== 0) {
            throw new RuntimeException('the command failed');
        }
        $line = ['bytes' => $bytes[1], 'stderr' => $bytes[2],
            'seconds' => sprintf('%.6f', (hrtime(true) - $from) / 1e9), 'cpu' => sprintf('%.6f', cpu() - $cpu)];
        break;
    case 'echo':
        $keys = (int) $command[0];
        $exec = $docker->exec($container, ['sh'], tty: true, stdin: true, env: ['PS1' => 'ready> ']);
        $taken = [];
        // Each step: what is typed, and what is awaited. Every so many keys a new line, and a colon, so that the shell
        // does nothing with them.
        $steps = (static function () use ($keys, &$taken): Generator {
            for ($key = 0; $key < $keys; $key++) {
                if ($key % LINE === 0) {
                    yield ["\r", 'ready> '];
                    yield [': y', 'y'];
                }
                $from = hrtime(true);
                yield ['x', 'x'];
                $taken[] = (hrtime(true) - $from) / 1e3;
            }
            yield ["\rexit\r", "\n\n\n"];
        })();
        [$typed, $wanted] = $steps->current();
        $seen = '';
        $exec->onOutput(static function (string $bytes) use ($exec, $steps, &$wanted, &$seen): void {
            $seen .= $bytes;
            $at = strpos($seen, $wanted);
            if ($at !== false) {
                $seen = substr($seen, $at + strlen($wanted));
                $steps->next();
                [$typed, $wanted] = $steps->current();
                $exec->write($typed);
            }
        });
        $exec->write($typed);
        $exec->await();
        $taken = array_slice($taken, intdiv($keys, 10));
        sort($taken);
        $at = static fn(int $percent) => sprintf('%.1f', $taken[min(intdiv(count($taken) * $percent, 100), count($taken) - 1)]);
        $line = ['keys' => count($taken), 'p50' => $at(50), 'p99' => $at(99), 'max' => $at(100)];
        break;
    default:
        fwrite(STDERR, "docker.php: $what is neither read nor echo\n");
        exit(2);
}
echo implode(' ', array_map(static fn($name, $value) => "$name=$value", array_keys($line), $line)), "\n";
