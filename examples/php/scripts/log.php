<?php
// error_log() and uncaught errors go to the request's own error stream, apart from the answer.
error_log('this line is for whoever looks after the script');
echo "This line is for whoever asked.\n";
