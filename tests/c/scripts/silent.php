<?php
// Says nothing for longer than any test waits.
usleep(30_000_000);
echo 'late';
