//! The private php-fpm, against the real one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stdout, reason = "the helper process talks to its test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use towline::fastcgi::{Fpm, FpmOptions};

fn start(change: impl FnOnce(&mut FpmOptions)) -> Fpm {
    let mut options = FpmOptions { workers: 1, ..FpmOptions::default() };
    change(&mut options);
    Fpm::start(&options).expect("php-fpm must be installed (Debian: apt-get install php-fpm)")
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn refused(change: impl FnOnce(&mut FpmOptions)) -> String {
    let mut options = FpmOptions::default();
    change(&mut options);
    Fpm::start(&options).expect_err("must be refused").to_string()
}

/// Runs a script and returns its body. Written out here: this is a test of php-fpm's owner, not of the client.
fn run(fpm: &Fpm, script: &Path) -> String {
    let mut socket = UnixStream::connect(fpm.address().strip_prefix("unix:").unwrap()).unwrap();
    let record = |kind: u8, bytes: &[u8]| {
        let mut out = vec![1, kind, 0, 1, 0, u8::try_from(bytes.len()).unwrap(), 0, 0];
        out.extend_from_slice(bytes);
        out
    };
    let mut params = Vec::new();
    for (name, value) in [("REQUEST_METHOD", "GET"), ("SCRIPT_FILENAME", script.to_str().unwrap())] {
        params.extend([u8::try_from(name.len()).unwrap(), u8::try_from(value.len()).unwrap()]);
        params.extend_from_slice(name.as_bytes());
        params.extend_from_slice(value.as_bytes());
    }
    let bytes = [record(1, &[0, 1, 0, 0, 0, 0, 0, 0]), record(4, &params), record(4, &[]), record(5, &[])].concat();
    socket.write_all(&bytes).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    let (mut at, mut stdout) = (0, Vec::new());
    while at + 8 <= answer.len() {
        let (kind, length) = (answer[at + 1], usize::from(answer[at + 4]) << 8 | usize::from(answer[at + 5]));
        if kind == 6 {
            stdout.extend_from_slice(&answer[at + 8..at + 8 + length]);
        }
        at += 8 + length + usize::from(answer[at + 6]);
    }
    let text = String::from_utf8(stdout).unwrap();
    text.split_once("\r\n\r\n").unwrap().1.to_string()
}

/// A folder of this test's own, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("towline-test-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Written by another process: a descriptor open for writing that a fork of another test's thread holds for a
    /// moment would make it "text file busy".
    fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        let mut child = Command::new("/bin/sh")
            .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Command lines that name the folder: the master's and the watcher's.
fn alive(folder: &Path) -> Vec<String> {
    let name = folder.file_name().unwrap().to_str().unwrap();
    let lines = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let bytes = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    });
    lines.filter(|line| line.contains(name)).collect()
}

/// The workers' process ids: children of the master.
fn children(master: u32) -> Vec<u32> {
    let path = format!("/proc/{master}/task/{master}/children");
    std::fs::read_to_string(path).unwrap().split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// What follows the name in a process's stat line: state, parent, group...
fn stat(pid: u32) -> Vec<String> {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    line.rsplit(')').next().unwrap_or_default().split_whitespace().map(str::to_string).collect()
}

/// False for a zombie too: some containers have nobody who waits for orphans.
fn exists(pid: u32) -> bool {
    stat(pid).first().is_some_and(|state| state != "Z")
}

/// Waits for something that other processes do; nothing announces it here.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn kill(pid: u32) {
    // SAFETY: a system call with integer arguments; a process that this test or its helper started and still holds.
    assert_eq!(unsafe { libc::kill(i32::try_from(pid).unwrap(), libc::SIGKILL) }, 0);
}

#[test]
fn starts_answers_and_is_gone_after_stop() {
    let scratch = Scratch::new("start");
    let script = scratch.file("hello.php", "<?php echo 'hello from ', PHP_SAPI;");
    let mut fpm = start(|options| options.workers = 3);
    let (folder, master) = (fpm.folder().to_path_buf(), fpm.pid());

    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o7777, 0o700);
    assert!(fpm.address().len() < 100 + "unix:".len());
    assert_eq!(run(&fpm, &script), "hello from fpm-fcgi");
    let workers = children(master);
    assert_eq!(workers.len(), 3);

    fpm.stop();
    assert!(!folder.exists());
    assert!(!exists(master) && workers.iter().all(|pid| !exists(*pid)));
    assert_eq!(alive(&folder), Vec::<String>::new());
    fpm.stop();
}

#[test]
fn dropping_it_ends_it_with_what_scripts_started() {
    let scratch = Scratch::new("drop");
    let script = scratch.file("daemon.php", "<?php echo shell_exec('sleep 1000 >/dev/null 2>&1 & echo $!');");
    let fpm = start(|_| ());
    let (folder, master) = (fpm.folder().to_path_buf(), fpm.pid());
    let daemon: u32 = run(&fpm, &script).trim().parse().unwrap();
    assert!(exists(daemon));
    drop(fpm);
    assert!(!folder.exists() && !exists(master));
    until("the script's own child is gone", || !exists(daemon));
}

