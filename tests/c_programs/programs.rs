//! The programs under `tests/c` and `examples/c`.

use super::{Folder, compile, fpm, plainly, scripts, succeed, text, under_valgrind};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

macro_rules! programs {
    ($($name:ident)*) => {$(
        mod $name {
            #[test]
            fn runs() {
                super::test_program(concat!("tests/c/", stringify!($name), ".c"), super::plainly);
            }

            #[test]
            fn leaks_nothing() {
                super::test_program(concat!("tests/c/", stringify!($name), ".c"), super::under_valgrind);
            }
        }
    )*};
}

programs! { r#loop fcgi options misuse reentry blocking }

fn test_program(source: &str, run: fn(&Path) -> Command) {
    let (folder, fpm) = (Folder::new(), fpm());
    let program = compile(&folder, &source.replace("r#", ""));
    succeed(run(&program).arg(fpm.address()).arg(scripts()));
}

#[test]
fn every_program_is_tested() {
    let listed = [
        "blocking.c",
        "check.h",
        "docker.h",
        "docker_calls.c",
        "docker_exec.c",
        "docker_misuse.c",
        "docker_rare.c",
        "docker_reentry.c",
        "docker_tls.c",
        "fcgi.c",
        "loop.c",
        "misuse.c",
        "options.c",
        "reentry.c",
        "scripts",
        "valgrind.supp",
    ];
    let mut found: Vec<String> = std::fs::read_dir(super::root().join("tests/c"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, listed);
}

#[test]
fn the_example_fcgi_get_prints_an_answer() {
    let (folder, fpm) = (Folder::new(), fpm());
    let program = compile(&folder, "examples/c/fcgi_get.c");
    for run in [plainly, under_valgrind] {
        let output = succeed(run(&program).arg(fpm.address()).arg(scripts().join("hello.php")));
        assert_eq!(text(&output.stdout), "hello ");
        let output = run(&program).arg(fpm.address()).arg(scripts().join("none.php")).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), "File not found.\n"));
        let output = run(&program).arg("/nonexistent.sock").arg("/x.php").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        assert!(text(&output.stderr).starts_with("cannot connect: cannot connect to /nonexistent.sock: "));
        assert_eq!(run(&program).output().unwrap().status.code(), Some(2));
    }
}

#[test]
fn the_example_fcgi_run_tells_of_each_script() {
    let (folder, fpm) = (Folder::new(), fpm());
    let program = compile(&folder, "examples/c/fcgi_run.c");
    let (hello, echo, none) = (scripts().join("hello.php"), scripts().join("echo.php"), scripts().join("none.php"));
    for run in [plainly, under_valgrind] {
        let output = succeed(run(&program).arg(fpm.address()).args([&hello, &echo, &hello]));
        let said = text(&output.stdout);
        assert_eq!(said.matches("status 200, text/html").count(), 3, "{said}");
        assert!(said.contains("\"method\":\"GET\"") && said.ends_with("3 scripts, 0 failed\n"), "{said}");

        let output = run(&program).arg(fpm.address()).args([&hello, &none]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stdout).contains("none.php: status 404"));
        assert!(text(&output.stdout).ends_with("2 scripts, 1 failed\n"));

        let output = run(&program).arg("/nonexistent.sock").args([&hello, &hello]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stderr).matches("hello.php: cannot connect").count(), 2);
    }
    let output = plainly(&program).arg("nonsense").arg(&hello).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

#[test]
fn the_example_fcgi_watch_counts_and_loses_patience() {
    let (folder, fpm) = (Folder::new(), fpm());
    let program = compile(&folder, "examples/c/fcgi_watch.c");
    for run in [plainly, under_valgrind] {
        let watch = |address: &str, script: &str, patience: &str| {
            run(&program).arg(address).arg(scripts().join(script)).args(["3", patience]).output().unwrap()
        };
        let output = watch(fpm.address(), "hello.php", "60000");
        let said = text(&output.stdout);
        assert!(output.status.success(), "{said}{}", text(&output.stderr));
        assert_eq!(said.matches("status 200 in ").count(), 3, "{said}");
        assert!(said.contains("\n3 sent, 3 answered, 0 failed; "), "{said}");

        let output = watch(fpm.address(), "silent.php", "20");
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}{}", text(&output.stderr));
        assert_eq!(said.matches("cancelled: ").count(), 3, "{said}");
        assert!(said.ends_with("3 sent, 0 answered, 3 failed; 3 connections, 0 refused\n"), "{said}");

        let output = watch("/nonexistent.sock", "hello.php", "60000");
        assert!(text(&output.stdout).ends_with("3 sent, 0 answered, 3 failed; 0 connections, 3 refused\n"));
        assert_eq!(run(&program).output().unwrap().status.code(), Some(2));
    }
}

#[test]
fn the_example_loop_poll_listens_and_runs() {
    let (folder, fpm) = (Folder::new(), fpm());
    let program = compile(&folder, "examples/c/loop_poll.c");
    for run in [plainly, under_valgrind] {
        let mut command = run(&program);
        command.arg(fpm.address()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        for name in ["hello.php", "none.php", "hello.php"] {
            writeln!(stdin, "{}", scripts().join(name).display()).unwrap();
        }
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let said = text(&output.stdout);
        assert!(output.status.success(), "{said}{}", text(&output.stderr));
        assert_eq!(said.matches("200: hello \n").count(), 2, "{said}");
        assert_eq!(said.matches("404: File not found.").count(), 1, "{said}");
        assert!(said.ends_with("3 answers\n"), "{said}");
    }
}
