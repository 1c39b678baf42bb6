<?php
// Writes until nobody reads any more.
ignore_user_abort(false);
while (ob_get_level() > 0) {
    ob_end_flush();
}
for ($i = 0; $i < 6000; $i++) {
    echo "drip\n";
    flush();
    usleep(10000);
}
