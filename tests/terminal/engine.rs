//! A scripted Engine whose streams do what the test says.

use crate::support::{Conn, FakeEngine, Http, UPGRADED, answer, json};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a stream is to do.
#[derive(Debug)]
pub enum Act {
    Write(Vec<u8>),
    /// This many bytes, numbered so that a gap shows.
    Flood(usize),
    /// Read no input until another act.
    Deaf,
    /// End the connection.
    End,
}

/// An Engine whose one exec at a time does what it is told.
pub struct Script {
    pub engine: FakeEngine,
    acts: Sender<Act>,
    /// What the stream was sent.
    pub input: Arc<Mutex<Vec<u8>>>,
    /// Exec ids of kills, by what their command says.
    pub signals: Arc<Mutex<Vec<String>>>,
    code: Arc<Mutex<Option<i64>>>,
    /// Kills find no shell.
    pub no_shell: Arc<Mutex<bool>>,
    /// What a signal does to the process: true ends it.
    pub mortal: Arc<Mutex<Vec<String>>>,
}

/// Number `index` of the bytes of a flood: lines, so that a replay begins with one.
pub fn flood_byte(index: usize) -> u8 {
    let line = index / 16;
    match index % 16 {
        15 => b'\n',
        place => b'0' + ((line / 10usize.pow((14 - place as u32).min(9))) % 10) as u8,
    }
}

pub fn flood(size: usize) -> Vec<u8> {
    (0..size).map(flood_byte).collect()
}

impl Script {
    pub fn new() -> Script {
        let (acts, played) = channel::<Act>();
        let played = Arc::new(Mutex::new(played));
        let input = Arc::new(Mutex::new(Vec::new()));
        let signals = Arc::new(Mutex::new(Vec::new()));
        let code = Arc::new(Mutex::new(Some(0)));
        let no_shell = Arc::new(Mutex::new(false));
        let mortal = Arc::new(Mutex::new(Vec::new()));
        let engine = {
            let (input, signals, code, no_shell, mortal, acts) = (
                input.clone(),
                signals.clone(),
                code.clone(),
                no_shell.clone(),
                mortal.clone(),
                Mutex::new(acts.clone()),
            );
            FakeEngine::start(move |request, conn| match (request.method.as_str(), request.path()) {
                ("POST", "/exec/e1/start") => {
                    conn.send(UPGRADED.as_bytes());
                    play(&played.lock().unwrap(), conn, &input);
                    true
                }
                // The helper of a kill.
                ("POST", path) if path.ends_with("/exec") && request.text().contains("towline\",\"") => {
                    let signal = signal(request);
                    if mortal.lock().unwrap().contains(&signal) {
                        *code.lock().unwrap() = Some(if signal == "TERM HUP" { 143 } else { 137 });
                        acts.lock().unwrap().send(Act::End).unwrap();
                    }
                    signals.lock().unwrap().push(signal);
                    conn.send(&answer("201 Created", "", r#"{"Id":"k1"}"#))
                }
                ("POST", "/exec/k1/start") => {
                    conn.send(UPGRADED.as_bytes());
                    true
                }
                ("GET", "/exec/k1/json") => {
                    let code = if *no_shell.lock().unwrap() { 127 } else { 0 };
                    conn.send(&json(&format!(r#"{{"Running":false,"ExitCode":{code}}}"#)))
                }
                ("GET", "/exec/e1/json") => {
                    let code = *code.lock().unwrap();
                    let code = code.map_or("null".to_owned(), |code| code.to_string());
                    conn.send(&json(&format!(r#"{{"Running":false,"ExitCode":{code}}}"#)))
                }
                _ => false,
            })
        };
        Script { engine, acts, input, signals, code, no_shell, mortal }
    }

    pub fn act(&self, act: Act) {
        self.acts.send(act).unwrap();
    }

    pub fn write(&self, text: &str) {
        self.act(Act::Write(text.as_bytes().to_vec()));
    }

    /// Ends the process.
    pub fn exit(&self, code: i64) {
        *self.code.lock().unwrap() = Some(code);
        self.act(Act::End);
    }

    pub fn input(&self) -> String {
        String::from_utf8_lossy(&self.input.lock().unwrap()).into_owned()
    }

    /// The sizes that the terminal was given.
    pub fn sizes(&self) -> Vec<String> {
        self.engine.requests("/exec/e1/resize").iter().map(|it| it.target.split('?').nth(1).unwrap().into()).collect()
    }
}

impl Drop for Script {
    /// A stream that reads no input would not notice that the test has ended.
    fn drop(&mut self) {
        self.act(Act::End);
    }
}

/// The signal that a kill's helper is to send: the last word of its command.
fn signal(request: &Http) -> String {
    let text = request.text();
    let (_, rest) = text.split_once("\"towline\",").unwrap();
    let (words, _) = rest.split_once(']').unwrap();
    words.rsplit(',').next().unwrap().trim_matches('"').to_owned()
}

fn play(acts: &Receiver<Act>, conn: &mut Conn, input: &Mutex<Vec<u8>>) {
    let mut deaf = false;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        // Looks for acts and for input in turn.
        match acts.recv_timeout(Duration::from_millis(1)) {
            Ok(Act::Write(bytes)) => drop(conn.send(&bytes)),
            Ok(Act::Flood(size)) => drop(conn.send(&flood(size))),
            Ok(Act::Deaf) => {
                deaf = true;
                continue;
            }
            Ok(Act::End) => return,
            Err(_) => {
                if !deaf && !conn.is_silent() {
                    match conn.read_some(&mut buffer) {
                        0 => return,
                        n => input.lock().unwrap().extend_from_slice(&buffer[..n]),
                    }
                }
                continue;
            }
        }
        deaf = false;
    }
}
