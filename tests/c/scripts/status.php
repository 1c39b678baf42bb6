<?php
http_response_code((int) $_GET['code']);
file_put_contents('php://stderr', "said on stderr\n");
error_log('logged');
echo 'status';
