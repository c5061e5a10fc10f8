//! Lines in a stream of bytes, each whole, too long or not UTF-8, and never an end of the stream for it.
//!
//! netcommon's decoder ends at the first line that is too long; a room goes on with the next one, because a
//! paste that was too long is no reason to lose a person. Bytes are copied only when a line comes in pieces,
//! and the buffer goes back when it has come: who is silent costs nothing. Read `protocol.rs` before.

/// What a peer has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line without its LF and without a CR before it.
    Text(&'a str),
    /// A line of more bytes than the limit; told when the limit is passed, once.
    TooLong,
    /// A whole line that is not UTF-8.
    NotUtf8,
}

/// Finds lines in pieces.
///
/// # Examples
/// ```
/// use chat_room::line::{Line, Lines};
///
/// let (mut lines, mut found) = (Lines::new(12), Vec::new());
/// for piece in ["大家", "好\r\nbo", "b\n"] {
///     lines.feed(piece.as_bytes(), |line| {
///         found.push(format!("{line:?}"));
///         true
///     });
/// }
/// assert_eq!(found, [r#"Text("大家好")"#, r#"Text("bob")"#]);
/// ```
#[derive(Debug)]
pub struct Lines {
    /// The begun line; without memory while there is none.
    begun: Vec<u8>,
    len_max: usize,
    /// The rest of a line that was too long is passed over.
    skipping: bool,
}

impl Lines {
    /// Lines of at most `len_max` bytes with their LF.
    #[must_use]
    pub fn new(len_max: usize) -> Self {
        Self { begun: Vec::new(), len_max, skipping: false }
    }

    /// Takes the next bytes and hands each line that they complete to `take`, until that says `false`.
    ///
    /// What follows then is thrown away: the peer is not listened to any more.
    pub fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(Line<'_>) -> bool) {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let (end, behind) = (&rest[..at], &rest[at + 1..]);
            rest = behind;
            let goes_on = if std::mem::take(&mut self.skipping) {
                true
            } else if self.begun.len() + end.len() >= self.len_max {
                self.begun = Vec::new();
                take(Line::TooLong)
            } else if self.begun.is_empty() {
                take(read(end))
            } else {
                let mut whole = std::mem::take(&mut self.begun);
                whole.extend_from_slice(end);
                take(read(&whole))
            };
            if !goes_on {
                return;
            }
        }
        if self.skipping || rest.is_empty() {
            return;
        }
        // A line of `len_max` bytes with its LF has at most one fewer before that.
        if self.begun.len() + rest.len() >= self.len_max {
            self.begun = Vec::new();
            self.skipping = true;
            take(Line::TooLong);
        } else {
            self.begun.extend_from_slice(rest);
        }
    }

    /// How many bytes of a line without its end have come.
    #[must_use]
    pub fn begun_len(&self) -> usize {
        self.begun.len()
    }
}

fn read(line: &[u8]) -> Line<'_> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    std::str::from_utf8(line).map_or(Line::NotUtf8, Line::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN_MAX: usize = 16;

    /// What comes out, as text, when the pieces go in.
    fn found<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, usize) {
        let (mut lines, mut found) = (Lines::new(LEN_MAX), Vec::new());
        for piece in pieces {
            lines.feed(piece, |line| {
                found.push(match line {
                    Line::Text(text) => text.to_owned(),
                    other => format!("<{other:?}>"),
                });
                true
            });
        }
        (found, lines.begun_len())
    }

    #[test]
    fn every_cut_of_a_stream_gives_the_same_lines() {
        let mut stream = "大家好\r\n\nbob\n".as_bytes().to_vec();
        stream.extend_from_slice(b"\xff\xfe\n123456789012345\n1234567890123456\nnext\n");
        stream.extend_from_slice(b"12345678901234567890123456789012345678\nend\nrest");
        let want = ["大家好", "", "bob", "<NotUtf8>", "123456789012345", "<TooLong>", "next", "<TooLong>", "end"];
        for first in 0..stream.len() {
            for second in first..stream.len() {
                let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                assert_eq!(found(pieces), (want.map(str::to_owned).to_vec(), 4), "{first} {second}");
            }
        }
        assert_eq!(found(stream.chunks(1)).0, want);
    }

    #[test]
    fn an_endless_line_is_told_once_and_keeps_no_memory() {
        let (mut lines, mut told) = (Lines::new(LEN_MAX), 0);
        for _ in 0..1000 {
            lines.feed(&[b'x'; 1000], |_| {
                told += 1;
                true
            });
            assert_eq!(lines.begun.capacity(), 0);
        }
        assert_eq!(told, 1);
    }

    #[test]
    fn nothing_is_heard_after_the_taker_has_enough() {
        let mut heard = Vec::new();
        Lines::new(LEN_MAX).feed(b"one\ntwo\nthree\n", |line| {
            heard.push(format!("{line:?}"));
            heard.len() < 2
        });
        assert_eq!(heard, [r#"Text("one")"#, r#"Text("two")"#]);
    }
}
