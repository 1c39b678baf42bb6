//! A private php-fpm that ends with its owner.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a private php-fpm is started.
#[derive(Debug, Clone)]
pub struct FpmOptions {
    /// Worker processes (`pm = static`). Default 4.
    pub workers: u32,
    /// `php_admin_value` settings.
    pub ini: BTreeMap<String, String>,
    /// Environment of the scripts.
    pub env: BTreeMap<String, String>,
    /// The php-fpm binary; `None`: looked for.
    pub binary: Option<PathBuf>,
    /// How long it may take until it answers. Default 10 s.
    pub start_timeout: Duration,
}

/// Why a private php-fpm did not start.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct FpmError(pub String);

/// A running private php-fpm.
#[derive(Debug)]
pub struct Fpm {}

impl Fpm {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// [`FpmError`] with php-fpm's own words.
    pub fn start(options: &FpmOptions) -> Result<Fpm, FpmError> {
        let _ = options;
        Err(FpmError("not built yet".into()))
    }

    /// `unix:` and the path of its socket.
    pub fn address(&self) -> &str {
        ""
    }

    /// The master's process id.
    pub fn pid(&self) -> u32 {
        0
    }

    /// The private folder (0700).
    pub fn folder(&self) -> &Path {
        Path::new("")
    }

    /// Ends it and removes its folder; waits until it is gone. Dropping does the same, except in a forked child.
    pub fn stop(&mut self) {}
}
