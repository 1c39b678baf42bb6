<?php

echo "Hello, ", $_GET["name"] ?? "world", "\n";
