//! One case of an exercise, tried: the program is started, our clients talk with it, and what differs is told.
//!
//! Each wait has a deadline. The program runs in a lane, as in a demo; a case that ends, however it ends,
//! leaves no program behind. Read `talk.rs` and `peer.rs` before.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use netcommon::error::OpError;
use netcommon::shutdown::StageReached;

use super::bytes::{Wanted, shown};
use super::peer::{Heard, Peer, Wire};
use super::talk::{Act, Line};
use super::yours::Yours;
use crate::failure::PlayError;
use crate::lane::{self, Lane};
use crate::script::Values;

/// How long a program may take to listen: `cargo run` may have to build it first.
const LISTENING_MAX: Duration = Duration::from_secs(120);

/// The address that a program is asked to listen on: the system chooses the port, and the program says which.
pub const ADDRESS: &str = "127.0.0.1:0";

/// Stands for the line that a program says first.
const LISTENING: &str = "… listening on HOST:PORT";

/// A case that did not go as it should: what happened before, the line that failed, and what came instead.
#[derive(Debug, Default)]
pub struct Failure {
    /// The lines that went as they should.
    pub played: Vec<String>,
    /// The line that did not.
    pub line: String,
    /// What came instead.
    pub instead: String,
    /// What the program had printed.
    pub said: Vec<String>,
}

impl Failure {
    /// Whether the program did not even say where it listens, so that every other case would end alike.
    #[must_use]
    pub fn is_before_the_first_line(&self) -> bool {
        self.line == LISTENING
    }
}

