<?php

declare(strict_types=1);

namespace Towline\Tool;

use Towline\FastCgi\{Client, Request, Response};
use Towline\Loop;

/** Sends the requests and prints the answers in the order asked for. */
final class Run
{
    /**
     * How many answers may wait for their turn behind a slow one: no further requests are sent until it ends. Each
     * holds at most 64 KiB in memory.
     */
    private const WINDOW = 256;
    /** With --json a body is put together in memory; a longer one fails. */
    private const JSON_LIMIT = 64 * 1024 * 1024;

    /** @var array<int, Answer> sent and not yet printed */
    private array $answers = [];
    private int $next = 0;
    private int $head = 0;
    private int $active = 0;
    private int $done = 0;
    private int $failed = 0;
    private int $total;
    private float $began;
    private ?int $signal = null;
    private ?\Throwable $broken = null;

    /**
     * @param list<string> $scripts
     * @param \Closure(string): Request $request
     */
    public function __construct(
        private Client $client,
        private array $scripts,
        int $repeat,
        private int $jobs,
        private bool $json,
        private \Closure $request,
        private Messages $messages,
    ) {
        $this->total = count($scripts) * $repeat;
        $this->began = microtime(true);
    }

    /** The exit code. */
    public function go(): int
    {
        $loop = $this->client->loop;
        $this->catchSignals($loop);
        $this->fill();
        $timer = $this->messages->terminal ? $loop->repeat(0.1, fn() => $this->progress()) : null;
        while ($this->head < $this->total && $this->signal === null && $this->broken === null) {
            $loop->tick(0.5);
        }
        $timer?->cancel();
        $this->messages->clear();
        if ($this->broken !== null) {
            throw $this->broken;
        }
        $this->summary();
        return $this->signal !== null ? 128 + $this->signal : ($this->failed > 0 ? 1 : 0);
    }

    private function catchSignals(Loop $loop): void
    {
        if (!function_exists('pcntl_async_signals')) {
            return;
        }
        pcntl_async_signals(true);
        foreach ([SIGINT, SIGTERM, SIGHUP] as $signal) {
            pcntl_signal($signal, function (int $signal): void {
                $this->signal = $signal;
            });
        }
    }

    private function fill(): void
    {
        while ($this->active < $this->jobs && $this->next < $this->total
            && $this->next < $this->head + $this->jobs + self::WINDOW) {
            $script = $this->scripts[$this->next % count($this->scripts)];
            $this->send(new Answer($this->next++, $script));
        }
    }

    private function send(Answer $answer): void
    {
        $this->answers[$answer->index] = $answer;
        $this->active++;
        $answer->future = $this->client->send(
            ($this->request)($answer->script),
            onBody: fn(string $bytes) => $this->guard(fn() => $this->body($answer, $bytes)),
            onStderr: $this->json ? null : fn(string $bytes) => $this->stderr($answer, $bytes),
        );
        $answer->future->onDone(function (Response $response) use ($answer): void {
            $answer->response = $response;
            $this->ended($answer);
        })->onError(function (\Throwable $error) use ($answer): void {
            $answer->error ??= $error;
            $this->ended($answer);
        });
    }

    private function body(Answer $answer, string $bytes): void
    {
        if ($answer->error !== null) {
            return;
        }
        if ($answer->index === $this->head && !$this->json) {
            $this->write($bytes);
        } else {
            $answer->hold($bytes);
            if ($this->json && $answer->size > self::JSON_LIMIT) {
                $answer->held = null;
                $answer->error = new Failure('the body is longer than ' . self::JSON_LIMIT . ' bytes; run it without --json');
                $answer->future?->cancel();
            }
        }
    }

    private function stderr(Answer $answer, string $bytes): void
    {
        $lines = explode("\n", $answer->line . $bytes);
        $answer->line = (string) array_pop($lines);
        // A line without an end must not grow without one.
        while (strlen($answer->line) > 8192) {
            $lines[] = substr($answer->line, 0, 8192);
            $answer->line = substr($answer->line, 8192);
        }
        foreach ($lines as $line) {
            $this->messages->line("$answer->script: $line");
        }
    }

    private function ended(Answer $answer): void
    {
        $answer->done = true;
        $this->active--;
        $this->done++;
        if ($answer->failed()) {
            $this->failed++;
        }
        if (!$this->json) {
            if ($answer->line !== '') {
                $this->stderr($answer, "\n");
            }
            if ($answer->error !== null) {
                $this->messages->line("$answer->script: " . $answer->error->getMessage());
            } elseif ($answer->failed()) {
                $this->messages->line("$answer->script: status {$answer->response->status}");
            }
        }
        $this->guard(function (): void {
            $this->print();
            $this->fill();
        });
    }

    /** Prints what has its turn: finished answers, and what there is of the first unfinished one. */
    private function print(): void
    {
        while (($answer = $this->answers[$this->head] ?? null) !== null) {
            if ($this->json) {
                if (!$answer->done) {
                    return;
                }
                $this->write($this->encode($answer) . "\n");
            } elseif ($answer->held !== null) {
                rewind($answer->held);
                while (($bytes = fread($answer->held, 65536)) !== false && $bytes !== '') {
                    $this->write($bytes);
                }
                $answer->held = null;
            }
            if (!$answer->done) {
                return;
            }
            unset($this->answers[$this->head++]);
        }
    }

    private function encode(Answer $answer): string
    {
        $body = '';
        if ($answer->held !== null) {
            $body = (string) stream_get_contents($answer->held, null, 0);
        }
        $utf8 = preg_match('//u', $body) === 1;
        return json_encode([
            'index' => $answer->index,
            'script' => $answer->script,
            'status' => $answer->response?->status,
            'headers' => $answer->response === null ? null : (object) $answer->response->headers,
            $utf8 ? 'body' : 'body_base64' => $utf8 ? $body : base64_encode($body),
            'stderr' => $answer->response?->stderr,
            'duration' => $answer->response === null ? null : round($answer->response->duration, 6),
            'error' => $answer->error?->getMessage(),
        ], JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR);
    }

    private function write(string $bytes): void
    {
        $this->messages->clear();
        Output::all(STDOUT, $bytes, fn(): bool => $this->signal !== null);
    }

    /** What goes wrong here ends the run once the loop has been left. */
    private function guard(\Closure $work): void
    {
        try {
            if ($this->broken === null) {
                $work();
            }
        } catch (\Throwable $error) {
            $this->broken = $error;
        }
    }

    private function progress(): void
    {
        $seconds = max(microtime(true) - $this->began, 0.001);
        $rate = number_format($this->done / $seconds, 1, '.', '');
        $this->messages->progress("$this->done/$this->total done, $this->failed failed, $this->active running, $rate/s");
    }

    private function summary(): void
    {
        $seconds = max(microtime(true) - $this->began, 0.001);
        $text = sprintf(
            '%d of %d done, %d failed, %.3f s, %.1f/s',
            $this->done, $this->total, $this->failed, $seconds, $this->done / $seconds,
        );
        $this->messages->line($this->signal === null ? $text : "$text (interrupted)");
    }
}
