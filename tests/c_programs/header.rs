//! The header: every compiler takes it, and it says neither more nor less than the library has.

use super::{Folder, libraries, root, succeed, text, tool};
use std::collections::BTreeSet;

#[test]
fn compilers_of_c_and_cpp_take_it() {
    let folder = Folder::new();
    let source = folder.path("use.c");
    std::fs::write(
        &source,
        "#include <towline.h>\n#include <towline.h>\n\
         int main(void) { towline_loop *loop = 0; return towline_loop_new(&loop) != TOWLINE_OK; }\n",
    )
    .unwrap();
    let ways = [
        ("gcc", "gcc", "c", "c99"),
        ("gcc", "gcc", "c", "c11"),
        ("g++", "g++", "c++", "c++11"),
        ("g++", "g++", "c++", "c++20"),
        ("clang", "clang", "c", "c99"),
        ("clang", "clang", "c++", "c++17"),
    ];
    for (compiler, package, language, standard) in ways {
        let mut cc = tool(compiler, package);
        cc.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-x", language]);
        if language == "c" {
            cc.arg("-Wstrict-prototypes");
        }
        cc.arg(format!("-std={standard}")).arg("-I").arg(root().join("include"));
        succeed(cc.arg("-c").arg(&source).arg("-o").arg(folder.path("use.o")));
    }
}

#[test]
fn it_declares_what_the_library_exports() {
    let output = succeed(tool("nm", "binutils").args(["-D", "--defined-only"]).arg(libraries().join("libtowline.so")));
    let exported: BTreeSet<String> =
        text(&output.stdout).lines().filter_map(|line| line.split_whitespace().nth(2)).map(str::to_owned).collect();
    let header = std::fs::read_to_string(root().join("include/towline.h")).unwrap();
    assert_eq!(exported, declared(&header));
}

/// The names in front of an opening parenthesis in declarations, which begin at the margin.
fn declared(header: &str) -> BTreeSet<String> {
    let begins = |line: &&str| line.starts_with(|first: char| first.is_ascii_lowercase());
    let name = |line: &str| {
        let before = line.split_once('(')?.0;
        let name = before.rsplit([' ', '*']).next()?;
        (name.starts_with("towline_") && !line.starts_with("typedef")).then(|| name.to_owned())
    };
    header.lines().filter(begins).filter_map(name).collect()
}

#[test]
fn the_library_carries_its_name() {
    let output = succeed(tool("readelf", "binutils").arg("-d").arg(libraries().join("libtowline.so")));
    assert!(text(&output.stdout).contains("[libtowline.so.0]"), "{}", text(&output.stdout));
}
