//! One response while it comes: what the parser says, decoded, and where it sends us.
//!
//! Owns no socket. Read `client.rs` before, whose loop feeds it.

use url::Url;

use crate::client::{Answer, Options, Receiver};
use crate::coding::{CodingError, ContentDecoder};
use crate::deadline::Deadline;
use crate::error::FetchError;
use crate::fields::Fields;
use crate::redirect::Redirects;
use crate::request::Request;
use crate::response::{Event, Head, ResponseParser};
use crate::timing::Timing;

/// So long must content be to go by unseen: a pipe costs some system calls, and what is shorter comes in a few reads.
const UNSEEN_MIN: u64 = 1024 * 1024;

/// How much content of a redirect is read to keep the connection; more costs more than a new one.
const DRAIN_MAX: u64 = 64 * 1024;

/// What one exchange is about.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) proxy: Option<&'a Url>,
    pub(crate) follow: Option<&'a mut Redirects>,
    pub(crate) deadline: Deadline,
    pub(crate) receiver: &'a mut dyn Receiver,
}

/// An answer, and where it sends us.
pub(crate) struct Hop {
    pub(crate) answer: Answer,
    pub(crate) next: Option<Request>,
}

/// One response while it comes.
pub(crate) struct Reading {
    pub(crate) parser: ResponseParser,
    pub(crate) timing: Timing,
    pub(crate) reused: bool,
    pub(crate) began: bool,
    /// Bytes behind the response: the connection is out of step.
    pub(crate) surplus: bool,
    /// No more of it is wanted.
    pub(crate) enough: bool,
    pub(crate) head: Option<Head>,
    pub(crate) next: Option<Request>,
    pub(crate) decoder: ContentDecoder,
    /// Content as it came, in bytes.
    pub(crate) came: u64,
    pub(crate) trailers: Fields,
}

impl Reading {
    pub(crate) fn new(request: &Request, timing: Timing, reused: bool) -> Self {
        let parser = ResponseParser::new(request.asked());
        let (trailers, decoder) = (Fields::default(), ContentDecoder::none());
        Self {
            parser,
            timing,
            reused,
            began: false,
            surplus: false,
            enough: false,
            head: None,
            next: None,
            decoder,
            came: 0,
            trailers,
        }
    }

    pub(crate) fn take(&mut self, event: Event<'_>, call: &mut Call<'_>, options: &Options) -> Result<(), FetchError> {
        match event {
            Event::Interim(head) => call.receiver.received(&head),
            Event::Head(head) => self.begin(head, call, options)?,
            Event::Content(bytes) => {
                self.came += bytes.len() as u64;
                if self.next.is_none() {
                    self.decoder.decode(bytes, &mut |piece| call.receiver.content(piece))?;
                } else {
                    self.enough = self.came > DRAIN_MAX;
                }
            }
            Event::End(trailers) => self.trailers = trailers,
        }
        Ok(())
    }

    pub(crate) fn begin(&mut self, head: Head, call: &mut Call<'_>, options: &Options) -> Result<(), FetchError> {
        call.receiver.received(&head);
        if let Some(redirects) = &mut call.follow {
            self.next = redirects.next(head.status, &head.fields, call.request)?;
        }
        if self.next.is_none() {
            self.decoder = ContentDecoder::new(&head.fields, options.content_max)?;
            let coded = !self.decoder.is_identity();
            // Said before anything is written, where it can be known.
            if let (false, Some(limit), Some(of)) = (coded, options.content_max, self.parser.announced())
                && of > limit
            {
                return Err(CodingError::TooLong { limit }.into());
            }
            call.receiver.begin(&head, call.request, coded)?;
        }
        self.head = Some(head);
        Ok(())
    }

    /// How much content is left that nobody has to look at.
    pub(crate) fn unseen(&self) -> Option<u64> {
        let long = self.parser.announced().is_some_and(|of| of >= UNSEEN_MIN);
        let as_it_is = self.next.is_none() && self.decoder.is_identity();
        self.parser.content_left().filter(|_| long && as_it_is)
    }

    /// So much of it went by.
    pub(crate) fn pass(&mut self, len: u64) {
        self.came += len;
        self.decoder.pass(len);
        self.parser.pass(len);
    }

    /// What had been reached, for the reader of a timeout.
    pub(crate) fn progress(&self) -> String {
        match (&self.head, self.parser.announced()) {
            (None, _) if self.began => "inside the header section".to_owned(),
            (None, _) => "waiting for the answer".to_owned(),
            (Some(_), Some(of)) => format!("after {} of {of} bytes of content", self.came),
            (Some(_), None) => format!("after {} bytes of content", self.came),
        }
    }

    pub(crate) fn into_hop(self, request: &Request) -> Result<Hop, FetchError> {
        let Some(head) = self.head else { return Err(crate::response::ResponseError::NoAnswer.into()) };
        let answer = Answer {
            head,
            url: request.url.clone(),
            content_bytes: self.decoder.made(),
            trailers: self.trailers,
            redirects: 0,
            reused: self.reused,
            timing: self.timing,
        };
        Ok(Hop { answer, next: self.next })
    }
}
