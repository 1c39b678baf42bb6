<?php
// Workers stay: what a script needs is compiled and loaded once, not once per run.
printf("Worker %s, %.1f MiB at most.\n", getmypid() > 0 ? 'is warm' : 'is lost', memory_get_peak_usage(true) / 2 ** 20);
