<?php
// What the tests share: a private php-fpm, scripts in a private folder, and words about what went wrong.

declare(strict_types=1);

use Towline\FastCgi\{Client, Fpm, Request};

if (!extension_loaded('towline')) {
    exit("The extension towline is not loaded: run the tests with -d extension=/path/to/towline.so\n");
}
foreach (['pcntl', 'posix'] as $needed) {
    if (!extension_loaded($needed)) {
        exit("These tests need PHP's extension $needed: install it (Debian: it is part of php-cli)\n");
    }
}

/** A private folder, gone with the process that made it. */
function folder(): string
{
    static $folder = null;
    if ($folder === null) {
        $folder = sys_get_temp_dir() . '/towline-test-' . bin2hex(random_bytes(6));
        mkdir($folder, 0755);
        $owner = getmypid();
        register_shutdown_function(static function () use ($folder, $owner): void {
            if (getmypid() === $owner) {
                array_map('unlink', glob("$folder/*"));
                rmdir($folder);
            }
        });
    }
    return $folder;
}

/** The path of a file in the private folder with this content. */
function file_with(string $content, string $name): string
{
    file_put_contents(folder() . "/$name", $content);
    return folder() . "/$name";
}

/** The path of a script with this code. */
function script(string $code): string
{
    return file_with("<?php $code", bin2hex(random_bytes(4)) . '.php');
}

/** A client of a private php-fpm, and it alone holds that. */
function client(int $workers = 4, array $ini = [], mixed ...$options): Client
{
    static $fpms = [];
    $fpm = $fpms[] = Fpm::start($workers, $ini);
    return new Client($fpm->address, ...$options);
}

/** Calls and shows what was thrown. */
function attempt(Closure $call): void
{
    try {
        $call();
        echo "nothing was thrown\n";
    } catch (Throwable $thrown) {
        echo get_class($thrown), ': ', $thrown->getMessage(), "\n";
    }
}

/** A unix socket that somebody listens on; accept() on it is up to the test. */
function listener(): array
{
    $path = folder() . '/' . bin2hex(random_bytes(4)) . '.sock';
    $socket = stream_socket_server("unix://$path", $code, $words) ?: exit("cannot listen: $words\n");
    return [$path, $socket];
}
