<?php

declare(strict_types=1);

namespace Towline\Tool;

use Towline\Docker\Client;
use Towline\Terminal\{Hub, Session, Tokens};
use Towline\WebSocket\{HttpRequest, HttpResponse, Server};

/** Terminals in containers, for browsers: terminal/server.php with what a command has around it. */
final class WebTerminal
{
    private const LISTEN = '127.0.0.1:9501';
    /** The best shell that the container has. */
    private const SHELL = 'exec "$(command -v bash || command -v sh)"';

    private Server $server;
    private Hub $hub;
    private Tokens $tokens;
    /** The signal that has come. */
    private ?int $signal = null;

    /** @param array<string, mixed> $options those of the command line */
    public function __construct(private Client $docker, private array $options, private Messages $messages)
    {
        $listen = $options['listen'] ?? self::LISTEN;
        if (isset($options['token'], $options['no-token'])) {
            throw new UsageError('--token and --no-token do not go together');
        }
        if (isset($options['no-token']) && !self::isLocal($listen)) {
            throw new UsageError("--no-token would let everybody in who can reach $listen; it is for 127.0.0.1, [::1] and unix sockets");
        }
        foreach (['token', 'command', 'user'] as $option) {
            if (($options[$option] ?? null) === '') {
                throw new UsageError("--$option is empty");
            }
        }
        foreach ($options['allow'] ?? [] as $pattern) {
            if ($pattern === '' || preg_match('/^label=(=|$)/', $pattern)) {
                throw new UsageError("--allow got '$pattern'; expected a container's name, label=NAME or label=NAME=VALUE");
            }
        }
        $record = $options['record'] ?? null;
        if ($record !== null && !(is_dir($record) && is_writable($record))) {
            throw new UsageError("--record: '$record' is no folder that can be written to");
        }
        // PHP's first date() of a process reads files, and crashes when none can be opened: not when descriptors are scarce.
        date('c');
        $this->tokens = new Tokens($options['token'] ?? null);
        $this->hub = new Hub($docker->loop, linger: $options['linger'] ?? 300.0, idleTimeout: $options['idle'] ?? null);
        // What is on its way to a page delays the answer to Ctrl-C.
        $this->server = new Server($listen, $docker->loop, highWatermark: 128 * 1024);
    }

    /** Serves until a signal comes. */
    public function go(): int
    {
        if (isset($this->options['no-token']) && !str_starts_with($this->server->address, 'unix:')) {
            // A name of somebody else's that leads to this machine would make a page of theirs one of the same origin.
            $foreign = static fn(HttpRequest $request): ?HttpResponse => self::isLocal($request->header('Host') ?? '') ? null
                : new HttpResponse(403, "Without a token this is for addresses of this machine, such as localhost.\n");
            $this->server->onRequest($foreign)->onUpgrade($foreign);
        }
        $command = $this->options['command'] ?? self::SHELL;
        terminals(
            $this->server,
            $this->docker,
            $this->hub,
            $this->tokens,
            $this->options['allow'] ?? ['*'],
            preg_match('/\s/', $command) ? ['sh', '-c', $command] : [$command],
            $this->options['user'] ?? '',
            isset($this->options['read-only']),
            isset($this->options['no-token']),
            $this->opened(...),
        );
        $this->watch();
        $this->announce();
        while (true) {
            try {
                $this->docker->loop->run();
                return 0;
            } catch (\Towline\Exception|\Error $error) {
                // Whatever goes wrong for one browser, all the others go on.
                $this->messages->line("towline: {$error->getMessage()}");
            }
        }
    }

    /** An address that only this machine can reach, or a name for it. */
    private static function isLocal(string $address): bool
    {
        return preg_match('~^(tcp://)?(127\.\d+\.\d+\.\d+|\[::1\]|localhost)(:\d+)?$|^unix:|^/~i', $address) === 1;
    }

    private function announce(): void
    {
        $address = $this->server->address;
        $secret = isset($this->options['no-token']) || isset($this->options['token']) ? '' : $this->tokens->access;
        if (str_starts_with($address, 'unix:')) {
            $text = "Terminals on $address" . ($secret === '' ? '' : "; the access token is $secret");
        } else {
            // Who listens everywhere is found by name.
            $host = preg_replace('/^(0\.0\.0\.0|\[::\]):/', gethostname() . ':', $address);
            $text = "http://$host/" . ($secret === '' ? '' : "?token=$secret");
        }
        show("$text\n");
    }

    private function watch(): void
    {
        if (!function_exists('pcntl_async_signals')) {
            $this->messages->line("towline: PHP's extension pcntl is missing: a signal will end this without ending its sessions");
            return;
        }
        pcntl_async_signals(true);
        foreach ([SIGINT, SIGTERM, ...(self::ignoresHangUp() ? [] : [SIGHUP])] as $signal) {
            pcntl_signal($signal, function (int $signal): void {
                if ($this->signal !== null) {
                    // Somebody does not want to wait for processes to end.
                    exit(128 + $signal);
                }
                $this->signal = $signal;
                $this->server->close();
                $this->hub->close();
            });
        }
    }

    /**
     * Whoever has started it may want it to outlive the terminal, as nohup does. PHP heeds that and tells nobody, nor does the system
     * while PHP has handlers of its own; so a child tries.
     */
    public static function ignoresHangUp(): bool
    {
        $child = function_exists('pcntl_fork') && function_exists('posix_kill') ? pcntl_fork() : -1;
        if ($child === 0) {
            posix_kill(getmypid(), SIGHUP);
            posix_kill(getmypid(), SIGKILL);
        }
        return $child > 0 && pcntl_waitpid($child, $status) === $child && pcntl_wtermsig($status) === SIGKILL;
    }

    /** A session has been opened: it is recorded, and told of when its process has ended. */
    private function opened(Session $session, string $container, HttpRequest $request): void
    {
        $began = microtime(true);
        $told = false;
        $who = $request->remoteAddress;
        if ($who === 'unix:') {
            $who = $request->header('X-Real-IP') ?? $who;
        }
        $tell = function (string $how) use ($began, &$told, $who, $container): void {
            if (!$told) {
                $told = true;
                $line = sprintf('%s %s %s %.1f s %s', date('c', (int) $began), $who, $container, microtime(true) - $began, $how);
                // One line, whatever a header or an Engine says.
                $this->messages->line(preg_replace('/[\x00-\x1f\x7f]+/', ' ', $line));
            }
        };
        $session
            ->onExit(fn(?int $code) => $tell($code === null ? 'exit code not known' : "exit code $code"))
            ->onError(fn(\Towline\Exception $error) => $tell($error->getMessage()))
            ->onEnd(fn(string $why) => $tell($why))
            ->onRecordingError(fn(\Towline\Exception $error) => $this->messages->line("towline: {$error->getMessage()}"));
        if (isset($this->options['record'])) {
            $name = preg_replace('/[^\w.-]/', '_', $container);
            try {
                $session->record(sprintf('%s/%s-%s-%s.cast', $this->options['record'], date('Ymd-His'), $name, substr($session->id, 0, 8)));
            } catch (\Towline\Exception $error) {
                // The files of this machine are no business of a browser's.
                $this->messages->line("towline: {$error->getMessage()}");
                $session->end();
                throw new \Towline\Exception('This session cannot be recorded.');
            }
        }
    }
}
