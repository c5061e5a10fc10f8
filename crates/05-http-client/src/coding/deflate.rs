//! Deflated data, bare or inside zlib's two bytes and check sum.
//!
//! HTTP's `deflate` means the zlib format, but some servers send the bare data. The first byte tells: a zlib
//! header has 8 in its low half, which as bare data would be a stored block with a padding bit set.
//! Read `gzip.rs` for the other user. Sources: RFC 9110 section 8.4.1.2, RFC 1950, RFC 1951 section 3.2.3.

use flate2::{Decompress, FlushDecompress, Status};

use super::CodingError;

/// Inflates one stream of deflated data, in pieces.
#[derive(Debug)]
pub(super) struct Inflate {
    inner: Decompress,
    done: bool,
}

impl Inflate {
    /// Without zlib's header and check sum.
    pub(super) fn raw() -> Self {
        Self { inner: Decompress::new(false), done: false }
    }

    fn zlib() -> Self {
        Self { inner: Decompress::new(true), done: false }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Inflates from `input` into `out`; 0 when nothing more comes of `input`.
    pub(super) fn decode(&mut self, input: &mut &[u8], out: &mut [u8]) -> Result<usize, CodingError> {
        while !self.done {
            let (in_before, out_before) = (self.inner.total_in(), self.inner.total_out());
            let status = self.inner.decompress(input, out, FlushDecompress::None);
            let status =
                status.map_err(|_| CodingError::Corrupt { coding: "deflate", why: "the data cannot be inflated" })?;
            // Both differences are at most the lengths of the two slices.
            let taken = (self.inner.total_in() - in_before) as usize;
            let made = (self.inner.total_out() - out_before) as usize;
            *input = &input[taken..];
            self.done = status == Status::StreamEnd;
            if made > 0 || taken == 0 {
                return Ok(made);
            }
        }
        Ok(0)
    }
}

/// HTTP's `deflate`: zlib, or bare where the first byte says so.
#[derive(Debug, Default)]
pub(super) struct Deflate {
    /// `None` before the first byte.
    inflate: Option<Inflate>,
}

impl Deflate {
    pub(super) fn decode(&mut self, input: &mut &[u8], out: &mut [u8]) -> Result<usize, CodingError> {
        let inflate = match (&mut self.inflate, input.first()) {
            (Some(inflate), _) => inflate,
            (None, None) => return Ok(0),
            (none, Some(first)) => none.insert(if first & 0x0f == 8 { Inflate::zlib() } else { Inflate::raw() }),
        };
        let made = inflate.decode(input, out)?;
        if made == 0 && inflate.is_done() && !input.is_empty() {
            return Err(CodingError::Corrupt { coding: "deflate", why: "other bytes behind its end" });
        }
        Ok(made)
    }

    pub(super) fn finish(&self) -> Result<(), CodingError> {
        match &self.inflate {
            Some(inflate) if !inflate.is_done() => Err(CodingError::Truncated { coding: "deflate" }),
            _ => Ok(()),
        }
    }
}
