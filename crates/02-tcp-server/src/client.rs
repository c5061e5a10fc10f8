//! The life of one connection, on the thread that was started for it.
//!
//! Read a message, say that it came, answer it; until the client ends the stream, breaks a rule, loses
//! our patience, or the server shuts down. Read `netcommon::echo` and `patience.rs` first, `server.rs` next.
//! Source: UNP section 5.2 (`str_echo`), RFC 9112 section 9.6 (why a closing server goes on reading).

use std::io::{self, Read};
use std::net::{self, SocketAddr};
use std::time::Instant;

use netcommon::connections::Connection;
use netcommon::console::Lines;
use netcommon::echo::{Answerer, Config, End, LINGER, Summary};
use netcommon::error::is_timeout;
use netcommon::framing::{FrameError, MessageReader, ReadError};
use netcommon::net::TcpStream;
use netcommon::shutdown::Shutdown;

use crate::patience::Patient;

/// Answers to messages that arrived together leave together, up to this many bytes: one read's worth.
const GATHER_MAX: usize = 8 * 1024;

/// What a connection keeps of its buffers between messages; the rest goes back to the heap, so that a
/// thousand clients that once sent 64 KiB each do not hold 64 MiB.
const KEPT_MAX: usize = 4 * 1024;

/// One client: its stream, what the server allows it, and what it has done so far.
pub(crate) struct Client<'a> {
    pub(crate) stream: &'a Connection<'a>,
    pub(crate) peer: SocketAddr,
    pub(crate) config: &'a Config,
    pub(crate) shutdown: &'a Shutdown,
    pub(crate) lines: &'a Lines,
}

impl Client<'_> {
    /// Serves the client to the end; blocks in reads and writes, which `Connections::drain` ends.
    pub(crate) fn serve(&self) -> Summary {
        let started = Instant::now();
        let patient = Patient::new(self.stream, self.config.idle_timeout);
        let mut messages = 0;
        let end = match self.answer_all(&patient, &mut messages) {
            Ok(()) | Err(End::Frame(_) | End::EndOfStream) if self.shutdown.is_draining() => End::Shutdown,
            Ok(()) => End::EndOfStream,
            Err(End::Failed(_) | End::NotReading) if self.shutdown.is_draining() => End::Cut,
            Err(end) => end,
        };
        match &end {
            End::Frame(error) => self.refuse(error, &patient),
            End::Shutdown => self.release(&patient),
            _ => {}
        }
        let [bytes_in, bytes_out] = patient.carried();
        Summary { peer: self.peer, messages, bytes_in, bytes_out, duration: started.elapsed(), end }
    }

    /// The heart of the chapter: read a message, answer it, until the stream ends.
    // ANCHOR: answer-all
    fn answer_all(&self, patient: &Patient<'_>, messages: &mut u64) -> Result<(), End> {
        let limits = self.config.limits();
        let mut reader = MessageReader::new(patient, self.config.framing, limits);
        let answerer = Answerer::new(self.config.framing, limits);
        let mut wire = Vec::new();
        while let Some(message) = reader.read_message().map_err(why_reading_ended)? {
            self.config.show(self.lines, self.peer, message);
            *messages += 1;
            answerer.answer(message, &mut wire).map_err(|error| End::Failed(io::Error::other(error)))?;
            patient.renew();
            if wire.len() < GATHER_MAX && reader.has_message() {
                continue;
            }
            patient.send(&wire).map_err(why_writing_ended)?;
            wire.clear();
            wire.shrink_to(KEPT_MAX);
            if self.shutdown.is_draining() {
                break;
            }
        }
        Ok(())
    }
    // ANCHOR_END: answer-all

    /// Tells the client which rule it broke, then releases the connection.
    fn refuse(&self, error: &FrameError, patient: &Patient<'_>) {
        // A client that does not even take this loses nothing that it could use.
        if patient.send(&self.config.refusal(error)).is_ok() {
            self.release(patient);
        }
    }

    /// Sends our FIN and reads on for a moment; [`LINGER`] says why.
    fn release(&self, patient: &Patient<'_>) {
        let deadline = Instant::now() + LINGER;
        let mut stream: &TcpStream = self.stream;
        let mut thrown_away = [0; 1024];
        let mut discard = || -> io::Result<()> {
            stream.shutdown(net::Shutdown::Write)?;
            stream.set_read_timeout(Some(LINGER))?;
            let mut len = 1;
            while len > 0 && Instant::now() < deadline {
                len = stream.read(&mut thrown_away)?;
                patient.count_in(len);
            }
            Ok(())
        };
        // Whatever fails here, the connection is closed next.
        let _ = discard();
    }
}

/// Which end an error of reading is.
fn why_reading_ended(error: ReadError) -> End {
    match error {
        ReadError::Frame(error) => End::Frame(error),
        ReadError::Io(error) if is_timeout(&error) => End::Idle,
        ReadError::Io(error) => End::Failed(error),
    }
}

/// Which end an error of writing is.
fn why_writing_ended(error: io::Error) -> End {
    if is_timeout(&error) { End::NotReading } else { End::Failed(error) }
}
