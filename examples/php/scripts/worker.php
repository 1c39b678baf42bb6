<?php
// Workers stay: run it with --repeat 20 and see the same few process ids again and again.
printf("Worker %d, %.1f MiB at most.\n", getmypid(), memory_get_peak_usage(true) / 2 ** 20);
