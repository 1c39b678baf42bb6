<?php
// A script that takes its time and says so: flush() sends what there is, and the caller gets it at once.
while (ob_get_level() > 0) {
    ob_end_flush();
}
foreach (['one', 'two', 'three'] as $step) {
    echo "step $step\n";
    flush();
    usleep(100_000);
}
