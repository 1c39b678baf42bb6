//! Bodies of type `multipart/form-data` (RFC 7578, names escaped as browsers do: WHATWG HTML, "multipart/form-data
//! encoding algorithm").

use super::errors::{self, Answer};
use super::value::{self, Key};
use super::{call, ffi};
use ext_php_rs::types::{ZendHashTable, Zval};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What PHP itself takes at the most (its default of `max_input_nesting_level`); also an array that holds itself ends here.
const MAX_NESTING: u8 = 64;

/// Content type and body of a form with files (field => path), which are read now.
pub fn multipart(fields: &ZendHashTable, files: &ZendHashTable) -> Answer<(String, Vec<u8>)> {
    let boundary = boundary()?;
    let mut body = Vec::new();
    for (key, field) in value::elements(fields) {
        part(&mut body, &boundary, key_bytes(key), field, MAX_NESTING)?;
    }
    for (key, path) in value::elements(files) {
        let Some(path) = value::bytes_of(path) else {
            return Err(errors::argument_type(3, c"array<string, string>", path));
        };
        file(&mut body, &boundary, &key_bytes(key), path)?;
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((format!("multipart/form-data; boundary={boundary}"), body))
}

/// 24 random digits from PHP's own generator: no content holds them.
fn boundary() -> Answer<String> {
    let random = call::function(c"random_bytes", &mut [value::int(12)])?;
    let digits = value::bytes_of(&random).unwrap_or_default().iter().map(|byte| format!("{byte:02x}"));
    Ok(format!("----towline{}", digits.collect::<String>()))
}

fn key_bytes(key: Key) -> Vec<u8> {
    match key {
        Key::Name(name) => name.to_vec(),
        Key::Index(index) => index.to_string().into_bytes(),
    }
}

/// A field; an array becomes one part for each element, named as PHP reads them back.
fn part(body: &mut Vec<u8>, boundary: &str, name: Vec<u8>, field: &mut Zval, levels: u8) -> Answer {
    if let Some(table) = field.array() {
        let Some(levels) = levels.checked_sub(1) else {
            return Err(errors::argument(
                2,
                &format!("must not nest arrays deeper than {MAX_NESTING}, as PHP reads them"),
            ));
        };
        for (key, element) in value::elements(table) {
            let name = [name.as_slice(), b"[", &key_bytes(key), b"]"].concat();
            part(body, boundary, name, element, levels)?;
        }
        return Ok(());
    }
    if !(field.is_string() || field.is_long() || field.is_double() || field.is_bool()) {
        return Err(errors::argument_type(2, c"array of strings, numbers, bools and such arrays", field));
    }
    let text = value::to_bytes(field)?;
    start(body, boundary, &name);
    body.extend_from_slice(b"\r\n\r\n");
    body.extend_from_slice(&text);
    body.extend_from_slice(b"\r\n");
    Ok(())
}

fn file(body: &mut Vec<u8>, boundary: &str, name: &[u8], path: &[u8]) -> Answer {
    let shown = String::from_utf8_lossy(path);
    let refuse = |why: &str| errors::argument(3, &format!("must name files that can be read: {shown}: {why}"));
    let Ok(c_path) = CString::new(path) else { return Err(refuse("the path holds a NUL byte")) };
    // SAFETY: the path lives through the call.
    if !unsafe { ffi::towline_open_basedir_allows(c_path.as_ptr()) } {
        return Err(refuse("open_basedir forbids it"));
    }
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let content = std::fs::read(path).map_err(|error| refuse(&error.to_string()))?;
    start(body, boundary, name);
    body.extend_from_slice(b"; filename=\"");
    escape(body, path.file_name().map(OsStrExt::as_bytes).unwrap_or_default());
    body.extend_from_slice(b"\"\r\nContent-Type: ");
    body.extend_from_slice(content_type(path).as_bytes());
    body.extend_from_slice(b"\r\n\r\n");
    body.extend_from_slice(&content);
    body.extend_from_slice(b"\r\n");
    Ok(())
}

fn start(body: &mut Vec<u8>, boundary: &str, name: &[u8]) {
    body.extend_from_slice(b"--");
    body.extend_from_slice(boundary.as_bytes());
    body.extend_from_slice(b"\r\nContent-Disposition: form-data; name=\"");
    escape(body, name);
    body.push(b'"');
}

fn escape(body: &mut Vec<u8>, name: &[u8]) {
    for &byte in name {
        match byte {
            b'\n' => body.extend_from_slice(b"%0A"),
            b'\r' => body.extend_from_slice(b"%0D"),
            b'"' => body.extend_from_slice(b"%22"),
            other => body.push(other),
        }
    }
}

/// What servers and scripts commonly tell apart; anything else is bytes.
fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "txt" | "log" => "text/plain",
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "csv" => "text/csv",
        "js" => "text/javascript",
        "json" => "application/json",
        "xml" => "application/xml",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}
