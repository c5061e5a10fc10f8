//! Responses as a state machine over bytes: no socket, no clock.
//!
//! ```text
//!            1xx                    length, chunked or until close
//!  Head ────────────▶ Head ───▶ Content ───▶ Done
//!    └─ HEAD, 204, 304 ───────────────────────▲
//! ```
//! TCP delivers a response in any pieces. [`ResponseParser::next`] takes whatever has come and says what
//! it means; the same bytes mean the same however they are cut. Read this file, then `head.rs`,
//! `length.rs`, `chunked.rs`. Source: RFC 9112 sections 2 to 8.

mod chunked;
mod error;
mod head;
mod length;
#[cfg(test)]
mod tests;

use self::chunked::{Chunk, Chunks};
pub use self::error::ResponseError;
use self::head::Section;
pub use self::head::{HEAD_BYTES_MAX, Head};
pub use self::length::ContentLength;
use crate::fields::Fields;

/// How many interim responses come before the final one: a handful of 103 Early Hints is the most that
/// servers send, and one that never ends must not hold us.
pub const INTERIM_MAX: u32 = 32;

/// What was asked, as far as it decides how the answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Only the head: no content comes, whatever the head announces.
    Head,
    /// A tunnel through a proxy.
    Connect,
    /// Anything else.
    Other,
}

/// What a response brings, in order: interim heads, the head, content, the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// A 1xx response; the final one follows.
    Interim(Head),
    /// The head of the final response.
    Head(Head),
    /// Some bytes of the content, still coded.
    Content(&'a [u8]),
    /// The end, with the trailer fields.
    End(Fields),
}

/// Reads one response.
///
/// # Examples
/// ```
/// use http_client::response::{Asked, Event, ResponseParser};
///
/// let mut parser = ResponseParser::new(Asked::Other);
/// let mut input = &b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n\xe4\xbd\xa0\xe5\xa5"[..];
/// assert!(matches!(parser.next(&mut input)?, Some(Event::Head(head)) if head.status == 200));
/// assert_eq!(parser.next(&mut input)?, Some(Event::Content(b"\xe4\xbd\xa0\xe5\xa5")));
/// assert_eq!(parser.next(&mut input)?, None);
///
/// let error = parser.end_of_stream().unwrap_err();
/// assert_eq!(error.to_string(), "truncated: the connection ended after 5 of 6 bytes of content");
/// # Ok::<(), http_client::response::ResponseError>(())
/// ```
#[derive(Debug)]
pub struct ResponseParser {
    asked: Asked,
    state: State,
    interim: u32,
    keeps_connection: bool,
}

#[derive(Debug)]
enum State {
    Head(Section),
    Bytes { left: u64, of: u64 },
    Chunked(Chunks),
    UntilClose,
    End(Fields),
    Done,
}

impl ResponseParser {
    /// Begins with the first byte behind a request.
    #[must_use]
    pub fn new(asked: Asked) -> Self {
        Self { asked, state: State::Head(Section::default()), interim: 0, keeps_connection: false }
    }

