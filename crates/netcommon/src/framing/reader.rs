//! A blocking reader: the pure [`Decoder`] over anything that can be read.
//!
//! Sits under every program that reads framed messages from a socket in a thread of its own. The
//! decoder decides, this file only fetches bytes and lends messages. Read `decoder.rs` first.
//! System call: `read(2)`, one for each time that the buffer is empty.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use super::decoder::{Found, Place};
use super::{Decoder, FrameError, Framing, Limits, ReadError};

/// How many bytes one `read` may return: 8 KiB.
///
/// Enough that a hundred short messages cost one system call, and a 64 KiB message only eight; little
/// enough that 1,000 readers own 8 MiB at most. `BufReader` leaves the buffer's memory untouched until
/// bytes arrive, where the system's own streams are read; a wrapper around one has it zeroed once.
pub const READ_LEN: usize = 8 * 1024;

/// Reads messages from a stream, each lent until the next call.
///
/// It owns one buffer of [`READ_LEN`] bytes, and a second one only while a message crosses from one read
/// into the next.
///
/// # Examples
///
/// ```
/// use netcommon::framing::{Framing, Limits, MessageReader};
///
/// let stream = "早安\nbob\n".as_bytes(); // a `&TcpStream` serves as well
/// let mut reader = MessageReader::new(stream, Framing::Lines, Limits::default());
/// while let Some(message) = reader.read_message()? {
///     println!("{}", String::from_utf8_lossy(message));
/// }
/// # Ok::<(), netcommon::framing::ReadError>(())
/// ```
pub struct MessageReader<R> {
    input: BufReader<R>,
    decoder: Decoder,
    /// Bytes at the front of the buffer that the decoder has taken, but that may still be on loan.
    taken: usize,
    /// A message that was found, but not handed out yet; in the input it ends within `taken`.
    ready: Option<Found>,
}

impl<R: Read> MessageReader<R> {
    /// A reader at the start of a stream; reads nothing yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use netcommon::framing::{Framing, Limits, MessageReader};
    ///
    /// let nothing = std::io::empty();
    /// let mut reader = MessageReader::new(nothing, Framing::Length, Limits::default());
    /// assert!(reader.read_message()?.is_none());
    /// # Ok::<(), netcommon::framing::ReadError>(())
    /// ```
    pub fn new(stream: R, framing: Framing, limits: Limits) -> Self {
        Self {
            input: BufReader::with_capacity(READ_LEN, stream),
            decoder: Decoder::new(framing, limits),
            taken: 0,
            ready: None,
        }
    }

    /// Waits for the next message and lends it; `Ok(None)` is the end of the stream between messages.
    ///
    /// Blocks in `read(2)` unless a whole message is buffered; what ends the wait is bytes, the end of
    /// the stream, or the stream's read timeout. With [`Framing::Raw`], one read is one message.
    ///
    /// # Errors
    ///
    /// [`ReadError::Io`] as the system gave it, except that an interrupted read is made again. After a
    /// timeout ([`ReadError::is_timeout`]) no byte is lost and the call can be repeated.
    /// [`ReadError::Frame`] if the peer sent too long a message or closed inside one; messages before it
    /// have been handed out.
    ///
    /// # Examples
    ///
    /// ```
    /// use netcommon::framing::{Framing, Limits, MessageReader};
    ///
    /// let mut reader = MessageReader::new(&b"whole\nha"[..], Framing::Lines, Limits::default());
    /// assert_eq!(reader.read_message()?, Some(&b"whole"[..]));
    /// let error = reader.read_message().unwrap_err();
    /// assert_eq!(error.to_string(), "peer closed inside a line after 2 bytes");
    /// # Ok::<(), netcommon::framing::ReadError>(())
    /// ```
    pub fn read_message(&mut self) -> Result<Option<&[u8]>, ReadError> {
        let found = loop {
            if let Some(found) = self.look_ahead()? {
                break found;
            }
            if self.fill()? == 0 {
                self.decoder.end()?;
                return Ok(None);
            }
        };
        self.ready = None;
        Ok(Some(self.decoder.lent(found, self.input.buffer())))
    }

    /// Whether the next message is here already, so that reading it will not block; reads nothing.
    ///
    /// A server gathers its answers while this says yes and sends them with one write. It says no when
    /// the next thing is an error: the answers go out first, then `read_message` reports it.
    ///
    /// # Examples
    ///
    /// ```
    /// use netcommon::framing::{Framing, Limits, MessageReader, encode};
    ///
    /// let mut reader = MessageReader::new(&b"a\nb\nc"[..], Framing::Lines, Limits::default());
    /// let mut answers = Vec::new();
    /// while let Some(message) = reader.read_message()? {
    ///     encode(Framing::Lines, message, &mut answers).expect("a line came in, a line goes out");
    ///     if !reader.has_message() {
    ///         break; // here the server would write the answers
    ///     }
    /// }
    /// assert_eq!(answers, b"a\nb\n");
    /// # Ok::<(), netcommon::framing::ReadError>(())
    /// ```
    pub fn has_message(&mut self) -> bool {
        // A decoder repeats its error, so none is lost here.
        matches!(self.look_ahead(), Ok(Some(_)))
    }

    /// After [`FrameError::TooLong`]: drops the rest of that line and goes on with the next, if the
    /// framing allows it; see [`Decoder::skip_to_next`]. Reads nothing yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use netcommon::framing::{Framing, Limits, MessageReader};
    ///
    /// let limits = Limits { message_len_max: 3 };
    /// let mut reader = MessageReader::new("太長\n好\n".as_bytes(), Framing::Lines, limits);
    /// assert!(reader.read_message().is_err());
    /// assert!(reader.skip_to_next());
    /// assert_eq!(reader.read_message()?, Some("好".as_bytes()));
    /// # Ok::<(), netcommon::framing::ReadError>(())
    /// ```
    pub fn skip_to_next(&mut self) -> bool {
        self.decoder.skip_to_next()
    }

    /// The stream under the reader, for its addresses and options; whoever reads from it takes bytes away
    /// from the messages.
    ///
    /// # Examples
    ///
    /// ```
    /// use netcommon::framing::{Framing, Limits, MessageReader};
    ///
    /// let reader = MessageReader::new(&b"abc"[..], Framing::Raw, Limits::default());
    /// assert_eq!(reader.get_ref().len(), 3);
    /// ```
    pub fn get_ref(&self) -> &R {
        self.input.get_ref()
    }

    /// The next message, if the buffered bytes hold it.
    fn look_ahead(&mut self) -> Result<Option<Found>, FrameError> {
        if self.ready.is_none() {
            self.input.consume(std::mem::take(&mut self.taken));
            let mut rest = self.input.buffer();
            let before = rest.len();
            let found = self.decoder.step(&mut rest);
            let taken = before - rest.len();
            match found {
                // The message may be lent from the buffer, so its bytes stay there until the next step.
                Ok(Some(Found { place: Place::Input, .. })) => self.taken = taken,
                _ => self.input.consume(taken),
            }
            self.ready = found?;
        }
        Ok(self.ready)
    }

    /// One `read(2)`; how many bytes came, 0 at the end of the stream.
    fn fill(&mut self) -> io::Result<usize> {
        loop {
            // It reads only when the buffer is empty; a decoder that says "not yet" has emptied it.
            match self.input.fill_buf() {
                Ok(bytes) => return Ok(bytes.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for MessageReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageReader")
            .field("stream", self.input.get_ref())
            .field("decoder", &self.decoder)
            .finish_non_exhaustive()
    }
}
