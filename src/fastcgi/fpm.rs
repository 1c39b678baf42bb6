//! A private php-fpm that ends with its owner.
//!
//! Two processes are started, both in one process group of their own, so that a terminal's Ctrl-C reaches the
//! owner first: php-fpm's master, which leads the group, and a watcher that waits for the end of a pipe whose other
//! end only the owner holds. However the owner ends, the kernel closes that end; the watcher then ends the group
//! and removes the folder. The group's id stays taken while the watcher lives, so no signal can hit a stranger.

mod binary;
mod config;
mod ping;
mod process;

use process::Processes;
use std::collections::BTreeMap;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The most workers that may be asked for.
const MAX_WORKERS: u32 = 10_000;
/// The longest start timeout that may be asked for.
const MAX_START: Duration = Duration::from_secs(3600);
/// How long php-fpm may take to end before it is killed.
const STOP: Duration = Duration::from_secs(5);

/// How a private php-fpm is started. Make one with [`FpmOptions::default`] and change what matters.
#[derive(Debug, Clone)]
pub struct FpmOptions {
    /// Worker processes (`pm = static`), 1 to 10,000. Default 4.
    pub workers: u32,
    /// `php_admin_value` settings: scripts cannot change them. Names such as `memory_limit`; values in one line.
    pub ini: BTreeMap<String, String>,
    /// Environment of the scripts. Nothing else of the owner's environment reaches them (php-fpm's `clear_env`).
    pub env: BTreeMap<String, String>,
    /// The php-fpm binary, a path or a name to look for; `None`: `TOWLINE_PHP_FPM`, else `php-fpm` or the newest
    /// `php-fpmX.Y` in `PATH` and the `sbin` folders.
    pub binary: Option<PathBuf>,
    /// PHP's version (major, minor) that a binary looked for should have, if there is one. Default none.
    pub version_hint: Option<(u8, u8)>,
    /// How long it may take until it answers; above zero, at most an hour. Default 10 s.
    pub start_timeout: Duration,
}

impl Default for FpmOptions {
    fn default() -> Self {
        FpmOptions {
            workers: 4,
            ini: BTreeMap::new(),
            env: BTreeMap::new(),
            binary: None,
            version_hint: None,
            start_timeout: Duration::from_secs(10),
        }
    }
}

impl FpmOptions {
    /// Tells what cannot be used; [`Fpm::start`] asks it first.
    ///
    /// # Errors
    /// [`FpmError`] naming the option and what is expected.
    pub fn check(&self) -> Result<(), FpmError> {
        if self.workers == 0 || self.workers > MAX_WORKERS {
            return Err(FpmError(format!("{} workers cannot be had; expected 1 to {MAX_WORKERS}", self.workers)));
        }
        if self.start_timeout.is_zero() || self.start_timeout > MAX_START {
            return Err(FpmError(format!(
                "a start timeout of {} s cannot be used; expected more than 0 and at most {} s",
                self.start_timeout.as_secs_f64(),
                MAX_START.as_secs()
            )));
        }
        config::check(self)
    }
}

/// Why a private php-fpm did not start.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct FpmError(pub String);

/// A running private php-fpm.
///
/// It ends with this value, and with the process: also when that is killed. Only a process forked from the owner
/// can prolong its life (it holds the pipe too), and on Linux not even that when it was started by the main thread.
#[derive(Debug)]
pub struct Fpm {
    address: String,
    folder: PathBuf,
    processes: Processes,
}

impl Fpm {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// [`FpmError`] naming the option that cannot be used, what to install, or with php-fpm's own words.
    pub fn start(options: &FpmOptions) -> Result<Fpm, FpmError> {
        options.check()?;
        let binary = binary::find(options.binary.as_deref(), options.version_hint)?;
        let deadline = Instant::now() + options.start_timeout;
        let folder = Folder::create()?;
        let socket = folder.path.join("fpm.sock");
        let conf = folder.path.join("fpm.conf");
        let text = config::text(options, &folder.path, process::is_root())?;
        std::fs::write(&conf, text).map_err(|error| io(&conf, &error))?;
        let processes = Processes::start(&binary, &folder.path, &conf, &config::environment(options))?;
        // From here on dropping `fpm` ends the processes and removes the folder.
        let mut fpm = Fpm { address: format!("unix:{}", socket.display()), folder: folder.keep(), processes };
        match fpm.wait(&socket, deadline) {
            Ok(()) => Ok(fpm),
            Err(why) => {
                fpm.processes.end(Duration::from_millis(500));
                let words = words(&fpm.folder);
                let _ = std::fs::remove_dir_all(&fpm.folder);
                Err(FpmError(format!("{} {why}: {words}", binary.display())))
            }
        }
    }

