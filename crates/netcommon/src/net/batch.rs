//! Several datagrams with one system call, where the system has such a call.
//!
//! Entering the kernel and leaving it again costs about as much as handling a short datagram there. Linux
//! has recvmmsg(2) and sendmmsg(2), which do it once for many. Elsewhere, and while the narration tells
//! each call, it is one datagram at a time: the caller cannot tell the difference. Beside
//! `udp_socket.rs`, which has the plain calls.

use std::io;
use std::net::SocketAddr;

use super::UdpSocket;

/// Datagrams for one call. Measured: 8 save nearly all that there is to save; more cost memory.
pub const BATCH_MAX: usize = 16;

/// What came with one call: each datagram's length and sender, in the order of their rooms.
#[derive(Debug)]
pub struct Inbox {
    came: Vec<(usize, SocketAddr)>,
    #[cfg(target_os = "linux")]
    headers: linux::Headers,
}

impl Inbox {
    /// An empty one, to be used again for every call.
    #[must_use]
    pub fn new() -> Self {
        Self {
            came: Vec::with_capacity(BATCH_MAX),
            #[cfg(target_os = "linux")]
            headers: linux::Headers::preallocate(BATCH_MAX, None),
        }
    }
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

impl UdpSocket {
    /// Waits for a datagram, and takes with it those that have come already, each into a room of its own.
    ///
    /// `recvmmsg(2)` with `MSG_WAITFORONE` for at most [`BATCH_MAX`] datagrams, or `recvfrom(2)` for one.
    /// Cuts and blocks as [`UdpSocket::recv_from`]; never waits for a second datagram.
    ///
    /// # Errors
    /// As [`UdpSocket::recv_from`].
    ///
    /// # Examples
    /// ```
    /// use netcommon::net::{Inbox, UdpSocket};
    ///
    /// let server = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
    /// let client = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
    /// client.send_to("你好".as_bytes(), server.local_addr()?)?;
    /// let mut rooms = [[0; 64]; 2];
    /// let mut inbox = Inbox::new();
    /// let came = server.recv_many(&mut inbox, rooms.iter_mut().map(|room| &mut room[..]))?;
    /// assert_eq!(came, [(6, client.local_addr()?)]);
    /// assert_eq!(&rooms[0][..6], "你好".as_bytes());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn recv_many<'a, 'b>(
        &self,
        inbox: &'a mut Inbox,
        mut rooms: impl Iterator<Item = &'b mut [u8]>,
    ) -> io::Result<&'a [(usize, SocketAddr)]> {
        inbox.came.clear();
        #[cfg(target_os = "linux")]
        if !crate::narrate::is_on() {
            linux::receive(self.as_std(), inbox, rooms)?;
            return Ok(&inbox.came);
        }
        let room = rooms.next().ok_or(io::ErrorKind::InvalidInput)?;
        inbox.came.push(self.recv_from(room)?);
        Ok(&inbox.came)
    }

    /// Sends datagrams in their order and says how many have gone, at least one; those behind it were not
    /// tried, or the next one failed: call again with the rest.
    ///
    /// `sendmmsg(2)` for at most [`BATCH_MAX`] datagrams, or `sendto(2)` for one. Blocks only while the send
    /// buffer is full.
    ///
    /// # Errors
    /// What [`UdpSocket::send_to`] says of the first datagram; then nothing was sent.
    ///
    /// # Examples
    /// ```
    /// use netcommon::net::UdpSocket;
    ///
    /// let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
    /// let here = socket.local_addr()?;
    /// let mut rest = &[("你", here), ("好", here)][..];
    /// while !rest.is_empty() {
    ///     rest = &rest[socket.send_many(rest)?..];
    /// }
    /// assert_eq!(socket.recv_from(&mut [0; 9])?, (3, here));
    /// assert_eq!(socket.recv_from(&mut [0; 9])?, (3, here));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn send_many<B: AsRef<[u8]>>(&self, datagrams: &[(B, SocketAddr)]) -> io::Result<usize> {
        match datagrams {
            [] => Err(io::ErrorKind::InvalidInput.into()),
            #[cfg(target_os = "linux")]
            [_, _, ..] if !crate::narrate::is_on() => linux::send(self.as_std(), datagrams),
            [(bytes, addr), ..] => self.send_to(bytes.as_ref(), *addr).map(|_| 1),
        }
    }
}

