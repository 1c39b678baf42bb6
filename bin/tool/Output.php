<?php

declare(strict_types=1);

namespace Towline\Tool;

/** Whoever read standard output or error has gone: a program is quiet about that and ends as SIGPIPE would end it. */
final class NoReader extends Failure
{
    /** 128 + SIGPIPE. */
    public const CODE = 141;
}

/** Standard output and error, which may be pipes that do not block. */
final class Output
{
    private const BROKEN_PIPE = 'errno=32 ';

    /**
     * Writes what can be written now.
     *
     * @param resource $to
     * @return int how many bytes that is; with 0 wait until it is writable
     */
    public static function some($to, string $bytes): int
    {
        error_clear_last();
        $count = @fwrite($to, $bytes);
        $error = error_get_last();
        // A full pipe and a signal are no errors, and tell nothing.
        if ($count !== false || $error === null) {
            return (int) $count;
        }
        if (str_contains($error['message'], self::BROKEN_PIPE)) {
            throw new NoReader('nobody reads standard ' . self::name($to));
        }
        throw new Failure('cannot write to standard ' . self::name($to) . preg_replace('/^.*errno=\d+/', ':', $error['message']));
    }

    /**
     * Writes all, waiting for the reader.
     *
     * @param resource $to
     * @param (\Closure(): bool)|null $stop asked while waiting; true: the rest is not written
     */
    public static function all($to, string $bytes, ?\Closure $stop = null): void
    {
        while (true) {
            $bytes = substr($bytes, self::some($to, $bytes));
            if ($bytes === '' || ($stop !== null && $stop())) {
                return;
            }
            self::writable($to);
        }
    }

    /** A message; nothing is to be done when nobody reads it. */
    public static function say(string $text): void
    {
        try {
            self::all(STDERR, $text);
        } catch (Failure) {
        }
    }

    /** @param resource $to */
    private static function writable($to): void
    {
        $none = null;
        $write = [$to];
        // Ends early when a signal comes; one that came just before is seen after this while.
        @stream_select($none, $write, $none, 0, 200000);
    }

    /** @param resource $to */
    private static function name($to): string
    {
        return $to === STDERR ? 'error' : 'output';
    }
}
