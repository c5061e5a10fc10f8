//! Content codings: gzip and deflate undone while the bytes come, in bounded memory.
//!
//! A few kilobytes can be coded so that they unfold to gigabytes. So the decoder works in pieces of 64 KiB,
//! counts what it makes of what it takes, and refuses a ratio that only bombs have. Pure: bytes in, bytes
//! to a closure. Read `gzip.rs` and `deflate.rs` after. Source: RFC 9110 section 8.4.

mod deflate;
mod gzip;
#[cfg(test)]
mod tests;

use self::deflate::Deflate;
use self::gzip::Gzip;
use crate::fields::Fields;

/// What we say that we can decode.
pub const ACCEPT_ENCODING: &str = "gzip, deflate";

/// How many codings may lie around one another: servers use one, a careless proxy adds another.
const CODINGS_MAX: usize = 3;

/// How much is decoded before the ratio is looked at: what fits into any memory cannot hurt.
const BOMB_FREE: u64 = 64 * 1024 * 1024;

/// Deflate reaches 1,032 to 1 at most. Logs and tables reach 20, a file of zeros reaches 1,000; whoever
/// wants that one says so with `--max-size`.
const BOMB_RATIO: u64 = 200;

const PIECE_BYTES: usize = 64 * 1024;

/// Why content cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodingError {
    /// A coding that was not offered.
    #[error("content coding `{}`: not known; {ACCEPT_ENCODING} were offered", netcommon::escape::escape(.0.as_bytes()))]
    Unknown(String),
    /// Coded again and again.
    #[error("more than {CODINGS_MAX} content codings around one another")]
    TooMany,
    /// The data break the coding's rules.
    #[error("{coding}: corrupt, {why}")]
    Corrupt {
        /// The coding.
        coding: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// The content is complete, what it codes is not.
    #[error("{coding}: truncated, its end has not come")]
    Truncated {
        /// The coding.
        coding: &'static str,
    },
    /// A few bytes that unfold to far too many.
    #[error("{received} bytes of coded content have become {made}: a bomb? --max-size takes so many if you want them")]
    Bomb {
        /// Coded bytes.
        received: u64,
        /// Decoded bytes.
        made: u64,
    },
    /// More than the user wants.
    #[error("content is longer than the {limit} bytes that --max-size allows")]
    TooLong {
        /// The limit.
        limit: u64,
    },
}

/// Undoes the content codings of one response.
///
/// # Examples
/// ```
/// use http_client::coding::{CodingError, ContentDecoder};
/// use http_client::fields::Fields;
///
/// let mut fields = Fields::default();
/// fields.push("Content-Encoding", "br");
/// let error = ContentDecoder::new(&fields, None).unwrap_err();
/// assert_eq!(error.to_string(), "content coding `br`: not known; gzip, deflate were offered");
///
/// let mut plain = ContentDecoder::new(&Fields::default(), None)?;
/// let mut content = Vec::new();
/// plain.decode("你好".as_bytes(), &mut |piece| { content.extend_from_slice(piece); Ok::<(), CodingError>(()) })?;
/// plain.finish()?;
/// assert_eq!(content, "你好".as_bytes());
/// # Ok::<(), CodingError>(())
/// ```
#[derive(Debug)]
pub struct ContentDecoder {
    /// The outermost first: the last of the list.
    stages: Vec<Stage>,
    received: u64,
    made: u64,
    limit: Option<u64>,
}

#[derive(Debug)]
struct Stage {
    coding: Coding,
    piece: Box<[u8]>,
}

#[derive(Debug)]
enum Coding {
    // Boxed: an inflater keeps 32 KiB of what it has seen.
    Gzip(Box<Gzip>),
    Deflate(Box<Deflate>),
}

impl ContentDecoder {
    /// A decoder for content with these fields; `limit` bytes of decoded content at most.
    ///
    /// # Errors
    /// A coding that we do not know.
    pub fn new(fields: &Fields, limit: Option<u64>) -> Result<Self, CodingError> {
        let mut stages = Vec::new();
        for name in fields.members("Content-Encoding").into_iter().rev() {
            let coding = match name.as_str() {
                "gzip" | "x-gzip" => Coding::Gzip(Box::new(Gzip::new())),
                "deflate" => Coding::Deflate(Box::default()),
                "identity" => continue,
                _ => return Err(CodingError::Unknown(name)),
            };
            if stages.len() == CODINGS_MAX {
                return Err(CodingError::TooMany);
            }
            stages.push(Stage { coding, piece: vec![0; PIECE_BYTES].into() });
        }
        Ok(Self { stages, received: 0, made: 0, limit })
    }

    /// A decoder that changes nothing and allows everything.
    #[must_use]
    pub fn none() -> Self {
        Self { stages: Vec::new(), received: 0, made: 0, limit: None }
    }

    /// Whether the content comes as it is.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.stages.is_empty()
    }

    /// Decoded bytes so far.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.made
    }

    /// Decodes the next bytes of the content and hands what they become to `sink`, in pieces.
    ///
    /// # Errors
    /// Corrupt data, a bomb, too much content, or what `sink` returns.
    // ANCHOR: decode
    pub fn decode<E: From<CodingError>>(
        &mut self,
        input: &[u8],
        sink: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.received += input.len() as u64;
        let Self { stages, received, made, limit } = self;
        push(stages, input, &mut |piece| {
            *made += piece.len() as u64;
            check_size(*received, *made, *limit)?;
            sink(piece)
        })
    }
    // ANCHOR_END: decode

    /// So many bytes of content that is not coded went another way.
    pub fn pass(&mut self, len: u64) {
        self.received += len;
        self.made += len;
    }

    /// Says whether the content may end here.
    ///
    /// # Errors
    /// The content was complete, but what it codes is not.
    pub fn finish(&self) -> Result<(), CodingError> {
        self.stages.iter().try_for_each(|stage| match &stage.coding {
            Coding::Gzip(gzip) => gzip.finish(),
            Coding::Deflate(deflate) => deflate.finish(),
        })
    }
}

/// Sends bytes through the stages, piece by piece, so that no stage ever holds more than one piece.
fn push<E: From<CodingError>>(
    stages: &mut [Stage],
    mut input: &[u8],
    sink: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let Some((stage, inner)) = stages.split_first_mut() else { return sink(input) };
    loop {
        let len = match &mut stage.coding {
            Coding::Gzip(gzip) => gzip.decode(&mut input, &mut stage.piece)?,
            Coding::Deflate(deflate) => deflate.decode(&mut input, &mut stage.piece)?,
        };
        if len == 0 {
            return Ok(());
        }
        push(inner, &stage.piece[..len], sink)?;
    }
}

fn check_size(received: u64, made: u64, limit: Option<u64>) -> Result<(), CodingError> {
    match limit {
        Some(limit) if made > limit => Err(CodingError::TooLong { limit }),
        None if made > BOMB_FREE && made / BOMB_RATIO > received => Err(CodingError::Bomb { received, made }),
        _ => Ok(()),
    }
}
