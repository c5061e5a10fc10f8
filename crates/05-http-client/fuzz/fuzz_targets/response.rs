//! Fuzzes the response parser and the content decoder: any bytes, cut anywhere.
//!
//! What must hold: a stream means the same however it is cut, head for head and error for error; no byte is
//! lost between content and what is left over; and no content makes the decoder panic or hang. How to run
//! it: `../README.md`. Source of the rules: `src/response/mod.rs`.
#![no_main]

use http_client::coding::{CodingError, ContentDecoder};
use http_client::fields::Fields;
use http_client::response::{Asked, Event, Head, ResponseError, ResponseParser};
use libfuzzer_sys::fuzz_target;

/// All that a stream turned out to be.
#[derive(Debug, PartialEq, Default)]
struct Outcome {
    heads: Vec<Head>,
    content: Vec<u8>,
    trailers: Option<Fields>,
    error: Option<ResponseError>,
    surplus: usize,
    keeps_connection: bool,
}

// The first byte says what was asked, the next how many sizes of pieces follow; the rest is the stream, as
// it is, so that the dictionary's words reach it whole.
fuzz_target!(|data: &[u8]| {
    let [asked, count, rest @ ..] = data else { return };
    let (pieces, stream) = rest.split_at(usize::from(count % 8).min(rest.len()));
    let asked = [Asked::Other, Asked::Head, Asked::Connect][usize::from(asked % 3)];
    let whole = parse(asked, &[stream]);
    assert_eq!(parse(asked, &cut(stream, pieces)), whole);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(parse(asked, &bytes), whole);
    if let Some(head) = whole.heads.last() {
        let at_once = decode(&head.fields, &[&whole.content]);
        let in_pieces = decode(&head.fields, &cut(&whole.content, pieces));
        // What was made before an error depends on the pieces; what a whole content makes does not.
        assert_eq!(at_once.is_ok(), in_pieces.is_ok(), "{at_once:?} {in_pieces:?}");
        if at_once.is_ok() {
            assert_eq!(at_once, in_pieces);
        }
    }
});

fn parse(asked: Asked, pieces: &[&[u8]]) -> Outcome {
    let mut parser = ResponseParser::new(asked);
    let mut outcome = Outcome::default();
    for mut input in pieces.iter().copied() {
        loop {
            match parser.next(&mut input) {
                Ok(Some(Event::Interim(head) | Event::Head(head))) => outcome.heads.push(head),
                Ok(Some(Event::Content(bytes))) => outcome.content.extend_from_slice(bytes),
                Ok(Some(Event::End(trailers))) => outcome.trailers = Some(trailers),
                Ok(None) => break,
                Err(error) => {
                    outcome.error = Some(error);
                    return outcome;
                }
            }
        }
        assert!(input.is_empty() || parser.is_done());
        outcome.surplus += input.len();
    }
    outcome.error = parser.end_of_stream().err();
    outcome.keeps_connection = parser.keeps_connection();
    outcome
}

fn decode(fields: &Fields, pieces: &[&[u8]]) -> Result<Vec<u8>, CodingError> {
    let mut decoder = ContentDecoder::new(fields, Some(1 << 20))?;
    let mut made = Vec::new();
    for piece in pieces {
        decoder.decode::<CodingError>(piece, &mut |bytes| {
            made.extend_from_slice(bytes);
            Ok(())
        })?;
    }
    decoder.finish()?;
    Ok(made)
}

/// Cuts a stream into pieces of the given sizes, in turn.
fn cut<'a>(mut stream: &'a [u8], sizes: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &size in sizes {
        let (piece, rest) = stream.split_at(usize::from(size).min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces.push(stream);
    pieces
}
