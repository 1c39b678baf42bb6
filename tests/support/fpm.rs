use super::{HANG, TempDir};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

/// What a private php-fpm is started with.
pub struct FpmBuilder {
    pool: String,
    global: String,
    tcp: bool,
    path: Option<String>,
    workers: u32,
}

impl FpmBuilder {
    /// Adds a line to the pool's section.
    pub fn pool(mut self, line: &str) -> Self {
        self.pool.push_str(line);
        self.pool.push('\n');
        self
    }

    /// Adds a line to the global section.
    pub fn global(mut self, line: &str) -> Self {
        self.global.push_str(line);
        self.global.push('\n');
        self
    }

    /// Listens on a TCP port instead of a unix socket.
    pub fn tcp(mut self) -> Self {
        self.tcp = true;
        self
    }

    /// Listens on a unix socket with this path instead of one in its own folder.
    pub fn listen(mut self, path: String) -> Self {
        self.path = Some(path);
        self
    }

    /// Worker processes; 2 unless set.
    pub fn workers(mut self, workers: u32) -> Self {
        self.workers = workers;
        self
    }

    pub fn start(self) -> Fpm {
        let dir = TempDir::new();
        let (listen, address) = if self.tcp {
            // Taken and given back: php-fpm cannot tell which port it got.
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            (format!("127.0.0.1:{port}"), format!("tcp://127.0.0.1:{port}"))
        } else {
            let path = self.path.unwrap_or_else(|| dir.join("fpm.sock"));
            (path.clone(), format!("unix:{path}"))
        };
        let conf = format!(
            "[global]\nerror_log = /proc/self/fd/2\nlog_level = notice\n{}\n[www]\nlisten = {listen}\nuser = {}\n\
             group = {}\npm = static\npm.max_children = {}\ncatch_workers_output = no\n{}",
            self.global,
            user(),
            group(),
            self.workers,
            self.pool
        );
        std::fs::write(dir.join("fpm.conf"), conf).unwrap();
        let mut command = Command::new(binary());
        command.args(["-n", "-R", "-F", "-y", &dir.join("fpm.conf")]);
        command.current_dir(dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // SAFETY: prctl is async-signal-safe. A test that is killed takes its php-fpm with it.
        unsafe {
            command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            })
        };
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let mut line = String::new();
        while !line.contains("ready to handle connections") {
            line.clear();
            let n = stderr.read_line(&mut line).unwrap();
            log.lock().unwrap().push_str(&line);
            if n == 0 {
                let _ = child.wait();
                panic!("php-fpm did not start: {}", log.lock().unwrap());
            }
        }
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for line in stderr.lines() {
                    let Ok(line) = line else { break };
                    let mut log = log.lock().unwrap();
                    log.push_str(&line);
                    log.push('\n');
                }
            }
        });
        Fpm { child, log, reader: Some(reader), address, dir }
    }
}

/// A private php-fpm; killed, and its folder removed, when dropped.
pub struct Fpm {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    /// For a client.
    pub address: String,
    pub dir: TempDir,
}

impl Fpm {
    /// Two workers on a unix socket.
    pub fn start() -> Fpm {
        Fpm::builder().start()
    }

    pub fn builder() -> FpmBuilder {
        FpmBuilder { pool: String::new(), global: String::new(), tcp: false, path: None, workers: 2 }
    }

    /// Writes a script (without its opening tag) and returns its path.
    pub fn script(&self, name: &str, code: &str) -> String {
        let path = self.dir.join(name);
        std::fs::write(&path, format!("<?php\n{code}")).unwrap();
        path
    }

    /// A file for scripts to leave traces in; they find it as `$_SERVER['TRACE']`.
    pub fn trace(&self) -> String {
        self.dir.join("trace")
    }

    /// The lines that scripts have appended to the trace.
    pub fn traces(&self) -> Vec<String> {
        std::fs::read_to_string(self.trace()).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: a signal to the child that this fixture started.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it has logged `words` that many times.
    #[track_caller]
    pub fn await_log(&self, words: &str, times: usize) {
        let start = Instant::now();
        while self.log().matches(words).count() < times {
            assert!(start.elapsed() < HANG, "php-fpm never logged {words:?}: {}", self.log());
            std::thread::yield_now();
        }
    }
}

impl Drop for Fpm {
    fn drop(&mut self) {
        // SIGTERM has the master kill its workers; they would outlive a SIGKILL.
        // SAFETY: a signal to the child that this fixture started and has not waited for.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn binary() -> String {
    if let Ok(binary) = std::env::var("TOWLINE_PHP_FPM") {
        return binary;
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let folders: Vec<_> = path.split(':').chain(["/usr/sbin", "/usr/local/sbin"]).collect();
    for name in ["php-fpm", "php-fpm8.5", "php-fpm8.4", "php-fpm8.3", "php-fpm8.2", "php-fpm8.1"] {
        for folder in &folders {
            let path = format!("{folder}/{name}");
            if std::fs::metadata(&path).is_ok_and(|meta| meta.is_file()) {
                return path;
            }
        }
    }
    panic!("php-fpm is missing: install it (Debian: apt-get install php-fpm) or name it in TOWLINE_PHP_FPM");
}

fn user() -> String {
    name_of("-un")
}

fn group() -> String {
    name_of("-gn")
}

fn name_of(option: &str) -> String {
    let output = Command::new("id").arg(option).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
