<?php

declare(strict_types=1);

namespace Towline\Tool;

use Towline\Docker\{Client, Exec as Stream};
use Towline\{Future, Loop};

/** One command in a container, joined to the standard streams of this program. */
final class Exec
{
    /** More than this waiting to be sent: standard input is not read until it has drained. */
    private const HIGH = 1024 * 1024;

    private Loop $loop;
    /** @var resource readable when the loop has work */
    private $work;
    private Stream $stream;
    private ?Terminal $terminal = null;
    /** Standard input is read now. */
    private bool $reading = false;
    /** Nothing (more) is to come from it. */
    private bool $silent;
    private bool $ended = false;
    private ?int $code = null;
    private ?\Throwable $broken = null;
    /** Signals that have come and are not passed on yet. @var list<int> */
    private array $signals = [];
    /** One has been passed on. */
    private bool $signalled = false;
    private bool $opened = false;
    /** The command goes on without this program. */
    private bool $left = false;
    /** Output that its reader has no room for yet, by descriptor; the stream is paused until all of it is written. @var array<int, string> */
    private array $late = [];
    private bool $resized = false;

    /**
     * @param list<string> $command
     * @param array<string, mixed> $options those of the command line
     */
    public function __construct(Client $client, string $container, array $command, private array $options)
    {
        $this->loop = $client->loop;
        $this->work = $this->loop->getStream();
        $tty = isset($options['tty']);
        $interactive = isset($options['interactive']);
        if ($tty && $interactive && !stream_isatty(STDIN)) {
            throw new Failure('standard input is no terminal; leave out -t');
        }
        if ($interactive && ((fstat(STDIN)['mode'] ?? 0) & 0170000) === 0040000) {
            throw new Failure('standard input is a folder');
        }
        [$rows, $columns] = ($tty && stream_isatty(STDIN) ? Terminal::size() : null) ?? [24, 80];
        $this->silent = !$interactive;
        $this->stream = $client->exec(
            $container,
            $command,
            tty: $tty,
            stdin: $interactive,
            env: $options['env'] ?? [],
            user: $options['user'] ?? '',
            workingDir: $options['workdir'] ?? '',
            privileged: isset($options['privileged']),
            rows: $rows,
            columns: $columns,
            detachKeys: $options['detach-keys'] ?? '',
        );
    }

    /** The exit code. */
    public function go(): int
    {
        $this->stream
            ->onOpen(fn() => $this->opened = true)
            ->onOutput(fn(string $bytes, int $from) => $this->output($from === 2 ? 2 : 1, $bytes))
            ->onDrain(fn() => $this->reading = !$this->silent)
            ->onExit(fn(?int $code) => $this->end($code))
            ->onError(fn(\Throwable $error) => $this->end(null, $error));
        $this->reading = !$this->silent;
        try {
            $this->watch();
            while (!$this->ended) {
                $this->turn();
            }
            // There is some when the stream has broken off.
            foreach ($this->left ? [] : $this->late as $from => $bytes) {
                Output::all(self::stream($from), $bytes, fn(): bool => $this->signals !== []);
            }
        } finally {
            $this->terminal?->restore();
        }
        if ($this->broken !== null) {
            throw $this->broken;
        }
        return $this->code ?? throw new Failure("the command's exit code is not known: detached, or the container is gone");
    }

    private function end(?int $code, ?\Throwable $error = null): void
    {
        $this->ended = true;
        $this->code = $code;
        $this->broken ??= $error;
    }

    /** Signals, and the terminal's size. */
    private function watch(): void
    {
        $tty = isset($this->options['tty']) && stream_isatty(STDIN);
        if (function_exists('pcntl_async_signals')) {
            pcntl_async_signals(true);
            foreach ([SIGINT, SIGTERM, SIGHUP, SIGQUIT] as $signal) {
                pcntl_signal($signal, function (int $signal): void {
                    $this->signals[] = $signal;
                });
            }
            if ($tty) {
                pcntl_signal(SIGWINCH, function (): void {
                    $this->resized = true;
                });
            }
        }
        if ($tty) {
            if (!function_exists('pcntl_async_signals')) {
                $this->loop->repeat(0.5, function (): void {
                    $this->resized = true;
                });
            }
            if ($this->reading) {
                $this->terminal = new Terminal();
            }
            // It may have changed since the size was asked for.
            $this->resized = true;
        }
    }

