//! Why a connect failed, in words for somebody who wants it to work.
//!
//! The system has one number per failure; this module adds what it means and what to try. With
//! several addresses the error lists each with its own failure, because `localhost` may be refused on
//! `::1` and silent on `127.0.0.1`. Read `mod.rs` first; source of the kinds: connect(2).

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use crate::addr::HostPort;
use crate::error::OpError;

/// No connection.
///
/// Prints what was attempted; [`Error::source`] says why, [`ConnectError::hint`] what to try.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name has no address, or none was found in time.
    #[error(transparent)]
    Resolve(#[from] OpError),
    /// No address could be connected to.
    #[error("connect to {}", failures.object(target))]
    Connect {
        /// What the user gave.
        target: HostPort,
        /// How each address failed.
        #[source]
        failures: Failures,
    },
    /// The system has no descriptor or thread left to wait with.
    #[error("connect to {target}")]
    System {
        /// What the user gave.
        target: HostPort,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Shutdown began before a connection was there.
    #[error("connect to {target}: interrupted")]
    Interrupted {
        /// What the user gave.
        target: HostPort,
    },
}

impl ConnectError {
    /// What the user can do about it, when there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Resolve(error) => error.hint.as_deref(),
            Self::Connect { failures, .. } => failures.hint(),
            Self::System { .. } | Self::Interrupted { .. } => None,
        }
    }

    /// How the addresses failed; empty when it did not come so far.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        match self {
            Self::Connect { failures, .. } => &failures.0,
            _ => &[],
        }
    }
}

/// Every address of a target with its failure; never empty.
///
/// Prints as one clause, for the chain of an error.
#[derive(Debug)]
pub struct Failures(pub(super) Vec<Failure>);

/// One address and its failure.
#[derive(Debug)]
pub struct Failure {
    /// The address.
    pub addr: SocketAddr,
    /// What happened to the attempt.
    pub cause: Cause,
}

/// What happened to one attempt.
#[derive(Debug)]
pub enum Cause {
    /// The system or the peer said no.
    Said(io::Error),
    /// Nobody said anything in the whole time allowed.
    Silence(Duration),
    /// The time was up before its turn came.
    NotTried,
}

impl Cause {
    /// What it means, without the system's words.
    fn words(&self) -> String {
        match self {
            Self::Said(error) => meaning(error.kind()).to_owned(),
            Self::Silence(timeout) => format!("no answer within {timeout:?}"),
            Self::NotTried => "not tried, the time was up".to_owned(),
        }
    }

    /// The more a failure tells, the higher; the hint is for the highest.
    fn rank(&self) -> u8 {
        match self {
            Self::Said(error) if error.kind() == ErrorKind::ConnectionRefused => 3,
            Self::Silence(_) => 2,
            Self::Said(_) => 1,
            Self::NotTried => 0,
        }
    }
}

impl Failure {
    fn hint(&self) -> Option<&'static str> {
        Some(match &self.cause {
            _ if self.addr.port() == 0 => "port 0 means any free port and is for servers; name the server's port",
            Cause::Said(error) => match error.kind() {
                ErrorKind::ConnectionRefused => "start the server first, or check the port",
                ErrorKind::PermissionDenied => {
                    "a firewall on this machine forbids it, or the address is a broadcast address"
                }
                ErrorKind::TimedOut => SILENCE_HINT,
                ErrorKind::InvalidInput if needs_interface(self.addr) => {
                    "a link-local address needs its interface, as in [fe80::1%eth0]:8888"
                }
                _ if is_unreachable(error.kind()) => "check the address and this machine's network",
                _ => return None,
            },
            Cause::Silence(_) | Cause::NotTried => SILENCE_HINT,
        })
    }
}

const SILENCE_HINT: &str = "check the address; the host may be off, or a firewall may drop what we send";

/// Our own words for what the system's number means here.
fn meaning(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ConnectionRefused => "nothing is listening there",
        ErrorKind::TimedOut => "no answer",
        ErrorKind::PermissionDenied => "this machine does not allow it",
        kind if is_unreachable(kind) => "there is no way to that address",
        _ => "the system could not",
    }
}

fn is_unreachable(kind: ErrorKind) -> bool {
    matches!(
        kind,
        // The last one: no address of ours belongs to that family or link, as when IPv6 is switched off.
        ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable
    )
}

/// `fe80::/10` is on every link; without an interface the system cannot know which is meant.
fn needs_interface(addr: SocketAddr) -> bool {
    matches!(addr, SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0)
}

impl Failures {
    /// One address, and what the system said of it: to a connect, or to a UDP socket that sends there.
    #[must_use]
    pub fn of(addr: SocketAddr, cause: io::Error) -> Self {
        Self(vec![Failure { addr, cause: Cause::Said(cause) }])
    }

    /// The target, with its address where a name has only one; else the addresses are listed.
    fn object(&self, target: &HostPort) -> String {
        match &self.0[..] {
            [only] => target.with_addr(only.addr),
            _ => target.to_string(),
        }
    }

    /// What the user can do about it, when there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        // Of equal ones the first: the system likes that address best.
        self.0.iter().rev().max_by_key(|failure| failure.cause.rank())?.hint()
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = &self.0[..] {
            // What the system said follows as the source.
            return f.write_str(&only.cause.words());
        }
        for (i, Failure { addr, cause }) in self.0.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            write!(f, "{addr}: {}", cause.words())?;
            if let Cause::Said(error) = cause {
                write!(f, " ({error})")?;
            }
        }
        Ok(())
    }
}

impl Error for Failures {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0[..] {
            [Failure { cause: Cause::Said(error), .. }] => Some(error),
            _ => None,
        }
    }
}
