<?php
// Begins to answer, then says nothing more for longer than any test waits.
while (ob_get_level() > 0) {
    ob_end_flush();
}
echo 'begun';
flush();
usleep(30_000_000);