    /** Waits for the loop, standard input or a signal, and does what there is to do. */
    private function turn(): void
    {
        $read = [$this->work];
        if ($this->reading) {
            $read[] = STDIN;
        }
        $write = array_map(self::stream(...), array_keys($this->late));
        $none = null;
        $wait = $this->signals === [] && !$this->resized ? ($this->loop->getTimeout() ?? 60.0) : 0.0;
        // False: a signal came.
        $ready = @stream_select($read, $write, $none, (int) $wait, (int) (fmod($wait, 1.0) * 1e6));
        if ($ready !== false && in_array(STDIN, $read, true)) {
            $this->input();
        }
        if ($ready !== false && $write) {
            $this->catchUp();
        }
        $this->loop->tick();
        foreach (array_splice($this->signals, 0) as $signal) {
            $this->pass($signal);
        }
        if ($this->resized && !$this->ended) {
            $this->resized = false;
            $size = Terminal::size();
            if ($size !== null) {
                $this->stream->resize(...$size);
            }
        }
    }

    private function input(): void
    {
        $bytes = @fread(STDIN, 65536);
        if ($bytes === '' && !feof(STDIN)) {
            // It does not block, and another has been faster.
            return;
        }
        if ($bytes === false || $bytes === '') {
            $this->silent = true;
            $this->reading = false;
            $this->stream->closeStdin();
        } elseif ($this->stream->write($bytes) > self::HIGH) {
            $this->reading = false;
        }
    }

    /** Passes a signal on to the command; one that does not heed it is left to itself when a second one comes. */
    private function pass(int $signal): void
    {
        if ($this->ended) {
            return;
        }
        if ($this->signalled) {
            $this->leave($signal);
            return;
        }
        $this->signalled = true;
        $killed = $this->kill((string) $signal);
        if ($killed === null) {
            $this->leave($signal);
            return;
        }
        $killed->onError(function (\Throwable $error) use ($signal): void {
            // What was never opened has an error of its own, which says more.
            if ($this->opened && !$this->ended) {
                Output::say("towline: {$error->getMessage()}; the command goes on\n");
                $this->leave($signal);
            }
        });
    }

    /** Sends the command a signal; null: its stream has failed already, and that is all that will be known. */
    private function kill(string $signal): ?Future
    {
        try {
            return $this->stream->kill($signal);
        } catch (\Error) {
            return null;
        }
    }

    private function leave(int $signal): void
    {
        $this->left = true;
        $this->end(128 + $signal);
    }

    private function output(int $from, string $bytes): void
    {
        if ($this->broken !== null) {
            return;
        }
        // In its order: what is late goes first.
        $late = $this->late[$from] ?? '';
        $bytes = $late === '' ? $this->write($from, $bytes) : $late . $bytes;
        if ($bytes !== '') {
            $this->late[$from] = $bytes;
            $this->stream->pause();
        }
    }

    /** Goes on with the output that is late. */
    private function catchUp(): void
    {
        foreach ($this->late as $from => $bytes) {
            $bytes = $this->write($from, $bytes);
            if ($bytes === '') {
                unset($this->late[$from]);
            } else {
                $this->late[$from] = $bytes;
            }
        }
        if ($this->late === [] && !$this->ended) {
            $this->stream->resume();
        }
    }

    /** Writes what can be written now; what is left. */
    private function write(int $from, string $bytes): string
    {
        try {
            return substr($bytes, Output::some(self::stream($from), $bytes));
        } catch (Failure $failure) {
            // The command ends as in a pipe that nobody reads any more.
            $this->broken ??= $failure;
            $this->late = [];
            $this->stream->resume();
            $this->kill('PIPE')?->onDone(fn() => $this->ended = true)->onError(fn() => $this->ended = true);
            return '';
        }
    }

    /** @return resource */
    private static function stream(int $descriptor)
    {
        return $descriptor === 2 ? STDERR : STDOUT;
    }
}
