use super::TempDir;
use socket2::{Domain, SockAddr, Socket, Type};

/// A listener whose backlog is full: nothing is accepted.
pub struct FullBacklog {
    /// For a client.
    pub address: String,
    pub listener: Socket,
    /// What fills it.
    pub inside: Vec<Socket>,
    _dir: TempDir,
}

impl FullBacklog {
    /// A unix socket: the next connect yields EAGAIN.
    pub fn unix() -> Self {
        let dir = TempDir::new();
        let path = dir.join("full.sock");
        let address = SockAddr::unix(&path).unwrap();
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        listener.bind(&address).unwrap();
        listener.listen(0).unwrap();
        let mut inside = Vec::new();
        loop {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            match socket.connect(&address) {
                Ok(()) => inside.push(socket),
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                    break;
                }
            }
        }
        FullBacklog { address: format!("unix:{path}"), listener, inside, _dir: dir }
    }

    /// A TCP port: the next connect gets no answer.
    pub fn tcp() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let first = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        first.connect(&address).unwrap();
        let inside = vec![first];
        FullBacklog {
            address: format!("tcp://{}", address.as_socket().unwrap()),
            listener,
            inside,
            _dir: TempDir::new(),
        }
    }
}
