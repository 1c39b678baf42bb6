//! The C surface from the outside: programs that know `towline.h` alone are compiled against the built library and run
//! against a real php-fpm and real Engines, plainly and under valgrind.
#![cfg(feature = "capi")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod docker;
#[path = "../support/docker.rs"]
mod engine;
mod header;
mod install;
mod programs;
#[path = "../support/mod.rs"]
mod support;
mod terminal;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use towline::fastcgi::{Fpm, FpmOptions};

/// Warnings as errors; what the programs use beside Towline is POSIX.
const C_FLAGS: [&str; 7] = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror"];
/// Seconds a program may take. None needs more than a few; valgrind on a busy machine is slow.
const LIMIT: &str = "300";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo has put `libtowline.so` and `libtowline.a`: beside this very test.
fn libraries() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    for name in ["libtowline.so", "libtowline.a"] {
        assert!(folder.join(name).is_file(), "{} is missing; `cargo build` makes it", folder.join(name).display());
    }
    folder
}

/// A program of the system that a test needs.
fn tool(name: &str, package: &str) -> Command {
    let there = Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(there, "{name} is needed and missing; install it: apt-get install {package}");
    Command::new(name)
}

/// A folder of one's own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("towline-c-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A private php-fpm with enough workers for what dawdles.
fn fpm() -> Fpm {
    Fpm::start(&FpmOptions { workers: 6, start_timeout: std::time::Duration::from_secs(60), ..FpmOptions::default() })
        .unwrap_or_else(|error| panic!("php-fpm is needed: {error}; install it: apt-get install php-fpm"))
}

fn scripts() -> PathBuf {
    root().join("tests/c/scripts")
}

/// Compiles a program of the tree against the built library; returns its path.
fn compile(folder: &Folder, source: &str) -> PathBuf {
    compile_with(folder, source, &[])
}

/// [`compile`], with more libraries: how the linker knows them, a header, the package.
fn compile_with(folder: &Folder, source: &str, libraries: &[(&str, &str, &str)]) -> PathBuf {
    for (_, header, package) in libraries {
        let mut cc = tool("cc", "gcc");
        let there = cc.args(["-fsyntax-only", "-x", "c", "-include", header, "/dev/null"]).output().unwrap();
        assert!(there.status.success(), "{header} is needed and missing; install it: apt-get install {package}");
    }
    let library = folder.path("libtowline.so.0");
    if !library.exists() {
        std::os::unix::fs::symlink(self::libraries().join("libtowline.so"), &library).unwrap();
    }
    let program = folder.path("program");
    let mut cc = tool("cc", "gcc");
    cc.args(C_FLAGS).arg("-I").arg(root().join("include")).arg(root().join(source));
    cc.arg(&library).arg("-lpthread").arg(format!("-Wl,-rpath,{}", folder.0.display())).arg("-o").arg(&program);
    cc.args(libraries.iter().map(|(library, ..)| library));
    succeed(&mut cc);
    program
}

/// `program`, to be ended when it takes too long.
fn plainly(program: &Path) -> Command {
    let mut command = tool("timeout", "coreutils");
    command.arg(LIMIT).arg(program);
    command
}

/// `program` under valgrind, which is to find neither an error nor a byte that was not freed.
fn under_valgrind(program: &Path) -> Command {
    drop(tool("valgrind", "valgrind"));
    let mut command = tool("timeout", "coreutils");
    command.args([LIMIT, "valgrind", "--quiet", "--error-exitcode=99", "--num-callers=30"]);
    command.args(["--leak-check=full", "--show-leak-kinds=all", "--errors-for-leak-kinds=all"]);
    command.arg(program);
    command
}

/// Runs a command that has to succeed; its words otherwise.
fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
