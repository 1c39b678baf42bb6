<?php
for ($i = 0; $i < (int) $_GET['kib']; $i++) {
    echo str_repeat(chr(97 + $i % 26), 1024);
}
