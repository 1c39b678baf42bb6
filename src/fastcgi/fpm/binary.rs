//! Where php-fpm is: distributions name it with or without its version, and keep it out of a user's `PATH`.

use super::FpmError;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Searched after `PATH`.
const FOLDERS: [&str; 5] = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin"];

pub(super) fn find(given: Option<&Path>, hint: Option<(u8, u8)>) -> Result<PathBuf, FpmError> {
    let named = std::env::var_os("TOWLINE_PHP_FPM").filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = given {
        return resolve(path, "the php-fpm binary");
    }
    if let Some(path) = named {
        return resolve(&path, "TOWLINE_PHP_FPM");
    }
    search(&folders(), hint).ok_or_else(|| {
        FpmError(
            "php-fpm was not found in PATH nor in the sbin folders: install it (Debian, Ubuntu: apt-get install \
             php-fpm; Fedora: dnf install php-fpm; Alpine: apk add php-fpm), or name it in TOWLINE_PHP_FPM"
                .into(),
        )
    })
}

fn resolve(path: &Path, what: &str) -> Result<PathBuf, FpmError> {
    let found = if path.components().count() == 1 && !path.is_absolute() {
        folders().into_iter().map(|folder| folder.join(path)).find(|path| is_executable(path))
    } else {
        Some(path.to_path_buf())
    };
    match found {
        Some(found) if is_executable(&found) => Ok(found),
        _ => Err(FpmError(format!(
            "{what}, {:?}, is not an executable file; expected the path of php-fpm (Debian: package php-fpm)",
            path.display().to_string()
        ))),
    }
}

fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // A relative entry would make the choice depend on where the program happens to stand.
    let mut all: Vec<PathBuf> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    all.extend(FOLDERS.iter().map(PathBuf::from));
    all
}

/// The hinted version, else the plain name, else the newest version.
fn search(folders: &[PathBuf], hint: Option<(u8, u8)>) -> Option<PathBuf> {
    let mut plain = None;
    let mut newest: Option<((u8, u8), PathBuf)> = None;
    for folder in folders {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(suffix) = name.to_str().and_then(|name| name.strip_prefix("php-fpm")) else { continue };
            let path = entry.path();
            if !is_executable(&path) {
                continue;
            }
            if suffix.is_empty() {
                plain.get_or_insert(path);
            } else if let Some(version) = version(suffix) {
                if hint == Some(version) {
                    return Some(path);
                }
                if newest.as_ref().is_none_or(|(best, _)| version > *best) {
                    newest = Some((version, path));
                }
            }
        }
    }
    plain.or(newest.map(|(_, path)| path))
}

/// `8.2` (Debian), `82` (Alpine), `-8.2`.
fn version(suffix: &str) -> Option<(u8, u8)> {
    let suffix = suffix.strip_prefix('-').unwrap_or(suffix);
    let (major, minor) = match suffix.split_once('.') {
        Some(parts) => parts,
        None => (suffix.get(..1)?, suffix.get(1..)?),
    };
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::{search, version};
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::PathBuf;

    #[test]
    fn names_carry_versions() {
        assert_eq!(version("8.2"), Some((8, 2)));
        assert_eq!(version("82"), Some((8, 2)));
        assert_eq!(version("810"), Some((8, 10)));
        assert_eq!(version("-8.10"), Some((8, 10)));
        for none in ["", "8", "-", "x", "8.2.conf", "é2"] {
            assert_eq!(version(none), None, "{none}");
        }
    }

    #[test]
    fn the_hinted_then_the_plain_then_the_newest() {
        let base = std::env::temp_dir().join(format!("towline-find-{}", std::process::id()));
        let make = |folder: &str, names: &[&str]| -> PathBuf {
            let folder = base.join(folder);
            std::fs::create_dir_all(&folder).ok();
            for name in names {
                std::fs::OpenOptions::new()
                    .create(true)
                    .truncate(true)
                    .write(true)
                    .mode(0o755)
                    .open(folder.join(name))
                    .ok();
            }
            folder
        };
        let versions = make("a", &["php-fpm8.2", "php-fpm8.10", "php-fpm8.3.conf", "php-fpm"]);
        let old = make("b", &["php-fpm7.4"]);
        let none = base.join("missing");
        let folders = [none.clone(), old.clone(), versions.clone()];
        assert_eq!(search(&folders, Some((7, 4))), Some(old.join("php-fpm7.4")));
        assert_eq!(search(&folders, Some((8, 2))), Some(versions.join("php-fpm8.2")));
        assert_eq!(search(&folders, Some((9, 9))), Some(versions.join("php-fpm")));
        std::fs::remove_file(versions.join("php-fpm")).ok();
        assert_eq!(search(&folders, None), Some(versions.join("php-fpm8.10")));
        assert_eq!(search(&[none], None), None);
        std::fs::remove_dir_all(&base).ok();
    }
}
