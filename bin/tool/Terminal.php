<?php

declare(strict_types=1);

namespace Towline\Tool;

/**
 * The terminal that standard input is: raw while this lives.
 *
 * A process of its own puts it back as it was. It waits for a pipe to end, so it does that however this program ends,
 * by SIGKILL too.
 */
final class Terminal
{
    /** @var resource|null */
    private $guard = null;
    /** @var array<int, resource> */
    private array $pipes = [];

    public function __construct()
    {
        $before = self::stty('-g');
        $silent = ['file', '/dev/null', 'w'];
        $script = 'trap "" HUP INT QUIT TERM TSTP TTOU; read -r _; stty "$1" <&3';
        $guard = proc_open(['sh', '-c', $script, 'sh', $before], [['pipe', 'r'], $silent, $silent, STDIN], $this->pipes);
        $this->guard = $guard ?: throw new Failure('cannot start a shell to watch over the terminal');
        self::stty('raw', '-echo');
    }

    public function __destruct()
    {
        $this->restore();
    }

    /** Returns when the terminal is as it was. */
    public function restore(): void
    {
        if ($this->guard !== null) {
            fclose($this->pipes[0]);
            proc_close($this->guard);
            $this->guard = null;
        }
    }

    /** @return array{int, int}|null rows and columns; null when the terminal has none */
    public static function size(): ?array
    {
        $size = sscanf(self::stty('size'), '%d %d');
        return ($size[0] ?? 0) > 0 && ($size[1] ?? 0) > 0 ? [min($size[0], 65535), min($size[1], 65535)] : null;
    }

    private static function stty(string ...$arguments): string
    {
        $process = proc_open(['stty', ...$arguments], [STDIN, ['pipe', 'w'], STDERR], $pipes);
        $said = $process === false ? '' : trim((string) stream_get_contents($pipes[1]));
        if ($process === false || proc_close($process) !== 0) {
            throw new Failure('the terminal cannot be set: stty failed');
        }
        return $said;
    }
}