    /// `unix:` and the path of its socket.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The master's process id.
    pub fn pid(&self) -> u32 {
        self.processes.master()
    }

    /// The private folder (0700): socket, configuration and log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends it, with whatever its scripts have started, and removes its folder; waits until it is gone. Dropping
    /// does the same; in a forked child both do nothing.
    pub fn stop(&mut self) {
        if self.processes.end(STOP) {
            // What cannot be removed here is beyond repair too: nobody is left to be told.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    fn wait(&mut self, socket: &Path, deadline: Instant) -> Result<(), String> {
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(how) = self.processes.master_ended() {
                return Err(format!("{how} before it answered"));
            }
            if ping::answers(socket, deadline) {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err("did not answer within the start timeout".into());
            }
            // Nothing tells of a socket that begins to exist but looking again.
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}

impl Drop for Fpm {
    fn drop(&mut self) {
        self.stop();
    }
}

fn io(path: &Path, error: &std::io::Error) -> FpmError {
    FpmError(format!("{}: {error}", path.display()))
}

/// What php-fpm said, without its notices if there is more than those.
fn words(folder: &Path) -> String {
    let mut said = String::new();
    for name in [process::OUTPUT, config::LOG] {
        let bytes = std::fs::read(folder.join(name)).unwrap_or_default();
        said.push_str(&String::from_utf8_lossy(&bytes));
        said.push('\n');
    }
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let telling: Vec<&str> = lines.iter().copied().filter(|line| !line.contains("NOTICE:")).collect();
    let chosen = if telling.is_empty() { lines } else { telling };
    // The log repeats what went to the terminal, with a time in front.
    let mut once: Vec<&str> = Vec::new();
    for line in chosen {
        let line = if line.starts_with('[') { line.split_once("] ").map_or(line, |(_, rest)| rest) } else { line };
        if !once.contains(&line) {
            once.push(line);
        }
    }
    if once.is_empty() {
        return "it said nothing".into();
    }
    once.truncate(20);
    once.join("; ")
}

/// A folder that is removed unless kept.
struct Folder {
    path: PathBuf,
    kept: bool,
}

impl Folder {
    fn create() -> Result<Folder, FpmError> {
        let base = base();
        let mut last = None;
        for attempt in 0..16_u8 {
            let path = base.join(format!("{}{:016x}", process::PREFIX, random(attempt)));
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    let folder = Folder { path, kept: false };
                    // An odd umask may have taken away more.
                    std::fs::set_permissions(&folder.path, std::fs::Permissions::from_mode(0o700))
                        .map_err(|error| io(&folder.path, &error))?;
                    return Ok(folder);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => last = Some(io(&path, &error)),
                Err(error) => {
                    return Err(FpmError(format!("cannot make a private folder in {}: {error}", base.display())));
                }
            }
        }
        Err(last.unwrap_or_else(|| FpmError("cannot make a private folder".into())))
    }

    fn keep(mut self) -> PathBuf {
        self.kept = true;
        std::mem::take(&mut self.path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// The longest folder for temporary files that leaves room for the socket's name: its path may have 107 bytes.
const MAX_BASE: usize = 60;

/// `TMPDIR` when its path is short and plain enough for a socket's address, else `/tmp`.
fn base() -> PathBuf {
    let chosen = std::env::temp_dir();
    let plain = chosen.is_absolute()
        && chosen.to_str().is_some_and(|text| {
            text.len() <= MAX_BASE && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(&b))
        });
    if plain { chosen } else { PathBuf::from("/tmp") }
}

/// Not to be guessed in practice; safety rests on the folder being new and private.
fn random(attempt: u8) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one((std::process::id(), attempt, Instant::now()))
}