/// Why a case has no good end.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The program is not what the exercise asks for.
    #[error("{}", .0.instead)]
    Failed(Box<Failure>),
    /// The program could not be started, so no case can be tried.
    #[error(transparent)]
    NotStarted(OpError),
    /// A play that failed or was interrupted.
    #[error(transparent)]
    Play(#[from] PlayError),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// The values that a conversation's program can have in its command.
#[must_use]
pub fn values() -> Values {
    let (host, port) = ADDRESS.rsplit_once(':').expect("the constant above has a colon");
    [("address", ADDRESS), ("host", host), ("port", port)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// Starts the program and holds the conversation with it. Blocks for at most `patience` per line, and longer until the
/// program listens.
///
/// # Errors
/// [`TrialError::Failed`] when anything went otherwise.
pub fn talk(
    yours: &Yours,
    wire: Wire,
    lines: &[Line],
    patience: Duration,
    stop: &StageReached,
) -> Result<(), TrialError> {
    let not_started =
        |cause| TrialError::NotStarted(OpError::new("start", format_args!("`{}`", yours.program()), cause));
    let mut lane = Lane::start("yours", yours.command(&values())).map_err(not_started)?;
    let mut failure = Failure::default();
    // They outlive the match below: what a program says when its clients go away is not what went wrong.
    let mut clients = Clients { wire, patience, addr: None, peers: BTreeMap::new() };
    let ended = listening(&mut lane, &mut failure, stop).and_then(|addr| {
        clients.addr = Some(addr);
        lines.iter().try_for_each(|line| {
            // What it prints meanwhile must not fill its pipe: a program that waits to print answers nobody.
            lane.last_words().for_each(drop);
            line.text.clone_into(&mut failure.line);
            if stop.try_recv() == Err(crossbeam_channel::TryRecvError::Disconnected) {
                return Err(Stopped::Interrupted);
            }
            clients.act(line)?;
            failure.played.push(line.text.clone());
            Ok(())
        })
    });
    match ended {
        Ok(()) => Ok(()),
        Err(Stopped::Interrupted) => Err(TrialError::Interrupted),
        Err(Stopped::Instead(instead)) => {
            failure.instead = instead;
            failure.said = lane.last_words().map(str::to_owned).collect();
            Err(TrialError::Failed(Box::new(failure)))
        }
    }
}

/// Why a conversation stops.
enum Stopped {
    Instead(String),
    Interrupted,
}

fn instead(what: impl Display) -> Stopped {
    Stopped::Instead(what.to_string())
}

/// Waits for the line that ends with `listening on ADDR:PORT`.
fn listening(lane: &mut Lane, failure: &mut Failure, stop: &StageReached) -> Result<SocketAddr, Stopped> {
    LISTENING.clone_into(&mut failure.line);
    let deadline = Instant::now() + LISTENING_MAX;
    loop {
        match lane.next_line(deadline, stop) {
            lane::Heard::Line(line) => {
                let Some((_, addr)) = line.rsplit_once("listening on ") else { continue };
                return reachable(addr.trim()).ok_or_else(|| instead(format!("`{addr}` is no address")));
            }
            lane::Heard::End => return Err(instead("the program ended without that line")),
            lane::Heard::TimedOut => return Err(instead(format!("not within {LISTENING_MAX:?}"))),
            lane::Heard::Interrupted => return Err(Stopped::Interrupted),
        }
    }
}

/// Where a client of this machine finds a server that listens on `addr`.
fn reachable(addr: &str) -> Option<SocketAddr> {
    let mut addr = addr.to_socket_addrs().ok()?.next()?;
    match addr {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Some(addr)
}

/// The clients of one conversation, by their names.
struct Clients<'a> {
    wire: Wire,
    patience: Duration,
    /// `None` until the program has said it.
    addr: Option<SocketAddr>,
    peers: BTreeMap<&'a str, Peer>,
}

impl<'a> Clients<'a> {
    fn act(&mut self, line: &'a Line) -> Result<(), Stopped> {
        let who = line.who.as_str();
        match &line.act {
            Act::Connect => {
                let addr = self.addr.ok_or_else(|| instead("no address"))?;
                let peer = Peer::connect(self.wire, addr, self.patience).map_err(instead)?;
                self.peers.insert(who, peer);
                Ok(())
            }
            Act::Send(message) => self.peer(who)?.send(message).map_err(instead),
            Act::Write(bytes) => self.peer(who)?.write(bytes).map_err(instead),
            Act::Hear(wanted) => self.hear(who, wanted, false),
            Act::Await(wanted) => self.hear(who, wanted, true),
            Act::End => self.peer(who)?.end().map_err(instead),
            Act::Reset => self.peers.remove(who).map_or(Ok(()), Peer::reset).map_err(instead),
            Act::Closed => self.closed(who),
        }
    }

    fn peer(&mut self, who: &str) -> Result<&mut Peer, Stopped> {
        // The reader of the file has refused a line that needs this.
        self.peers.get_mut(who).ok_or_else(|| instead("not connected"))
    }

    /// Hears the next message, or some later one, which must be `wanted`.
    fn hear(&mut self, who: &str, wanted: &Wanted, later: bool) -> Result<(), Stopped> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.peer(who)?.hear(deadline) {
                Heard::Message(message) if wanted.is(&message) => return Ok(()),
                Heard::Message(_) if later => {}
                Heard::Message(message) => return Err(instead(format!("`{}`", shown(&message)))),
                Heard::Closed(how) | Heard::Wrong(how) => return Err(instead(how)),
                Heard::Nothing => return Err(instead(format!("nothing within {:?}", self.patience))),
            }
        }
    }

    /// Hears the end, whatever is said before it.
    fn closed(&mut self, who: &str) -> Result<(), Stopped> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.peer(who)?.hear(deadline) {
                Heard::Message(_) => {}
                Heard::Closed(_) => return Ok(()),
                Heard::Wrong(what) => return Err(instead(what)),
                Heard::Nothing => return Err(instead(format!("still connected after {:?}", self.patience))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_every_address_is_found_on_the_loopback_one() {
        for (addr, want) in [
            ("0.0.0.0:8888", Some("127.0.0.1:8888")),
            ("[::]:8888", Some("[::1]:8888")),
            ("127.0.0.1:7", Some("127.0.0.1:7")),
            ("8888", None),
        ] {
            assert_eq!(reachable(addr), want.map(|want| want.parse().unwrap()), "{addr}");
        }
    }
}
