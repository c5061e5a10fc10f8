//! Sockets bound to a `HOST:PORT`: a TCP listener, a UDP socket, or an error that says what to try.
//!
//! A name may stand for several addresses (`localhost` often means `::1` and `127.0.0.1`); the first
//! one that can be bound is taken. Read `resolve.rs` first; source: bind(2).

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use super::{HostPort, resolve};
use crate::error::OpError;
use crate::net::{ListenOptions, TcpListener, UdpSocket};

/// Ports below this number are reserved on Linux and macOS (`ip_unprivileged_port_start`).
const RESERVED_PORTS_END: u16 = 1024;

/// Listens on the first address of `target` that can be bound; port 0 takes a free port.
///
/// `socket(2)`, `bind(2)`, `listen(2)` through [`TcpListener::bind_with`]. Blocks only while a name is
/// looked up.
///
/// # Errors
/// The name is not found, the address is in use, not this machine's, or reserved; each with a hint.
///
/// # Examples
/// ```
/// use netcommon::addr::listen;
///
/// let listener = listen(&"127.0.0.1:0".parse().unwrap(), &Default::default())?;
/// let addr = listener.local_addr().unwrap();
///
/// let second = listen(&addr.into(), &Default::default()).unwrap_err();
/// assert_eq!(second.to_string(), format!("bind {addr}"));
/// let hint = "another program is using it: stop that one, or take a free port with 127.0.0.1:0";
/// assert_eq!(second.hint.as_deref(), Some(hint));
/// # Ok::<(), netcommon::error::OpError>(())
/// ```
pub fn listen(target: &HostPort, options: &ListenOptions) -> Result<TcpListener, OpError> {
    first_bound(target, |addr| TcpListener::bind_with(addr, options))
}

/// Binds a UDP socket to the first address of `target` that can be bound; port 0 takes a free port.
///
/// `socket(2)`, `bind(2)` through [`UdpSocket::bind`]. Blocks only while a name is looked up.
///
/// # Errors
/// As [`listen`].
///
/// # Examples
/// ```
/// use netcommon::addr::bind_udp;
///
/// let socket = bind_udp(&"127.0.0.1:0".parse().unwrap())?;
/// assert_ne!(socket.local_addr().unwrap().port(), 0);
/// # Ok::<(), netcommon::error::OpError>(())
/// ```
pub fn bind_udp(target: &HostPort) -> Result<UdpSocket, OpError> {
    first_bound(target, UdpSocket::bind)
}

fn first_bound<S>(target: &HostPort, bind: impl Fn(SocketAddr) -> io::Result<S>) -> Result<S, OpError> {
    let mut first_failure = None;
    for addr in resolve(target)? {
        match bind(addr) {
            Ok(socket) => return Ok(socket),
            Err(error) => first_failure = first_failure.or(Some((addr, error))),
        }
    }
    let (addr, error) = first_failure.expect("resolve returns at least one address");
    let hint = hint(addr, &error);
    let error = OpError::new("bind", target.with_addr(addr), error);
    Err(match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    })
}

/// What the user can do about an address that could not be bound.
fn hint(addr: SocketAddr, error: &io::Error) -> Option<String> {
    let port = addr.port();
    let any_port = SocketAddr::new(addr.ip(), 0);
    Some(match error.kind() {
        ErrorKind::AddrInUse => {
            format!("another program is using it: stop that one, or take a free port with {any_port}")
        }
        ErrorKind::PermissionDenied if port < RESERVED_PORTS_END => {
            format!("ports below {RESERVED_PORTS_END} need admin rights; take one above, such as {}", 8000 + port)
        }
        // Windows says "permission denied" of a port that another program holds for itself alone.
        ErrorKind::PermissionDenied => format!("another program may hold it: take a free port with {any_port}"),
        ErrorKind::AddrNotAvailable => {
            let (this, every) = if addr.is_ipv4() { ("127.0.0.1", "0.0.0.0") } else { ("[::1]", "[::]") };
            format!("this machine has no such address: {this}:{port} is its own, {every}:{port} means all it has")
        }
        _ => return None,
    })
}
