//! The FastCGI client against a real php-fpm.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod bodies;
mod lifecycle;
mod management;
mod params;
mod workers;

use towline::fastcgi::Request;

/// POST (or PUT) of a body of this length.
fn upload(method: &str, script: &str, length: usize) -> Request {
    Request::builder(script)
        .method(method)
        .content_type("application/octet-stream")
        .content_length(length as u64)
        .build()
        .unwrap()
}

/// PHP that waits for a file of this name beside the script, so that a test can hold it.
const WAIT: &str = r#"
function wait(string $name): void {
    for ($n = 0; !file_exists(__DIR__ . "/$name"); $n++) {
        if ($n > 20000) { exit(1); }
        usleep(1000);
        clearstatcache();
    }
}
function trace(string $line): void {
    file_put_contents(__DIR__ . '/trace', "$line\n", FILE_APPEND | LOCK_EX);
}
"#;
