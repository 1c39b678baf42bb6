//! Addresses, name look-ups, nonblocking transports with and without TLS, and the buffer of bytes on their way out.

mod address;
mod listener;
mod outbound;
mod phase;
mod resolve;
mod tls;
mod transport;
mod wire;

pub use address::{Address, AddressError};
pub use listener::{Accepted, Listener};
pub use outbound::{Flushed, Outbound};
pub use phase::Phase;
pub use resolve::{Lookup, resolve};
pub use tls::{Tls, TlsClient, TlsFiles, tls_words};
pub use transport::{Closing, Connected, Endpoint, Transport};
pub use wire::Wire;
