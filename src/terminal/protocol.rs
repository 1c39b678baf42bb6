//! The messages of the subprotocol `tty`, which `docs/terminal-protocol.md` describes: the first byte is the command.

use serde::Serialize;
use serde_json::{Map, Value};

/// Stands in front of the bytes of the process.
pub const OUTPUT: &[u8] = b"0";

/// Most bytes of the first message: a token may be a signed one.
pub(crate) const MAX_HELLO: usize = 16 * 1024;
/// Most bytes of a resize.
const MAX_RESIZE: usize = 1024;

/// Columns and rows of a terminal, both at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters in a row.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

impl Default for Size {
    /// 80 by 24.
    fn default() -> Self {
        Size { columns: 80, rows: 24 }
    }
}

/// The first message of a browser.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hello {
    /// What the browser was given to prove that it may; empty when it has nothing.
    pub token: String,
    /// The page's size; `None` when it is missing or out of range.
    pub size: Option<Size>,
    /// The session to rejoin.
    pub session: Option<String>,
    /// The browser only wants to watch.
    pub read_only: bool,
}

/// What a browser says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said<'a> {
    /// Opens or rejoins.
    Hello(Box<Hello>),
    /// Bytes for the process.
    Input(&'a [u8]),
    /// The page has this size now.
    Resize(Size),
    /// No output for now.
    Pause,
    /// Output again.
    Resume,
    /// No more input will come.
    EndOfInput,
    /// So many bytes of output have been taken in since the page joined.
    Taken(u64),
    /// Nothing that is known here, or a size out of range: of no consequence.
    Nothing,
}

/// The first message is not what it should be; the text says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the first message {0}")]
pub struct Malformed(String);

impl<'a> Said<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// [`Malformed`] for a first message that is no JSON object or whose fields have the wrong type.
    pub fn read(message: &'a [u8]) -> Result<Said<'a>, Malformed> {
        let Some((command, payload)) = message.split_first() else { return Ok(Said::Nothing) };
        Ok(match command {
            b'0' => Said::Input(payload),
            b'1' => read_resize(payload).map_or(Said::Nothing, Said::Resize),
            b'2' => Said::Pause,
            b'3' => Said::Resume,
            b'4' => Said::EndOfInput,
            b'5' => read_count(payload).map_or(Said::Nothing, Said::Taken),
            b'{' => Said::Hello(Box::new(read_hello(message)?)),
            _ => Said::Nothing,
        })
    }
}

fn read_resize(payload: &[u8]) -> Option<Size> {
    if payload.len() > MAX_RESIZE {
        return None;
    }
    size(&serde_json::from_slice(payload).ok()?)
}

fn read_count(payload: &[u8]) -> Option<u64> {
    std::str::from_utf8(payload).ok()?.parse().ok()
}

fn read_hello(message: &[u8]) -> Result<Hello, Malformed> {
    if message.len() > MAX_HELLO {
        return Err(Malformed(format!("has {} bytes; at most {MAX_HELLO} are taken", message.len())));
    }
    let fields: Map<String, Value> =
        serde_json::from_slice(message).map_err(|error| Malformed(format!("is no JSON object: {error}")))?;
    let text = |name| match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Malformed(format!("has a field {name} that is no string"))),
    };
    Ok(Hello {
        token: text("AuthToken")?.unwrap_or_default(),
        session: text("session")?.filter(|session| !session.is_empty()),
        read_only: match fields.get("readOnly") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(value)) => *value,
            Some(_) => return Err(Malformed("has a field readOnly that is neither true nor false".into())),
        },
        size: size(&fields),
    })
}

fn size(fields: &Map<String, Value>) -> Option<Size> {
    let length = |name| {
        let number = fields.get(name)?;
        let whole = number.as_u64().or_else(|| {
            // 80.0 is a whole number, too.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just before")]
            number.as_f64().filter(|it| it.fract() == 0.0 && (1.0..=65535.0).contains(it)).map(|it| it as u64)
        })?;
        u16::try_from(whole).ok().filter(|length| *length > 0)
    };
    Some(Size { columns: length("columns")?, rows: length("rows")? })
}

/// A viewer has joined; `replay` bytes of scrollback follow as [`OUTPUT`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined<'a> {
    /// The session's id, with which a browser may come back.
    pub session: &'a str,
    /// The terminal's size.
    pub size: Size,
    /// This viewer only watches.
    pub read_only: bool,
    /// Bytes of scrollback that follow.
    pub replay: usize,
}

impl Joined<'_> {
    /// The message.
    pub fn message(&self) -> Vec<u8> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields<'a> {
            session: &'a str,
            rows: u16,
            columns: u16,
            read_only: bool,
            replay: usize,
        }
        json(
            b's',
            &Fields {
                session: self.session,
                rows: self.size.rows,
                columns: self.size.columns,
                read_only: self.read_only,
                replay: self.replay,
            },
        )
    }
}

/// The window's title.
pub fn title(text: &str) -> Vec<u8> {
    [b"1", text.as_bytes()].concat()
}

/// Preferences for the page: a JSON object.
pub fn preferences(object: &Map<String, Value>) -> Vec<u8> {
    json(b'2', object)
}

/// The process has ended; `None`: nobody knows how. The WebSocket closes with 1000 behind it.
pub fn exited(code: Option<i64>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Fields {
        code: Option<i64>,
    }
    json(b'x', &Fields { code })
}

