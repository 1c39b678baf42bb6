<?php
// What the tests of bin/towline share: running it, and scripts in a private folder.

declare(strict_types=1);

/** A private folder, gone with the process that made it. */
function scratch(): string
{
    static $folder = null;
    if ($folder === null) {
        $folder = realpath(sys_get_temp_dir()) . '/towline-tool-' . bin2hex(random_bytes(6));
        mkdir($folder, 0700);
        register_shutdown_function(static function () use ($folder): void {
            array_map('unlink', glob("$folder/*"));
            rmdir($folder);
        });
    }
    return $folder;
}

/** The path of a file in the private folder with this content. */
function place(string $name, string $content): string
{
    file_put_contents(scratch() . "/$name", $content);
    return scratch() . "/$name";
}

/** Starts bin/towline; standard streams as proc_open() wants them. */
function start_tool(array $arguments, array $streams, ?array &$pipes)
{
    $environment = ['TMPDIR' => scratch()] + getenv();
    $command = [PHP_BINARY, dirname(__DIR__) . '/bin/towline', ...$arguments];
    return proc_open($command, $streams, $pipes, null, $environment);
}

/** Runs bin/towline to its end. @return array{int, string, string} exit code, standard output, standard error */
function tool(array $arguments, string $input = ''): array
{
    $in = tmpfile();
    fwrite($in, $input);
    rewind($in);
    [$out, $err] = [tmpfile(), tmpfile()];
    $code = proc_close(start_tool($arguments, [$in, $out, $err], $pipes));
    // By name: these streams do not know that the other process has moved their position.
    return [$code, ...array_map(static fn($file) => file_get_contents(stream_get_meta_data($file)['uri']), [$out, $err])];
}

/** Standard error without what differs from run to run: times, the private folder, sockets. */
function plain(string $text): string
{
    $text = str_replace(scratch(), 'DIR', $text);
    $text = preg_replace('#towline-fpm-\w+#', 'FPM', $text);
    return preg_replace('#[\d.]+ s, [\d.]+/s#', 'TIME', $text);
}

/** Shows all three results. */
function show(array $result): void
{
    [$code, $out, $err] = $result;
    echo "exit code $code\n--- stdout\n", plain($out), "--- stderr\n", plain($err);
}
