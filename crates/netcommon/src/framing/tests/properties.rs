//! What holds for every stream and every way to cut it, tried with generated ones.
//!
//! proptest shrinks a failing case to a small one and prints it. The fuzz target in `fuzz/` checks the
//! same rules for as long as one lets it run.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::framing::tests::{decode, limit};
use crate::framing::{Decoder, Framing, HEADER_LEN, Limits, encode};

fn framings_with_boundaries() -> impl Strategy<Value = Framing> {
    prop_oneof![Just(Framing::Lines), Just(Framing::Length)]
}

/// Bytes among which the framings' own ones are frequent.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(b'\n'), Just(b'\r'), Just(0), 0..12_u8, any::<u8>()];
    vec(byte, 0..200)
}

/// Mostly Chinese text, now and then any bytes.
fn messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let text = "[早安小明\r]{0,9}".prop_map(String::into_bytes);
    vec(prop_oneof![3 => text, 1 => vec(any::<u8>(), 0..40)], 0..12)
}

/// Cuts a stream into pieces of the given sizes, used in turn.
fn cut<'a>(mut stream: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &size in sizes {
        let (piece, rest) = stream.split_at(size.min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces.push(stream);
    pieces
}

proptest! {
    #[test]
    fn what_was_encoded_comes_back_however_it_is_cut(
        framing in framings_with_boundaries(),
        messages in messages(),
        sizes in vec(0..9_usize, 0..60),
    ) {
        let mut wire = Vec::new();
        let mut sent = messages;
        sent.retain(|message| encode(framing, message, &mut wire).is_ok());
        let got = decode(framing, Limits::default(), &cut(&wire, &sizes));
        prop_assert_eq!(got, (sent, Ok(())));
    }

    #[test]
    fn any_bytes_mean_the_same_however_they_are_cut(
        framing in framings_with_boundaries(),
        message_len_max in 0..30_usize,
        stream in streams(),
        sizes in vec(0..9_usize, 0..60),
    ) {
        let limits = limit(message_len_max);
        let whole = decode(framing, limits, &[&stream]);
        prop_assert_eq!(decode(framing, limits, &cut(&stream, &sizes)), whole);
    }

    #[test]
    fn raw_bytes_come_through_untouched(stream in streams(), sizes in vec(0..9_usize, 0..60)) {
        let (pieces, end) = decode(Framing::Raw, limit(0), &cut(&stream, &sizes));
        prop_assert_eq!((pieces.concat(), end), (stream, Ok(())));
    }

    #[test]
    fn no_decoder_holds_more_than_its_bound(
        framing in framings_with_boundaries(),
        message_len_max in 0..30_usize,
        stream in streams(),
        sizes in vec(0..40_usize, 0..60),
    ) {
        let mut decoder = Decoder::new(framing, limit(message_len_max));
        let own = if framing == Framing::Lines { 1 } else { HEADER_LEN }; // a CR, or the header
        for mut input in cut(&stream, &sizes) {
            while let Ok(Some(message)) = decoder.decode(&mut input) {
                prop_assert!(message.len() <= message_len_max);
            }
            prop_assert!(decoder.partial().unwrap().bytes().len() <= message_len_max + own);
        }
    }
}
