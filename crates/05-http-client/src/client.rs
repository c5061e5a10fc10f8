//! The exchange: connect or use a connection again, ask, read the answer, follow redirects.
//!
//! ```text
//!  fetch ─▶ hop ─▶ open or reuse ─▶ send ─▶ read ─▶ Receiver ─▶ done
//!            ▲                                │
//!            └──── redirect ──────────────────┘
//! ```
//! The loops that own the socket are here and short; what bytes mean is `response`'s business, where to go
//! next `redirect`'s. Read those before, and `connection.rs`; `reading.rs` after.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use netcommon::pipe::Pipe;
use url::Url;

use crate::connection::{Connection, Means, proxy_fields};
use crate::deadline::Deadline;
use crate::error::FetchError;
use crate::fields::Fields;
use crate::proxy::Proxies;
use crate::reading::{Call, Hop, Reading};
use crate::redirect::Redirects;
use crate::request::Request;
use crate::response::Head;
use crate::timing::Timing;

/// How much is read at once: a quarter of a MiB takes loopback near its limit and stays small in memory.
const BUFFER_BYTES: usize = 256 * 1024;

/// How much may come at once that nobody looks at.
const PIPE_BYTES: usize = 512 * 1024;

/// How much of a request is sent before we look whether the server has answered already; what is less fits into
/// the system's buffer.
const SEND_BYTES: usize = 16 * 1024;

/// How every fetch is done.
#[derive(Debug, Clone)]
pub struct Options {
    /// From the look-up of the name to the last byte.
    pub timeout: Duration,
    /// For each step: to connect, to shake hands, to get the header section, to wait for more content.
    pub step_timeout: Option<Duration>,
    /// Whether redirects are followed.
    pub follow: bool,
    /// Whether https may lead to http.
    pub allow_downgrade: bool,
    /// The most decoded content.
    pub content_max: Option<u64>,
}

/// Who takes what a fetch brings.
pub trait Receiver {
    /// A request as it goes to the wire.
    fn sent(&mut self, _request: &[u8]) {}
    /// A head as it came: interim, of a redirect, or final.
    fn received(&mut self, _head: &Head) {}
    /// The final head, and what was asked; content follows. `coded` says whether its length will differ from
    /// `Content-Length`.
    ///
    /// # Errors
    /// When the content is not wanted or has no place to go.
    fn begin(&mut self, head: &Head, request: &Request, coded: bool) -> Result<(), FetchError>;
    /// Some decoded content.
    ///
    /// # Errors
    /// When it cannot be written.
    fn content(&mut self, bytes: &[u8]) -> Result<(), FetchError>;
    /// Whether content may come unseen, in a pipe.
    fn takes_pipe(&self) -> bool {
        false
    }
    /// As [`Receiver::content`]: `len` bytes, all that are in the pipe.
    ///
    /// # Errors
    /// When they cannot be written.
    fn content_in(&mut self, _pipe: &Pipe, _len: usize) -> Result<(), FetchError> {
        Ok(())
    }
}

/// What came of a fetch.
#[derive(Debug)]
pub struct Answer {
    /// The final head.
    pub head: Head,
    /// Where it came from in the end.
    pub url: Url,
    /// Decoded content in bytes.
    pub content_bytes: u64,
    /// Fields behind the content.
    pub trailers: Fields,
    /// Redirects followed.
    pub redirects: usize,
    /// Whether an earlier connection was used again.
    pub reused: bool,
    /// When what happened, in the last exchange.
    pub timing: Timing,
}

/// Fetches one URL after the other, over one connection where that is possible.
#[derive(Debug)]
pub struct Client {
    options: Options,
    proxies: Proxies,
    means: Means,
    idle: Option<Connection>,
    buffer: Box<[u8]>,
    /// Made when the first long content comes.
    pipe: Option<Pipe>,
}

impl Client {
    /// A client without a connection.
    #[must_use]
    pub fn new(options: Options, proxies: Proxies, means: Means) -> Self {
        Self { options, proxies, means, idle: None, buffer: vec![0; BUFFER_BYTES].into(), pipe: None }
    }

    /// Asks, follows redirects, and hands the final content to `receiver`; all within the timeout.
    ///
    /// # Errors
    /// Whatever kept a whole and well-formed response from arriving.
    pub fn fetch(&mut self, mut request: Request, receiver: &mut dyn Receiver) -> Result<Answer, FetchError> {
        let deadline = Deadline::new(Instant::now(), self.options.timeout, self.options.step_timeout);
        let mut redirects = Redirects::new(self.options.allow_downgrade);
        loop {
            let follow = self.options.follow.then_some(&mut redirects);
            let hop = self.hop(&request, follow, deadline, receiver)?;
            match hop.next {
                Some(next) => request = next,
                None => return Ok(Answer { redirects: redirects.count(), ..hop.answer }),
            }
        }
    }

    /// One request and its answer; on a kept connection that turns out to be closed, once more on a new one.
    fn hop(
        &mut self,
        request: &Request,
        mut follow: Option<&mut Redirects>,
        deadline: Deadline,
        receiver: &mut dyn Receiver,
    ) -> Result<Hop, FetchError> {
        let proxy = self.proxies.of(&request.url).cloned();
        let mut timing = Timing::start();
        if let Some(connection) = self.idle.take_if(|idle| idle.serves(&request.url, proxy.as_ref())) {
            let mut call = Call { request, proxy: proxy.as_ref(), follow: follow.as_deref_mut(), deadline, receiver };
            match self.exchange(&mut call, connection, timing) {
                Err(error) if is_stale(&error) && request.is_idempotent() => {
                    log::debug!("the kept connection was closed by the server; one more try on a new one");
                }
                result => return result,
            }
            timing = Timing::start();
        }
        let connection = Connection::open(&request.url, proxy.as_ref(), deadline, &mut self.means, &mut timing);
        let connection = connection.map_err(|error| error.at("connect", deadline))?;
        self.exchange(&mut Call { request, proxy: proxy.as_ref(), follow, deadline, receiver }, connection, timing)
    }

