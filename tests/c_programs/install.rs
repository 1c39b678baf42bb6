//! What a user of the installed library types.

use super::{Folder, fpm, libraries, plainly, root, scripts, succeed, text, tool};
use std::process::Command;

#[test]
fn an_installed_library_is_found_by_pkg_config() {
    let (folder, fpm) = (Folder::new(), fpm());
    let prefix = folder.path("prefix");
    let install = root().join("scripts/install-c");
    succeed(Command::new(&install).arg(&prefix).arg(libraries()));
    succeed(Command::new(&install).arg(&prefix).arg(libraries())); // once more over itself

    let lib = prefix.join("lib");
    let version = env!("CARGO_PKG_VERSION");
    let link = |name: &str| std::fs::read_link(lib.join(name)).unwrap().into_os_string().into_string().unwrap();
    assert_eq!(link("libtowline.so"), "libtowline.so.0");
    assert_eq!(link("libtowline.so.0"), format!("libtowline.so.{version}"));
    assert!(prefix.join("include/towline.h").is_file());

    let pkg_config = |arguments: &[&str]| {
        drop(tool("pkg-config", "pkg-config"));
        let output = succeed(
            Command::new("pkg-config").env("PKG_CONFIG_PATH", lib.join("pkgconfig")).args(arguments).arg("towline"),
        );
        text(&output.stdout).trim().to_owned()
    };
    assert_eq!(pkg_config(&["--modversion"]), version);

    let source = root().join("examples/c/fcgi_get.c");
    let program = folder.path("app");
    let shell = |line: String| {
        drop(tool("cc", "gcc"));
        succeed(Command::new("sh").arg("-ec").arg(line).current_dir(&folder.0));
    };
    shell(format!("cc {} {} -o app", source.display(), pkg_config(&["--cflags", "--libs"])));
    let hello = scripts().join("hello.php");
    let output = succeed(plainly(&program).arg(fpm.address()).arg(&hello).env("LD_LIBRARY_PATH", &lib));
    assert_eq!(text(&output.stdout), "hello ");
    let needed = text(&succeed(tool("readelf", "binutils").arg("-d").arg(&program)).stdout);
    assert!(needed.contains("[libtowline.so.0]"), "{needed}");

    // The static library brings its own needs along.
    let flags = pkg_config(&["--static", "--cflags", "--libs"]).replace("-ltowline", "-l:libtowline.a");
    shell(format!("cc {} {flags} -o app", source.display()));
    let output = succeed(plainly(&program).arg(fpm.address()).arg(&hello));
    assert_eq!(text(&output.stdout), "hello ");
}

#[test]
fn a_packager_installs_under_another_root() {
    let folder = Folder::new();
    let install = root().join("scripts/install-c");
    succeed(Command::new(&install).arg("/usr/local").arg(libraries()).env("DESTDIR", &folder.0));
    let described = std::fs::read_to_string(folder.path("usr/local/lib/pkgconfig/towline.pc")).unwrap();
    assert!(described.starts_with("prefix=/usr/local\n"), "{described}");
    assert!(folder.path("usr/local/lib/libtowline.so.0").exists());
}

#[test]
fn a_wrong_prefix_is_named() {
    for arguments in [vec![], vec!["relative/prefix"], vec!["/a", "/nonexistent"], vec!["/a", "/b", "/c"]] {
        let output = Command::new(root().join("scripts/install-c")).args(&arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}
