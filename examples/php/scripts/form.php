<?php
// A form sent with POST is in $_POST; any other body is read from php://input.
// towline run --data 'name=Ada&town=London' examples/php/scripts/form.php
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    echo "No form was sent.\n";
    return;
}
foreach ($_POST as $field => $value) {
    echo "$field: $value\n";
}
echo strlen(file_get_contents('php://input')), " bytes of type {$_SERVER['CONTENT_TYPE']}\n";
