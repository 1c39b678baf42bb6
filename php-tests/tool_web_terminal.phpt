--TEST--
towline terminal: the address it prints, a line for each session, recordings, signals
--FILE--
<?php
require __DIR__ . '/docker.php';
require __DIR__ . '/remote.inc';

$engine = Engine::get('docker');
$web = $engine->container();
$common = ['--listen', '127.0.0.1:0', '--docker', $engine->address, '--allow', $web];

$terminal = Remote::tool(...$common, ...['--record', scratch()]);
echo strlen($terminal->token), ' ', $terminal->get('/')[0], ' ', $terminal->get('/token')[0], ' ', $terminal->get("/token?token=$terminal->token")[0], "\n";
$page = $terminal->page("/ws?container=$web", ['AuthToken' => $terminal->token(), 'columns' => 70, 'rows' => 20]);
// An old Engine takes the size only once the process runs.
$page->send("0until [ \"\$(stty size)\" = '20 70' ]; do :; done; echo en''d\n");
$page->until("\r\nend");
$page->send("0exit 4\n");
$page->until('[x{"code":4}]');
echo $page->read(), "\n", entry($terminal->log());
// The access token itself is good, too.
$page = $terminal->page("/ws?container=$web", ['AuthToken' => $terminal->token]);
$page->until('[s{');
$terminal->signal(SIGTERM);
do {
    $said = $page->read();
} while (!str_starts_with((string) $said, 'close'));
echo $said, "\n";
echo preg_replace('/exit code (129|137|143)/', 'exit code SIGNAL', $terminal->end()), "\n";
foreach (glob(scratch() . '/*.cast') as $n => $file) {
    echo preg_replace(["/$web/", '/\d{8}-\d{6}/', '/[0-9a-f]{8}\.cast/'], ['CONTAINER', 'TIME', 'ID.cast'], basename($file)), ': ',
        json_decode(fgets(fopen($file, 'r')), true)['version'], ' ', decoct(fileperms($file) & 0777), "\n";
}

echo "-- read-only, a command, a token of one's own, no lingering\n";
$terminal = Remote::tool(...$common, ...['--read-only', '--command', 'echo I am $(id -u); exec cat', '--user', '1234', '--token', 'own', '--linger', '0.01']);
echo $terminal->token, '|', $terminal->get('/token', "Authorization: Bearer own\r\n")[0], ' ',
    json_encode(json_decode($terminal->get('/containers?token=own')[2], true)['readOnly']), "\n";
$page = $terminal->page("/ws?container=$web", ['AuthToken' => 'own']);
echo preg_replace('/"session":"\w+"/', '"session":ID', trim($page->until("1234\r\n"))), "\n";
unset($page);
echo preg_replace('/exit code (129|137|143)/', 'exit code SIGNAL', entry($terminal->log()));
$page = $terminal->page("/ws?container=$web", ['AuthToken' => 'own']);
$page->until("1234\r\n");
$page->send("0never\n");
// What was taken would be shown before the goodbye.
$page->settle();
$terminal->signal(SIGINT);
while (!str_starts_with($said = (string) $page->read(), 'close')) {
    $page->text .= $said;
}
echo $said, str_contains($page->text, 'never') ? '; it was taken' : '', "\n";
echo preg_replace('/exit code (129|137|143)/', 'exit code SIGNAL', $terminal->end()), "\n";

echo "-- no token, a unix socket\n";
$terminal = Remote::tool('--listen', 'unix:' . scratch() . '/t.sock', '--docker', $engine->address, '--no-token', '--allow', 'label=none', '--allow', "$web*");
echo json_encode($terminal->token), ' ', strlen($terminal->token()), "\n";
$page = $terminal->page("/ws?container=$web", ['AuthToken' => $terminal->token()]);
$page->until('[s{');
$page->send("0exit\n");
$page->until('[x{"code":0}]');
echo entry($terminal->log());
$terminal->signal(SIGTERM);
echo $terminal->end(), "\n";
echo "-- no token: names that others can have are not let in\n";
$terminal = Remote::tool(...$common, ...['--no-token']);
$socket = stream_socket_client("tcp://$terminal->address");
fwrite($socket, "GET /token HTTP/1.1\r\nHost: evil.example:9501\r\nConnection: close\r\n\r\n");
echo strtok(stream_get_contents($socket), "\r"), ' ', $terminal->get('/token')[0], "\n";
$terminal->signal(SIGTERM);
echo $terminal->end(), "\n";

