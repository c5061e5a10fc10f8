//! What is sent and what must come back: one message and its answer, compared byte by byte.
//!
//! Pure: bytes in, a verdict out. Every message carries the number of its sender and its own number,
//! so that an answer given to the wrong connection, twice, or late is not taken for a right one. The
//! rest of a message is Traditional Chinese, cut at a character, because some servers decode what they
//! read as UTF-8.

/// Bytes at the head of a message that name its sender and its number: `#00042 0000000017 `.
pub const HEAD_LEN: usize = NUMBER_AT + NUMBER_DIGITS + 1;

/// The longest message: it fits the smallest send buffer of the systems we know, so that a `send` on
/// a connection with nothing on its way is never short.
pub const MESSAGE_LEN_MAX: usize = 4096;

const SENDER_AT: usize = 1;
const SENDER_DIGITS: usize = 5;
const NUMBER_AT: usize = SENDER_AT + SENDER_DIGITS + 1;
const NUMBER_DIGITS: usize = 10;
const FILL: &str = "網路程式設計：一個位元組不是一個字元。";

/// One conversation of messages and answers, at most one message of which is on its way.
#[derive(Debug)]
pub struct Exchange {
    /// The answer that must come: the prefix, then the message.
    answer: Vec<u8>,
    prefix_len: usize,
    /// How many bytes of the answer have come and were right.
    matched: usize,
    number: u64,
}

/// What an [`Exchange`] says about bytes that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Right so far, but not all.
    Partial,
    /// The answer is whole and right.
    Whole,
    /// A byte differs from what must come, or too many came.
    Wrong,
}

impl Exchange {
    /// A conversation of `sender` whose messages are `message_len` bytes and whose answers begin with
    /// `prefix`.
    ///
    /// # Examples
    ///
    /// ```
    /// use echoload::exchange::{Exchange, Verdict};
    ///
    /// let mut exchange = Exchange::new(7, 32, b"> ");
    /// let message = exchange.next_message().to_vec();
    /// assert_eq!(exchange.feed(b"> "), Verdict::Partial);
    /// assert_eq!(exchange.feed(&message), Verdict::Whole);
    /// ```
    #[must_use]
    pub fn new(sender: usize, message_len: usize, prefix: &[u8]) -> Self {
        let message_len = message_len.clamp(HEAD_LEN, MESSAGE_LEN_MAX);
        let mut head = [b' '; HEAD_LEN];
        head[0] = b'#';
        write_digits(&mut head[SENDER_AT..SENDER_AT + SENDER_DIGITS], sender as u64);
        let mut answer = [prefix, &head].concat();
        answer.extend_from_slice(&fill(message_len - HEAD_LEN));
        Self { answer, prefix_len: prefix.len(), matched: 0, number: 0 }
    }

    /// The next message, to be sent as it is; what came of the answer to the last one is forgotten.
    pub fn next_message(&mut self) -> &[u8] {
        self.message_with_number(self.number + 1)
    }

    /// The message with a number of the caller's choice, for datagrams that may be lost.
    pub fn message_with_number(&mut self, number: u64) -> &[u8] {
        self.number = number;
        self.matched = 0;
        let message = &mut self.answer[self.prefix_len..];
        write_digits(&mut message[NUMBER_AT..NUMBER_AT + NUMBER_DIGITS], number);
        message
    }

    /// Takes bytes that came on a stream, in pieces of any size.
    pub fn feed(&mut self, bytes: &[u8]) -> Verdict {
        let due = &self.answer[self.matched..];
        if !due.starts_with(bytes) {
            return Verdict::Wrong;
        }
        self.matched += bytes.len();
        if self.matched == self.answer.len() { Verdict::Whole } else { Verdict::Partial }
    }

    /// The number that a datagram claims to answer; `None` if there is none to read.
    #[must_use]
    pub fn number_of(&self, datagram: &[u8]) -> Option<u64> {
        let from = self.prefix_len + NUMBER_AT;
        let digits = datagram.get(from..from + NUMBER_DIGITS)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }
}

/// Fills `digits` with the last digits of a number; `write!` would do, at several times the cost.
fn write_digits(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Exactly `len` bytes of valid UTF-8: whole characters, then full stops.
fn fill(len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len);
    for character in FILL.chars().cycle() {
        if bytes.len() + character.len_utf8() > len {
            break;
        }
        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    bytes.resize(len, b'.');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &[u8] = b"Server received: ";

    fn answer_to(exchange: &mut Exchange) -> Vec<u8> {
        [PREFIX, exchange.next_message()].concat()
    }

    #[test]
    fn a_message_has_the_wished_length_and_is_utf_8() {
        for len in HEAD_LEN..200 {
            let mut exchange = Exchange::new(99_999, len, PREFIX);
            let message = exchange.next_message();
            assert_eq!(message.len(), len);
            assert!(std::str::from_utf8(message).is_ok(), "length {len}");
        }
    }

    #[test]
    fn a_message_begins_with_its_sender_and_its_number() {
        let mut exchange = Exchange::new(42, 64, PREFIX);
        let message = exchange.message_with_number(17);
        assert!(message.starts_with(b"#00042 0000000017 "));
    }

    #[test]
    fn an_answer_is_whole_at_every_split_point() {
        let mut exchange = Exchange::new(3, 64, PREFIX);
        for split in 1..PREFIX.len() + 64 {
            let answer = answer_to(&mut exchange);
            assert_eq!(exchange.feed(&answer[..split]), Verdict::Partial);
            assert_eq!(exchange.feed(&answer[split..]), Verdict::Whole);
        }
    }

    #[test]
    fn every_changed_byte_is_wrong() {
        let mut exchange = Exchange::new(3, 64, PREFIX);
        for at in 0..PREFIX.len() + 64 {
            let mut answer = answer_to(&mut exchange);
            answer[at] ^= 1;
            assert_eq!(exchange.feed(&answer), Verdict::Wrong, "byte {at}");
        }
    }

    #[test]
    fn a_byte_too_many_and_the_answer_before_last_are_wrong() {
        let mut exchange = Exchange::new(3, 64, PREFIX);
        let mut answer = answer_to(&mut exchange);
        let old = answer.clone();
        answer.push(b'!');
        assert_eq!(exchange.feed(&answer), Verdict::Wrong);
        let _ = exchange.next_message();
        assert_eq!(exchange.feed(&old), Verdict::Wrong);
    }

    #[test]
    fn a_datagram_tells_its_number() {
        let mut exchange = Exchange::new(3, 64, PREFIX);
        let answer = [PREFIX, exchange.message_with_number(4_321)].concat();
        assert_eq!(exchange.number_of(&answer), Some(4_321));
        assert_eq!(exchange.number_of(&answer[..20]), None);
    }
}
