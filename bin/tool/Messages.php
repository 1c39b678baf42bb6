<?php

declare(strict_types=1);

namespace Towline\Tool;

/** Standard error: what scripts say, our own words, and the progress line of a terminal. */
final class Messages
{
    private string $progress = '';
    private bool $drawn = false;
    public readonly bool $terminal;

    public function __construct()
    {
        $this->terminal = stream_isatty(STDERR);
    }

    public function line(string $text): void
    {
        $this->clear();
        Output::say($text . "\n");
    }

    public function progress(string $text): void
    {
        $this->progress = $text;
        if ($this->terminal) {
            Output::say("\r\033[K" . $this->progress);
            $this->drawn = true;
        }
    }

    /** Before anything else is written to what may be the same terminal. */
    public function clear(): void
    {
        if ($this->drawn) {
            Output::say("\r\033[K");
            $this->drawn = false;
        }
    }
}
