//! php-fpm's configuration file: what may stand in it, and how it is quoted.

use super::{FpmError, FpmOptions};
use std::fmt::Write;
use std::path::Path;

/// The name of php-fpm's log in the private folder.
pub(super) const LOG: &str = "fpm.log";
/// Values of `env[...]` go through the master's environment under names that begin so: php-fpm takes
/// `env[A] = $B` from there, untouched, whereas a value written out that begins with `$` would be looked up.
const ENV_PREFIX: &str = "TOWLINE_FPM_ENV_";

/// Names and values that php-fpm would read differently from how they were meant are refused.
pub(super) fn check(options: &FpmOptions) -> Result<(), FpmError> {
    for (name, value) in &options.ini {
        name_is_good("ini setting", name, |b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))?;
        value_is_good("ini setting", name, value)?;
        if value.contains("$pool") {
            return Err(FpmError(format!("ini setting {name:?} holds \"$pool\", which php-fpm would replace")));
        }
    }
    for (name, value) in &options.env {
        name_is_good("environment variable", name, |b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))?;
        value_is_good("environment variable", name, value)?;
    }
    Ok(())
}

fn name_is_good(what: &str, name: &str, allowed: impl Fn(u8) -> bool) -> Result<(), FpmError> {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if first && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(FpmError(format!(
        "{name:?} is no name of an {what}; expected letters, digits, '_', '.' and '-', a letter or '_' first"
    )))
}

fn value_is_good(what: &str, name: &str, value: &str) -> Result<(), FpmError> {
    match value.chars().find(|c| c.is_ascii_control()) {
        None => Ok(()),
        Some(found) => Err(FpmError(format!(
            "the value of {what} {name:?} holds the control character {found:?}; expected one line of text"
        ))),
    }
}

/// What the master's environment must hold for [`text`]'s `env[...]` lines.
pub(super) fn environment(options: &FpmOptions) -> Vec<(String, &str)> {
    options.env.values().enumerate().map(|(n, value)| (format!("{ENV_PREFIX}{n}"), value.as_str())).collect()
}

/// The whole file.
pub(super) fn text(options: &FpmOptions, folder: &Path, root: bool) -> Result<String, FpmError> {
    let folder = folder.to_str().ok_or_else(|| FpmError("the private folder's path is not UTF-8".into()))?;
    let log = quote(&format!("{folder}/{LOG}"));
    let socket = quote(&format!("{folder}/fpm.sock"));
    let mut text = format!(
        "[global]\nerror_log = {log}\ndaemonize = no\n\n[towline]\nlisten = {socket}\nlisten.mode = 0600\n\
         pm = static\npm.max_children = {}\npm.status_path = /status\nping.path = /ping\nclear_env = yes\n\
         catch_workers_output = yes\n",
        options.workers
    );
    if root {
        // php-fpm refuses to stay root unless told so here and with -R.
        text.push_str("user = 0\ngroup = 0\n");
    }
    for (name, value) in &options.ini {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "php_admin_value[{name}] = {}", quote(value));
    }
    for (n, name) in options.env.keys().enumerate() {
        let _ = writeln!(text, "env[{name}] = ${ENV_PREFIX}{n}");
    }
    Ok(text)
}

/// A value in the language of php's ini files: nothing is special inside '...' but its end, and pieces are joined.
fn quote(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    for (n, piece) in value.split('\'').enumerate() {
        if n > 0 {
            quoted.push_str("\"'\"");
        }
        // An empty '' would be read as no value at all.
        if !piece.is_empty() {
            quoted.push('\'');
            quoted.push_str(piece);
            quoted.push('\'');
        }
    }
    if quoted.is_empty() {
        quoted.push_str("\"\"");
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn quotes_become_pieces() {
        assert_eq!(quote(""), "\"\"");
        assert_eq!(quote("a;b"), "'a;b'");
        assert_eq!(quote("it's"), "'it'\"'\"'s'");
        assert_eq!(quote("'"), "\"'\"");
        assert_eq!(quote("''x"), "\"'\"\"'\"'x'");
    }
}
