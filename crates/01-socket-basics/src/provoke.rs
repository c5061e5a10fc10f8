//! Makes each error happen: on the loopback interface, without privileges, without a network.
//!
//! Every function prepares a situation, makes one call and hands back what the system said. Where
//! systems differ, several situations are tried until one says it, and all of them are shown.
//! Read `errors.rs` first. Sources: connect(2), bind(2), send(2), recv(2), socket(7); RFC 6761 section 6.4.

use std::io::{self, Read};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use netcommon::net::{Socket, TcpListener, TcpStream};
use socket2::{Domain, Protocol, Type};

use crate::errors::{Attempt, Mishap, Situation};
use crate::resolve::within_deadline;

/// Long enough to be a wait, short enough for a classroom.
const PATIENCE: Duration = Duration::from_millis(200);

/// A port of the loopback interface that the system chooses.
const ANY_PORT: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// The port of HTTP, below 1024: reserved on many systems.
const RESERVED_PORT: u16 = 80;

/// The discard service (RFC 863): whoever gets a datagram there throws it away.
const DISCARD_PORT: u16 = 9;

/// Everybody on the loopback interface. Not std's constant, which is everybody on every network.
const LOOPBACK_BROADCAST: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// An address for books (RFC 3849): on a machine without IPv6 no way leads there, and nobody has it.
const DOCUMENTATION_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// Kept for a future that never came (RFC 1112 section 4); nobody has it.
const CLASS_E: Ipv4Addr = Ipv4Addr::new(240, 0, 0, 1);

/// Nobody will ever have a name under `.invalid` (RFC 6761).
const INVALID_NAME: &str = "no-such-host.invalid";

/// What was tried; the call that failed instead when the preparations already did.
type Outcome = Result<Vec<Attempt>, Unprepared>;

/// The preparations have failed, for example on a machine whose loopback interface is switched off.
pub(crate) struct Unprepared {
    /// The call, with its address.
    pub(crate) call: String,
    /// What the system said.
    pub(crate) error: io::Error,
}

/// What is left beside [`connected_pair`] asks a socket that is already there, and does not fail.
impl From<io::Error> for Unprepared {
    fn from(error: io::Error) -> Self {
        Self { call: "getsockname() or setsockopt()".to_owned(), error }
    }
}