#[test]
fn values_reach_scripts_as_they_are() {
    let values = [
        "it's",
        "'",
        "''",
        "\"",
        "a\"b",
        ";no comment",
        "#no comment",
        "$HOME",
        "${HOME}",
        "a=b",
        "[x]",
        " spaces ",
        "a\\",
        "\\'",
        "\\n",
        "E_ALL & ~E_NOTICE",
        "on",
        "none",
        "!x|y^z",
        "h\u{e9}",
        "%d{1}",
        "'${HOME}'\"$HOME\"",
    ];
    let scratch = Scratch::new("values");
    let script = scratch.file("values.php", "<?php echo ini_get('user_agent'), '|', getenv('A_b.c-1'), '|';");
    for value in values {
        let fpm = start(|options| {
            options.ini = map(&[("user_agent", value)]);
            options.env = map(&[("A_b.c-1", value)]);
        });
        assert_eq!(run(&fpm, &script), format!("{value}|{value}|"));
    }
}

#[test]
fn an_empty_value_is_a_value_and_scripts_cannot_change_what_is_set() {
    let scratch = Scratch::new("empty");
    let script = scratch.file(
        "empty.php",
        "<?php ini_set('default_charset', 'x'); ini_set('memory_limit', '9M');
         echo json_encode([ini_get('default_charset'), ini_get('memory_limit'), getenv('EMPTY'), getenv('CARGO_PKG_NAME')]);",
    );
    let fpm = start(|options| {
        options.ini = map(&[("default_charset", ""), ("memory_limit", "77M")]);
        options.env = map(&[("EMPTY", "")]);
    });
    assert_eq!(run(&fpm, &script), r#"["","77M","",false]"#);
}

#[test]
fn bad_options_are_refused_by_name() {
    let says = |text: &str, words: &[&str]| {
        for word in words {
            assert!(text.contains(word), "{text:?} does not say {word:?}");
        }
    };
    says(&refused(|o| o.workers = 0), &["0 workers", "1 to 10000"]);
    says(&refused(|o| o.workers = 10_001), &["10001 workers"]);
    says(&refused(|o| o.start_timeout = Duration::ZERO), &["start timeout of 0 s"]);
    says(&refused(|o| o.start_timeout = Duration::MAX), &["start timeout", "3600"]);
    says(&refused(|o| o.ini = map(&[("user_agent", "a\nlisten = /tmp/x")])), &["\"user_agent\"", "'\\n'", "one line"]);
    says(&refused(|o| o.ini = map(&[("user_agent", "a\0b")])), &["\"user_agent\"", "'\\0'"]);
    says(&refused(|o| o.ini = map(&[("user_agent", "x$pool")])), &["\"user_agent\"", "$pool"]);
    says(&refused(|o| o.ini = map(&[("a] = b", "c")])), &["\"a] = b\"", "letters"]);
    says(&refused(|o| o.ini = map(&[("", "c")])), &["\"\"", "ini setting"]);
    says(&refused(|o| o.env = map(&[("1A", "c")])), &["\"1A\"", "environment variable"]);
    says(&refused(|o| o.env = map(&[("A=B", "c")])), &["\"A=B\""]);
    says(&refused(|o| o.env = map(&[("A", "c\rd")])), &["\"A\"", "'\\r'"]);
}

#[test]
fn a_binary_that_is_none_is_named() {
    let text = refused(|options| options.binary = Some("/nonexistent/php-fpm".into()));
    assert!(text.contains("/nonexistent/php-fpm") && text.contains("executable"), "{text}");
    let text = refused(|options| options.binary = Some("no-such-php-fpm".into()));
    assert!(text.contains("no-such-php-fpm"), "{text}");
    // Ends at once, without a word and without having answered.
    let text = refused(|options| options.binary = Some("true".into()));
    assert!(text.contains("ended with code 0") && text.contains("it said nothing"), "{text}");
}

#[test]
fn what_does_not_start_says_why_and_leaves_nothing() {
    let scratch = Scratch::new("broken");
    let script = scratch.program("fpm", "#!/bin/sh\necho \"ERROR: broken in $3\"\nexit 78\n");
    let text = refused(|options| options.binary = Some(script.clone()));
    assert!(text.contains("ended with code 78") && text.contains("ERROR: broken in "), "{text}");
    let conf = text.split("broken in ").nth(1).unwrap();
    assert!(conf.ends_with("fpm.conf") && !Path::new(conf).parent().unwrap().exists(), "{conf} is left");

    // Alive, but never an answer.
    let script = scratch.program("silent", "#!/bin/sh\necho $3 >&2\nexec sleep 1000\n");
    let text = refused(|options| {
        options.binary = Some(script.clone());
        options.start_timeout = Duration::from_secs(2);
    });
    assert!(text.contains("start timeout"), "{text}");
    let conf = text.split(": ").last().unwrap();
    assert!(conf.ends_with("fpm.conf") && !Path::new(conf).parent().unwrap().exists(), "{text}");
    until("the silent one is gone", || alive(Path::new(conf).parent().unwrap()).is_empty());
}

#[test]
fn the_words_of_php_fpm_itself_come_through() {
    let real = start(|_| ());
    let exe = std::fs::read_link(format!("/proc/{}/exe", real.pid())).unwrap();
    let scratch = Scratch::new("words");
    let spoil = "sed -i 's/^pm = static/pm = nonsense/' \"$3\"";
    let script = scratch.program("fpm", &format!("#!/bin/sh\n{spoil}\nexec {} \"$@\"\n", exe.display()));
    let text = refused(|options| options.binary = Some(script.clone()));
    assert!(text.contains("ERROR:") && text.contains("entry 'pm': invalid process manager"), "{text}");
}

#[test]
fn it_is_shielded_from_its_owner() {
    // A descriptor that, like many of PHP's own, would be inherited.
    let scratch = Scratch::new("shield");
    let path = scratch.file("inherited", "");
    let file = std::fs::File::open(&path).unwrap();
    // SAFETY: changes a flag of a descriptor that lives.
    assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, 0) }, 0);
    let fpm = start(|_| ());
    let group = &stat(fpm.pid())[2];
    for pid in std::iter::once(fpm.pid()).chain(children(fpm.pid())).chain([group.parse().unwrap()]) {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        assert!(status.contains("SigBlk:\t0000000000000000"), "{status}");
        for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten() {
            assert_ne!(std::fs::read_link(entry.path()).unwrap_or_default(), path);
        }
        assert_eq!(&stat(pid)[2], group);
        assert_ne!(group, &stat(std::process::id())[2]);
    }
}

