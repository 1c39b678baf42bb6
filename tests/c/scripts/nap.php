<?php
usleep(50_000);
echo 'rested';