/// A listener of this machine at a port that the system chooses, and its address.
fn listening() -> Result<(TcpListener, SocketAddr), Unprepared> {
    let listener = TcpListener::bind(ANY_PORT.into())
        .map_err(|error| Unprepared { call: format!("bind({})", SocketAddr::from(ANY_PORT)), error })?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

/// A connection of this machine with itself: the client's end and the end that was accepted.
fn connected_pair() -> Result<(TcpStream, TcpStream), Unprepared> {
    let (listener, addr) = listening()?;
    let connect = |error| Unprepared { call: format!("connect({addr})"), error };
    let client = TcpStream::connect(addr).map_err(connect)?;
    let accept = |error| Unprepared { call: "accept()".to_owned(), error };
    let (accepted, _) = listener.accept().map_err(accept)?;
    Ok((client, accepted))
}

// ANCHOR: refused
pub(crate) fn refused() -> Outcome {
    // A port that surely has no listener: a connected client holds it, so nobody else can listen there.
    let (client, _accepted) = connected_pair()?;
    let addr = client.local_addr()?;
    let situation = ("nobody listens there", "那裡沒有程式在聽");
    Ok(vec![Attempt::new(format!("connect({addr})"), situation, &TcpStream::connect(addr))])
}
// ANCHOR_END: refused

pub(crate) fn in_use() -> Outcome {
    let (_first, addr) = listening()?;
    let situation = ("another socket listens there", "那裡已經有別的 socket 在聽");
    Ok(vec![Attempt::new(format!("bind({addr})"), situation, &TcpListener::bind(addr))])
}

pub(crate) fn permission() -> Outcome {
    let reserved = (Ipv4Addr::LOCALHOST, RESERVED_PORT).into();
    let [here, everywhere] = [LOOPBACK_BROADCAST, Ipv4Addr::BROADCAST].map(|to| SocketAddr::from((to, DISCARD_PORT)));
    let no_permission = ("to everybody, without SO_BROADCAST", "送給所有人，卻沒有打開 SO_BROADCAST");
    let attempts = Attempts::until(Mishap::Permission)
        .try_call(format!("bind({reserved})"), ("a port below 1024", "小於 1024 的埠"), || {
            TcpListener::bind(reserved)
        })
        .try_call(format!("sendto({here})"), no_permission, || send_nothing_to(here))
        .try_call(format!("sendto({everywhere})"), no_permission, || send_nothing_to(everywhere));
    Ok(attempts.made)
}

/// Sends an empty datagram; should some system let it out, no router passes it on.
fn send_nothing_to(addr: SocketAddr) -> io::Result<usize> {
    Socket::new(Domain::IPV4, Type::DGRAM, Protocol::UDP)?.send_to(b"", addr)
}

// ANCHOR: timeout
pub(crate) fn timeout() -> Outcome {
    let (mut client, _silent_peer) = connected_pair()?;
    client.set_read_timeout(Some(PATIENCE))?;
    let situation = ("the peer is silent, SO_RCVTIMEO is 200 ms", "對方不出聲，SO_RCVTIMEO 是 200 ms");
    Ok(vec![Attempt::new("recv()".to_owned(), situation, &client.read(&mut [0]))])
}
// ANCHOR_END: timeout

pub(crate) fn unreachable() -> Outcome {
    let everybody = SocketAddr::from((LOOPBACK_BROADCAST, DISCARD_PORT));
    let [v6, class_e] = [SocketAddr::from((DOCUMENTATION_V6, DISCARD_PORT)), (CLASS_E, DISCARD_PORT).into()];
    let attempts = Attempts::until(Mishap::Unreachable)
        .try_call(format!("connect({v6})"), ("a UDP socket, an IPv6 address", "UDP socket，IPv6 位址"), || {
            ask_the_way(v6)
        })
        .try_call(
            format!("connect({everybody})"),
            ("TCP, to everybody at once", "TCP，卻要一次連到所有人"),
            || TcpStream::start_connect(everybody),
        )
        .try_call(
            format!("connect({class_e})"),
            ("a UDP socket, a reserved address", "UDP socket，保留位址"),
            || ask_the_way(class_e),
        );
    Ok(attempts.made)
}

/// connect(2) on a UDP socket sends nothing: the kernel only looks which way it would go.
fn ask_the_way(to: SocketAddr) -> io::Result<()> {
    Socket::new(Domain::for_address(to), Type::DGRAM, Protocol::UDP)?.connect(to)
}

// ANCHOR: reset
pub(crate) fn reset() -> Outcome {
    let (mut client, accepted) = connected_pair()?;
    // SO_LINGER of 0 makes close an abort: an RST goes out instead of a FIN.
    accepted.set_linger(Some(Duration::ZERO))?;
    drop(accepted);
    let situation = ("the peer has closed with SO_LINGER 0", "對方設了 SO_LINGER 0 就關閉");
    Ok(vec![Attempt::new("recv()".to_owned(), situation, &client.read(&mut [0]))])
}
// ANCHOR_END: reset

pub(crate) fn name_not_found() -> Outcome {
    let found = within_deadline(|| (INVALID_NAME, RESERVED_PORT).to_socket_addrs()).and_then(|found| found);
    let situation = ("no name ends in .invalid", "以 .invalid 結尾的名稱都不存在");
    Ok(vec![Attempt::new(format!("getaddrinfo(\"{INVALID_NAME}\")"), situation, &found)])
}

/// Calls made in turn until one fails in the way that is wanted.
struct Attempts {
    wanted: Mishap,
    made: Vec<Attempt>,
    done: bool,
}

impl Attempts {
    fn until(wanted: Mishap) -> Self {
        Self { wanted, made: Vec::new(), done: false }
    }

    fn try_call<T>(mut self, call: String, situation: Situation, make: impl FnOnce() -> io::Result<T>) -> Self {
        if !self.done {
            let result = make();
            self.made.push(Attempt::new(call, situation, &result));
            self.done = result.is_err_and(|error| self.wanted.shows_as(error.kind()));
        }
        self
    }
}
