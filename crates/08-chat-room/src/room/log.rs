//! The conversation: one bounded log of all public lines, in the one order that holds for everybody.
//!
//! ```text
//!          start                                              end
//!            │ [bob] hi⏎ │ * carol has joined⏎ │ [小明] 早⏎ │ ◀── push
//!            ▲                                  ▲           ▲
//!        the slowest                         a reader     who has read all
//! ```
//!
//! A member is a cursor into it, so a line is kept once however many have to read it, and a slow reader
//! costs no memory: when the log is full its oldest lines go, and whoever had not read them is told how
//! many. History is the same log read from further back. Read `mail.rs` next.

use std::collections::VecDeque;

/// Lines are at least this long on average, or fewer bytes are kept: each line costs a mark of its own.
const LINE_LEN_MEAN_MIN: usize = 64;

/// The public lines that are kept.
#[derive(Debug)]
pub struct Log {
    bytes: VecDeque<u8>,
    /// Where each line begins.
    marks: VecDeque<Mark>,
    start: Cursor,
    end: Cursor,
    bytes_max: usize,
}

/// The beginning of a line.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: u64,
    messages: u64,
}

/// A place between two lines, counted from the log's very first byte, also when that has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
// ANCHOR: cursor
pub struct Cursor {
    /// Bytes before it.
    pub at: u64,
    /// Lines before it.
    pub lines: u64,
    /// Lines before it that a member has said; the others are notices.
    pub messages: u64,
}
// ANCHOR_END: cursor

/// Whose line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A member's.
    Message,
    /// The room's own: somebody has joined or left.
    Notice,
}

