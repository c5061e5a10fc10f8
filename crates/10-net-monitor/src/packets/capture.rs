//! Packets from an interface, through a packet socket. Linux only, and only with one right.
//!
//! A packet socket sees what every program sends and receives, so the system gives it to nobody without `CAP_NET_RAW`.
//! The kernel takes off what stands before the IP header, and a small program of ours inside it lets only this interface
//! through. What finds no room in the queue is lost, and counted. Read before: `streams.rs`. Sources: packet(7),
//! capabilities(7), socket(7) for `SO_ATTACH_FILTER` and `SO_RXQ_OVFL`.

use std::fs::{self, File};
use std::io::{self, IoSliceMut, Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use netcommon::error::OpError;
use netcommon::pcapng::block;
use netcommon::shutdown::Shutdown;
use nix::errno::Errno;
use nix::sys::socket::sockopt::RxqOvfl;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::decode::{self, Link};
use super::streams::Streams;
use crate::missed::PACKETS_LOST;
use crate::observation::Observation;
use crate::witness::Witness;

/// `ETH_P_ALL`, as the kernel wants it: 16 bits in network byte order.
const EVERY_PROTOCOL: i32 = 0x0003_u16.to_be() as i32;
/// `ARPHRD_LOOPBACK` in `/sys/class/net/NAME/type`: there every packet comes by twice, going out and coming in.
const LOOPBACK: &str = "772";
/// A packet has at most so many bytes, also one that the network card has put together.
const PACKET_LEN_MAX: usize = 128 * 1024;
/// Packets that nobody has read yet; the system may give less.
const QUEUE_BYTES: usize = 8 * 1024 * 1024;
/// How long one wait for a packet may take before the stop token is looked at again.
const WAIT_MAX: Duration = Duration::from_millis(100);
/// How long what still waits at the end is read; on a busy interface it would never end.
const LAST_MAX: Duration = Duration::from_millis(500);
/// Lost packets are told of so often at most.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// A packet socket that is ready.
#[derive(Debug)]
pub struct Capture {
    socket: Socket,
    streams: Streams,
    file: Option<File>,
    /// Packets that the kernel has dropped because nobody had read the ones before: so far, and how many were told of.
    dropped: u32,
    dropped_told: u32,
}

impl Capture {
    /// Opens a packet socket on `interface` for connections with one of `ports`; genuine packets go into `file` as well.
    ///
    /// # Errors
    /// There is no such interface; the right `CAP_NET_RAW` is missing, and the hint says how to give just that one; the
    /// file cannot be written.
    pub fn open(interface: &str, ports: &[u16], file: Option<&Path>) -> Result<Self, OpError> {
        let failed = |operation, error| OpError::new(operation, interface, error);
        let (index, is_loopback) = look_up(interface).map_err(|error| failed("find interface", error))?;
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(EVERY_PROTOCOL)));
        let socket = socket.map_err(|error| {
            let is_right = error.kind() == io::ErrorKind::PermissionDenied;
            let error = failed("open a packet socket on", error);
            if is_right { error.with_hint(missing_right()) } else { error }
        })?;
        let ready = socket.attach_filter(&only_interface(index, is_loopback)).and_then(|()| {
            let _ = socket.set_recv_buffer_size(QUEUE_BYTES);
            setsockopt(&socket, RxqOvfl, &1)?;
            // What came from other interfaces before the filter was there.
            socket.set_nonblocking(true)?;
            while (&socket).read(&mut [0; 1]).is_ok() {}
            socket.set_nonblocking(false)?;
            socket.set_read_timeout(Some(WAIT_MAX))
        });
        ready.map_err(|error| failed("prepare the packet socket on", error))?;
        let file = file.map(|path| begin(path, interface)).transpose()?;
        let streams = Streams::new(ports.iter().copied());
        Ok(Self { socket, streams, file, dropped: 0, dropped_told: 0 })
    }

    /// Tells `witness` of what passes, until the shutdown begins.
    ///
    /// # Errors
    /// The interface has gone, or the file cannot be written any more.
    pub fn run(mut self, witness: &Witness, shutdown: &Shutdown) -> Result<(), OpError> {
        let mut buffer = vec![0; PACKET_LEN_MAX];
        let mut looked = Instant::now();
        while !shutdown.is_draining() {
            self.take_one(&mut buffer, witness)?;
            if looked.elapsed() >= TELL_EVERY {
                looked = Instant::now();
                self.tell_dropped(witness);
            }
        }
        let read = |error| OpError::new("read", "the packet socket", error);
        self.socket.set_nonblocking(true).map_err(read)?;
        let ended = Instant::now();
        while ended.elapsed() < LAST_MAX && self.take_one(&mut buffer, witness)? {}
        let mut told = Vec::new();
        self.streams.finish(&mut told);
        for (at, seen) in told {
            witness.tell_at(at, seen);
        }
        self.tell_dropped(witness);
        Ok(())
    }

    /// Takes a packet; `false` when none has come in time.
    fn take_one(&mut self, buffer: &mut [u8], witness: &Witness) -> Result<bool, OpError> {
        let received = self.receive(buffer).map_err(|error| OpError::new("read", "the packet socket", error))?;
        let Some(len) = received else { return Ok(false) };
        let Some(packet) = decode::read(Link::Raw, &buffer[..len]) else { return Ok(true) };
        let mut told = Vec::new();
        self.streams.take(witness.clock().now(), &packet, &mut told);
        // Packets that the streams take no interest in are of other ports.
        if !told.is_empty() {
            self.keep(&buffer[..len]).map_err(|error| OpError::new("write", "the captured packets", error))?;
        }
        for (at, seen) in told {
            witness.tell_at(at, seen);
        }
        Ok(true)
    }

    /// Reads a packet, and beside it how many were dropped before it: `recvmsg(2)`.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let mut beside = nix::cmsg_space!(u32);
        let mut parts = [IoSliceMut::new(buffer)];
        let received = recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, Some(&mut beside), MsgFlags::empty());
        let received = match received {
            Ok(received) => received,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        for message in received.cmsgs()? {
            if let ControlMessageOwned::RxqOvfl(dropped) = message {
                self.dropped = dropped;
            }
        }
        Ok(Some(received.bytes))
    }

    fn tell_dropped(&mut self, witness: &Witness) {
        let count = self.dropped.wrapping_sub(std::mem::replace(&mut self.dropped_told, self.dropped));
        if count > 0 {
            let what = PACKETS_LOST.say(&[&count]);
            witness.tell(Observation::Missed { what, at_least: 0 });
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        file.write_all(&block::packet(u64::try_from(nanos).unwrap_or(u64::MAX), len, bytes, None, None))
    }
}

