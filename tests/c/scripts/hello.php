<?php
header('X-One: 1');
header('X-Many: a', false);
header('X-Many: b', false);
echo 'hello ', $_SERVER['QUERY_STRING'];
