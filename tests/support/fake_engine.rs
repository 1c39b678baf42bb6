//! An Engine for what a real one will not do: it answers what is needed to open a stream, and the rest as a test says.

use super::{Conn, Peer};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Http {
    pub method: String,
    /// With the version and the query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Http {
    /// The value of a header; its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The path without version and query.
    pub fn path(&self) -> &str {
        let path = self.target.split('?').next().unwrap();
        match path.strip_prefix("/v").and_then(|rest| rest.find('/').map(|at| &rest[at..])) {
            Some(path) => path,
            None => path,
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Reads one request; `None` at the end of the connection.
    pub fn read(conn: &mut Conn) -> Option<Http> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if conn.read_some(&mut byte) == 0 {
                return None;
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let mut first = lines.next().unwrap().split(' ');
        let mut request = Http {
            method: first.next().unwrap().to_owned(),
            target: first.next().unwrap().to_owned(),
            headers: lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: Vec::new(),
        };
        let length = request.header("content-length").map_or(0, |text| text.parse().unwrap());
        while request.body.len() < length {
            let mut rest = vec![0; length - request.body.len()];
            let n = conn.read_some(&mut rest);
            if n == 0 {
                return None;
            }
            request.body.extend(&rest[..n]);
        }
        Some(request)
    }
}

pub const UPGRADED: &str = "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: \
    Upgrade\r\nUpgrade: tcp\r\n\r\n";

/// A whole answer.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nApi-Version: 1.41\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

pub fn json(body: &str) -> Vec<u8> {
    answer("200 OK", "Content-Type: application/json\r\n", body)
}

pub fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, 0, 0, 0][..], &u32::try_from(payload.len()).unwrap().to_be_bytes(), payload].concat()
}

pub struct FakeEngine {
    pub peer: Peer,
    pub address: String,
    log: Arc<Mutex<Vec<Http>>>,
}

impl FakeEngine {
    /// `special` sees each request first: false leaves it to the defaults (ping, exec create, an exit code of 0). A
    /// connection on which it has begun a stream ends when it returns true and has `taken` it.
    pub fn start(special: impl Fn(&Http, &mut Conn) -> bool + Send + Sync + 'static) -> FakeEngine {
        FakeEngine::on(false, special)
    }

    pub fn on(tcp: bool, special: impl Fn(&Http, &mut Conn) -> bool + Send + Sync + 'static) -> FakeEngine {
        let log = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&log);
        let peer = Peer::on(tcp, move |conn| {
            while let Some(request) = Http::read(conn) {
                seen.lock().unwrap().push(request.clone());
                let is_stream = request.header("upgrade").is_some();
                if special(&request, conn) {
                    if is_stream {
                        return;
                    }
                    continue;
                }
                let path = request.path().to_owned();
                conn.send(&match (request.method.as_str(), path.as_str()) {
                    (_, "/_ping") => answer("200 OK", "", "OK"),
                    ("POST", path) if path.ends_with("/exec") => answer("201 Created", "", r#"{"Id":"e1"}"#),
                    ("GET", "/exec/e1/json") => json(r#"{"Running":false,"ExitCode":0}"#),
                    ("POST", "/exec/e1/resize") => answer("201 Created", "", ""),
                    ("GET", "/containers/web/json") => {
                        json(r#"{"Id":"c1","Config":{"Tty":false},"State":{"Status":"running","Running":true,"ExitCode":0}}"#)
                    }
                    _ => answer("404 Not Found", "", r#"{"message":"page not found"}"#),
                });
            }
        });
        FakeEngine { address: peer.address.clone(), peer, log }
    }

    /// Starts every exec with `stream`, which gets the connection before the answer's head.
    pub fn streams(stream: impl Fn(&mut Conn) + Send + Sync + 'static) -> FakeEngine {
        FakeEngine::start(move |request, conn| {
            if request.path() != "/exec/e1/start" {
                return false;
            }
            stream(conn);
            true
        })
    }

    /// The requests so far with this path.
    pub fn requests(&self, path: &str) -> Vec<Http> {
        self.log.lock().unwrap().iter().filter(|request| request.path() == path).cloned().collect()
    }
}
