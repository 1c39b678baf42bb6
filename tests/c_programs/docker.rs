//! The programs that need an Engine: those under `tests/c` and `examples/c`, against dockerd and podman.

use super::engine::{Engine, IMAGE, docker, docker_tls, podman};
use super::support::{FakeEngine, UPGRADED, answer, frame, json};
use super::terminal::Terminal;
use super::{Folder, compile, compile_with, fpm, plainly, root, scripts, succeed, text, under_valgrind};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

macro_rules! programs {
    ($($name:ident)*) => {$(
        mod $name {
            const SOURCE: &str = concat!("tests/c/", stringify!($name), ".c");

            #[test]
            fn docker() {
                super::test_program(SOURCE, super::docker(), super::plainly);
            }

            #[test]
            fn docker_leaks_nothing() {
                super::test_program(SOURCE, super::docker(), super::under_valgrind);
            }

            #[test]
            fn podman() {
                super::test_program(SOURCE, super::podman(), super::plainly);
            }
        }
    )*};
}

programs! { docker_exec docker_calls docker_misuse docker_reentry }

/// What the container does that is attached to.
const LISTENER: &str = "echo begun; while read -r line && test \"$line\" != end; do echo got $line; done; exit 5";

fn test_program(source: &str, engine: &Engine, run: Way) {
    let folder = Folder::new();
    let program = compile(&folder, source);
    let containers = [
        engine.container(),
        engine.created(IMAGE, &["sh", "-c", LISTENER]),
        engine.bare(),
        engine.paused(),
        engine.stopped(),
    ];
    containers[1].start();
    succeed(run(&program).arg(engine.address()).args(containers.iter().map(|container| &container.name)));
}

