--TEST--
towline: a command line that cannot be understood is told in one line, with exit code 2
--FILE--
<?php
require __DIR__ . '/tool.php';

foreach ([
    [], ['frob'], ['run'], ['run', '--repat', '2', 'x.php'], ['run', '--zzz', 'x.php'], ['run', '-z', 'x.php'], ['run', '-j'], ['run', '-j', '0', 'x.php'],
    ['run', '--workers=many', 'x.php'], ['run', '--repeat', '-1', 'x.php'], ['run', '--timeout=0', 'x.php'], ['run', '--timeout', 'nan', 'x.php'],
    ['run', '--json=yes', 'x.php'], ['run', '--param', 'K', 'x.php'], ['run', '--param', '=V', 'x.php'], ['run', '--data', '@none', 'x.php'],
    ['run', '--fpm', '/x', '--workers', '2', 'x.php'], ['run', '--fpm', 'nonsense', 'x.php'], ['run', '--method', 'G T', 'x.php'],
    ['run', '--param', 'HTTP_PROXY=x', 'x.php'], ['run', '--workers', '99999', 'x.php'], ['run', '--workers', '99999999999', 'x.php'], ['run', '--ini', 'a b=c', 'x.php'],
    ['run', '--ini', "user_agent=a\nb", 'x.php'], ['run', ''],
    ['run', '--repeat', '9223372036854775807', 'x.php', 'x.php'], ['exec'], ['exec', 'web'], ['exec', '-x', 'web', 'ls'], ['exec', '-ix', 'web', 'ls'], ['exec', '-i=1', 'web', 'ls'],
    ['exec', '-e', '=x', 'web', 'ls'], ['exec', '-u'], ['exec', '-itu'], ['exec', '..', 'ls'], ['exec', '../x', 'ls'], ['exec', '-H', 'ftp://x', 'web', 'ls'], ['exec', 'web', ''],
    ['containers', 'web'], ['containers', '--jsno'], ['containers', '--filter', 'x'], ['status'], ['status', '--fpm', '/x', 'y'], ['status', '--nope'],
] as $arguments) {
    [$code, $out, $err] = tool($arguments);
    echo $code, $out === '' ? ' ' : " unexpected output: $out", plain($err);
}
foreach ([['--help'], ['-h'], ['help', 'run'], ['run', '--help'], ['run', '-h', 'x.php'], ['status', '--help'], ['exec', '--help'], ['exec', '-ith'], ['containers', '--help']] as $arguments) {
    [$code, $out, $err] = tool($arguments);
    echo $code, ' ', strtok($out, "\n"), $err, "\n";
}
[$code, $out, $err] = tool(['--version']);
echo $code, ' ', preg_replace('/\d[\w.+-]*/', 'N', $out), $err;
$full = start_tool(['--help'], [['file', '/dev/null', 'r'], ['file', '/dev/full', 'w'], ['pipe', 'w']], $pipes);
echo stream_get_contents($pipes[2]), proc_close($full), "\n";
// Every option that exists is in the help.
foreach ([
    'run' => ['fpm', 'workers', 'ini', 'env', 'jobs', 'method', 'query', 'data', 'param', 'timeout', 'repeat', 'json'],
    'status' => ['fpm', 'path', 'full', 'json', 'timeout'],
    'exec' => ['interactive', 'tty', 'user', 'workdir', 'env', 'privileged', 'detach-keys', 'host'],
    'containers' => ['all', 'filter', 'json', 'host'],
    'terminal' => ['listen', 'docker', 'allow', 'command', 'user', 'read-only', 'record', 'token', 'no-token', 'idle', 'linger'],
] as $command => $options) {
    preg_match_all('/--([a-z-]+)/', tool([$command, '--help'])[1], $shown);
    foreach ($options as $option) {
        echo in_array($option, $shown[1], true) ? '' : "$command: --$option is not in the help\n";
    }
}
?>
--EXPECT--
2 towline: no command given; see towline --help
2 towline: unknown command 'frob'; see towline --help
2 towline: no SCRIPT given; see towline run --help
2 towline: unknown option --repat; did you mean --repeat?; see towline run --help
2 towline: unknown option --zzz; see towline run --help
2 towline: unknown option -z; see towline run --help
2 towline: option -j needs a value; see towline run --help
2 towline: option -j got '0'; expected a whole number above zero; see towline run --help
2 towline: option --workers got 'many'; expected a whole number above zero; see towline run --help
2 towline: option --repeat got '-1'; expected a whole number above zero; see towline run --help
2 towline: option --timeout got '0'; expected a number of seconds above zero; see towline run --help
2 towline: option --timeout got 'nan'; expected a number of seconds above zero; see towline run --help
2 towline: option --json takes no value; see towline run --help
2 towline: option --param got 'K'; expected NAME=VALUE; see towline run --help
2 towline: option --param got '=V'; expected NAME=VALUE; see towline run --help
2 towline: --data: cannot read the file 'none'; see towline run --help
2 towline: --workers is for a private php-fpm and does not go with --fpm; see towline run --help
2 towline: "nonsense" is no address: the port is missing; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port; see towline run --help
2 towline: "G T" is no request method; expected a word such as GET or POST; see towline run --help
2 towline: HTTP_PROXY is refused: scripts would take it for their outgoing proxy (httpoxy); see towline run --help
2 towline: 99999 workers cannot be had; expected 1 to 10000; see towline run --help
2 towline: workers must be a number of processes that a machine can hold; see towline run --help
2 towline: "a b" is no name of an ini setting; expected letters, digits, '_', '.' and '-', a letter or '_' first; see towline run --help
2 towline: the value of ini setting "user_agent" holds the control character '\n'; expected one line of text; see towline run --help
2 towline: a SCRIPT is empty; see towline run --help
2 towline: --repeat got '9223372036854775807'; with 2 scripts that is more than can be counted; see towline run --help
2 towline: no CONTAINER given; see towline exec --help
2 towline: no COMMAND given; see towline exec --help
2 towline: unknown option -x; see towline exec --help
2 towline: unknown option -x; see towline exec --help
2 towline: option -i takes no value; see towline exec --help
2 towline: option -e got '=x'; expected NAME=VALUE; see towline exec --help
2 towline: option -u needs a value; see towline exec --help
2 towline: option -u needs a value; see towline exec --help
2 towline: ".." is no name or id of a container; see towline exec --help
2 towline: "../x" is no name or id of a container; see towline exec --help
2 towline: "ftp://x" is no address of an Engine: the scheme "ftp" is not known; expected unix:///path, /path, tcp://host:port or https://host:port; see towline exec --help
2 towline: the command's program is an empty string; see towline exec --help
2 towline: unexpected 'web'; see towline containers --help
2 towline: unknown option --jsno; did you mean --json?; see towline containers --help
2 towline: option --filter got 'x'; expected NAME=VALUE; see towline containers --help
2 towline: --fpm ADDRESS is missing; see towline status --help
2 towline: unexpected 'y'; see towline status --help
2 towline: unknown option --nope; see towline status --help
0 Runs PHP scripts through FastCGI (php-fpm), without a web server, and commands in containers.
0 Runs PHP scripts through FastCGI (php-fpm), without a web server, and commands in containers.
0 Runs PHP scripts through php-fpm and prints their answers.
0 Runs PHP scripts through php-fpm and prints their answers.
0 Runs PHP scripts through php-fpm and prints their answers.
0 Prints php-fpm's status page.
0 Runs a command in a container that is running.
0 Runs a command in a container that is running.
0 Lists containers.
0 towline N (PHP N)
towline: cannot write to standard output: No space left on device
1
