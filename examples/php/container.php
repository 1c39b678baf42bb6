<?php
/**
 * Makes a container out of a tar of its files, and removes it with its image: calls of the Engine API that have no
 * method of their own. DOCKER_HOST says where the Engine is.
 *
 *   tar -C FOLDER -c . | php container.php create NAME
 *   php container.php remove NAME
 */
declare(strict_types=1);

use Towline\Docker\{ApiException, Client};

[, $action, $name] = $argv + [1 => '', ''];
$docker = new Client();

/** One call; what the Engine answers, decoded. */
$call = static function (string $method, string $path, mixed $body = null, array $query = [], array $headers = []) use ($docker): mixed {
    $answer = $docker->request($method, $path, $body, $query, $headers)->await();
    return json_decode($answer['body'], true);
};

if ($action === 'create' && $name !== '') {
    $files = stream_get_contents(STDIN);
    $call('POST', '/images/create', $files, ['fromSrc' => '-', 'repo' => $name], ['Content-Type' => 'application/x-tar']);
    $call('POST', '/containers/create', [
        'Image' => $name,
        'Cmd' => ['/bin/sleep', '3600'],
        'StopSignal' => 'SIGKILL',
        'HostConfig' => ['NetworkMode' => 'none'],
    ], ['name' => $name]);
    $call('POST', "/containers/$name/start");
} elseif ($action === 'remove' && $name !== '') {
    foreach (["/containers/$name", "/images/$name"] as $path) {
        try {
            $call('DELETE', $path, null, ['force' => '1']);
        } catch (ApiException $error) {
            // It may never have been made.
            $error->getStatus() === 404 || throw $error;
        }
    }
} else {
    fwrite(STDERR, "usage: container.php create|remove NAME\n");
    exit(2);
}
