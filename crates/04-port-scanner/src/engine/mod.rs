//! Two ways to ask many ports at once: a thread each, or one thread for all.
//!
//! [`threads`] is the shape in which most people write their first scanner, and all that a few hundred
//! ports need. [`events`] is the one that scales, and [`team`] gives it a second processor where one is not
//! enough. All report through an [`Observer`]. Read `threads.rs` first, then `crate::scan`, then `events.rs`.

pub mod events;
pub mod team;
pub mod threads;

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::ops::ControlFlow;
use std::time::Duration;

use netcommon::connect::meets_itself;
use netcommon::net::TcpStream;

use crate::plan::Job;
use crate::verdict::{Answer, Finding, Reason, Verdict};

/// Hears of every port as soon as it is settled, and of nothing (`None`) now and then, so that a progress
/// bar moves. Breaks to end the scan.
pub type Observer<'o> = &'o mut (dyn FnMut(Option<&Finding>) -> anyhow::Result<ControlFlow<()>> + Send);

/// How a scan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every port is settled.
    Complete,
    /// The observer had heard enough.
    Enough,
    /// Shutdown began.
    Interrupted,
}

/// How a scan ended, and what is not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// What is not settled; empty when it is complete.
    pub left: Vec<Job>,
}

/// What a finished connect to `addr` means, and how its connection is to end.
// ANCHOR: connected
pub(crate) fn connected(stream: &TcpStream, addr: SocketAddr) -> Answer {
    // The system may have given us the very port that we ask: then our SYN has met itself. It gives no
    // port that somebody holds, so nobody listens there.
    if stream.local_addr().is_ok_and(|local| meets_itself(local, addr)) {
        return Answer::Says(Verdict::Closed);
    }
    // Close with an RST instead of a FIN: then no TIME_WAIT keeps our port occupied for a minute.
    if let Err(error) = stream.set_linger(Some(Duration::ZERO)) {
        log::debug!("{addr}: SO_LINGER: {error}");
    }
    Answer::Says(Verdict::Open)
}
// ANCHOR_END: connected

/// What a failed connect to `addr` means.
pub(crate) fn failed(error: &io::Error, addr: SocketAddr) -> Answer {
    if error.kind() == ErrorKind::AddrNotAvailable && !has_address_for(addr) {
        return Answer::Says(Verdict::Unreachable(Reason::of(error)));
    }
    Answer::of_error(error)
}

/// Whether this machine has an address at all from which `addr` could be asked.
///
/// "Address not available" may mean that all our ports are taken, which passes, or that we have no address of
/// this family, as where IPv6 is turned off. A UDP socket that has its port already can only meet the second;
/// to connect it sends nothing.
fn has_address_for(addr: SocketAddr) -> bool {
    let any: SocketAddr =
        if addr.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let connected = UdpSocket::bind(any).and_then(|socket| socket.connect(addr));
    !connected.is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable)
}
