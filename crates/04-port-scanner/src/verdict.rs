//! What an attempt to connect says about a port.
//!
//! ```text
//! we send   they answer                          connect says      the port is
//! SYN       SYN-ACK                              success           open
//! SYN       SYN-ACK, and then RST                ECONNRESET        open: it was, and then it refused us
//! SYN       RST                                  ECONNREFUSED      closed
//! SYN       nothing                              (no end)          filtered
//! SYN       ICMP: no way to that host            EHOSTUNREACH …    unreachable
//! no SYN    our own firewall forbids it          EACCES, EPERM     denied
//! no SYN    we have no descriptor, no port …     EMFILE …          says nothing at all: ask again later
//! ```
//!
//! Only the last line must never become a verdict: many scanners print `closed` there. Pure.
//! Sources: RFC 9293 sections 3.10.7.2 and 3.10.7.3, connect(2).

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use netcommon::narrate::errno_name;

/// The system's name of an error, such as `EHOSTUNREACH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    pub(crate) fn of(error: &io::Error) -> Self {
        Self(errno_name(error).into_owned())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How one attempt to connect ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It says this about the port.
    Says(Verdict),
    /// The system gave up waiting, or lost the answer: as good as nothing.
    Nothing,
    /// It could not even be asked: something of *ours* has run out.
    NoRoom(Reason),
}

/// What we know about a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody listens there.
    Open,
    /// The host says that nobody does.
    Closed,
    /// Silence, however often we asked.
    Filtered,
    /// There is no way to the host, or somebody on the way says no.
    Unreachable(Reason),
    /// This machine forbids to ask.
    Denied(Reason),
    /// It could not be asked.
    Unknown(Reason),
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Filtered => "filtered",
            Self::Unreachable(_) => "unreachable",
            Self::Denied(_) => "denied",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The system's name of the error behind it.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Unreachable(reason) | Self::Denied(reason) | Self::Unknown(reason) => Some(reason),
            Self::Open | Self::Closed | Self::Filtered => None,
        }
    }
}

impl Answer {
    /// What the end of a connect means.
    ///
    /// # Examples
    /// ```
    /// use port_scanner::verdict::{Answer, Verdict};
    /// use std::io::ErrorKind::{ConnectionRefused, ConnectionReset};
    ///
    /// assert_eq!(Answer::of_error(&ConnectionRefused.into()), Answer::Says(Verdict::Closed));
    /// assert_eq!(Answer::of_error(&ConnectionReset.into()), Answer::Says(Verdict::Open));
    /// ```
    // ANCHOR: of_error
    #[must_use]
    pub fn of_error(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Says(Verdict::Closed),
            // A RST while we wait for the SYN-ACK is ECONNREFUSED, so this one came after the handshake.
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Self::Says(Verdict::Open),
            ErrorKind::TimedOut | ErrorKind::ConnectionAborted | ErrorKind::Interrupted => Self::Nothing,
            ErrorKind::PermissionDenied => Self::Says(Verdict::Denied(Reason::of(error))),
            // All local ports are in use, or memory is short.
            ErrorKind::AddrNotAvailable
            | ErrorKind::AddrInUse
            | ErrorKind::OutOfMemory
            | ErrorKind::StorageFull
            | ErrorKind::WouldBlock => Self::NoRoom(Reason::of(error)),
            _ if is_out_of_something(error) => Self::NoRoom(Reason::of(error)),
            _ => Self::Says(Verdict::Unreachable(Reason::of(error))),
        }
    }
    // ANCHOR_END: of_error
}

/// Descriptors of this process, of the whole system, or buffers; std has no kinds for them.
fn is_out_of_something(error: &io::Error) -> bool {
    let name = errno_name(error);
    ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"].iter().any(|known| name.ends_with(known))
}

/// A port about which everything is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The port.
    pub addr: SocketAddr,
    /// What is known about it.
    pub verdict: Verdict,
    /// Which try brought the answer, from 1; how many there were when none came.
    pub attempt: u8,
    /// From that try to its answer.
    pub rtt: Option<Duration>,
    /// How many ports of this host its job asks about.
    pub host_ports: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_meaning() {
        use ErrorKind as Kind;
        for (kind, want) in [
            (Kind::ConnectionRefused, "closed"),
            (Kind::ConnectionReset, "open"),
            (Kind::BrokenPipe, "open"),
            (Kind::HostUnreachable, "unreachable"),
            (Kind::NetworkUnreachable, "unreachable"),
            (Kind::PermissionDenied, "denied"),
            (Kind::TimedOut, "nothing"),
            (Kind::AddrNotAvailable, "no room"),
            (Kind::WouldBlock, "no room"),
        ] {
            let got = match Answer::of_error(&kind.into()) {
                Answer::Says(verdict) => verdict.name(),
                Answer::Nothing => "nothing",
                Answer::NoRoom(_) => "no room",
            };
            assert_eq!(got, want, "{kind}");
        }
    }

    /// What `SO_ERROR` holds after each kind of ICMP message, and after our own machine's refusals.
    #[test]
    #[cfg(target_os = "linux")]
    fn what_icmp_says_is_no_answer_of_the_port() {
        for (number, name, want) in [
            (113, "EHOSTUNREACH", "unreachable"), // host unreachable, host prohibited, administratively prohibited
            (101, "ENETUNREACH", "unreachable"),  // net unreachable, net prohibited; no route of our own
            (92, "ENOPROTOOPT", "unreachable"),   // protocol unreachable
            (112, "EHOSTDOWN", "unreachable"),    // host unknown
            (64, "ENONET", "unreachable"),        // host isolated
            (71, "EPROTO", "unreachable"),        // parameter problem
            (13, "EACCES", "denied"),             // a rule of our own: a prohibited route
            (1, "EPERM", "denied"),               // a rule of our own: a firewall
        ] {
            let Answer::Says(verdict) = Answer::of_error(&io::Error::from_raw_os_error(number)) else {
                panic!("{name}: no answer");
            };
            assert_eq!((verdict.name(), verdict.reason()), (want, Some(&Reason(name.to_owned()))), "{name}");
        }
        // Port unreachable is what a closed door says, in ICMP's words.
        assert_eq!(Answer::of_error(&io::Error::from_raw_os_error(111)), Answer::Says(Verdict::Closed));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn running_out_of_descriptors_or_buffers_says_nothing_about_the_port() {
        for (number, name) in [(24, "EMFILE"), (23, "ENFILE"), (105, "ENOBUFS")] {
            let answer = Answer::of_error(&io::Error::from_raw_os_error(number));
            assert_eq!(answer, Answer::NoRoom(Reason(name.to_owned())));
        }
    }
}