    /// Sends a request over a connection and reads the answer.
    fn exchange(&mut self, call: &mut Call<'_>, mut connection: Connection, timing: Timing) -> Result<Hop, FetchError> {
        let via_proxy = call.proxy.filter(|_| call.request.url.scheme() == "http").map(proxy_fields);
        let bytes = call.request.to_bytes(via_proxy.as_deref());
        call.receiver.sent(&bytes);
        connection.begin_step(call.deadline);
        connection.expect_answer();
        let mut reading = Reading::new(call.request, timing, connection.used > 0);
        // A server may answer and close before it has read all: its answer is worth more than our error.
        let sent = match self.send(&bytes, &mut reading, &mut connection, call) {
            Err(FetchError::Io(cause)) => Err(cause),
            result => Ok(result.map_err(|error| error.at(&reading.progress(), call.deadline))?),
        };
        let read = self.read(&mut reading, &mut connection, call);
        match (read, sent) {
            (Err(error), Err(cause)) if !reading.began => {
                let error = if error.is_no_answer() { FetchError::Io(cause) } else { error };
                return Err(error.at("send the request", call.deadline));
            }
            (Err(error), _) => return Err(error.at(&reading.progress(), call.deadline)),
            // Who has not read the request to its end would read the next one as a part of it.
            (Ok(()), Ok(Sent::Part) | Err(_)) => return reading.into_hop(call.request),
            (Ok(()), Ok(Sent::Whole)) => {}
        }
        if reading.parser.keeps_connection() && !reading.surplus && !call.request.ends_connection() {
            connection.used += 1;
            self.idle = Some(connection);
        }
        reading.into_hop(call.request)
    }

    /// Sends a request; with a long one it looks meanwhile whether the server refuses it (RFC 9112 section 9.5).
    fn send(
        &mut self,
        request: &[u8],
        reading: &mut Reading,
        connection: &mut Connection,
        call: &mut Call<'_>,
    ) -> Result<Sent, FetchError> {
        for (at, piece) in request.chunks(SEND_BYTES).enumerate() {
            while at > 0 && connection.wait_for_room()? {
                self.read_some(reading, connection, call)?;
                // After an interim response the server still reads.
                if reading.head.is_some() {
                    return Ok(Sent::Part);
                }
            }
            connection.write_all(piece)?;
        }
        connection.flush()?;
        Ok(Sent::Whole)
    }

    fn read(
        &mut self,
        reading: &mut Reading,
        connection: &mut Connection,
        call: &mut Call<'_>,
    ) -> Result<(), FetchError> {
        while !reading.parser.is_done() && !reading.enough {
            if reading.head.is_some() {
                // A large answer takes its time; what takes long is silence.
                connection.begin_step(call.deadline);
            }
            if !self.pass_on(reading, connection, call)? {
                self.read_some(reading, connection, call)?;
            }
        }
        if !reading.enough {
            reading.decoder.finish()?;
        }
        reading.timing.done = Some(Instant::now());
        Ok(())
    }

    // ANCHOR: read
    /// Reads what has come, and waits for it when nothing has.
    fn read_some(
        &mut self,
        reading: &mut Reading,
        connection: &mut Connection,
        call: &mut Call<'_>,
    ) -> Result<(), FetchError> {
        let len = connection.read(&mut self.buffer)?;
        if len == 0 {
            return Ok(reading.parser.end_of_stream()?);
        }
        reading.timing.first_byte.get_or_insert_with(Instant::now);
        reading.began = true;
        let mut input = &self.buffer[..len];
        while let Some(event) = reading.parser.next(&mut input)? {
            reading.take(event, call, &self.options)?;
        }
        reading.surplus = !input.is_empty();
        Ok(())
    }
    // ANCHOR_END: read

    /// Hands on what has come without a look at it; `false` where it has to be read.
    fn pass_on(
        &mut self,
        reading: &mut Reading,
        connection: &mut Connection,
        call: &mut Call<'_>,
    ) -> Result<bool, FetchError> {
        let Some(left) = reading.unseen().filter(|_| call.receiver.takes_pipe()) else { return Ok(false) };
        let Some(stream) = connection.plain() else { return Ok(false) };
        // Ours for now: after an error it may not be empty, and goes with it.
        let Some(pipe) = self.pipe.take().or_else(|| Pipe::new(PIPE_BYTES)) else { return Ok(false) };
        let len = stream.read_into(&pipe, usize::try_from(left).unwrap_or(usize::MAX))?;
        if len == 0 {
            return Ok(reading.parser.end_of_stream().map(|()| true)?);
        }
        call.receiver.content_in(&pipe, len)?;
        self.pipe = Some(pipe);
        reading.pass(len as u64);
        while let Some(event) = reading.parser.next(&mut &b""[..])? {
            reading.take(event, call, &self.options)?;
        }
        Ok(true)
    }
}

/// How much of a request went out.
enum Sent {
    Whole,
    /// The server answered before it had read all.
    Part,
}

/// Whether a failure on a kept connection only says that the server had closed it meanwhile.
fn is_stale(error: &FetchError) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected};
    match error {
        FetchError::Response(error) => error.is_no_answer(),
        FetchError::Broken { cause, doing } => {
            let closed = matches!(cause.kind(), BrokenPipe | ConnectionReset | NotConnected);
            closed && (doing == "waiting for the answer" || doing == "send the request")
        }
        _ => false,
    }
}
