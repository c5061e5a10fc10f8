//! A TCP port at which connections are refused for as long as a test needs that.
//!
//! A port that a test has bound and given back may be somebody else's a moment later: tests run beside each other,
//! and each takes free ports. Read `mod.rs` before.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

/// A port where nobody listens and nobody else can: bound, and kept so until this is dropped.
///
/// # Examples
/// ```
/// use netcommon::testing::ClosedPort;
/// use std::net::TcpStream;
///
/// let closed = ClosedPort::new();
/// assert!(TcpStream::connect(closed.addr).is_err());
/// ```
#[derive(Debug)]
pub struct ClosedPort {
    /// Where connections are refused.
    pub addr: SocketAddr,
    _bound: Socket,
}

impl ClosedPort {
    /// One that the system chooses, on the loopback interface: `socket(2)`, `bind(2)`.
    ///
    /// # Panics
    /// Where there is no IPv4 loopback.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        let bound = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket for a closed port");
        bound.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port on the loopback interface");
        let addr = bound.local_addr().expect("it is bound").as_socket().expect("it is an IPv4 address");
        Self { addr, _bound: bound }
    }
}
