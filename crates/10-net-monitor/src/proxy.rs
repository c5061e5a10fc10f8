//! `net-monitor proxy`: a relay that writes down what it relays; on any system, without rights.
//!
//! ```text
//! thread "main"        the recorder: ledger, log, lines      ends when all witnesses are gone
//! thread "tcp relay"   all TCP pairs                         ended by the token
//! thread "udp relay"   all UDP pairs                         ended by the token
//! thread "ctrl-c"      waits for a signal, advances the token (made by the ctrlc crate)
//! ```
//! Being in the way it misses nothing, however short; and it costs: every byte passes through one more program. Read
//! `proxy/pairs.rs`, `proxy/lane.rs`, `proxy/tcp.rs`, `proxy/connection.rs`, `proxy/udp.rs`.

mod connection;
mod lane;
pub mod pairs;
mod pipes;
pub mod tcp;
pub mod udp;

use std::net::SocketAddr;

use netcommon::addr::{bind_udp, listen, resolve};
use netcommon::error::OpError;
use netcommon::net::{TcpListener, UdpSocket};

use crate::observation::Protocol;
use crate::proxy::pairs::{Pair, is_circle};

/// Connections at once, two descriptors each; the next ones wait in the kernel's backlog. Idle ones cost a kilobyte.
pub const CONNECTIONS_MAX: usize = 16_384;

/// Descriptors that the pipes of `pipes.rs` take at most.
pub const PIPE_ENDS_MAX: usize = 2 * pipes::PIPES_MAX;

/// Pairs whose sockets are bound.
#[derive(Debug, Default)]
pub struct Bound {
    /// Listeners, each with the addresses of its target, which are tried in this order.
    pub tcp: Vec<(TcpListener, Vec<SocketAddr>)>,
    /// Sockets, each with its target.
    pub udp: Vec<(UdpSocket, SocketAddr)>,
    /// What is relayed, with the real addresses, in the order of the pairs.
    pub fronts: Vec<(Protocol, SocketAddr, SocketAddr)>,
}

/// Binds the sockets of all pairs and looks up their targets. `bind(2)`, `listen(2)`, `getaddrinfo(3)`.
///
/// # Errors
/// An address that cannot be bound, a name that is not found, a target that is the relay itself.
pub fn bind(pairs: &[Pair]) -> Result<Bound, OpError> {
    let mut bound = Bound::default();
    for pair in pairs {
        let targets = resolve(&pair.target)?;
        let target = *targets.first().expect("resolve returns at least one address");
        let failed = |error| OpError::new("ask for the address of", &pair.listen, error);
        let front = match pair.protocol {
            Protocol::Tcp => {
                let listener = listen(&pair.listen, &Default::default())?;
                let front = listener.local_addr().map_err(failed)?;
                bound.tcp.push((listener, targets.clone()));
                front
            }
            Protocol::Udp => {
                let socket = bind_udp(&pair.listen)?;
                let front = socket.local_addr().map_err(failed)?;
                bound.udp.push((socket, target));
                front
            }
        };
        if targets.iter().any(|target| is_circle(front, *target)) {
            let cause = std::io::Error::other("that is where we listen ourselves");
            return Err(OpError::new("relay to", target, cause).with_hint("name the server's address"));
        }
        bound.fronts.push((pair.protocol, front, target));
    }
    Ok(bound)
}
