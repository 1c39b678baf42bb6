<?php
// What the tests of Docker share: real Engines, one of each kind for the whole run of tests, and containers in them.

declare(strict_types=1);

use Towline\Docker\Client;
use Towline\Future;

require __DIR__ . '/inc.php';

/** A running Engine. All tests of one run of run-tests.php share it; a test that is run by itself has its own. */
final class Engine
{
    public const IMAGE = 'towline';
    /** Has no shell: /sleep and /true alone. */
    public const BARE = 'towline-bare';

    public readonly string $address;
    /** For the test's own calls. */
    public readonly Client $client;
    private int $count = 0;

    /** @param array<string, string> $settings */
    private function __construct(public readonly string $kind, public readonly string $folder, public readonly array $settings)
    {
        $this->address = "unix://$settings[ENGINE_SOCKET]";
        $this->client = new Client($this->address);
    }

    /** @param string $kind 'docker', 'podman' or 'tls' */
    public static function get(string $kind): self
    {
        static $engines = [];
        return $engines[$kind] ??= self::find($kind);
    }

    private static function find(string $kind): self
    {
        [$owner, $began] = self::owner();
        $place = sys_get_temp_dir() . "/towline-phpt-$owner-$began";
        @mkdir($place, 0700);
        $lock = fopen("$place/lock", 'c') ?: exit("cannot open $place/lock\n");
        flock($lock, LOCK_EX);
        if (!is_file("$place/$kind")) {
            self::start($kind, $owner, $place);
        }
        flock($lock, LOCK_UN);
        return new self($kind, "$place-$kind", parse_ini_file("$place/$kind", false, INI_SCANNER_RAW));
    }

    /** Starts it, to end with the owner. */
    private static function start(string $kind, int $owner, string $place): void
    {
        $script = dirname(__DIR__) . '/scripts/engine';
        $options = ['docker' => [], 'podman' => ['--podman'], 'tls' => ['--tls']][$kind];
        // The Engine ends with the pipe that it watches, and that ends with the owner.
        $command = <<<'SH'
            owner=$1 place=$2 kind=$3 script=$4
            shift 4
            mkfifo "$place/$kind.watch"
            setsid sh -c 'tail --pid="$1" -f /dev/null; rm -rf "$2"' sh "$owner" "$place" >"$place/$kind.watch" 2>/dev/null </dev/null &
            "$script" start "$place-$kind" "$@" --watch <"$place/$kind.watch" >"$place/$kind.new" &&
                "$script" image "$place-$kind" towline && "$script" image "$place-$kind" towline-bare --bare &&
                mv "$place/$kind.new" "$place/$kind"
            SH;
        $words = "$place/$kind.log";
        $streams = [['file', '/dev/null', 'r'], ['file', $words, 'w'], ['file', $words, 'a']];
        $process = proc_open(['sh', '-c', $command, 'sh', (string) $owner, $place, $kind, $script, ...$options], $streams, $pipes);
        if (proc_close($process) !== 0) {
            exit("no Engine of kind $kind: " . file_get_contents($words));
        }
    }

    /** Whoever runs the tests: its process and when that began. @return array{int, string} */
    private static function owner(): array
    {
        $owner = getmypid();
        for ($pid = posix_getppid(); $pid > 1; $pid = (int) self::stat($pid)[1]) {
            if (str_contains((string) @file_get_contents("/proc/$pid/cmdline"), 'run-tests.php')) {
                $owner = $pid;
            }
        }
        return [$owner, self::stat($owner)[19]];
    }

    /** What the kernel tells of a process, from its state on. */
    private static function stat(int $pid): array
    {
        $stat = (string) @file_get_contents("/proc/$pid/stat");
        return explode(' ', substr($stat, (int) strrpos($stat, ')') + 2)) + array_fill(0, 20, '0');
    }

    public function client(mixed ...$options): Client
    {
        // A busy machine's Engine may take its time, and that is no failure of what is tested.
        return new Client($this->address, ...$options + ['connectTimeout' => 60.0, 'timeout' => 120.0]);
    }

    /** The name of a running container that does nothing, removed at the end. */
    public function container(array $with = []): string
    {
        $name = $this->created($with);
        $this->post("/containers/$name/start");
        return $name;
    }

    public function created(array $with = []): string
    {
        $name = 'towline-' . getmypid() . '-' . $this->kind . '-' . $this->count++;
        $host = ['NetworkMode' => 'none', 'CgroupParent' => $this->settings['ENGINE_CGROUP']];
        // SIGKILL ends any first process at once; others may ignore SIGTERM there.
        $body = $with + ['Image' => self::IMAGE, 'Cmd' => ['sleep', 'infinity'], 'StopSignal' => 'SIGKILL', 'HostConfig' => $host];
        $this->post('/containers/create', $body, ['name' => $name]);
        $owner = getmypid();
        register_shutdown_function(function () use ($name, $owner): void {
            if (getmypid() === $owner) {
                try {
                    (new Client($this->address))->request('DELETE', "/containers/$name", query: ['force' => true])->await();
                } catch (Towline\Exception) {
                    // The test has removed it.
                }
            }
        });
        return $name;
    }

    public function post(string $path, mixed $body = null, array $query = []): array
    {
        return $this->client->request('POST', $path, $body, $query)->await();
    }

    /** The exit code, standard output and error of a command. */
    public function run(string $container, string ...$command): array
    {
        $result = $this->client->run($container, $command)->await();
        return [$result->exitCode, $result->stdout, $result->stderr];
    }
}

/** The Engines that most tests run on. @return iterable<Engine> */
function engines(): iterable
{
    foreach (['docker', 'podman'] as $kind) {
        yield Engine::get($kind);
    }
}

/** Text that an Engine wrote, on one line and without what differs from run to run. */
function words(string $text): string
{
    $text = preg_replace('/towline-\d+-(docker|podman|tls)-(\d+)/', 'CONTAINER$2', trim($text));
    return preg_replace('/[0-9a-f]{64}/', 'ID', $text);
}

/** Runs the loop until something is true. */
function until(Towline\Loop $loop, Closure $is): void
{
    while (!$is()) {
        $loop->tick(1.0);
    }
}