#[test]
fn a_forked_child_leaves_it_alone() {
    let mut fpm = start(|_| ());
    // SAFETY: the child makes no call but getpid, close and _exit, and frees what it had.
    let child = unsafe { libc::fork() };
    if child == 0 {
        fpm.stop();
        drop(fpm);
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(0) };
    }
    let mut status = 1;
    // SAFETY: `status` lives; the child is ours.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
    assert!(fpm.folder().exists() && exists(fpm.pid()));
    let scratch = Scratch::new("fork");
    assert_eq!(run(&fpm, &scratch.file("x.php", "<?php echo 'still here';")), "still here");
}

/// Lets another process, this test again with a variable set, start a php-fpm, tell about it and wait.
fn owner(test: &str, threads: &str) -> (std::process::Child, PathBuf, u32) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads", threads])
        .env("TOWLINE_TEST_OWNER", test)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find_map(|line| line.split("FPM ").nth(1).map(str::to_string)).expect("the owner must tell");
    let (pid, folder) = line.split_once(' ').unwrap();
    (child, PathBuf::from(folder), pid.parse().unwrap())
}

/// In that other process.
fn be_owner_if_asked(test: &str) {
    if std::env::var("TOWLINE_TEST_OWNER").as_deref() == Ok(test) {
        let fpm = start(|_| ());
        println!("FPM {} {}", fpm.pid(), fpm.folder().display());
        // Until the test is done with this process.
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    }
}

fn gone(folder: &Path, master: u32, workers: &[u32]) {
    until("the folder is removed", || !folder.exists());
    until("the processes are gone", || !exists(master) && workers.iter().all(|pid| !exists(*pid)));
    until("the watcher is gone", || alive(folder).is_empty());
}

#[test]
fn gone_after_sigkill_of_its_owner() {
    let test = "gone_after_sigkill_of_its_owner";
    be_owner_if_asked(test);
    // Started by a thread only the pipe tells; by the main thread the kernel's word comes too.
    for threads in ["2", "1"] {
        let (mut owner, folder, master) = owner(test, threads);
        let workers = children(master);
        assert!(folder.exists() && workers.len() == 1);
        owner.kill().unwrap();
        owner.wait().unwrap();
        gone(&folder, master, &workers);
    }
}

#[test]
fn gone_after_exit_without_destructors() {
    let test = "gone_after_exit_without_destructors";
    be_owner_if_asked(test);
    let (mut owner, folder, master) = owner(test, "2");
    let workers = children(master);
    drop(owner.stdin.take());
    owner.wait().unwrap();
    gone(&folder, master, &workers);
}

#[test]
fn gone_even_if_the_master_was_killed_before_its_owner() {
    let test = "gone_even_if_the_master_was_killed_before_its_owner";
    be_owner_if_asked(test);
    let (mut owner, folder, master) = owner(test, "2");
    let workers = children(master);
    kill(master);
    owner.kill().unwrap();
    owner.wait().unwrap();
    gone(&folder, master, &workers);
}

#[test]
fn a_master_killed_behind_its_back_is_no_trouble() {
    let mut fpm = start(|_| ());
    let folder = fpm.folder().to_path_buf();
    let workers = children(fpm.pid());
    kill(fpm.pid());
    fpm.stop();
    assert!(!folder.exists());
    until("orphaned workers are gone", || workers.iter().all(|pid| !exists(*pid)));
}
