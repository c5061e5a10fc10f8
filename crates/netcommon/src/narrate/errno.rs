//! The system's own name of an error: `ECONNREFUSED`, or `WSAECONNREFUSED` on Windows.
//!
//! std keeps the number and a sentence in the system's language; a manual page and a search engine
//! want the name. The names are POSIX's (`<errno.h>`); Windows' sockets use the same with `WSA` before.

use std::borrow::Cow;
use std::io::{self, ErrorKind};

/// The name of `error`, or `os error N` for one that the course never meets.
///
/// # Examples
/// ```
/// use netcommon::narrate::errno_name;
///
/// let refused = std::io::ErrorKind::ConnectionRefused.into();
/// let want = if cfg!(windows) { "WSAECONNREFUSED" } else { "ECONNREFUSED" };
/// assert_eq!(errno_name(&refused), want);
/// ```
#[must_use]
pub fn errno_name(error: &io::Error) -> Cow<'static, str> {
    let by_number = error.raw_os_error().and_then(name_of_number);
    match by_number.or_else(|| name_of_kind(error.kind())) {
        Some(name) if cfg!(windows) => Cow::Owned(format!("WSA{name}")),
        Some(name) => Cow::Borrowed(name),
        None => match error.raw_os_error() {
            Some(number) => Cow::Owned(format!("os error {number}")),
            None => Cow::Owned(error.to_string()),
        },
    }
}

/// Errors that std's kinds do not tell apart; the numbers differ from system to system.
fn name_of_number(number: i32) -> Option<&'static str> {
    let table: &[(i32, &str)] = if cfg!(windows) {
        &[
            (10024, "EMFILE"),
            (10035, "EWOULDBLOCK"),
            (10036, "EINPROGRESS"),
            (10037, "EALREADY"),
            (10040, "EMSGSIZE"),
            (10041, "EPROTOTYPE"),
            (10043, "EPROTONOSUPPORT"),
            (10047, "EAFNOSUPPORT"),
            (10055, "ENOBUFS"),
            (10058, "ESHUTDOWN"),
            (10060, "ETIMEDOUT"),
            (11001, "HOST_NOT_FOUND"),
            (11002, "TRY_AGAIN"),
            (11004, "NO_DATA"),
        ]
    } else if cfg!(target_os = "linux") {
        &[
            (1, "EPERM"),
            (22, "EINVAL"),
            (23, "ENFILE"),
            (24, "EMFILE"),
            (64, "ENONET"),
            (71, "EPROTO"),
            (90, "EMSGSIZE"),
            (91, "EPROTOTYPE"),
            (92, "ENOPROTOOPT"),
            (93, "EPROTONOSUPPORT"),
            (97, "EAFNOSUPPORT"),
            (105, "ENOBUFS"),
            (112, "EHOSTDOWN"),
            (114, "EALREADY"),
            (115, "EINPROGRESS"),
        ]
    } else {
        &[
            (1, "EPERM"),
            (22, "EINVAL"),
            (23, "ENFILE"),
            (24, "EMFILE"),
            (36, "EINPROGRESS"),
            (37, "EALREADY"),
            (40, "EMSGSIZE"),
            (41, "EPROTOTYPE"),
            (43, "EPROTONOSUPPORT"),
            (47, "EAFNOSUPPORT"),
            (55, "ENOBUFS"),
        ]
    };
    table.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

fn name_of_kind(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::AddrInUse => "EADDRINUSE",
        ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
        ErrorKind::BrokenPipe => "EPIPE",
        ErrorKind::ConnectionAborted => "ECONNABORTED",
        ErrorKind::ConnectionRefused => "ECONNREFUSED",
        ErrorKind::ConnectionReset => "ECONNRESET",
        ErrorKind::HostUnreachable => "EHOSTUNREACH",
        ErrorKind::Interrupted => "EINTR",
        ErrorKind::InvalidInput => "EINVAL",
        ErrorKind::NetworkDown => "ENETDOWN",
        ErrorKind::NetworkUnreachable => "ENETUNREACH",
        ErrorKind::NotConnected => "ENOTCONN",
        ErrorKind::OutOfMemory => "ENOMEM",
        ErrorKind::PermissionDenied => "EACCES",
        ErrorKind::TimedOut => "ETIMEDOUT",
        ErrorKind::Unsupported => "EOPNOTSUPP",
        ErrorKind::WouldBlock => "EAGAIN",
        _ => return None,
    })
}