echo "-- the command line\n";
foreach ([
    ['--listen', '0.0.0.0:0', '--no-token'], ['--listen', '[::]:0', '--no-token'], ['--listen', 'x'], ['--listen', '192.0.2.1:0'], ['--token', 'a', '--no-token'],
    ['--token', ''], ['--command='], ['--user='], ['--allow='], ['--allow', 'label='], ['--record', '/nonexistent'], ['--idle', '0'], ['--linger', 'x'], ['--allow'], ['--alow', 'x'], ['web'], ['--docker', 'x://y'],
] as $words) {
    [$code, , $said] = tool(['terminal', ...$words]);
    echo implode(' ', $words), ": $code $said";
}
[$code, $said] = tool(['terminal', '--help']);
echo $code, ' ', strtok($said, "\n"), "\n";
?>
--EXPECT--
32 200 401 200
close 1000 
TIME WHO CONTAINER SECONDS exit code 4
close 1001 the server is going away
exit code 0: TIME WHO CONTAINER SECONDS exit code SIGNAL
TIME-CONTAINER-ID.cast: 2 600
TIME-CONTAINER-ID.cast: 2 600
-- read-only, a command, a token of one's own, no lingering
|200 true
[s{"session":ID,"rows":24,"columns":80,"readOnly":true,"replay":0}]I am 1234
TIME WHO CONTAINER SECONDS exit code SIGNAL
close 1001 the server is going away
exit code 0: TIME WHO CONTAINER SECONDS exit code SIGNAL
-- no token, a unix socket
"" 32
TIME 192.0.2.7 CONTAINER SECONDS exit code 0
exit code 0
-- no token: names that others can have are not let in
HTTP/1.1 403 Forbidden 200
exit code 0
-- the command line
--listen 0.0.0.0:0 --no-token: 2 towline: --no-token would let everybody in who can reach 0.0.0.0:0; it is for 127.0.0.1, [::1] and unix sockets; see towline terminal --help
--listen [::]:0 --no-token: 2 towline: --no-token would let everybody in who can reach [::]:0; it is for 127.0.0.1, [::1] and unix sockets; see towline terminal --help
--listen x: 2 towline: "x" is no address: the port is missing; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port; see towline terminal --help
--listen 192.0.2.1:0: 1 towline: cannot listen on 192.0.2.1:0: Cannot assign requested address (os error 99)
--token a --no-token: 2 towline: --token and --no-token do not go together; see towline terminal --help
--token : 2 towline: --token is empty; see towline terminal --help
--command=: 2 towline: --command is empty; see towline terminal --help
--user=: 2 towline: --user is empty; see towline terminal --help
--allow=: 2 towline: --allow got ''; expected a container's name, label=NAME or label=NAME=VALUE; see towline terminal --help
--allow label=: 2 towline: --allow got 'label='; expected a container's name, label=NAME or label=NAME=VALUE; see towline terminal --help
--record /nonexistent: 2 towline: --record: '/nonexistent' is no folder that can be written to; see towline terminal --help
--idle 0: 2 towline: option --idle got '0'; expected a number of seconds above zero; see towline terminal --help
--linger x: 2 towline: option --linger got 'x'; expected a number of seconds above zero; see towline terminal --help
--allow: 2 towline: option --allow needs a value; see towline terminal --help
--alow x: 2 towline: unknown option --alow; did you mean --allow?; see towline terminal --help
web: 2 towline: unexpected 'web'; containers are named with --allow; see towline terminal --help
--docker x://y: 2 towline: "x://y" is no address of an Engine: the scheme "x" is not known; expected unix:///path, /path, tcp://host:port or https://host:port; see towline terminal --help
0 Terminals in containers, for browsers. Prints the address to open.
