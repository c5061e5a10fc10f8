//! What the tests of both servers share: a server in this process, and clients made with plain std.
//!
//! Plain std on purpose: a fault in our own wrappers must not hide itself. Every wait has a deadline.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use netcommon::console::Console;
use netcommon::descriptors::room_for;
use netcommon::echo::{Config, Report};
use netcommon::net::TcpListener;
use netcommon::shutdown::Shutdown;
use netcommon::testing::{Aside, DEADLINE, aside};

use crate::serve;

/// A server on a free port, with a token to stop it.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) shutdown: Shutdown,
    running: Aside<std::io::Result<Report>>,
}

impl Server {
    pub(crate) fn start(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let addr = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let token = shutdown.clone();
        let run = move || {
            let console = Console::start_on(std::io::sink(), || {})?;
            let report = serve(listener, &config, &token, &console.lines());
            console.finish();
            report
        };
        Self { addr, shutdown, running: aside("server", run) }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.addr)
    }

    pub(crate) fn stop(self) -> Report {
        self.shutdown.advance();
        self.running.wait().unwrap()
    }
}

/// A plain std client whose every read has a deadline.
pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Sends `bytes` and reads exactly `want`.
pub(crate) fn ask(mut stream: &TcpStream, bytes: &[u8], want: &[u8]) {
    stream.write_all(bytes).unwrap();
    expect(stream, want);
}

/// Reads exactly `want`.
pub(crate) fn expect(mut stream: &TcpStream, want: &[u8]) {
    let mut got = vec![0; want.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(want));
}

/// Reads to the end of the stream.
pub(crate) fn rest(mut stream: &TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    got
}

/// A message with its length before it.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(message);
    frame
}

/// As many clients as wished, or as fit when half of the tests' descriptors are others'; `each` is what one costs us.
pub(crate) fn clients_that_fit(wished: usize, each: usize) -> usize {
    room_for(2 * wished * each) / each / 2
}

/// Does `step` again and again until it says that this is enough; too long is a failure.
pub(crate) fn until(what: &str, mut enough: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !enough() {
        assert!(Instant::now() < deadline, "{what}: not within {DEADLINE:?}");
    }
}
