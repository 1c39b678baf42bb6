<?php
// Says nothing for longer than any test waits; ends early when asked to by the query.
usleep(1000 * (int) ($_GET['ms'] ?? 30000));
echo 'late';
