<?php
$in = fopen('php://input', 'rb');
while (($piece = fread($in, 8192)) !== '' && $piece !== false) {
    echo $piece;
}
