//! An error that says what was attempted, on what, and why it failed.
//!
//! `std` alone says "Connection refused (os error 111)". A user needs the operation and the address
//! as well, and a beginner needs to know what to try next. [`OpError`] carries all four; its `Display`
//! prints its own part only (`connect to 127.0.0.1:8888`), the cause stays in `source()`, and
//! `netcommon::cli` joins the chain with `: ` and ends it with the hint.

use std::fmt;
use std::io;

/// A socket operation that failed: operation, object, cause, and what to try.
///
/// # Examples
/// ```
/// use netcommon::error::OpError;
/// use std::{error::Error, io};
///
/// let error = OpError::new("bind", "127.0.0.1:80", io::ErrorKind::PermissionDenied.into());
/// assert_eq!(error.to_string(), "bind 127.0.0.1:80");
/// assert_eq!(error.source().map(|cause| cause.to_string()).as_deref(), Some("permission denied"));
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{operation} {object}")]
pub struct OpError {
    /// What was attempted, in the system's verb: `bind`, `connect to`, `resolve`.
    pub operation: &'static str,
    /// On what: an address, or the text that the user gave.
    pub object: String,
    /// What the system said.
    #[source]
    pub cause: io::Error,
    /// What the user can do about it, when there is something.
    pub hint: Option<String>,
}

impl OpError {
    /// An error without a hint.
    #[must_use]
    pub fn new(operation: &'static str, object: impl fmt::Display, cause: io::Error) -> Self {
        Self { operation, object: object.to_string(), cause, hint: None }
    }

    /// The same error with what the user can do about it: lower case, no full stop.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Whether a read or write ended because its timeout passed.
///
/// `SO_RCVTIMEO` reports `EAGAIN` on Unix ("Resource temporarily unavailable") and `WSAETIMEDOUT` on
/// Windows; both mean the same to us (socket(7), Winsock `SO_RCVTIMEO`).
///
/// # Examples
/// ```
/// use netcommon::error::is_timeout;
/// use std::io::ErrorKind::{ConnectionReset, WouldBlock};
///
/// assert!(is_timeout(&WouldBlock.into()));
/// assert!(!is_timeout(&ConnectionReset.into()));
/// ```
#[must_use]
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Whether a datagram was too long: for the system that should send it (`EMSGSIZE`), or, on Windows only,
/// for the buffer that should receive it (`WSAEMSGSIZE`); std has no kind for either.
///
/// # Examples
/// ```
/// use netcommon::error::is_too_long;
///
/// let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
/// let error = socket.send_to(&[0; 70_000], socket.local_addr()?).unwrap_err();
/// assert!(is_too_long(&error));
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn is_too_long(error: &io::Error) -> bool {
    crate::narrate::errno_name(error).ends_with("EMSGSIZE")
}