    /// Takes bytes from `input` until they mean something; `None` when more must come.
    ///
    /// Behind [`Event::End`] nothing is taken any more: what is left in `input` belongs to no response.
    ///
    /// # Errors
    /// What is wrong with the response; the parser is of no use afterwards.
    // ANCHOR: next
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Event<'a>>, ResponseError> {
        match &mut self.state {
            State::Head(section) => {
                let complete = section.take(input);
                section.check_prefix()?;
                if !complete? {
                    return Ok(None);
                }
                let head = section.head()?;
                self.after_head(head).map(Some)
            }
            State::Bytes { left, .. } => {
                let len = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                let (content, rest) = input.split_at(len);
                *input = rest;
                *left -= len as u64;
                if *left == 0 {
                    self.state = State::End(Fields::default());
                }
                Ok((len > 0).then_some(Event::Content(content)))
            }
            State::Chunked(chunks) => match chunks.next(input)? {
                Some(Chunk::Data(data)) => Ok(Some(Event::Content(data))),
                Some(Chunk::Last(trailers)) => {
                    self.state = State::Done;
                    Ok(Some(Event::End(trailers)))
                }
                None => Ok(None),
            },
            State::UntilClose => {
                let content = std::mem::take(input);
                Ok((!content.is_empty()).then_some(Event::Content(content)))
            }
            State::End(trailers) => {
                let trailers = std::mem::take(trailers);
                self.state = State::Done;
                Ok(Some(Event::End(trailers)))
            }
            State::Done => Ok(None),
        }
    }
    // ANCHOR_END: next

    /// Decides what follows a head.
    fn after_head(&mut self, head: Head) -> Result<Event<'static>, ResponseError> {
        if head.is_interim() {
            self.interim += 1;
            // A client that sends no Upgrade field is not asked to switch (RFC 9110 section 15.2.2).
            if head.status == 101 {
                return Err(ResponseError::Upgrade);
            }
            if self.interim > INTERIM_MAX {
                return Err(ResponseError::EndlessInterim);
            }
            self.state = State::Head(Section::default());
            return Ok(Event::Interim(head));
        }
        let length = ContentLength::of(&head, self.asked)?;
        // Both fields at once may be an attempt to smuggle a response: such a connection is not used
        // again (RFC 9112 section 6.1), nor one whose HTTP/1.0 server speaks of transfer codings.
        let (coded, sized) = (head.fields.get("Transfer-Encoding"), head.fields.get("Content-Length"));
        let faulty = coded.is_some() && (sized.is_some() || head.minor_version == 0);
        self.keeps_connection = head.keeps_connection() && length != ContentLength::UntilClose && !faulty;
        self.state = match length {
            ContentLength::None | ContentLength::Bytes(0) => State::End(Fields::default()),
            ContentLength::Bytes(of) => State::Bytes { left: of, of },
            ContentLength::Chunked => State::Chunked(Chunks::new()),
            ContentLength::UntilClose => State::UntilClose,
        };
        Ok(Event::Head(head))
    }

    /// How much content is left, where that is known and it comes as it is.
    #[must_use]
    pub fn content_left(&self) -> Option<u64> {
        match self.state {
            State::Bytes { left, .. } => Some(left),
            _ => None,
        }
    }

    /// So many bytes of the content went another way; no more than [`Self::content_left`].
    pub fn pass(&mut self, len: u64) {
        if let State::Bytes { left, .. } = &mut self.state {
            *left = left.saturating_sub(len);
            if *left == 0 {
                self.state = State::End(Fields::default());
            }
        }
    }

    /// Says what the end of stream means here: the end of the content, or a truncated response.
    ///
    /// # Errors
    /// The response is not complete; how much had come.
    pub fn end_of_stream(&mut self) -> Result<(), ResponseError> {
        match &self.state {
            State::Head(section) if section.len() == 0 && self.interim == 0 => Err(ResponseError::NoAnswer),
            State::Head(section) => Err(ResponseError::HeadCut { came: section.len() }),
            State::Bytes { left, of } => Err(ResponseError::ContentCut { came: of - left, of: *of }),
            State::Chunked(chunks) => Err(ResponseError::ChunksCut { came: chunks.came() }),
            State::UntilClose | State::End(_) | State::Done => {
                self.state = State::Done;
                Ok(())
            }
        }
    }

    /// The length of the content, while it comes and when it was announced.
    #[must_use]
    pub fn announced(&self) -> Option<u64> {
        match self.state {
            State::Bytes { of, .. } => Some(of),
            _ => None,
        }
    }

    /// Whether the response is complete.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Whether a complete response leaves its connection fit for another request.
    #[must_use]
    pub fn keeps_connection(&self) -> bool {
        self.is_done() && self.keeps_connection
    }
}