impl Log {
    /// Keeps about `bytes_max` bytes, at least the last line.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        let (start, end) = (Cursor::default(), Cursor::default());
        Self { bytes: VecDeque::new(), marks: VecDeque::new(), start, end, bytes_max }
    }

    /// Appends a line with its LF; the oldest ones make room.
    // ANCHOR: push
    pub fn push(&mut self, line: &[u8], kind: Kind) {
        let lines_max = self.bytes_max / LINE_LEN_MEAN_MIN;
        while !self.marks.is_empty()
            && (self.bytes.len() + line.len() > self.bytes_max || self.marks.len() >= lines_max)
        {
            self.forget_oldest();
        }
        self.marks.push_back(Mark { at: self.end.at, messages: self.end.messages });
        self.bytes.extend(line);
        self.end.at += line.len() as u64;
        self.end.lines += 1;
        self.end.messages += u64::from(kind == Kind::Message);
    }
    // ANCHOR_END: push

    fn forget_oldest(&mut self) {
        self.marks.pop_front();
        let next = self.cursor(0);
        let len = usize::try_from(next.at - self.start.at).expect("a line is in memory");
        self.bytes.drain(..len);
        self.start = next;
    }

    /// Before the oldest line that is kept.
    #[must_use]
    pub fn start(&self) -> Cursor {
        self.start
    }

    /// Behind the newest line.
    #[must_use]
    pub fn end(&self) -> Cursor {
        self.end
    }

    /// Halfway: where somebody goes on who was too slow, so that it is not too slow again at once.
    #[must_use]
    pub fn middle(&self) -> Cursor {
        self.cursor(self.marks.len() / 2)
    }

    /// The first place between two lines at or behind the byte `at`, which must be kept.
    #[must_use]
    pub fn line_at_or_after(&self, at: u64) -> Cursor {
        if at == self.end.at { self.end } else { self.cursor(self.marks.partition_point(|mark| mark.at < at)) }
    }

    /// Before the last `count` messages, or as many as are kept.
    #[must_use]
    pub fn last_messages(&self, count: usize) -> Cursor {
        let wanted = self.end.messages.saturating_sub(count as u64);
        // The last mark with so many messages before it: a notice in between belongs to the line before.
        let index = self.marks.partition_point(|mark| mark.messages <= wanted).saturating_sub(1);
        self.cursor(if count == 0 { self.marks.len() } else { index })
    }

    /// The bytes between two places that are kept, in two pieces because the log is a ring.
    #[must_use]
    pub fn bytes(&self, from: u64, to: u64) -> [&[u8]; 2] {
        let index = |at: u64| usize::try_from(at - self.start.at).expect("the range is in memory");
        let (from, to) = (index(from), index(to));
        let (first, second) = self.bytes.as_slices();
        let cut = first.len();
        [&first[from.min(cut)..to.min(cut)], &second[from.max(cut) - cut..to.max(cut) - cut]]
    }

    /// The line at `cursor` with its LF, its kind, and the place behind it; `None` at the end.
    #[must_use]
    pub fn line(&self, cursor: Cursor) -> Option<([&[u8]; 2], Kind, Cursor)> {
        let index = cursor.lines.checked_sub(self.start.lines).and_then(|index| usize::try_from(index).ok())?;
        if index >= self.marks.len() {
            return None;
        }
        let next = self.cursor(index + 1);
        let kind = if next.messages > cursor.messages { Kind::Message } else { Kind::Notice };
        Some((self.bytes(cursor.at, next.at), kind, next))
    }

    /// The bytes that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing has been said yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The place before the line of this index; behind the last line for the number of lines.
    fn cursor(&self, index: usize) -> Cursor {
        self.marks.get(index).map_or(self.end, |mark| {
            // `forget_oldest` asks for the new first line while `start` is still the old one.
            let from_end = (self.marks.len() - index) as u64;
            Cursor { at: mark.at, lines: self.end.lines - from_end, messages: mark.messages }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pieces: [&[u8]; 2]) -> String {
        String::from_utf8(pieces.concat()).unwrap()
    }

    #[test]
    fn the_oldest_lines_go_and_the_counts_stay_true() {
        let mut log = Log::new(1024);
        let lines: Vec<String> = (0..500).map(|number| format!("[小明] 第 {number} 句\n")).collect();
        for (index, line) in lines.iter().enumerate() {
            log.push(line.as_bytes(), if index % 3 == 0 { Kind::Notice } else { Kind::Message });
            assert!(log.len() <= 1024);
            let start = log.start();
            let kept = usize::try_from(start.lines).unwrap();
            assert_eq!(text(log.bytes(start.at, log.end().at)), lines[kept..=index].concat());
            assert_eq!(start.messages, (0..kept).filter(|index| index % 3 != 0).count() as u64);
        }
        assert_eq!(log.end().lines, 500);
        assert!(log.marks.len() <= 16 && log.start().lines > 480);
    }

    #[test]
    fn a_line_is_found_from_every_byte_in_it() {
        let mut log = Log::new(1 << 16);
        for line in ["a\n", "bcd\n", "ef\n"] {
            log.push(line.as_bytes(), Kind::Message);
        }
        let found: Vec<u64> = (0..=9).map(|at| log.line_at_or_after(at).at).collect();
        assert_eq!(found, [0, 2, 2, 6, 6, 6, 6, 9, 9, 9]);
        assert_eq!(log.line_at_or_after(9), log.end());
        let (line, kind, next) = log.line(log.line_at_or_after(1)).unwrap();
        assert_eq!((text(line).as_str(), kind, next.at), ("bcd\n", Kind::Message, 6));
        assert_eq!(log.line(log.end()), None);
    }

    #[test]
    fn the_last_messages_are_counted_without_the_notices() {
        let mut log = Log::new(1 << 16);
        for (line, kind) in
            [("1\n", Kind::Message), ("n\n", Kind::Notice), ("2\n", Kind::Message), ("m\n", Kind::Notice)]
        {
            log.push(line.as_bytes(), kind);
        }
        let from = |count| text(log.bytes(log.last_messages(count).at, log.end().at));
        assert_eq!([from(0), from(1), from(2), from(9)], ["", "2\nm\n", "1\nn\n2\nm\n", "1\nn\n2\nm\n"]);
    }
}
