<?php
// Tells what arrived: method, type, length and digest of the body, a param and a header.
$body = file_get_contents('php://input');
echo json_encode([
    'method' => $_SERVER['REQUEST_METHOD'],
    'type' => $_SERVER['CONTENT_TYPE'] ?? '',
    'length' => strlen($body),
    'sum' => crc32($body),
    'param' => bin2hex($_SERVER['TOWLINE_PARAM'] ?? ''),
    'header' => $_SERVER['HTTP_X_TEST'] ?? '',
]);
