//! One socket call as data: which call with which arguments, and how it ended.
//!
//! The names and constants are the system's own (POSIX.1-2024 XNS, section 2.10), so that a pupil can
//! look them up in a manual page. What is left out: lengths of address structures, and flags that only
//! a library cares about (`SOCK_CLOEXEC`, `MSG_NOSIGNAL`).

use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use super::errno::errno_name;
use crate::escape::quote;

/// How many bytes of a message a line shows: about what fits beside the sentence.
const BYTES_SHOWN_MAX: usize = 24;

/// Where the sentences begin, in columns.
const SENTENCE_COLUMN: usize = 48;

/// The number by which a process knows an open socket: a file descriptor, or a Windows SOCKET.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fd(pub(crate) u64);

impl fmt::Display for Fd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a socket has become: its close means something else for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Stream,
    Listener,
    Datagrams,
    /// Whoever holds it does not know.
    Any,
}

/// The call that waits for many sockets at once.
const WAIT: &str = if cfg!(windows) {
    "GetQueuedCompletionStatusEx"
} else if cfg!(target_os = "linux") {
    "epoll_wait"
} else {
    "kevent"
};

/// A socket call with its arguments.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Call<'a> {
    /// `socket(2)`
    Socket { domain: socket2::Domain, ty: socket2::Type, protocol: Option<socket2::Protocol> },
    /// `setsockopt(2)` with a number, by the option's name.
    SetOption { fd: Fd, name: &'static str, value: u64 },
    /// `setsockopt(2)` with a time limit; `None` means for ever.
    SetTimeout { fd: Fd, name: &'static str, value: Option<Duration> },
    /// `getsockopt(2)` by the option's name.
    GetOption { fd: Fd, name: &'static str },
    /// `getsockopt(2)` with `SO_ERROR`: how did the connect end?
    TakeError { fd: Fd },
    /// `bind(2)`
    Bind { fd: Fd, addr: SocketAddr },
    /// `listen(2)`
    Listen { fd: Fd, backlog: i32 },
    /// `accept(2)`
    Accept { fd: Fd },
    /// `connect(2)`
    Connect { fd: Fd, addr: SocketAddr },
    /// `getsockname(2)`
    LocalAddr { fd: Fd },
    /// `getpeername(2)`
    PeerAddr { fd: Fd },
    /// `recv(2)` with room for so many bytes.
    Recv { fd: Fd, room: usize },
    /// `send(2)`
    Send { fd: Fd, bytes: &'a [u8] },
    /// `recvfrom(2)` with room for so many bytes.
    RecvFrom { fd: Fd, room: usize },
    /// `connect(2)` on a UDP socket, which sends nothing.
    ConnectUdp { fd: Fd, addr: SocketAddr },
    /// `recv(2)` on a connected UDP socket.
    RecvUdp { fd: Fd, room: usize },
    /// `send(2)` on a connected UDP socket.
    SendUdp { fd: Fd, bytes: &'a [u8] },
    /// `sendto(2)`
    SendTo { fd: Fd, bytes: &'a [u8], addr: SocketAddr },
    /// `shutdown(2)`
    Shutdown { fd: Fd, how: Shutdown },
    /// `close(2)` of a socket that was this.
    Close { fd: Fd, kind: Kind },
    /// The wait for all sockets at once; how the system spells it is [`WAIT`].
    Wait { sockets: usize },
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Socket { domain, ty, protocol } => {
                write!(f, "socket({domain:?}, {ty:?}, ")?;
                match protocol {
                    Some(protocol) => write!(f, "{protocol:?})"),
                    None => f.write_str("0)"),
                }
            }
            Self::SetOption { fd, name, value } => write!(f, "setsockopt({fd}, {name}, {value})"),
            Self::SetTimeout { fd, name, value: Some(value) } => write!(f, "setsockopt({fd}, {name}, {value:?})"),
            Self::SetTimeout { fd, name, value: None } => write!(f, "setsockopt({fd}, {name}, 0)"),
            Self::GetOption { fd, name } => write!(f, "getsockopt({fd}, {name})"),
            Self::TakeError { fd } => write!(f, "getsockopt({fd}, SO_ERROR)"),
            Self::Bind { fd, addr } => write!(f, "bind({fd}, {addr})"),
            Self::Listen { fd, backlog } => write!(f, "listen({fd}, {backlog})"),
            Self::Accept { fd } => write!(f, "accept({fd})"),
            Self::Connect { fd, addr } | Self::ConnectUdp { fd, addr } => write!(f, "connect({fd}, {addr})"),
            Self::LocalAddr { fd } => write!(f, "getsockname({fd})"),
            Self::PeerAddr { fd } => write!(f, "getpeername({fd})"),
            Self::Recv { fd, room } | Self::RecvUdp { fd, room } => write!(f, "recv({fd}, {room})"),
            Self::Send { fd, bytes } | Self::SendUdp { fd, bytes } => {
                write!(f, "send({fd}, {})", quote(bytes, BYTES_SHOWN_MAX))
            }
            Self::RecvFrom { fd, room } => write!(f, "recvfrom({fd}, {room})"),
            Self::SendTo { fd, bytes, addr } => write!(f, "sendto({fd}, {}, {addr})", quote(bytes, BYTES_SHOWN_MAX)),
            Self::Shutdown { fd, how } => write!(f, "shutdown({fd}, {})", shut_name(how)),
            Self::Close { fd, .. } => write!(f, "close({fd})"),
            Self::Wait { sockets } => write!(f, "{WAIT}({sockets} socket{})", if sockets == 1 { "" } else { "s" }),
        }
    }
}

/// POSIX's name for the direction that is closed.
fn shut_name(how: Shutdown) -> &'static str {
    match how {
        Shutdown::Read => "SHUT_RD",
        Shutdown::Write => "SHUT_WR",
        Shutdown::Both => "SHUT_RDWR",
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome<'a> {
    /// It returned 0.
    Done,
    /// A new socket.
    Opened(Fd),
    /// A new stream and its peer.
    Accepted(Fd, SocketAddr),
    /// An option's value as the system writes it: 0 or 1 for off and on.
    Value(u64),
    /// An address.
    Addr(SocketAddr),
    /// So many bytes were taken by the kernel.
    Sent(usize),
    /// These bytes arrived.
    Received(&'a [u8]),
    /// These bytes arrived from that address.
    ReceivedFrom(&'a [u8], SocketAddr),
    /// These sockets need not wait.
    Ready(&'a [Fd]),
    /// It returned -1 with this error.
    Failed(&'a io::Error),
    /// It returned -1 at once: there is nothing to receive or no room to send, and this socket may not wait.
    WouldBlock(&'a io::Error),
}

impl<'a> Outcome<'a> {
    /// The outcome of a call that returns nothing but success.
    pub(crate) fn done<T>(result: &'a io::Result<T>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(error) => Self::Failed(error),
        }
    }

    /// The outcome of a call that returns an address.
    pub(crate) fn addr(result: &'a io::Result<SocketAddr>) -> Self {
        match result {
            Ok(addr) => Self::Addr(*addr),
            Err(error) => Self::Failed(error),
        }
    }

    /// The outcome of a call that sends.
    pub(crate) fn sent(result: &'a io::Result<usize>) -> Self {
        match result {
            Ok(len) => Self::Sent(*len),
            Err(error) => Self::Failed(error),
        }
    }

    /// The outcome of a call that receives into `buf`.
    pub(crate) fn received(result: &'a io::Result<usize>, buf: &'a [u8]) -> Self {
        match result {
            Ok(len) => Self::Received(&buf[..*len]),
            Err(error) => Self::Failed(error),
        }
    }
}

impl fmt::Display for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Done => f.write_str("0"),
            Self::Opened(fd) => fd.fmt(f),
            Self::Accepted(fd, peer) => write!(f, "{fd} from {peer}"),
            Self::Value(value) => value.fmt(f),
            Self::Addr(addr) => addr.fmt(f),
            Self::Sent(len) => len.fmt(f),
            Self::Received(bytes) => write_received(f, bytes),
            Self::ReceivedFrom(bytes, peer) => {
                write_received(f, bytes)?;
                write!(f, " from {peer}")
            }
            Self::Ready([]) => f.write_str("none"),
            Self::Ready(fds) => fds.iter().try_for_each(|fd| write!(f, "{fd} ")).and_then(|()| f.write_str("ready")),
            Self::Failed(error) | Self::WouldBlock(error) => f.write_str(&errno_name(error)),
        }
    }
}

fn write_received(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    write!(f, "{}", bytes.len())?;
    if bytes.is_empty() { Ok(()) } else { write!(f, " {}", quote(bytes, BYTES_SHOWN_MAX)) }
}

/// Fills `line` with blanks up to the sentences' column, at least two.
pub(super) fn pad_to_sentence(line: &mut String) {
    let blanks = SENTENCE_COLUMN.saturating_sub(columns(line)).max(2);
    line.extend(std::iter::repeat_n(' ', blanks));
}

/// The line's width on a terminal: East Asian wide characters take two columns (UAX #11).
fn columns(line: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FD: Fd = Fd(3);

    fn addr() -> SocketAddr {
        "127.0.0.1:8888".parse().unwrap()
    }

    #[test]
    fn a_call_prints_as_its_manual_page_spells_it() {
        let (domain, ty) = (socket2::Domain::IPV4, socket2::Type::STREAM);
        let protocol = Some(socket2::Protocol::TCP);
        for (call, want) in [
            (Call::Socket { domain, ty, protocol }, "socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)"),
            (Call::SetOption { fd: FD, name: "SO_REUSEADDR", value: 1 }, "setsockopt(3, SO_REUSEADDR, 1)"),
            (Call::Bind { fd: FD, addr: addr() }, "bind(3, 127.0.0.1:8888)"),
            (Call::Send { fd: FD, bytes: "你好\n".as_bytes() }, r#"send(3, "你好\n")"#),
            (Call::Shutdown { fd: FD, how: Shutdown::Write }, "shutdown(3, SHUT_WR)"),
        ] {
            assert_eq!(call.to_string(), want);
        }
    }

    #[test]
    fn sentences_begin_in_one_column_also_behind_wide_characters() {
        for mut line in ["close(4) = 0".to_owned(), "recv(4, 8192) = 6 \"你好\"".to_owned()] {
            pad_to_sentence(&mut line);
            assert_eq!(columns(&line), SENTENCE_COLUMN, "{line}");
        }
    }
}
