<?php
// Parameters come as in a web server: the query string in $_GET, CGI variables in $_SERVER.
// towline run --query name=Ada --param GREETING=Hello examples/php/scripts/hello.php
$greeting = $_SERVER['GREETING'] ?? 'Good day';
$name = $_GET['name'] ?? 'world';
echo "$greeting, $name!\n";
