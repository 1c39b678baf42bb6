//! Build steps of the two shells.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "capi")]
    {
        capi::header()?;
        capi::soname();
    }
    #[cfg(feature = "php")]
    php::build()?;
    Ok(())
}

/// `include/towline.h`, and the name that the linker writes into the library.
#[cfg(feature = "capi")]
mod capi {
    use std::error::Error;
    use std::path::Path;
    use std::{env, fs};

    /// In the order in which a reader of the header wants them.
    const NOUNS: [&str; 16] = [
        "status",
        "bytes",
        "event_loop",
        "timer",
        "client",
        "request",
        "send",
        "response",
        "blocking",
        "fpm",
        "docker_client",
        "docker_exec",
        "docker_stream",
        "docker_request",
        "docker_call",
        "docker_answer",
    ];

    /// Writes the header when it differs from the one that is there.
    pub fn header() -> Result<(), Box<dyn Error>> {
        let root = env::var("CARGO_MANIFEST_DIR")?;
        let root = Path::new(&root);
        println!("cargo:rerun-if-changed=cbindgen.toml");
        println!("cargo:rerun-if-changed=src/capi");
        println!("cargo:rerun-if-changed=include/towline.h");
        let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
        config.after_includes = Some(format!(
            "/** The version of this header. */\n#define TOWLINE_VERSION \"{}\"",
            env::var("CARGO_PKG_VERSION")?
        ));
        let mut builder = cbindgen::Builder::new().with_config(config);
        for noun in NOUNS {
            builder = builder.with_src(root.join("src/capi").join(noun).with_extension("rs"));
        }
        let mut generated = Vec::new();
        builder.generate()?.write(&mut generated);
        let header = root.join("include/towline.h");
        if fs::read(&header).ok().as_deref() != Some(generated.as_slice()) {
            fs::create_dir_all(root.join("include"))?;
            fs::write(&header, &generated)?;
        }
        Ok(())
    }

    /// The name that programs look for at run time: it changes when the interface breaks.
    pub fn soname() {
        match env::var("CARGO_CFG_TARGET_OS").as_deref() {
            Ok("macos") => println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libtowline.0.dylib"),
            Ok("windows") | Err(_) => {}
            Ok(_) => println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libtowline.so.0"),
        }
    }
}

/// The C shim of the PHP extension, and the versions that it shows.
#[cfg(feature = "php")]
mod php {
    use std::error::Error;
    use std::process::Command;
    use std::{env, fs};

    /// Crates whose versions `php --ri towline` shows.
    const SHOWN: [&str; 9] =
        ["bytes", "ext-php-rs", "httparse", "mio", "ring", "rustls", "serde_json", "slotmap", "socket2"];

    pub fn build() -> Result<(), Box<dyn Error>> {
        println!("cargo:rerun-if-changed=src/php/shim.c");
        println!("cargo:rerun-if-changed=Cargo.lock");
        println!("cargo:rerun-if-env-changed=PHP_CONFIG");
        let mut shim = cc::Build::new();
        shim.file("src/php/shim.c").warnings(true).flag("-fvisibility=hidden").flag("-Wno-unused-parameter");
        for include in php_config("--includes")?.split_whitespace() {
            // The engine's headers warn where ours must not.
            shim.flag(include.replace("-I", "-isystem"));
        }
        shim.try_compile("towline_php_shim")?;
        let lock = fs::read_to_string("Cargo.lock")?;
        for name in SHOWN {
            let variable = name.replace('-', "_").to_uppercase();
            println!("cargo:rustc-env=TOWLINE_VERSION_{variable}={}", locked_version(&lock, name));
        }
        Ok(())
    }

    fn php_config(argument: &str) -> Result<String, String> {
        let program = env::var("PHP_CONFIG").unwrap_or_else(|_| "php-config".into());
        match Command::new(&program).arg(argument).output() {
            Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            _ => Err(format!("{program} {argument} failed: install PHP's development files or set PHP_CONFIG")),
        }
    }

    fn locked_version<'a>(lock: &'a str, name: &str) -> &'a str {
        let wanted = format!("name = \"{name}\"");
        let mut lines = lock.lines().skip_while(|line| *line != wanted);
        lines.nth(1).and_then(|line| line.split('"').nth(1)).unwrap_or("unknown")
    }
}
