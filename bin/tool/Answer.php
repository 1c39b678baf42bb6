<?php

declare(strict_types=1);

namespace Towline\Tool;

use Towline\FastCgi\Response;
use Towline\Future;

/** The answer to one script, from the moment it is sent until it is printed. */
final class Answer
{
    /** What came before it was this answer's turn; moves to a file when it grows. @var resource|null */
    public $held = null;
    public bool $done = false;
    public ?Future $future = null;
    public ?Response $response = null;
    public ?\Throwable $error = null;
    /** Bytes held, in all. */
    public int $size = 0;
    /** A line of the script's error stream that has no end yet. */
    public string $line = '';

    public function __construct(public readonly int $index, public readonly string $script)
    {
    }

    public function hold(string $bytes): void
    {
        $this->held ??= fopen('php://temp/maxmemory:65536', 'w+') ?: throw new Failure('no temporary file');
        if (fwrite($this->held, $bytes) !== strlen($bytes)) {
            throw new Failure('cannot write a temporary file; is the disk full?');
        }
        $this->size += strlen($bytes);
    }

    public function failed(): bool
    {
        return $this->response === null || $this->response->status >= 400;
    }
}
