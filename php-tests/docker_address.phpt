--TEST--
Where the Engine is: DOCKER_HOST, tcp, TLS with and without the right certificates
--FILE--
<?php
use Towline\Docker\Client;
require __DIR__ . '/docker.php';

/** With other environment variables than these unset. */
function with(array $environment, Closure $call): mixed
{
    foreach (['DOCKER_HOST', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'] as $name) {
        putenv(isset($environment[$name]) ? "$name=$environment[$name]" : $name);
    }
    return $call();
}

function answers(Client $client): string
{
    try {
        return isset($client->version()->await()['Version']) ? 'answers' : 'odd';
    } catch (Towline\Exception $e) {
        return get_class($e) . ': ' . preg_replace('#(https|tcp)://127.0.0.1:\d+#', 'ADDRESS', $e->getMessage());
    }
}

$docker = Engine::get('docker');
$tls = Engine::get('tls');
$certs = "$tls->folder/certs";
$tcp = $tls->settings['ENGINE_TCP'];
$https = str_replace('tcp:', 'https:', $tcp);

echo 'DOCKER_HOST: ', with(['DOCKER_HOST' => $docker->address], fn () => answers(new Client())), "\n";
echo 'tcp: ', with(['DOCKER_HOST' => $docker->settings['ENGINE_TCP']], fn () => answers(new Client())), "\n";
echo 'an address comes first: ', with(['DOCKER_HOST' => '/nonexistent'], fn () => answers(new Client($docker->address))), "\n";
echo 'DOCKER_TLS_VERIFY: ', with(['DOCKER_HOST' => $tcp, 'DOCKER_TLS_VERIFY' => '1', 'DOCKER_CERT_PATH' => "$certs/client"], fn () => answers(new Client())), "\n";
attempt(fn () => with(['DOCKER_HOST' => 'ftp://x'], fn () => new Client()));
attempt(fn () => with(['DOCKER_HOST' => 'tcp://127.0.0.1:1', 'DOCKER_TLS_VERIFY' => '1', 'DOCKER_CERT_PATH' => '/nonexistent'], fn () => new Client()));
$files = ['caFile' => "$certs/client/ca.pem", 'certFile' => "$certs/client/cert.pem", 'keyFile' => "$certs/client/key.pem"];
echo 'files: ', answers(new Client($https, ...$files)), "\n";
echo 'tcp with files: ', answers(new Client($tcp, ...$files)), "\n";
$strange = ['certFile' => "$certs/stranger/cert.pem", 'keyFile' => "$certs/stranger/key.pem"];
echo 'a stranger: ', preg_match('/certificate|Certificate|BadCertificate|UnknownCA/', answers(new Client($https, ...[...$files, ...$strange]))) ? 'refused' : 'odd', "\n";
echo 'wrong authority: ', answers(new Client($https, ...[...$files, 'caFile' => "$certs/stranger/ca.pem"])), "\n";
echo 'TLS wanted, plain given: ', answers(new Client(str_replace('tcp:', 'https:', $docker->settings['ENGINE_TCP']))), "\n";
echo 'plain wanted, TLS given: ', answers(new Client($tcp)), "\n";

// All of a stream's life over TLS.
$secure = new Client($https, ...$files);
$web = $tls->container();
$output = '';
$exec = $secure->exec($web, ['sh', '-c', 'cat; echo end; exit 3'], stdin: true)->onOutput(function (string $bytes) use (&$output) { $output .= $bytes; });
$exec->write($sent = str_repeat("0123456789abcdef", 65536));
$exec->closeStdin();
echo $exec->await(), ' ', $output === "{$sent}end\n" ? 'all' : strlen($output), ' ', $secure->run($web, ['cat'], 'in')->await()->stdout, "\n";
$exec = $secure->exec($web, ['sleep', '1000'], tty: true);
$exec->kill()->await();
echo $exec->await(), "\n";

// open_basedir holds for the files.
ini_set('open_basedir', sys_get_temp_dir() . '/nowhere');
attempt(fn () => @new Client($https, caFile: '/etc/ssl/certs/ca-certificates.crt'));
?>
--EXPECT--
DOCKER_HOST: answers
tcp: answers
an address comes first: answers
DOCKER_TLS_VERIFY: answers
ValueError: "ftp://x" is no address of an Engine: the scheme "ftp" is not known; expected unix:///path, /path, tcp://host:port or https://host:port
ValueError: TLS for tcp://127.0.0.1:1: cannot read /nonexistent/ca.pem: No such file or directory (os error 2)
files: answers
tcp with files: answers
a stranger: refused
wrong authority: Towline\ConnectException: cannot connect to ADDRESS: TLS: invalid peer certificate: UnknownIssuer (the server's certificate was signed by another authority than those that are trusted here; a CA file names others)
TLS wanted, plain given: Towline\ConnectException: cannot connect to ADDRESS: TLS: received corrupt message of type InvalidContentType (the server does not speak TLS there; is it a plain HTTP port?)
plain wanted, TLS given: Towline\ConnectException: cannot connect to ADDRESS: it wants TLS (give a CA file, or an https:// address)
3 all in
143
ValueError: Towline\Docker\Client::__construct(): Argument #3 ($caFile) must be the path of a file that open_basedir allows