#[test]
fn what_engines_do_rarely() {
    let folder = Folder::new();
    let program = compile(&folder, "tests/c/docker_rare.c");
    // An exec has the id of its container, and that says what is done.
    let peer = FakeEngine::start(|request, conn| {
        let whole = frame(1, b"whole");
        match request.path().split('/').collect::<Vec<_>>()[..] {
            ["", "containers", name, "exec"] => {
                conn.send(&answer("201 Created", "", &format!(r#"{{"Id":"{name}"}}"#)));
            }
            ["", "exec", "proxied", "start"] => {
                conn.send(b"HTTP/1.1 200 OK\r\n\r\n");
                conn.send(&whole);
            }
            ["", "exec", id, "start"] => {
                conn.send(UPGRADED.as_bytes());
                match id {
                    "cut" => conn.send(&whole[..11]),
                    "failed" => conn.send(&frame(3, b"no log driver")) && conn.await_close(),
                    _ => conn.send(&whole),
                };
            }
            ["", "exec", _, "json"] => {
                conn.send(&json(r#"{"Running":false,"ExitCode":7}"#));
            }
            _ => return false,
        }
        true
    });
    for run in [plainly, under_valgrind] {
        succeed(run(&program).arg(&peer.address));
    }
}

/// A way to run a program.
type Way = fn(&Path) -> Command;

/// Against which Engines examples are run, and how.
fn ways() -> [(&'static Engine, Way); 3] {
    [(docker(), plainly as Way), (docker(), under_valgrind), (podman(), plainly)]
}

/// A program that reads `DOCKER_HOST`.
fn at(engine: &Engine, mut command: Command) -> Command {
    command.env("DOCKER_HOST", engine.address()).env_remove("DOCKER_TLS_VERIFY").stdin(Stdio::null());
    command
}

fn code_and_words(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Runs with these bytes as standard input.
fn fed(command: &mut Command, input: &[u8]) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    })
}

#[test]
fn the_example_docker_exec_passes_everything_on() {
    let folder = Folder::new();
    let program = compile(&folder, "examples/c/docker_exec.c");
    for (engine, run) in ways() {
        let container = engine.container();
        let exec = |arguments: &[&str]| {
            let mut command = at(engine, run(&program));
            command.args(arguments);
            command
        };
        let name = container.name.as_str();
        let script = "echo out; echo err >&2; exit 7";
        let (code, out, err) = code_and_words(&mut exec(&[name, "sh", "-c", script]));
        assert_eq!((code, out.as_str(), err.as_str()), (Some(7), "out\n", "err\n"));

        let script = "cat; echo $A$B; pwd; id -u";
        let options = ["-i", "-eA=b=c", "-e", "B=", "-w", "/proc", "-u0", name, "sh", "-c", script];
        let output = fed(&mut exec(&options), b"typed\0\xff\n");
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(output.stdout, b"typed\0\xff\nb=c\n/proc\n0\n");

        let (code, out, err) = code_and_words(&mut exec(&["none-of-that-name", "true"]));
        assert_eq!((code, out.as_str()), (Some(125), ""));
        assert!(err.starts_with("refused by the Engine: ") && err.contains("none-of-that-name"), "{err}");

        for bad in [&[][..], &[name], &["-x", name, "true"], &["-u"]] {
            assert_eq!(code_and_words(&mut exec(bad)).0, Some(2), "{bad:?}");
        }
        let (code, _, err) = code_and_words(exec(&[name, "true"]).env("DOCKER_HOST", "unix:///nonexistent"));
        assert!(code == Some(125) && err.starts_with("cannot connect: cannot connect to unix:///nonexistent"), "{err}");
        let (code, _, err) = code_and_words(plainly(&program).args(["c", "true"]).env("DOCKER_HOST", "no://where"));
        assert!(code == Some(125) && err.contains("no://where"), "{err}");
    }
}

#[test]
fn the_example_docker_exec_passes_much_on() {
    let folder = Folder::new();
    let program = compile(&folder, "examples/c/docker_exec.c");
    // More than any buffer on the way holds.
    let mut bytes = vec![0u8; 20 << 20];
    bytes.iter_mut().zip(0u32..).for_each(|(byte, at)| *byte = (at.wrapping_mul(2_654_435_761) >> 24) as u8);
    for engine in [docker(), podman()] {
        let container = engine.container();
        let output = fed(at(engine, plainly(&program)).args(["-i", &container.name, "cat"]), &bytes);
        assert!(output.status.success() && output.stdout == bytes, "{} bytes", output.stdout.len());
    }
}

#[test]
fn the_example_docker_exec_is_a_terminal() {
    let folder = Folder::new();
    let program = compile(&folder, "examples/c/docker_exec.c");
    let sized =
        |size: &str, word: &str| format!("until [ \"$(stty size)\" = '{size}' ]; do sleep 0.01; done; echo {word};");
    let script =
        format!("{}{}read -r line; echo got $line; exit 7", sized("33 99", "begun"), sized("50 120", "resized"));
    for (engine, run) in ways() {
        let container = engine.container();
        let mut terminal = Terminal::new(33, 99);
        let exec = |script: &str| {
            let mut command = at(engine, run(&program));
            command.args(["-it", &container.name, "sh", "-c", script]);
            command
        };
        assert!(!terminal.is_raw());
        let mut child = terminal.start(&mut exec(&script));
        terminal.until("begun\r\n");
        assert!(terminal.is_raw());
        terminal.resize(50, 120);
        terminal.until("resized\r\n");
        terminal.types(b"a line\r");
        terminal.until("got a line\r\n");
        assert_eq!(child.wait().unwrap().code(), Some(7));
        assert!(!terminal.is_raw());

        // What is a signal here is a byte there.
        let mut child = terminal.start(&mut exec("echo begun; sleep 1000"));
        terminal.until("begun\r\n");
        terminal.types(b"\x03");
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(!terminal.is_raw());
    }
}

#[test]
fn the_example_docker_run_prints_what_is_left() {
    let folder = Folder::new();
    let program = compile(&folder, "examples/c/docker_run.c");
    for (engine, run) in ways() {
        let container = engine.container();
        let name = container.name.as_str();
        let exec = |arguments: &[&str]| {
            let mut command = at(engine, run(&program));
            command.args(arguments);
            command
        };
        let output = fed(&mut exec(&["60", name, "sh", "-c", "cat; echo err >&2; exit 3"]), b"in\0put");
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), &b"in\0put"[..]));
        assert_eq!(output.stderr, b"err\n");

        let (code, out, err) = code_and_words(&mut exec(&["0.2", name, "sleep", "8765"]));
        assert_eq!((code, out.as_str()), (Some(125), ""));
        assert!(err.starts_with("total deadline passed: "), "{err}");
        container.until(|found| !found.iter().any(|line| line == "sleep 8765"));

        let (code, _, err) = code_and_words(&mut exec(&["60", "none-of-that-name", "true"]));
        assert!(code == Some(125) && err.ends_with("(HTTP status 404)\n"), "{err}");
        assert_eq!(code_and_words(&mut exec(&["60", name])).0, Some(2));
    }
}

#[test]
fn the_examples_of_foreign_loops_run_a_script_and_a_command() {
    let (folder, fpm, container) = (Folder::new(), fpm(), docker().container());
    for (name, library) in [("loop_uv", ("-luv", "uv.h", "libuv1-dev")), ("loop_ev", ("-lev", "ev.h", "libev-dev"))] {
        let program = compile_with(&folder, &format!("examples/c/{name}.c"), &[library]);
        for run in [plainly, under_valgrind] {
            let exec = |container: &str, script: &str| {
                let mut command = at(docker(), run(&program));
                command.arg(fpm.address()).arg(scripts().join("hello.php")).args([container, "sh", "-c", script]);
                command
            };
            let (code, out, err) = code_and_words(&mut exec(&container.name, "echo from the container"));
            assert_eq!((code, err.as_str()), (Some(0), ""));
            for words in ["script: status 200: hello \n", "from the container\n", "command: exit code 0\n"] {
                assert!(out.contains(words), "{name}: {out}");
            }
            let (code, out, _) = code_and_words(&mut exec(&container.name, "exit 9"));
            assert!(code == Some(1) && out.contains("command: exit code 9\n"), "{name}: {out}");
            let (code, out, err) = code_and_words(&mut exec("none-of-that-name", ""));
            assert!(code == Some(1) && out.contains("status 200"), "{name}: {out}");
            assert!(err.starts_with("command: refused by the Engine: "), "{name}: {err}");
        }
    }
}

#[test]
fn an_engine_with_tls() {
    let (folder, engine) = (Folder::new(), docker_tls());
    let container = engine.container();
    let program = compile(&folder, "tests/c/docker_tls.c");
    for run in [plainly, under_valgrind] {
        let known = format!("--suppressions={}", root().join("tests/c/valgrind.supp").display());
        let mut command = run(&program);
        command.args([engine.tcp(), &container.name]).arg(engine.certs()).env("VALGRIND_OPTS", known);
        succeed(&mut command);
    }
    // And as Docker's own client is told.
    let program = compile(&folder, "examples/c/docker_run.c");
    let mut command = plainly(&program);
    command.env("DOCKER_HOST", engine.tcp()).env("DOCKER_TLS_VERIFY", "1");
    command.env("DOCKER_CERT_PATH", engine.certs().join("client")).stdin(Stdio::null());
    let output = succeed(command.args(["60", &container.name, "echo", "hello"]));
    assert_eq!(text(&output.stdout), "hello\n");
}
