//! Asks a php-fpm that is starting whether it answers yet.

use crate::fastcgi::record::{self, Decoder, Item, Kind};
use crate::fastcgi::request::Request;
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest wait for one answer: a worker that died meanwhile should not cost the whole deadline.
const PATIENCE: Duration = Duration::from_millis(500);

/// True when a worker said pong. Every failure is a plain no: the caller asks again.
pub(super) fn answers(socket: &Path, deadline: Instant) -> bool {
    ask(socket, deadline).unwrap_or(false)
}

fn ask(path: &Path, deadline: Instant) -> std::io::Result<bool> {
    let mut socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)?;
    socket.set_nonblocking(false)?;
    let left = deadline.saturating_duration_since(Instant::now()).clamp(Duration::from_millis(1), PATIENCE);
    socket.set_read_timeout(Some(left))?;
    socket.set_write_timeout(Some(left))?;

    let request = Request::builder("/ping").build().map_err(std::io::Error::other)?;
    let mut bytes = Vec::new();
    record::put_begin(&mut bytes, request.role as u16, false);
    bytes.extend_from_slice(&request.params);
    record::put_header(&mut bytes, Kind::Stdin, 0);
    socket.write_all(&bytes)?;

    let mut decoder = Decoder::default();
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let count = socket.read(&mut buffer)?;
        let input = buffer.get(..count).unwrap_or_default();
        if input.is_empty() {
            return Ok(false);
        }
        let mut at = 0;
        while let Some(item) = decoder.next(input, &mut at).map_err(std::io::Error::other)? {
            match item {
                Item::Stdout(range) => answer.extend_from_slice(input.get(range).unwrap_or_default()),
                Item::End { .. } => return Ok(answer.ends_with(b"pong")),
                Item::Stderr(_) | Item::Values(_) => {}
            }
        }
    }
}
