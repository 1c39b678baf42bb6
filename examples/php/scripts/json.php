<?php
// Headers, the status included, are the script's to choose.
header('Content-Type: application/json');
http_response_code(201);
echo json_encode(['sapi' => PHP_SAPI, 'method' => $_SERVER['REQUEST_METHOD'], 'query' => (object) $_GET]), "\n";
