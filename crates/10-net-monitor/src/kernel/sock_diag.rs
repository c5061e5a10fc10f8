//! The two netlink sockets to the kernel's `sock_diag`: one asks, one listens to deaths. Linux only.
//!
//! Neither needs a right. They are two because an answer and an announcement on one socket would come mixed, and
//! because a full queue of announcements must not spoil an answer. What the bytes mean is in `diag.rs`; read it before.
//! Sources: netlink(7), `sock_diag(7)`, socket(7) for `SO_RCVBUF`.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::sockopt::{Timeout, set_socket_recv_buffer_size, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, getsockname, recv, send, socket_with,
};

use super::diag::{self, DESTROY_GROUPS, Family, Socket, States};
use super::netlink::{self, DONE, ERROR, Messages};

/// Room for one datagram. The kernel fills at most 32 KiB at a time in a dump; an announcement has 400 bytes.
const BUFFER_LEN: usize = 64 * 1024;

/// Room in the kernel for announcements that nobody has read yet: about 6,500, at 640 bytes each with its bookkeeping.
/// The system may give less (`net.core.rmem_max`); what does not fit is lost, and we are told.
const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// The longest that an answer may take; the kernel answers while we ask, so only a broken one does not.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

fn open(groups: u32, timeout: Duration) -> io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(SOCK_DIAG))?;
    // Port 0: the kernel gives us one.
    bind(&socket, &SocketAddrNetlink::new(0, groups))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(timeout))?;
    Ok(socket)
}

/// The socket that asks.
#[derive(Debug)]
pub struct Asker {
    socket: OwnedFd,
    buffer: Vec<u8>,
    seq: u32,
}

impl Asker {
    /// Opens it: `socket(2)` with `AF_NETLINK`.
    ///
    /// # Errors
    /// On a kernel without `sock_diag`, or where a sandbox forbids it.
    pub fn open() -> io::Result<Self> {
        Ok(Self { socket: open(0, ANSWER_TIMEOUT)?, buffer: vec![0; BUFFER_LEN], seq: 0 })
    }

    /// Hands every TCP socket that is alive and passes `filter` to `each`; IPv4 first, then IPv6.
    ///
    /// Does not block for longer than the kernel takes: about a microsecond for each socket.
    ///
    /// # Errors
    /// When the kernel refuses, or answers what is no answer.
    pub fn look(&mut self, filter: &[u8], mut each: impl FnMut(Socket)) -> io::Result<()> {
        for family in [Family::V4, Family::V6] {
            self.seq = self.seq.wrapping_add(1);
            self.send(&diag::dump_request(family, States::ALIVE, filter, self.seq))?;
            while self.answers(&mut each)? {}
        }
        Ok(())
    }

    /// Whether the kernel keeps a TIME-WAIT of a connection whose socket has died: only who closes first has one.
    ///
    /// # Errors
    /// As [`Asker::look`].
    pub fn has_time_wait(&mut self, socket: &Socket) -> io::Result<bool> {
        self.seq = self.seq.wrapping_add(1);
        self.send(&diag::find_request(socket, self.seq))?;
        let mut is_shadow = false;
        // One socket or an error, in one datagram.
        match self.answers(&mut |found: Socket| is_shadow |= found.is_shadow) {
            Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => Ok(false),
            result => result.map(|_| is_shadow),
        }
    }

    fn send(&self, request: &[u8]) -> io::Result<()> {
        send(&self.socket, request, SendFlags::empty())?;
        Ok(())
    }

    /// Reads one datagram of the answer; `false` when it was the last one.
    fn answers(&mut self, each: &mut impl FnMut(Socket)) -> io::Result<bool> {
        let (_, len) = retry(|| recv(&self.socket, &mut self.buffer[..], RecvFlags::empty()))?;
        for message in Messages::new(&self.buffer[..len.min(BUFFER_LEN)]) {
            let message = message.map_err(io::Error::other)?;
            match message.kind {
                // The rest of an answer that was given up.
                _ if message.seq != self.seq => {}
                DONE => return Ok(false),
                ERROR => match netlink::errno(&message).map_err(io::Error::other)? {
                    0 => return Ok(false),
                    number => return Err(io::Error::from_raw_os_error(number)),
                },
                diag::BY_FAMILY => each(Socket::read(&message).map_err(io::Error::other)?),
                _ => {}
            }
        }
        Ok(true)
    }
}

/// What a [`Deaths`] came back with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// An announcement, which was handed over.
    Death,
    /// Nothing, now or within the time limit.
    Nothing,
    /// The queue had been full: announcements are lost.
    Gap,
}

/// The socket that listens to deaths.
#[derive(Debug)]
pub struct Deaths {
    socket: OwnedFd,
    buffer: Vec<u8>,
    port: u32,
}

impl Deaths {
    /// Joins the groups that hear of every TCP socket's death: `bind(2)` with a mask.
    ///
    /// # Errors
    /// As [`Asker::open`].
    pub fn open(timeout: Duration) -> io::Result<Self> {
        Self::with_queue(timeout, QUEUE_BYTES)
    }

    /// The same with room for so many bytes of announcements; tests make it small.
    ///
    /// # Errors
    /// As [`Asker::open`].
    pub fn with_queue(timeout: Duration, queue_bytes: usize) -> io::Result<Self> {
        let socket = open(DESTROY_GROUPS, timeout)?;
        set_socket_recv_buffer_size(&socket, queue_bytes)?;
        let port = SocketAddrNetlink::try_from(getsockname(&socket)?)?.pid();
        Ok(Self { socket, buffer: vec![0; BUFFER_LEN], port })
    }

    /// The number by which `/proc/net/netlink` lists this socket.
    #[must_use]
    pub fn port(&self) -> u32 {
        self.port
    }

    /// Waits for an announcement and hands the socket in it to `each`. Blocks for the time limit at most.
    ///
    /// # Errors
    /// When the kernel sends what is no announcement.
    pub fn wait(&mut self, each: impl FnMut(Socket)) -> io::Result<Heard> {
        self.read(RecvFlags::empty(), each)
    }

    /// As [`Deaths::wait`], without waiting.
    ///
    /// # Errors
    /// As [`Deaths::wait`].
    pub fn try_next(&mut self, each: impl FnMut(Socket)) -> io::Result<Heard> {
        self.read(RecvFlags::DONTWAIT, each)
    }

    fn read(&mut self, flags: RecvFlags, mut each: impl FnMut(Socket)) -> io::Result<Heard> {
        let len = match retry(|| recv(&self.socket, &mut self.buffer[..], flags)) {
            Ok((_, len)) => len.min(BUFFER_LEN),
            Err(Errno::AGAIN) => return Ok(Heard::Nothing),
            // The kernel's way to say that the queue was full since we last read.
            Err(Errno::NOBUFS) => return Ok(Heard::Gap),
            Err(errno) => return Err(errno.into()),
        };
        for message in Messages::new(&self.buffer[..len]) {
            let message = message.map_err(io::Error::other)?;
            if message.kind == diag::BY_FAMILY {
                each(Socket::read(&message).map_err(io::Error::other)?);
            }
        }
        Ok(Heard::Death)
    }
}

/// Repeats a call that a signal has interrupted.
fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}
