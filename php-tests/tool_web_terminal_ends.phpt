--TEST--
towline terminal: sessions that fail or end otherwise, what goes wrong for one browser, signals
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/remote.inc';

$engine = Engine::get('docker');
$web = $engine->container();
$common = ['--listen', '127.0.0.1:0', '--docker', $engine->address, '--allow', $web, '--token', 'own'];
$page = fn (Remote $terminal) => $terminal->page("/ws?container=$web", ['AuthToken' => 'own']);
/** Reads to the end; how it closed. */
$rest = function (Screen $page): string {
    while (!str_starts_with($said = (string) $page->read(), 'close')) {
        $page->text .= $said === '' ? exit("lost\n") : $said;
    }
    return $said;
};
$signal = fn (string $text) => preg_replace('/exit code (129|137|143)\b/', 'exit code SIGNAL', $text);

echo "-- a command of one word, nobody types\n";
$terminal = Remote::tool(...$common, ...['--command', 'cat', '--idle', '0.3']);
$it = $page($terminal);
$it->send("0he''llo\n");
$it->until("he''llo\r\nhe''llo");
echo $rest($it), "\n", $signal(entry($terminal->log()));
$terminal->signal(SIGTERM);
echo $terminal->end(), "\n";

echo "-- one that cannot be recorded\n";
$folder = folder() . '/records';
mkdir($folder);
$terminal = Remote::tool(...$common, ...['--record', $folder]);
rmdir($folder);
echo $rest($page($terminal)), "\n", str_replace(folder(), 'FOLDER', preg_replace('/[^\/ ]*\.cast/', 'NAME', $terminal->log()));
$terminal->signal(SIGTERM);
echo strtok($terminal->end(), ':'), "\n";

echo "-- a process that follows no signal, and somebody who does not wait\n";
$terminal = Remote::tool(...$common, ...['--command', "trap '' TERM HUP; echo ready; while :; do sleep 1000; done"]);
$it = $page($terminal);
$it->until('ready');
$terminal->signal(SIGTERM);
echo $rest($it), "\n";
$terminal->signal(SIGTERM);
echo $terminal->end(), "\n";

echo "-- hang-up, and who does not mind it\n";
$terminal = Remote::tool(...$common);
$terminal->signal(SIGHUP);
echo $terminal->end(), "\n";
$terminal = new Remote(['sh', '-c', 'trap "" HUP; exec "$@"', 'sh', PHP_BINARY, dirname(__DIR__) . '/bin/towline', 'terminal', ...$common]);
$terminal->signal(SIGHUP);
echo $terminal->get('/')[0], "\n";
$terminal->signal(SIGTERM);
echo $terminal->end(), "\n";

echo "-- an Engine that says what no Engine says\n";
[$path, $socket] = listener();
$terminal = Remote::tool('--listen', '127.0.0.1:0', '--docker', $path, '--token', 'own');
$connections = [$socket];
/** Answers requests until one of those has been answered. */
$answer = function (string $until, array $bodies) use ($socket, &$connections): void {
    do {
        $ready = $connections;
        stream_select($ready, $none, $none, (int) PATIENCE) > 0 || exit("no request for $until\n");
        foreach ($ready as $connection) {
            if ($connection === $socket) {
                $connections[] = stream_socket_accept($socket, 0.0);
                continue;
            }
            $request = '';
            while (!str_ends_with($request, "\r\n\r\n") && ($line = fgets($connection)) !== false) {
                $request .= $line;
            }
            if ($request === '') {
                unset($connections[array_search($connection, $connections, true)]);
                continue;
            }
            preg_match('/^content-length: (\d+)/mi', $request, $length);
            stream_get_contents($connection, (int) ($length[1] ?? 0));
            $asked = array_key_first(array_filter($bodies + ['_ping' => 'OK'], fn ($part) => str_contains(strtok($request, "\r"), $part), ARRAY_FILTER_USE_KEY));
            $body = $bodies[$asked] ?? 'OK';
            $status = $asked === '/exec' ? '500 Internal Server Error' : '200 OK';
            fwrite($connection, "HTTP/1.1 $status\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\nContent-Length: " . strlen($body) . "\r\n\r\n$body");
        }
    } while (!isset($asked) || $asked !== $until);
};
$asking = stream_socket_client("tcp://$terminal->address");
fwrite($asking, "GET /containers?token=own HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
$answer('/containers/json', ['/containers/json' => '[{"Id":"a","Names":[5],"Image":"i","State":"running"}]']);
echo strtok(stream_get_contents($asking), "\r"), "\n", $terminal->log(), $terminal->get('/')[0], "\n";
$it = $terminal->page('/ws?container=a', ['AuthToken' => 'own']);
$answer('/exec', ['/containers/json' => '[{"Id":"a","Names":["/a"],"Image":"i","State":"running"}]', '/exec' => '{"message":"no,\nnot now"}']);
echo $rest($it), "\n", preg_replace('/^\S+ \S+/', 'TIME WHO', preg_replace('/ \d+\.\d s /', ' SECONDS ', $terminal->log()));
$terminal->signal(SIGTERM);
echo $terminal->end(), "\n";

echo "-- everywhere\n";
$terminal = Remote::tool('--listen', '0.0.0.0:0', '--docker', $engine->address, '--token', 'own');
echo preg_replace('/:\d+$/', ':PORT', str_replace(gethostname(), 'NAME', $terminal->address)), "\n";
$terminal->signal(SIGTERM);
echo $terminal->end(), "\n";
?>
--EXPECT--
-- a command of one word, nobody types
close 1000 nothing was typed for too long
TIME WHO CONTAINER SECONDS exit code SIGNAL
exit code 0
-- one that cannot be recorded
close 1011 This session cannot be recorded.
towline: cannot record to FOLDER/records/NAME: No such file or directory (os error 2)
exit code 0
-- a process that follows no signal, and somebody who does not wait
close 1001 the server is going away
exit code 143
-- hang-up, and who does not mind it
exit code 0
200
exit code 0
-- an Engine that says what no Engine says
HTTP/1.1 500 Internal Server Error
towline: ltrim(): Argument #1 ($string) must be of type string, int given
200
close 1011 
TIME WHO a SECONDS no, not now
exit code 0
-- everywhere
NAME:PORT
exit code 0
