//! A room that does what the test says, line by line.
//!
//! It keeps no rule of a real room, so that a test can break each of them. Read `main.rs` before.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::Builder;

use chat_room::protocol::{IN_THE_ROOM, WELCOME};
use netcommon::testing::DEADLINE;

/// A listener whose connections the test takes one by one.
pub(crate) struct Host {
    pub(crate) addr: SocketAddr,
    connections: Receiver<TcpStream>,
}

impl Host {
    pub(crate) fn open() -> Self {
        Self::open_at("127.0.0.1:0".parse().unwrap())
    }

    /// Opens again where a host was before; the thread of that one has ended, see `drop`.
    pub(crate) fn open_at(addr: SocketAddr) -> Self {
        let listener = TcpListener::bind(addr).unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, connections) = channel();
        let accept = move || {
            for stream in listener.incoming() {
                if sender.send(stream.unwrap()).is_err() {
                    return;
                }
            }
        };
        drop(Builder::new().name("host".to_owned()).spawn(accept).unwrap());
        Self { addr, connections }
    }

    /// The next connection, before anything was said.
    pub(crate) fn accept(&self) -> Guest {
        let stream = self.connections.recv_timeout(DEADLINE).expect("a client connects");
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Guest { lines: BufReader::new(stream) }
    }

    /// The next connection, after the question, the name and the list of those who are in the room.
    pub(crate) fn let_in(&self, name: &str, others: &str) -> Guest {
        let mut guest = self.accept();
        guest.say(WELCOME);
        assert_eq!(guest.line(), name);
        guest.say(&format!("{IN_THE_ROOM}{others}"));
        guest
    }
}

impl Drop for Host {
    /// Its thread waits in `accept`, and ends when it finds that nobody wants the connection.
    fn drop(&mut self) {
        self.connections = channel().1;
        drop(TcpStream::connect_timeout(&self.addr, DEADLINE));
    }
}

/// The server's end of one connection.
pub(crate) struct Guest {
    lines: BufReader<TcpStream>,
}

impl Guest {
    pub(crate) fn say(&mut self, line: &str) {
        self.say_bytes(format!("{line}\n").as_bytes());
    }

    pub(crate) fn say_bytes(&mut self, bytes: &[u8]) {
        self.lines.get_mut().write_all(bytes).unwrap();
    }

    /// What the client sends next; empty at the end of its stream.
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.lines.read_until(b'\n', &mut line).unwrap();
        String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned()
    }

    /// Ends the stream in order.
    pub(crate) fn end(&self) {
        self.lines.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    /// Ends it with a reset.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(self.lines.get_ref()).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }
}