/// The file's beginning.
fn begin(path: &Path, interface: &str) -> Result<File, OpError> {
    let mut file = File::create(path).map_err(|error| OpError::new("create", path.display(), error))?;
    let mut head = block::section(concat!("net-monitor ", env!("CARGO_PKG_VERSION")));
    head.extend(block::interface(interface, "genuine packets, without what stands before the IP header"));
    file.write_all(&head).map_err(|error| OpError::new("write", path.display(), error))?;
    Ok(file)
}

/// An interface's number, and whether it is the loopback interface.
fn look_up(interface: &str) -> io::Result<(u32, bool)> {
    // A name is no path.
    if interface.is_empty() || interface.contains('/') || interface.starts_with('.') {
        return Err(io::ErrorKind::NotFound.into());
    }
    let read = |what: &str| fs::read_to_string(Path::new("/sys/class/net").join(interface).join(what));
    let index = read("ifindex")?.trim().parse().map_err(io::Error::other)?;
    Ok((index, read("type")?.trim() == LOOPBACK))
}

/// Which right is missing, and two ways to be without or to give just that one.
fn missing_right() -> String {
    let program = std::env::current_exe().map_or_else(|_| "net-monitor".to_owned(), |path| path.display().to_string());
    format!(
        "it needs the right CAP_NET_RAW: `sudo setcap cap_net_raw+ep {program}` gives this program just that one, \
         and `net-monitor watch PORT` needs none"
    )
}

/// A program for the kernel: packets of this interface come through, on the loopback interface only those coming in.
///
/// Loads from `SKF_AD_OFF` on read not the packet but what the kernel knows of it.
fn only_interface(index: u32, is_loopback: bool) -> Vec<SockFilter> {
    /// `SKF_AD_OFF`, -4096, with `SKF_AD_PKTTYPE` (4) and `SKF_AD_IFINDEX` (8).
    const KIND: u32 = 0xffff_f004;
    const INTERFACE: u32 = 0xffff_f008;
    /// `PACKET_OUTGOING`.
    const OUTGOING: u32 = 4;
    /// `BPF_LD | BPF_W | BPF_ABS`, `BPF_JMP | BPF_JEQ | BPF_K`, `BPF_RET | BPF_K`.
    const LOAD: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let refused_kind = if is_loopback { OUTGOING } else { u32::MAX };
    vec![
        SockFilter::new(LOAD, 0, 0, INTERFACE),
        SockFilter::new(JUMP_IF_EQUAL, 0, 2, index),
        SockFilter::new(LOAD, 0, 0, KIND),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, refused_kind),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ]
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn packets_that_find_no_room_are_counted() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let addr = receiver.local_addr().unwrap();
        let mut capture = match Capture::open("lo", &[addr.port()], None) {
            Ok(capture) => capture,
            Err(error) => return eprintln!("skipped: packets that find no room: {error}"),
        };
        // The smallest queue that the system gives, and nobody reads it.
        capture.socket.set_recv_buffer_size(0).unwrap();
        capture.socket.set_nonblocking(true).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut buffer = vec![0; PACKET_LEN_MAX];
        for _ in 0..100 {
            sender.send_to(&[7; 1000], addr).unwrap();
        }
        // The next one that finds room carries the count; others may take that room before it.
        let deadline = Instant::now() + netcommon::testing::DEADLINE;
        while capture.dropped == 0 {
            assert!(Instant::now() < deadline, "100 packets in a queue for a few, and none was dropped");
            while capture.receive(&mut buffer).unwrap().is_some() {}
            sender.send_to(b"1", addr).unwrap();
        }
    }
}
