//! The blocking reader and writer over streams that are scripted call by call.
//!
//! A script says what each `read(2)` returns, so a test can count the calls and have any of them fail.
//! Read `reader.rs` and `encode.rs` first.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};

use crate::framing::{FrameError, Framing, Inside, Limits, MessageReader, READ_LEN, ReadError, encode, write_message};

/// What each read returns, in order; then the end of the stream.
#[derive(Debug, Default)]
struct Script {
    reads: VecDeque<Result<Vec<u8>, io::ErrorKind>>,
    /// How often it was read, also past the end.
    calls: Cell<usize>,
}

impl Script {
    fn new<const N: usize>(reads: [Result<&[u8], io::ErrorKind>; N]) -> Self {
        let reads = reads.into_iter().map(|read| read.map(<[u8]>::to_vec)).collect();
        Self { reads, calls: Cell::new(0) }
    }
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.calls.set(self.calls.get() + 1);
        let Some(read) = self.reads.pop_front() else {
            return Ok(0);
        };
        let mut bytes = read?;
        let len = bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        if len < bytes.len() {
            self.reads.push_front(Ok(bytes.split_off(len)));
        }
        Ok(len)
    }
}

fn lines(script: Script) -> MessageReader<Script> {
    MessageReader::new(script, Framing::Lines, Limits::default())
}

#[test]
fn messages_that_came_together_are_served_from_one_read() {
    let mut reader = lines(Script::new([Ok("一\n二\n三\n四".as_bytes()), Ok(b"\n")]));
    assert!(!reader.has_message(), "nothing is here before the first read");
    assert_eq!(reader.get_ref().calls.get(), 0);
    for text in ["一", "二", "三"] {
        assert_eq!(reader.read_message().unwrap(), Some(text.as_bytes()));
        assert_eq!(reader.get_ref().calls.get(), 1);
        assert_eq!(reader.has_message(), text != "三");
        assert_eq!(reader.has_message(), text != "三", "asking twice changes nothing");
    }
    assert_eq!(reader.read_message().unwrap(), Some("四".as_bytes()));
    assert_eq!(reader.get_ref().calls.get(), 2);
    assert!(!reader.has_message());
    assert_eq!(reader.read_message().unwrap(), None);
    assert_eq!(reader.read_message().unwrap(), None, "the end stays the end");
}

#[test]
fn one_read_fetches_as_much_as_the_buffer_holds() {
    for framing in [Framing::Lines, Framing::Length] {
        let message = vec![b'x'; 3 * READ_LEN - 100];
        let mut wire = Vec::new();
        encode(framing, &message, &mut wire).unwrap();
        let mut reader = MessageReader::new(Script::new([Ok(&wire)]), framing, Limits::default());
        assert_eq!(reader.read_message().unwrap(), Some(&message[..]));
        assert_eq!(reader.get_ref().calls.get(), 3);
    }
}

#[test]
fn with_raw_one_read_is_one_message() {
    let script = Script::new([Ok("早安".as_bytes()), Ok(b"\xe5"), Ok(&[b'x'; READ_LEN + 1])]);
    let mut reader = MessageReader::new(script, Framing::Raw, Limits::default());
    assert_eq!(reader.read_message().unwrap(), Some("早安".as_bytes()));
    assert!(!reader.has_message());
    assert_eq!(reader.read_message().unwrap(), Some(&b"\xe5"[..]));
    assert_eq!(reader.read_message().unwrap().map(<[u8]>::len), Some(READ_LEN));
    assert_eq!(reader.read_message().unwrap().map(<[u8]>::len), Some(1));
    assert_eq!(reader.read_message().unwrap(), None);
}

#[test]
fn an_interrupted_read_is_made_again() {
    let interrupted = Err(io::ErrorKind::Interrupted);
    let mut reader = lines(Script::new([interrupted, Ok(b"ab"), interrupted, interrupted, Ok(b"c\n")]));
    assert_eq!(reader.read_message().unwrap(), Some(&b"abc"[..]));
    assert_eq!(reader.get_ref().calls.get(), 5);
}

#[test]
fn a_read_that_ran_out_of_time_loses_no_byte() {
    use io::ErrorKind::{TimedOut, WouldBlock};
    for framing in [Framing::Lines, Framing::Length] {
        let mut wire = Vec::new();
        encode(framing, "早安".as_bytes(), &mut wire).unwrap();
        let (first, second) = wire.split_at(5);
        let script = Script::new([Err(WouldBlock), Ok(first), Err(WouldBlock), Err(TimedOut), Ok(second)]);
        let mut reader = MessageReader::new(script, framing, Limits::default());
        for _ in 0..3 {
            assert!(reader.read_message().unwrap_err().is_timeout());
            assert!(!reader.has_message());
        }
        assert_eq!(reader.read_message().unwrap(), Some("早安".as_bytes()));
    }
}

#[test]
fn the_end_inside_a_message_and_a_reset_are_told_apart() {
    let mut cut = lines(Script::new([Ok(b"whole\nha")]));
    assert_eq!(cut.read_message().unwrap(), Some(&b"whole"[..]));
    let want = FrameError::TruncatedAtEnd { inside: Inside::Line, got: 2, want: None };
    assert!(matches!(cut.read_message(), Err(ReadError::Frame(error)) if error == want));

    let mut reset = lines(Script::new([Ok(b"whole\nha"), Err(io::ErrorKind::ConnectionReset)]));
    assert_eq!(reset.read_message().unwrap(), Some(&b"whole"[..]));
    let error = reset.read_message().unwrap_err();
    assert!(!error.is_timeout());
    assert!(matches!(error, ReadError::Io(error) if error.kind() == io::ErrorKind::ConnectionReset));
}

#[test]
fn messages_before_a_refused_one_are_handed_out_first() {
    let script = Script::new([Ok(b"a\nb\ntoo long\nc\n")]);
    let mut reader = MessageReader::new(script, Framing::Lines, Limits { message_len_max: 3 });
    assert_eq!(reader.read_message().unwrap(), Some(&b"a"[..]));
    assert!(reader.has_message());
    assert_eq!(reader.read_message().unwrap(), Some(&b"b"[..]));
    assert!(!reader.has_message(), "an error is no message");
    assert!(matches!(reader.read_message(), Err(ReadError::Frame(FrameError::TooLong { .. }))));
    assert!(reader.skip_to_next());
    assert!(reader.has_message());
    assert_eq!(reader.read_message().unwrap(), Some(&b"c"[..]));
    assert_eq!(reader.get_ref().calls.get(), 1);
}

/// Counts writes and takes whatever it is given.
#[derive(Default)]
struct Writes(Vec<Vec<u8>>);

impl Write for Writes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_message_goes_out_with_one_write() {
    let cases: [(Framing, &[u8]); 3] = [
        (Framing::Raw, "早安".as_bytes()),
        (Framing::Lines, "早安\n".as_bytes()),
        (Framing::Length, b"\0\0\0\x06\xe6\x97\xa9\xe5\xae\x89"),
    ];
    for (framing, wire) in cases {
        let mut writes = Writes::default();
        write_message(&mut writes, framing, "早安".as_bytes()).unwrap();
        assert_eq!(writes.0, [wire]);
    }
}
