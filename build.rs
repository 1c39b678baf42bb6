//! Build steps of the two shells.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "capi")]
    {
        capi::header()?;
        capi::soname();
    }
    Ok(())
}

/// `include/towline.h`, and the name that the linker writes into the library.
#[cfg(feature = "capi")]
mod capi {
    use std::error::Error;
    use std::path::Path;
    use std::{env, fs};

    /// In the order in which a reader of the header wants them.
    const NOUNS: [&str; 10] =
        ["status", "bytes", "event_loop", "timer", "client", "request", "send", "response", "blocking", "fpm"];

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
