--TEST--
What goes wrong with containers and Engines, as exceptions
--FILE--
<?php
use Towline\Docker\{ApiException, Client};
require __DIR__ . '/docker.php';

function shown(Closure $call): void
{
    try {
        $call();
        echo "nothing was thrown\n";
    } catch (ApiException $thrown) {
        // Versions of the Engine differ in capitals and numbers.
        echo $thrown->getStatus(), ' ', preg_replace('/version is [\d.]+/', 'version is N', strtolower(words($thrown->getMessage()))), "\n";
    } catch (Towline\Exception $thrown) {
        echo get_class($thrown), ': ', words(preg_replace('#/\S*\.sock|127.0.0.1:\d+#', 'ADDRESS', $thrown->getMessage())), "\n";
    }
}

foreach (engines() as $engine) {
    echo "$engine->kind:\n";
    $docker = $engine->client();
    $stopped = $engine->created();
    $paused = $engine->container();
    $engine->post("/containers/$paused/pause");
    foreach (['none' => 'nonexistent', 'stopped' => $stopped, 'paused' => $paused] as $container) {
        shown(fn () => $docker->exec($container, ['true'])->await());
        shown(fn () => $docker->run($container, ['true'])->await());
    }
    shown(fn () => $docker->attach('nonexistent')->await());
    shown(fn () => $docker->logs('nonexistent', fn () => 1)->await());
    shown(fn () => $docker->inspect('nonexistent')->await());
    shown(fn () => $docker->request('GET', '/nonsense')->await());
    $engine->post("/containers/$paused/unpause");

    // Such an exec was never created, and tells so again to whoever asks.
    $exec = $docker->exec('nonexistent', ['true']);
    $exec->onError(fn (ApiException $e) => print("onError {$e->getStatus()}\n"))->onExit(fn () => print("never\n"));
    $docker->loop->run();
    $exec->onError(fn (ApiException $e) => print("again {$e->getStatus()}\n"));
    $docker->loop->run();
    shown(fn () => $exec->await());
    attempt(fn () => $exec->write('x'));
    attempt(fn () => $exec->kill());
    attempt(fn () => $exec->inspect());
    $exec->closeStdin();
    $exec->resize(1, 1);
    $exec->pause();
    $exec->resume();
    $exec->close();
    var_dump($exec->id, $exec->isDone());
}

echo "no Engine:\n";
shown(fn () => (new Client('/nonexistent/engine.sock'))->version()->await());
[$path, $listener] = listener();
fclose($listener);
shown(fn () => (new Client($path))->exec('x', ['true'])->await());
[$path, $listener] = listener();
$client = new Client($path, timeout: 0.1);
shown(fn () => $client->version()->await());
[$path, $listener] = listener();
$greeter = new Client($path);
$version = $greeter->version();
$greeter->loop->tick();
$peer = stream_socket_accept($listener);
fwrite($peer, "220 mail.example ESMTP\r\n");
shown(fn () => $version->await());
shown(fn () => Engine::get('docker')->client(apiVersion: '1.11')->version()->await());
shown(fn () => Engine::get('docker')->client(apiVersion: '1.99')->version()->await());
$plain = Engine::get('docker')->settings['ENGINE_TCP'];
shown(fn () => (new Client(str_replace('tcp:', 'https:', $plain)))->version()->await());
shown(fn () => (new Client(Engine::get('docker')->settings['ENGINE_TCP'], maxResponse: 10))->version()->await());
?>
--EXPECT--
docker:
404 no such container: nonexistent
404 no such container: nonexistent
409 container id is not running
409 container id is not running
409 container container1 is paused, unpause the container before exec
409 container container1 is paused, unpause the container before exec
404 no such container: nonexistent
404 no such container: nonexistent
404 no such container: nonexistent
404 page not found
onError 404
again 404
404 no such container: nonexistent
Error: this stream has ended: nothing can be written to it
Error: this stream has ended: its process cannot be found any more
Error: this exec was never started: there is nothing to inspect
string(0) ""
bool(true)
podman:
404 no container with name or id "nonexistent" found: no such container
404 no container with name or id "nonexistent" found: no such container
500 can only create exec sessions on running containers: container state improper
500 can only create exec sessions on running containers: container state improper
409 cannot create exec session as container id is paused
409 cannot create exec session as container id is paused
404 no container with name or id "nonexistent" found: no such container
404 no container with name or id "nonexistent" found: no such container
404 no container with name or id "nonexistent" found: no such container
404 not found
onError 404
again 404
404 no container with name or id "nonexistent" found: no such container
Error: this stream has ended: nothing can be written to it
Error: this stream has ended: its process cannot be found any more
Error: this exec was never started: there is nothing to inspect
string(0) ""
bool(true)
no Engine:
Towline\ConnectException: cannot connect to ADDRESS: No such file or directory (os error 2) (is the Docker daemon running, and is this its socket?)
Towline\ConnectException: cannot connect to ADDRESS: Connection refused (os error 111) (nothing listens there: is the Docker daemon running?)
Towline\TimeoutException: total deadline of 0.1 s passed (ADDRESS, which does not answer /_ping)
Towline\ProtocolException: not an HTTP server: its answer begins with "220 mai"; expected "HTTP/1."
400 client version 1.11 is too old. minimum supported api version is N, please upgrade your client to a newer version
400 client version 1.99 is too new. maximum supported api version is N
Towline\ConnectException: cannot connect to https://ADDRESS: TLS: received corrupt message of type InvalidContentType (the server does not speak TLS there; is it a plain HTTP port?)
Towline\ProtocolException: the answer is larger than the 10 bytes allowed (max_response)
