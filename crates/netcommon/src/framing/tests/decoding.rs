//! What the decoders find, wherever a stream is cut.
//!
//! Short streams are cut at every place, not at random ones: there are few enough of them. Each case
//! holds a stream, its messages and its end; `mod.rs` feeds the pieces.

use crate::framing::tests::{Outcome, decode, limit};
use crate::framing::{Decoder, FrameError, Framing, Inside, Limits, encode};

/// (framing, limit, stream, messages, end)
type Case<'a> = (Framing, usize, &'a [u8], &'a [&'a str], Result<(), FrameError>);

fn cut_line(got: usize) -> Result<(), FrameError> {
    Err(FrameError::TruncatedAtEnd { inside: Inside::Line, got, want: None })
}

fn cut_frame(inside: Inside, got: usize, want: usize) -> Result<(), FrameError> {
    Err(FrameError::TruncatedAtEnd { inside, got, want: Some(want) })
}

fn refused(announced: Option<u32>, limit: usize) -> Result<(), FrameError> {
    Err(FrameError::TooLong { announced, limit })
}

fn cases() -> Vec<Case<'static>> {
    use Framing::{Length, Lines};
    vec![
        (Lines, 99, b"", &[], Ok(())),
        (Lines, 99, "早安\n小明\n".as_bytes(), &["早安", "小明"], Ok(())),
        (Lines, 99, "午安\r\nbob\n".as_bytes(), &["午安", "bob"], Ok(())),
        (Lines, 99, b"\n\r\n\n", &["", "", ""], Ok(())),
        (Lines, 99, b"\r\r\na\rb\n\r", &["\r", "a\rb"], cut_line(1)),
        (Lines, 99, "好\n晚".as_bytes(), &["好"], cut_line(3)),
        (Lines, 3, "好\r\nabc\n".as_bytes(), &["好", "abc"], Ok(())),
        (Lines, 3, b"ok\nabcd\nno\n", &["ok"], refused(None, 3)),
        (Lines, 3, b"ok\nabc\r\r\nno\n", &["ok"], refused(None, 3)),
        (Lines, 3, "你好，世界".as_bytes(), &[], refused(None, 3)),
        (Lines, 0, b"\n\r\nx", &["", ""], refused(None, 0)),
        (Length, 99, b"", &[], Ok(())),
        (Length, 99, b"\0\0\0\x06\xe6\x97\xa9\xe5\xae\x89\0\0\0\x02hi", &["早安", "hi"], Ok(())),
        (Length, 99, b"\0\0\0\0\0\0\0\x01\n\0\0\0\0", &["", "\n", ""], Ok(())),
        (Length, 99, b"\0\0\0\x0cabc", &[], cut_frame(Inside::Message, 3, 12)),
        (Length, 99, b"\0\0\0\x01a\0\0\0\x01", &["a"], cut_frame(Inside::Message, 0, 1)),
        (Length, 99, b"\0\0\0\x01a\0\0", &["a"], cut_frame(Inside::LengthPrefix, 2, 4)),
        (Length, 3, b"\0\0\0\x03abc\0\0\0\x04abcd", &["abc"], refused(Some(4), 3)),
        (Length, 99, b"\xff\xff\xff\xff", &[], refused(Some(u32::MAX), 99)),
        // An HTTP client at the wrong port: "GET " read as a length.
        (Length, 99, b"GET / HTTP/1.1\r\n", &[], refused(Some(0x4745_5420), 99)),
    ]
}

#[test]
fn a_stream_means_the_same_wherever_it_is_cut_into_two_or_three() {
    for (framing, limit_bytes, stream, messages, end) in cases() {
        let messages = messages.iter().map(|text| text.as_bytes().to_vec()).collect();
        let want: Outcome = (messages, end);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                let got = decode(framing, limit(limit_bytes), &pieces);
                assert_eq!(got, want, "{framing}, limit {limit_bytes}, cut into {pieces:?}");
            }
        }
    }
}

#[test]
fn a_stream_means_the_same_when_its_bytes_come_one_at_a_time() {
    for (framing, limit_bytes, stream, messages, end) in cases() {
        let pieces: Vec<&[u8]> = stream.chunks(1).collect();
        let got = decode(framing, limit(limit_bytes), &pieces);
        let messages = messages.iter().map(|text| text.as_bytes().to_vec()).collect();
        assert_eq!(got, (messages, end), "{framing}, {stream:?}");
    }
}

#[test]
fn raw_takes_each_piece_for_a_message_and_so_cuts_a_character() {
    let stream = "早安".as_bytes();
    let (messages, end) = decode(Framing::Raw, Limits::default(), &[&stream[..4], &stream[4..]]);
    assert_eq!(messages, [b"\xe6\x97\xa9\xe5".to_vec(), b"\xae\x89".to_vec()]);
    assert!(messages.iter().all(|piece| std::str::from_utf8(piece).is_err()));
    assert_eq!(end, Ok(()));
}

#[test]
fn raw_lets_any_bytes_through_whatever_the_limit() {
    let (messages, end) = decode(Framing::Raw, limit(1), &[b"", b"\0\xff\r\n", b""]);
    assert_eq!((messages, end), (vec![b"\0\xff\r\n".to_vec()], Ok(())));
}

#[test]
fn a_message_that_lies_whole_in_the_input_is_lent_without_a_copy() {
    for framing in [Framing::Lines, Framing::Length] {
        let mut wire = Vec::new();
        encode(framing, "早安".as_bytes(), &mut wire).unwrap();
        let mut decoder = Decoder::new(framing, Limits::default());
        let mut input = &wire[..];
        let message = decoder.decode(&mut input).unwrap().unwrap();
        assert!(wire.as_ptr_range().contains(&message.as_ptr()), "{framing}");
    }
}
