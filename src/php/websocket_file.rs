//! `HttpResponse::file()`: a file out of a folder, and nothing outside of it.

use super::class::{self, parse};
use super::errors::{self, Answer};
use super::websocket_request::Request;
use super::websocket_response::{self as response, Fields, add_missing};
use super::{ffi, value};
use ext_php_rs::ffi::zend_string;
use ext_php_rs::types::{ZendHashTable, Zval};
use std::ffi::{CString, OsStr};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::ptr::null_mut;

/// Most bytes of a file that is served: it is held in memory while it is sent.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// `HttpResponse::file()`.
pub fn respond(arguments: u32, ret: &mut Zval) -> Answer {
    let (mut root, mut path): (*mut zend_string, *mut Zval) = (null_mut(), null_mut());
    let mut headers: *mut ZendHashTable = null_mut();
    parse!(arguments, c"Sz|h", &raw mut root, &raw mut path, &raw mut headers)?;
    // SAFETY: the parser succeeded, so this is the second argument.
    let path = unsafe { &mut *path };
    let request = class::of::<Request>(path);
    let asked = match (request, value::bytes_of(path)) {
        (Some(request), _) => class::slot(request.object, 1).shallow_clone(),
        (None, Some(_)) => path.shallow_clone(),
        (None, None) => {
            return Err(errors::argument_type(2, c"Towline\\WebSocket\\HttpRequest|string", path));
        }
    };
    let mut fields = response::fields(3, headers)?;
    let root = folder(value::bytes(root))?;
    let asked = value::bytes_of(&asked).unwrap_or_default();
    let Some((found, file, about)) = find(&root, asked) else {
        ret.set_null();
        return Ok(());
    };
    let method = request.map_or(&b"GET"[..], |it| value::bytes_of(class::slot(it.object, 0)).unwrap_or_default());
    if !matches!(method, b"GET" | b"HEAD") {
        let fields = vec![("Allow".to_owned(), b"GET, HEAD".to_vec())];
        *ret = response::create(3, 405, fields, value::string(b""))?;
        return Ok(());
    }
    let tag = format!("\"{:x}-{:x}-{:x}\"", about.len(), about.mtime(), about.mtime_nsec());
    add_missing(&mut fields, "ETag", tag.as_bytes());
    add_missing(&mut fields, "Cache-Control", b"no-cache");
    add_missing(&mut fields, "X-Content-Type-Options", b"nosniff");
    if request.is_some_and(|request| matches(request.field("if-none-match"), &fields)) {
        *ret = response::create(3, 304, fields, value::string(b""))?;
        return Ok(());
    }
    add_missing(&mut fields, "Content-Type", content_type(&found).as_bytes());
    let bytes = read(file, about.len())
        .map_err(|error| errors::runtime(&format!("cannot read {}: {error}", found.display())))?;
    *ret = response::create(3, 200, fields, value::string(&bytes))?;
    Ok(())
}

/// The root as it is on the disk.
fn folder(root: &[u8]) -> Answer<PathBuf> {
    let given = Path::new(OsStr::from_bytes(root));
    match fs::canonicalize(given) {
        Ok(folder) if folder.is_dir() && is_allowed(&folder) => Ok(folder),
        Ok(folder) if folder.is_dir() => Err(errors::argument(1, "must be a folder that open_basedir allows")),
        _ => Err(errors::argument(1, &format!("must be a folder, \"{}\" is none", given.display()))),
    }
}

/// The file that a path names below the root: no step upwards, nothing hidden, no link that leads out of it.
fn find(root: &Path, path: &[u8]) -> Option<(PathBuf, File, Metadata)> {
    let mut relative = PathBuf::new();
    let mut is_folder = true;
    let steps = path.strip_prefix(b"/").unwrap_or(path);
    for step in steps.split(|byte| *byte == b'/') {
        is_folder = step.is_empty();
        if step.starts_with(b".") || step.iter().any(|byte| matches!(byte, 0 | b'\\')) {
            return None;
        }
        relative.push(OsStr::from_bytes(step));
    }
    if is_folder {
        relative.push("index.html");
    }
    let found = fs::canonicalize(root.join(relative)).ok()?;
    if !found.starts_with(root) || !is_allowed(&found) {
        return None;
    }
    // What is no file may be a pipe, on which opening would wait.
    let file = fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&found).ok()?;
    let about = file.metadata().ok().filter(Metadata::is_file)?;
    Some((found, file, about))
}

fn is_allowed(path: &Path) -> bool {
    // SAFETY: the path lives through the call.
    CString::new(path.as_os_str().as_bytes())
        .is_ok_and(|path| unsafe { ffi::towline_open_basedir_allows(path.as_ptr()) })
}

fn read(file: File, size: u64) -> io::Result<Vec<u8>> {
    if size > MAX_FILE {
        return Err(io::Error::other(format!("it has {size} bytes, at most {MAX_FILE} are served")));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Has the browser the file that these fields describe (RFC 9110, section 13.1.2)?
fn matches(given: Option<&[u8]>, fields: &Fields) -> bool {
    let tag = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("etag")).map(|(_, tag)| tag.as_slice());
    let (Some(given), Some(tag)) = (given, tag) else { return false };
    let bare = |tag| <[u8]>::strip_prefix(tag, b"W/").unwrap_or(tag);
    given.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).any(|one| one == b"*" || bare(one) == bare(tag))
}

fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    match &*extension {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "txt" | "md" => "text/plain; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "ttf" => "font/ttf",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "xml" => "application/xml",
        _ => "application/octet-stream",
    }
}
