//! What to do when `accept` fails: almost never stop.
//!
//! A tutorial's `accept()?` ends the server when one client leaves too early or when descriptors run
//! out, and a loop that ignores the error spins at 100 % because the waiting client is still there.
//! accept(2) lists what may happen; this file sorts it into three answers.

use std::io::{self, ErrorKind};

use crate::narrate::errno_name;

/// So many failures on end are not one client's any more: what the system lacks or forbids lasts. When a
/// crowd of clients has gone, `accept` soon succeeds or finds nobody, and the count begins again.
pub const FAILURES_MAX: u32 = 100;

/// What a server does after `accept` has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterError {
    /// The error belongs to one client that has gone; accept the next one.
    AcceptNext,
    /// Descriptors or kernel memory are used up, and the client stays in the backlog; or `accept` has failed
    /// [`FAILURES_MAX`] times on end, for whatever reason. Wait until a connection ends, or a moment, and
    /// accept again. Without the wait the loop would spin.
    WaitForRoom,
    /// The listener itself is broken.
    Stop,
}

/// Sorts an error of `accept(2)` by itself; [`crate::net::TcpListener::after_error`] knows those before it.
///
/// # Examples
/// ```
/// use netcommon::accept::{AfterError, after_error};
/// use std::io::ErrorKind;
///
/// assert_eq!(after_error(&ErrorKind::ConnectionAborted.into()), AfterError::AcceptNext);
/// assert_eq!(after_error(&ErrorKind::InvalidInput.into()), AfterError::Stop);
/// ```
#[must_use]
pub fn after_error(error: &io::Error) -> AfterError {
    match errno_name(error).trim_start_matches("WSA") {
        "EMFILE" | "ENFILE" | "ENOBUFS" | "ENOMEM" => return AfterError::WaitForRoom,
        _ => {}
    }
    match error.kind() {
        // Not listening (any more).
        ErrorKind::InvalidInput => AfterError::Stop,
        // accept(2), "Error handling": Linux passes on network errors of the new connection, which are to
        // be taken as "try the next"; EOPNOTSUPP is one of them, although std's `Unsupported` sounds final.
        // WouldBlock comes from a non-blocking listener that has no client waiting.
        _ => AfterError::AcceptNext,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_descriptors_waits_instead_of_spinning_or_stopping() {
        let (emfile, enobufs) =
            if cfg!(windows) { (10024, 10055) } else { (24, if cfg!(target_os = "linux") { 105 } else { 55 }) };
        assert_eq!(after_error(&io::Error::from_raw_os_error(emfile)), AfterError::WaitForRoom);
        assert_eq!(after_error(&io::Error::from_raw_os_error(enobufs)), AfterError::WaitForRoom);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn no_error_of_a_new_connection_stops_a_server() {
        // The list of accept(2), and ECONNABORTED, EINTR, EPERM.
        for (name, number) in [
            ("ENETDOWN", 100),
            ("EPROTO", 71),
            ("ENOPROTOOPT", 92),
            ("EHOSTDOWN", 112),
            ("ENONET", 64),
            ("EHOSTUNREACH", 113),
            ("EOPNOTSUPP", 95),
            ("ENETUNREACH", 101),
            ("ECONNABORTED", 103),
            ("EINTR", 4),
            ("EPERM", 1),
        ] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!((&*errno_name(&error), after_error(&error)), (name, AfterError::AcceptNext));
        }
    }
}
