//! Many clients on one thread, each with one question on its way: the other side of chapter 6.
//!
//! The same wait for all sockets as the server's (`netcommon::readiness`). Every byte of every answer is
//! compared. Read `mod.rs` before.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use netcommon::addr::HostPort;
use netcommon::net::TcpStream;
use netcommon::readiness::{Interest, Key, Readiness};
use netcommon::shutdown::Shutdown;

const QUESTION: &str = "大家早安";
const ANSWER: &str = "Server received: 大家早安";

/// The clients, each with how much of its answer has come.
pub(super) struct Clients<'a> {
    sockets: Readiness<TcpStream, usize>,
    shutdown: &'a Shutdown,
}

/// What came back.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) answers: u64,
    pub(super) wrong: u64,
}

impl<'a> Clients<'a> {
    /// Connects `count` clients to a server of this computer and lets each ask.
    pub(super) fn open(addr: &HostPort, count: u16, shutdown: &'a Shutdown) -> anyhow::Result<Self> {
        let target: SocketAddr = addr.to_string().parse().context("the server's address")?;
        let mut sockets = Readiness::new().context("wait for sockets")?;
        shutdown.wake_on_drain(sockets.waker());
        for number in 1..=count {
            let connected = TcpStream::connect(target).and_then(|mut stream| {
                stream.set_nonblocking(true)?;
                stream.write_all(QUESTION.as_bytes())?;
                sockets.insert(stream, Interest::Readable, 0)
            });
            connected.with_context(|| format!("connect client {number} to {target}"))?;
            if shutdown.is_draining() {
                break;
            }
        }
        Ok(Self { sockets, shutdown })
    }

    /// How many are still connected.
    pub(super) fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Lets everybody ask again and again for so long.
    pub(super) fn ask_for(&mut self, time: Duration) -> anyhow::Result<Tally> {
        let (until, mut tally, mut ready) = (Instant::now() + time, Tally::default(), Vec::new());
        while Instant::now() < until && !self.shutdown.is_draining() {
            self.sockets.wait(Some(until), &mut ready).context("wait for answers")?;
            for ready in &ready {
                self.hear(ready.key, &mut tally);
            }
        }
        Ok(tally)
    }

    /// Reads what has come for one client; a whole answer is followed by its next question.
    fn hear(&mut self, key: Key, tally: &mut Tally) {
        let Some((mut stream, got)) = self.sockets.get_mut(key) else { return };
        let mut buffer = [0; ANSWER.len() + 1];
        let right = match stream.read(&mut buffer) {
            Ok(len @ 1..) if ANSWER.as_bytes()[*got..].starts_with(&buffer[..len]) => {
                *got = (*got + len) % ANSWER.len();
                // One question fits into any send buffer that is empty.
                let asked = *got > 0 || stream.write_all(QUESTION.as_bytes()).is_ok();
                tally.answers += u64::from(*got == 0);
                asked
            }
            Ok(len) => {
                tally.wrong += u64::from(len > 0);
                false
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        if !right {
            drop(self.sockets.remove(key));
        }
    }
}
