--TEST--
towline run: method, query, body, CGI variables, php.ini settings and environment reach the script
--FILE--
<?php
require __DIR__ . '/tool.php';

place('show.php', '<?php
    $s = $_SERVER;
    echo $s["REQUEST_METHOD"], " ", $s["QUERY_STRING"], " ", $s["CONTENT_TYPE"] ?? "-", " ", file_get_contents("php://input"),
        " ", $s["A"] ?? "-", " ", $s["B"] ?? "-", " ", ini_get("memory_limit"), " ", getenv("TOKEN"), "\n";');
place('data.json', '{"a":1}');
place('-odd.php', '<?php echo "odd\n";');
chdir(scratch());
$run = static fn(string ...$arguments) => print(tool(['run', '--ini', 'memory_limit=99M', ...$arguments])[1]);
$run('show.php');
$run('--method=PUT', '--query', 'a=1&b=2', '--param', 'A=x=y', '--param=B=', '--env', 'TOKEN=secret', 'show.php');
$run('--data', 'a=1', 'show.php');
$run('--data', '@data.json', 'show.php');
$run('--data', '@data.json', '--param', 'CONTENT_TYPE=text/plain', '--method', 'PATCH', 'show.php');
echo tool(['run', '--data', '-', 'show.php', 'show.php'], 'from stdin')[1];
echo tool(['run', '--repeat', '2', '-j1', '--', '-odd.php', 'show.php'])[1];

// php-fpm is given the path that was given, links and all; only '..', which it refuses, is resolved.
symlink(place('where.php', '<?php echo basename($_SERVER["SCRIPT_FILENAME"]), " ", $_SERVER["SCRIPT_FILENAME"][0], "\n";'), 'link.php');
echo tool(['run', scratch() . '/link.php', 'link.php', './link.php', '../' . basename(scratch()) . '/link.php'])[1];

// A file above 1 MiB is read piece by piece, again for each request.
$big = str_repeat('0123456789abcdef', 200_000);
place('big', $big);
place('hash.php', '<?php echo md5_file("php://input"), "\n";');
[$code, $out] = tool(['run', '--ini', 'post_max_size=16M', '--data=@big', 'hash.php', 'hash.php', 'hash.php']);
echo $out === str_repeat(md5($big) . "\n", 3) ? 'same' : $out, " $code\n";
?>
--EXPECT--
GET  -  - - 99M 
PUT a=1&b=2 -  x=y  99M secret
POST  application/x-www-form-urlencoded a=1 - - 99M 
POST  application/json {"a":1} - - 99M 
PATCH  text/plain {"a":1} - - 99M 
POST  application/x-www-form-urlencoded from stdin - - 128M 
POST  application/x-www-form-urlencoded from stdin - - 128M 
odd
GET  -  - - 128M 
odd
GET  -  - - 128M 
link.php /
link.php /
link.php /
where.php /
same 0