/// The calls themselves, through `nix`, which keeps their pointers right.
#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, IoSlice, IoSliceMut};
    use std::net::{SocketAddr, UdpSocket};
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};

    use super::{BATCH_MAX, Inbox};

    pub(super) type Headers = MultiHeaders<SockaddrStorage>;

    pub(super) fn receive<'b>(
        socket: &UdpSocket,
        Inbox { came, headers }: &mut Inbox,
        rooms: impl Iterator<Item = &'b mut [u8]>,
    ) -> io::Result<()> {
        let mut rooms: Vec<[IoSliceMut<'_>; 1]> = rooms.take(BATCH_MAX).map(|room| [IoSliceMut::new(room)]).collect();
        let got = recvmmsg(socket.as_raw_fd(), headers, rooms.iter_mut(), MsgFlags::MSG_WAITFORONE, None)?;
        for message in got {
            let source = message.address.and_then(plain).ok_or(io::ErrorKind::InvalidData)?;
            came.push((message.bytes, source));
        }
        Ok(())
    }

    pub(super) fn send<B: AsRef<[u8]>>(socket: &UdpSocket, datagrams: &[(B, SocketAddr)]) -> io::Result<usize> {
        let datagrams = &datagrams[..datagrams.len().min(BATCH_MAX)];
        let bytes: Vec<[IoSlice<'_>; 1]> = datagrams.iter().map(|(bytes, _)| [IoSlice::new(bytes.as_ref())]).collect();
        let addrs: Vec<Option<SockaddrStorage>> = datagrams.iter().map(|(_, addr)| Some((*addr).into())).collect();
        // Not the inbox's: sending makes headers point at `addrs`, which ends here.
        let mut headers = Headers::preallocate(datagrams.len(), None);
        Ok(sendmmsg(socket.as_raw_fd(), &mut headers, &bytes, addrs, [], MsgFlags::empty())?.count())
    }

    fn plain(addr: SockaddrStorage) -> Option<SocketAddr> {
        let v4 = addr.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
        v4.or_else(|| addr.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        let addr = socket.local_addr().unwrap();
        (socket, addr)
    }

    /// All that came, call by call.
    fn receive(socket: &UdpSocket, count: usize) -> Vec<Vec<(Vec<u8>, SocketAddr)>> {
        let (mut inbox, mut calls) = (Inbox::new(), Vec::new());
        while calls.iter().map(Vec::len).sum::<usize>() < count {
            let mut rooms = [[0; 32]; BATCH_MAX + 3];
            let came = socket.recv_many(&mut inbox, rooms.iter_mut().map(|room| &mut room[..])).unwrap();
            calls.push(rooms.iter().zip(came).map(|(room, &(len, from))| (room[..len].to_vec(), from)).collect());
        }
        calls
    }

    #[test]
    fn what_waits_comes_in_order_with_its_senders_and_with_few_calls() {
        let ((server, to), (a, from_a), (b, from_b)) = (socket(), socket(), socket());
        let mut sent = Vec::new();
        for number in 0..40 {
            let (client, from) = if number % 3 == 0 { (&a, from_a) } else { (&b, from_b) };
            // Every length, an empty one too.
            let text = "好".repeat(number % 5);
            client.send_to(text.as_bytes(), to).unwrap();
            sent.push((text.into_bytes(), from));
        }
        let calls = receive(&server, 40);
        assert_eq!(calls.concat(), sent);
        let lens: Vec<usize> = calls.iter().map(Vec::len).collect();
        if cfg!(target_os = "linux") {
            assert_eq!(lens, [16, 16, 8]);
        }
    }

    #[test]
    fn many_answers_go_to_their_own_clients() {
        let ((server, _), clients) = (socket(), [socket(), socket(), socket()]);
        let answers: Vec<(String, SocketAddr)> =
            (0..30).map(|number| (format!("第 {number} 個"), clients[number % 3].1)).collect();
        let mut rest = &answers[..];
        while !rest.is_empty() {
            let sent = server.send_many(rest).unwrap();
            assert!((1..=BATCH_MAX).contains(&sent));
            rest = &rest[sent..];
        }
        for (number, (text, _)) in answers.iter().enumerate() {
            let mut buf = [0; 32];
            let (len, _) = clients[number % 3].0.recv_from(&mut buf).unwrap();
            assert_eq!(&buf[..len], text.as_bytes());
        }
    }

    #[test]
    fn one_that_cannot_be_sent_stops_those_behind_it_and_is_told_when_it_is_the_first() {
        let ((server, _), (client, to)) = (socket(), socket());
        let (short, long) = (vec![1], vec![0; 70_000]);
        let datagrams = [(&short, to), (&long, to), (&short, to)];
        assert_eq!(server.send_many(&datagrams).unwrap(), 1);
        assert!(crate::error::is_too_long(&server.send_many(&datagrams[1..]).unwrap_err()));
        assert_eq!(server.send_many(&datagrams[2..]).unwrap(), 1);
        assert_eq!(receive(&client, 2).concat().len(), 2);
    }

    #[test]
    fn ipv6_senders_are_told_as_well() {
        let Ok(server) = UdpSocket::bind("[::1]:0".parse().unwrap()) else {
            eprintln!("skipped: no IPv6 loopback");
            return;
        };
        let to = server.local_addr().unwrap();
        assert_eq!(server.send_many(&[("你", to), ("好", to)]).unwrap(), if cfg!(target_os = "linux") { 2 } else { 1 });
        assert_eq!(receive(&server, 1)[0][0], ("你".as_bytes().to_vec(), to));
    }
}
