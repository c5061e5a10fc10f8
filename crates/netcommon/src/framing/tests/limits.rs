//! What a peer can make a decoder hold, and what a decoder does behind a refused message.
//!
//! Every limit is tried at its last allowed byte and at the first one behind it. Read `lines.rs` and
//! `length.rs` first.

use crate::framing::tests::limit;
use crate::framing::{Decoder, EncodeError, FrameError, Framing, HEADER_LEN, Inside, Limits, encode, encode_within};

#[test]
fn a_line_is_refused_at_the_first_byte_that_cannot_fit() {
    let mut decoder = Decoder::new(Framing::Lines, limit(3));
    assert_eq!(decoder.decode(&mut &b"abc\r"[..]), Ok(None)); // an LF may still follow
    assert_eq!(decoder.unfinished_bytes(), 4);
    let error = FrameError::TooLong { announced: None, limit: 3 };
    assert_eq!(decoder.decode(&mut &b"\r"[..]), Err(error));
    assert_eq!(decoder.unfinished_bytes(), 0, "what is refused is not kept");
    assert_eq!(decoder.decode(&mut &b"\nok\n"[..]), Err(error), "and stays refused");
    assert_eq!(decoder.end(), Err(error));
}

#[test]
fn a_length_is_refused_when_its_header_is_whole_and_nothing_more_is_kept() {
    let mut decoder = Decoder::new(Framing::Length, Limits::default());
    assert_eq!(decoder.decode(&mut &b"\xff\xff\xff"[..]), Ok(None));
    let error = FrameError::TooLong { announced: Some(u32::MAX), limit: 65_536 };
    let mut input = &b"\xffbytes that nobody reads"[..];
    assert_eq!(decoder.decode(&mut input), Err(error));
    assert_eq!(decoder.unfinished_bytes(), HEADER_LEN);
    assert_eq!(decoder.decode(&mut input), Err(error));
    assert_eq!(decoder.end(), Err(error));
    assert!(!decoder.skip_to_next());
}

#[test]
fn memory_grows_with_the_bytes_that_come_not_with_the_length_that_is_announced() {
    let mut decoder = Decoder::new(Framing::Length, Limits::default());
    decoder.decode(&mut &b"\0\x01\0\0a"[..]).unwrap(); // 65,536 announced, one byte sent
    assert_eq!(decoder.unfinished_bytes(), HEADER_LEN + 1);
}

#[test]
fn a_decoder_between_messages_keeps_nothing() {
    for framing in [Framing::Lines, Framing::Length] {
        let mut decoder = Decoder::new(framing, Limits::default());
        let mut wire = Vec::new();
        encode(framing, &[b'x'; 60_000], &mut wire).unwrap();
        let (mut first, mut second) = wire.split_at(40_000);
        assert_eq!(decoder.decode(&mut first), Ok(None));
        assert_eq!(decoder.unfinished_bytes(), 40_000);
        assert_eq!(decoder.decode(&mut second).unwrap().unwrap().len(), 60_000);
        assert_eq!(decoder.unfinished_bytes(), 0, "what is lent is finished");
        assert_eq!(decoder.end(), Ok(()));
        assert_eq!(decoder.decode(&mut second), Ok(None));
        assert!(decoder.partial().unwrap().bytes().is_empty(), "{framing}: given back");
    }
}

#[test]
fn a_line_of_a_mebibyte_in_single_bytes_is_searched_once() {
    // A decoder that looked at what it keeps again for each byte would need 500,000,000,000 steps.
    let mut decoder = Decoder::new(Framing::Lines, limit(1 << 20));
    for _ in 0..1 << 20 {
        assert_eq!(decoder.decode(&mut &b"x"[..]), Ok(None));
    }
    assert_eq!(decoder.decode(&mut &b"\n"[..]).unwrap().unwrap().len(), 1 << 20);
}

#[test]
fn behind_a_line_that_is_too_long_the_next_ones_can_be_read() {
    let stream = "一\n這一行太長了\r\n二\ntoo long again\n\n三\n".as_bytes();
    for first in 0..=stream.len() {
        let (mut found, mut refused) = (Vec::new(), 0);
        let mut decoder = Decoder::new(Framing::Lines, limit(3));
        for mut input in [&stream[..first], &stream[first..]] {
            loop {
                match decoder.decode(&mut input) {
                    Ok(Some(line)) => found.push(String::from_utf8(line.to_vec()).unwrap()),
                    Ok(None) => break,
                    Err(_) => {
                        refused += 1;
                        assert!(decoder.skip_to_next());
                    }
                }
            }
        }
        assert_eq!((found.join("|"), refused), ("一|二||三".to_owned(), 2), "cut at {first}");
        assert_eq!(decoder.end(), Ok(()));
    }
}

#[test]
fn a_stream_that_ends_in_the_line_being_skipped_cannot_be_skipped_again() {
    let mut decoder = Decoder::new(Framing::Lines, limit(3));
    assert!(decoder.decode(&mut &b"abcdef"[..]).is_err());
    assert!(decoder.skip_to_next());
    assert_eq!(decoder.decode(&mut &b"gh"[..]), Ok(None));
    let error = FrameError::TruncatedAtEnd { inside: Inside::Line, got: 8, want: None };
    assert_eq!(decoder.end(), Err(error));
    assert!(!decoder.skip_to_next(), "a caller that goes on after each error must come to an end");
}

#[test]
fn encode_refuses_what_the_receiver_would_and_leaves_the_buffer_alone() {
    let mut wire = b"before".to_vec();
    let too_long = EncodeError::TooLong { len: 4, limit: 3 };
    let cases: [(Framing, &[u8], EncodeError); 4] = [
        (Framing::Lines, b"abcd", too_long),
        (Framing::Length, b"abcd", too_long),
        (Framing::Lines, b"a\n", EncodeError::LineFeedInside { at: 1 }),
        (Framing::Lines, b"\n", EncodeError::LineFeedInside { at: 0 }),
    ];
    for (framing, message, error) in cases {
        assert_eq!(encode_within(framing, message, limit(3), &mut wire), Err(error));
    }
    assert_eq!(wire, b"before");
    encode_within(Framing::Raw, b"any\nlength", limit(3), &mut wire).unwrap();
    encode_within(Framing::Lines, b"ab\r", limit(3), &mut wire).unwrap();
    assert_eq!(wire, b"beforeany\nlengthab\r\r\n");
}
