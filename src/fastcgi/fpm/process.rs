//! The processes of a private php-fpm: how they begin and how they surely end.

use super::FpmError;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What the name of a private folder begins with.
pub(super) const PREFIX: &str = "towline-fpm-";
/// The file in the private folder that gets what php-fpm says before it opens its log.
pub(super) const OUTPUT: &str = "output.log";

/// Reads until the owner is gone; then ends everything in its own process group and removes the folder. USR1 is
/// the kernel's word that the owner died, which counts even while a fork of the owner holds the pipe.
/// php-fpm removes its socket as one of its last deeds, so that is what is waited for.
const WATCHER: &str = r#"
trap : USR1
trap '' TERM INT HUP QUIT TSTP
read -r line
case $1 in */towline-fpm-????????????????) ;; *) exit 1 ;; esac
kill -TERM 0
tries=0
while [ -S "$1/fpm.sock" ] && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.05 || { sleep 1; tries=$((tries + 19)); }
done
rm -rf -- "$1"
kill -KILL 0
"#;

/// The environment that would make php-fpm take part in somebody else's service.
const FOREIGN: [&str; 6] =
    ["FPM_SOCKETS", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS"];

/// The master and the watcher, both children of this process and members of the master's process group.
#[derive(Debug)]
pub(super) struct Processes {
    /// Also the id of the process group: php-fpm, which begins a session otherwise, cannot while it leads a group.
    master: libc::pid_t,
    watcher: Option<libc::pid_t>,
    owner: u32,
    /// Closed by the kernel when the owner ends, however it ends.
    lifeline: Option<io::PipeWriter>,
}

impl Processes {
    pub(super) fn start(
        binary: &Path,
        folder: &Path,
        conf: &Path,
        environment: &[(String, &str)],
    ) -> Result<Processes, FpmError> {
        let owner = std::process::id();
        let failed = |what: &str, error: &io::Error| FpmError(format!("cannot run {what}: {error}"));
        let name = binary.display().to_string();
        let output = std::fs::File::create(folder.join(OUTPUT)).map_err(|error| failed(&name, &error))?;
        let errors = output.try_clone().map_err(|error| failed(&name, &error))?;
        let (read, write) = io::pipe().map_err(|error| failed(&name, &error))?;

        let mut master = Command::new(binary);
        master.arg("-F").arg("-y").arg(conf);
        if is_root() {
            master.arg("-R");
        }
        for name in FOREIGN {
            master.env_remove(name);
        }
        master.envs(environment.iter().map(|(name, value)| (name, value)));
        master.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
        in_child(&mut master, owner, libc::SIGTERM);
        let master = pid(master.spawn().map_err(|error| failed(&name, &error))?.id());
        // From here on dropping this value ends what was started.
        let mut processes = Processes { master, watcher: None, owner, lifeline: Some(write) };

        let mut watcher = Command::new("/bin/sh");
        watcher.args(["-c", WATCHER, "towline-watcher"]).arg(folder);
        watcher.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").current_dir("/");
        watcher.stdin(read).stdout(Stdio::null()).stderr(Stdio::null()).process_group(master);
        in_child(&mut watcher, owner, libc::SIGUSR1);
        match watcher.spawn() {
            Ok(child) => processes.watcher = Some(pid(child.id())),
            // When the master is gone already there is no group to join; its own words tell more.
            Err(_) if !matches!(look(master), Look::Running) => {}
            Err(error) => return Err(failed("/bin/sh, the watcher of php-fpm", &error)),
        }
        Ok(processes)
    }

    pub(super) fn master(&self) -> u32 {
        self.master.unsigned_abs()
    }

    /// How the master ended, if it did.
    pub(super) fn master_ended(&self) -> Option<String> {
        match look(self.master) {
            Look::Running => None,
            Look::Exited(code) => Some(format!("ended with code {code}")),
            Look::Killed(signal) => Some(format!("was killed by signal {signal}")),
            Look::NotOurs => Some("ended".into()),
        }
    }

    /// Ends all and waits for it, `patience` long without force. False when there was nothing to do here: it ended
    /// already, or this is a forked child of the owner.
    pub(super) fn end(&mut self, patience: Duration) -> bool {
        // Closed at the end only, lest the watcher joins in; but in a forked child at once, for its copy of the pipe
        // would prolong php-fpm's life.
        let Some(_lifeline) = self.lifeline.take() else { return false };
        if std::process::id() != self.owner {
            return false;
        }
        let deadline = Instant::now() + patience;
        if matches!(look(self.master), Look::Running) {
            signal(self.master, libc::SIGTERM);
            while matches!(look(self.master), Look::Running) && Instant::now() < deadline {
                pause();
            }
        }
        let members = [Some(self.master), self.watcher];
        // The group's id cannot be a stranger's while a member, even a dead one, has not been waited for.
        if members.into_iter().flatten().any(|pid| !matches!(look(pid), Look::NotOurs)) {
            signal(-self.master, libc::SIGKILL);
        }
        for pid in members.into_iter().flatten() {
            reap(pid);
        }
        // Orphaned workers are not children of this process. Killed ones vanish within moments, but may stay
        // zombies where nobody waits for orphans.
        let deadline = Instant::now() + Duration::from_millis(200);
        while signal(-self.master, 0) && Instant::now() < deadline {
            pause();
        }
        true
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

/// True when php-fpm would run as root.
pub(super) fn is_root() -> bool {
    // SAFETY: always succeeds, touches no memory.
    unsafe { libc::geteuid() == 0 }
}

/// What happens between fork and exec: no descriptor but the first three is passed on (PHP opens many that would be), and
/// the kernel is asked to send `word` when the owner dies.
fn in_child(command: &mut Command, owner: u32, word: libc::c_int) {
    let word = if is_main_thread() { Some(word) } else { None };
    // SAFETY: the closure only makes system calls that may be made between fork and exec; it neither allocates nor locks.
    unsafe {
        command.pre_exec(move || {
            close_on_exec();
            reset_signals();
            match word {
                Some(word) => die_with_owner(owner, word),
                None => Ok(()),
            }
        });
    }
}

#[cfg(target_os = "linux")]
fn die_with_owner(owner: u32, word: libc::c_int) -> io::Result<()> {
    // SAFETY: plain system calls with integer arguments.
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, word) != 0 {
            return Err(io::Error::last_os_error());
        }
        // The owner may have died before the kernel was asked.
        if libc::getppid().unsigned_abs() != owner {
            libc::_exit(1);
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn die_with_owner(_: u32, _: libc::c_int) -> io::Result<()> {
    Ok(())
}

/// The kernel's word comes when the *thread* that forked ends, so only the main thread may ask for it.
#[cfg(target_os = "linux")]
fn is_main_thread() -> bool {
    // SAFETY: always succeed, touch no memory.
    unsafe { libc::gettid() == libc::getpid() }
}

#[cfg(not(target_os = "linux"))]
fn is_main_thread() -> bool {
    false
}

fn close_on_exec() {
    #[cfg(target_os = "linux")]
    // SAFETY: a system call with integer arguments; no descriptor is closed yet.
    if unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) } == 0 {
        return;
    }
    for fd in 3..1024 {
        // SAFETY: changes a flag of a descriptor of this (forked) process, or fails.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// A handler of the owner cannot be inherited, but a blocked or ignored signal would be.
fn reset_signals() {
    // SAFETY: `set` is initialised by sigemptyset before it is used; the signals are valid.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&mut set);
        libc::sigprocmask(libc::SIG_SETMASK, &set, std::ptr::null_mut());
        for number in
            [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGCHLD, libc::SIGPIPE, libc::SIGUSR1]
        {
            libc::signal(number, libc::SIG_DFL);
        }
    }
}

enum Look {
    Running,
    Exited(i32),
    Killed(i32),
    /// Waited for by somebody else: its id may belong to a stranger by now.
    NotOurs,
}

/// Looks at a child without waiting for it, so that its id stays taken.
fn look(pid: libc::pid_t) -> Look {
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    loop {
        // SAFETY: siginfo_t is plain data; `info` outlives the call.
        let mut info = unsafe { std::mem::zeroed::<libc::siginfo_t>() };
        // SAFETY: as above.
        if unsafe { libc::waitid(libc::P_PID, pid.unsigned_abs(), &mut info, flags) } != 0 {
            if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return Look::NotOurs;
        }
        // SAFETY: waitid filled these fields, or left them zero while the child runs.
        let (found, status) = unsafe { (info.si_pid(), info.si_status()) };
        return match (found, info.si_code) {
            (0, _) => Look::Running,
            (_, libc::CLD_EXITED) => Look::Exited(status),
            _ => Look::Killed(status),
        };
    }
}

/// Waits for a child that has ended or is sure to end.
fn reap(pid: libc::pid_t) {
    let deadline = Instant::now() + Duration::from_secs(1);
    while pid > 0 && matches!(look(pid), Look::Running) && Instant::now() < deadline {
        pause();
    }
    if pid > 0 {
        // SAFETY: a null status is allowed.
        unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG) };
    }
}

/// False when there is no such process or group.
fn signal(pid: libc::pid_t, number: libc::c_int) -> bool {
    // 0 and -1 would mean many processes that are not ours.
    if matches!(pid, -1..=1) {
        return false;
    }
    // SAFETY: a system call with integer arguments.
    unsafe { libc::kill(pid, number) == 0 }
}

/// There is no portable way to wait for a child with a deadline that leaves it unreaped.
fn pause() {
    std::thread::sleep(Duration::from_millis(2));
}

fn pid(id: u32) -> libc::pid_t {
    libc::pid_t::try_from(id).unwrap_or_default()
}