/// The process could not start, or was lost. The WebSocket closes with 1011 behind it.
pub fn error(message: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Fields<'a> {
        message: &'a str,
    }
    json(b'e', &Fields { message })
}

/// Another viewer has resized the terminal.
pub fn resized(size: Size) -> Vec<u8> {
    #[derive(Serialize)]
    struct Fields {
        rows: u16,
        columns: u16,
    }
    json(b'r', &Fields { rows: size.rows, columns: size.columns })
}

fn json(command: u8, fields: &impl Serialize) -> Vec<u8> {
    let mut message = vec![command];
    // Numbers, strings and maps with string keys always have a form, and a Vec takes everything.
    let _ = serde_json::to_writer(&mut message, fields);
    message
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn hello(text: &str) -> Hello {
        match Said::read(text.as_bytes()) {
            Ok(Said::Hello(hello)) => *hello,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_first_message() {
        // As a stock ttyd client sends it.
        assert_eq!(
            hello(r#"{"AuthToken":"abc","columns":80,"rows":24}"#),
            Hello { token: "abc".into(), size: Some(Size { columns: 80, rows: 24 }), ..Hello::default() }
        );
        assert_eq!(
            hello(r#"{"AuthToken":"","columns":1,"rows":65535.0,"session":"s1","readOnly":true,"more":[{}]}"#),
            Hello {
                token: String::new(),
                size: Some(Size { columns: 1, rows: 65535 }),
                session: Some("s1".into()),
                read_only: true
            }
        );
        assert_eq!(hello("{}"), Hello::default());
        assert_eq!(hello(r#"{"AuthToken":null,"session":"","readOnly":null}"#), Hello::default());
    }

    #[test]
    fn sizes_out_of_range_are_ignored() {
        for size in [
            r#""columns":0,"rows":24"#,
            r#""columns":80"#,
            r#""columns":65536,"rows":24"#,
            r#""columns":-1,"rows":24"#,
            r#""columns":80.5,"rows":24"#,
            r#""columns":1e300,"rows":24"#,
            r#""columns":99999999999999999999999999,"rows":24"#,
            r#""columns":"80","rows":24"#,
            r#""columns":null,"rows":24"#,
        ] {
            assert_eq!(hello(&format!("{{{size}}}")).size, None, "{size}");
            assert_eq!(Said::read(format!("1{{{size}}}").as_bytes()), Ok(Said::Nothing), "{size}");
        }
        for text in ["1", "1x", "1[80,24]", "1{\"columns\":NaN,\"rows\":24}", "1{\"columns\":80,\"rows\":24"] {
            assert_eq!(Said::read(text.as_bytes()), Ok(Said::Nothing), "{text}");
        }
        let long = format!("1{{\"columns\":80,\"rows\":24{}}}", " ".repeat(2000));
        assert_eq!(Said::read(long.as_bytes()), Ok(Said::Nothing));
    }

    #[test]
    fn what_is_no_first_message_is_refused() {
        let deep = format!("{{\"a\":{}", "[".repeat(10_000));
        let long = format!("{{\"AuthToken\":\"{}\"}}", "x".repeat(20_000));
        for (words, text) in [
            ("no JSON object", "{"),
            ("no JSON object", "{]"),
            ("no JSON object", r#"{"columns":NaN}"#),
            ("no JSON object", r#"{"AuthToken":"a"} x"#),
            ("no JSON object", &deep),
            ("16384", &long),
            ("AuthToken", r#"{"AuthToken":1}"#),
            ("session", r#"{"session":[]}"#),
            ("readOnly", r#"{"readOnly":"yes"}"#),
        ] {
            let error = Said::read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(Said::read(b"{\"AuthToken\":\"\xff\"}").is_err());
    }

    #[test]
    fn the_other_messages() {
        for (text, said) in [
            (&b""[..], Said::Nothing),
            (b"0", Said::Input(b"")),
            (b"0ls\r\xff\0", Said::Input(b"ls\r\xff\0")),
            (b"1{\"columns\":132,\"rows\":50}", Said::Resize(Size { columns: 132, rows: 50 })),
            (b"2", Said::Pause),
            (b"3", Said::Resume),
            (b"4", Said::EndOfInput),
            (b"50", Said::Taken(0)),
            (b"5131072", Said::Taken(131_072)),
            (b"5", Said::Nothing),
            (b"5-1", Said::Nothing),
            (b"518446744073709551616", Said::Nothing),
            (b"6", Said::Nothing),
            (b"\xff", Said::Nothing),
        ] {
            assert_eq!(Said::read(text), Ok(said), "{text:?}");
        }
    }

    #[test]
    fn what_the_server_says() {
        let size = Size { columns: 80, rows: 24 };
        let joined = Joined { session: "a\"b", size, read_only: true, replay: 7 };
        assert_eq!(joined.message(), br#"s{"session":"a\"b","rows":24,"columns":80,"readOnly":true,"replay":7}"#);
        assert_eq!(exited(Some(137)), br#"x{"code":137}"#);
        assert_eq!(exited(None), br#"x{"code":null}"#);
        assert_eq!(error("no\nshell"), br#"e{"message":"no\nshell"}"#);
        assert_eq!(resized(size), br#"r{"rows":24,"columns":80}"#);
        assert_eq!(title("box \u{20ac}"), "1box \u{20ac}".as_bytes());
        let Value::Object(object) = serde_json::json!({"fontSize": 14}) else { panic!() };
        assert_eq!(preferences(&object), br#"2{"fontSize":14}"#);
    }
}
