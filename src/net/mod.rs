//! Addresses, name look-ups, nonblocking transports and the buffer of bytes on their way out.

mod address;
mod outbound;
mod resolve;
mod transport;

pub use address::{Address, AddressError};
pub use outbound::{Flushed, Outbound};
pub use resolve::{Lookup, resolve};
pub use transport::{Closing, Connected, Endpoint, Transport};
