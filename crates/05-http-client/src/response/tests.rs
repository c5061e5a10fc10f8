//! The response parser at every split point, and what it refuses.
//!
//! [`outcome`] feeds bytes in given pieces and ends the stream; every test compares what comes of it. Read
//! `mod.rs` first.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use proptest::prelude::*;

use super::*;

/// All that a response brought.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    interim: Vec<u16>,
    head: Option<Head>,
    content: Vec<u8>,
    trailers: Option<Fields>,
    error: Option<ResponseError>,
    surplus: usize,
    keeps_connection: bool,
}

fn outcome(asked: Asked, pieces: &[&[u8]]) -> Outcome {
    let mut parser = ResponseParser::new(asked);
    let mut outcome = Outcome::default();
    for mut input in pieces.iter().copied() {
        loop {
            match parser.next(&mut input) {
                Ok(Some(Event::Interim(head))) => outcome.interim.push(head.status),
                Ok(Some(Event::Head(head))) => outcome.head = Some(head),
                Ok(Some(Event::Content(bytes))) => outcome.content.extend_from_slice(bytes),
                Ok(Some(Event::End(trailers))) => outcome.trailers = Some(trailers),
                Ok(None) => break,
                Err(error) => {
                    outcome.error = Some(error);
                    return outcome;
                }
            }
        }
        outcome.surplus += input.len();
        assert!(input.is_empty() || parser.is_done(), "not yet, but bytes are left");
    }
    outcome.error = parser.end_of_stream().err();
    outcome.keeps_connection = parser.keeps_connection();
    outcome
}

fn whole(bytes: &[u8]) -> Outcome {
    outcome(Asked::Other, &[bytes])
}

const OK: &str = "HTTP/1.1 200 OK\r\n";

#[test]
fn the_same_bytes_mean_the_same_at_every_split() {
    let streams: &[&[u8]] = &[
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX: 教室\r\n\r\n你好".as_bytes(),
        b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
          3;a=\"b\"\r\nabc\r\n00A \r\n0123456789\r\n0\r\nDigest: x\r\nT: y\r\n\r\nsurplus",
        "HTTP/1.0 404 找不到\nA:b\n\nuntil the end".as_bytes(),
        b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX",
        b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n",
    ];
    for stream in streams {
        let want = whole(stream);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(outcome(Asked::Other, &bytes), want, "{:?}", String::from_utf8_lossy(stream));
        for at in 0..=stream.len() {
            let (a, b) = stream.split_at(at);
            assert_eq!(outcome(Asked::Other, &[a, b]), want, "split at {at}: {:?}", String::from_utf8_lossy(stream));
        }
    }
}

#[test]
fn every_truncation_is_an_error_that_says_how_much_had_come() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";
    let stream = format!("{head}你好");
    for at in 0..stream.len() {
        let want = match at {
            0 => ResponseError::NoAnswer,
            at if at < head.len() => ResponseError::HeadCut { came: at },
            at => ResponseError::ContentCut { came: (at - head.len()) as u64, of: 6 },
        };
        assert_eq!(whole(&stream.as_bytes()[..at]).error, Some(want), "cut at {at}");
    }
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let stream = format!("{head}3\r\nabc\r\n0\r\n\r\n");
    for at in head.len()..stream.len() {
        let came = whole(&stream.as_bytes()[..at]).content.len() as u64;
        assert_eq!(whole(&stream.as_bytes()[..at]).error, Some(ResponseError::ChunksCut { came }), "cut at {at}");
    }
    assert_eq!(whole(stream.as_bytes()).error, None);
}

#[test]
fn no_content_comes_where_none_can() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    assert_eq!(outcome(Asked::Head, &[head]).error, None);
    for status in [204, 304] {
        let stream = format!("HTTP/1.1 {status} \r\nTransfer-Encoding: chunked\r\n\r\n");
        let outcome = whole(stream.as_bytes());
        assert!(outcome.error.is_none() && outcome.keeps_connection, "{outcome:?}");
    }
    let tunnel = outcome(Asked::Connect, &[b"HTTP/1.1 200 Connected\r\nContent-Length: 3\r\n\r\nTLS"]);
    assert_eq!((tunnel.error, tunnel.surplus), (None, 3));
}

#[test]
fn only_digits_make_a_content_length() {
    for value in ["+5", "-5", "0x5", "5abc", "", "5 5", "5,5", "5, 6", "5.0", "٥", "18446744073709551616"] {
        let outcome = whole(format!("{OK}Content-Length: {value}\r\n\r\nhello").as_bytes());
        assert!(matches!(outcome.error, Some(ResponseError::ContentLength { .. })), "{value}: {outcome:?}");
    }
    for (value, want) in [("5", 5), ("005", 5), ("  5\t", 5), ("18446744073709551615", u64::MAX)] {
        let error = whole(format!("{OK}Content-Length: {value}\r\n\r\n").as_bytes()).error;
        assert_eq!(error, Some(ResponseError::ContentCut { came: 0, of: want }), "{value}");
    }
    let two = whole(format!("{OK}Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello").as_bytes()).error.unwrap();
    assert_eq!(two.to_string(), r#"Content-Length "5 and 6": two different lengths"#);
}

#[test]
fn only_hexadecimal_digits_make_a_chunk_size() {
    for size in ["+5", "-5", "0x5", "5 5", "", " 5", "g", ";a", "5\n", "5;a\rb", "5;\x07", "10000000000000000"] {
        let outcome = whole(format!("{OK}Transfer-Encoding: chunked\r\n\r\n{size}\r\nhello\r\n0\r\n\r\n").as_bytes());
        assert!(matches!(outcome.error, Some(ResponseError::ChunkSize { came: 0, .. })), "{size:?}: {outcome:?}");
    }
    for size in ["5", "05", "0000000000000000000000005", "5 ", "5;", "5 ; a=\"b c\"", "5\t;a"] {
        let outcome = whole(format!("{OK}Transfer-Encoding: chunked\r\n\r\n{size}\r\nhello\r\n0\r\n\r\n").as_bytes());
        assert_eq!((outcome.error, outcome.content.as_slice()), (None, &b"hello"[..]), "{size:?}");
    }
}

#[test]
fn transfer_codings_overrule_lengths_and_only_chunked_is_known() {
    let chunked =
        whole(format!("{OK}Content-Length: 3\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n").as_bytes());
    assert_eq!((chunked.error, chunked.content.as_slice(), chunked.keeps_connection), (None, &b"a"[..], false));
    for value in ["gzip", "gzip, chunked", "chunked, chunked", "xchunked", "", "chunked, gzip", "chunked;q=1"] {
        let outcome = whole(format!("{OK}Transfer-Encoding: {value}\r\n\r\n0\r\n\r\n").as_bytes());
        assert!(matches!(outcome.error, Some(ResponseError::TransferCoding { .. })), "{value}: {outcome:?}");
    }
}

#[test]
fn malformed_heads_are_refused_and_show_their_line() {
    for (head, want) in [
        ("HTTP/2.0 200 OK\r\n\r\n", "not an HTTP/1 response: it begins with \"HTTP/2.0 200 OK\""),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", "not an HTTP/1 response: it begins with \"\""),
        ("HTTP/1.1 20 OK\r\n\r\n", "malformed status line \"HTTP/1.1 20 OK\""),
        ("HTTP/1.1 099 OK\r\n\r\n", "malformed status line \"HTTP/1.1 099 OK\""),
        ("HTTP/1.1 +20 OK\r\n\r\n", "malformed status line \"HTTP/1.1 +20 OK\""),
        ("HTTP/1.9 200 OK\r\n\r\n", "malformed status line \"HTTP/1.9 200 OK\""),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "malformed field \"no colon\""),
        ("HTTP/1.1 200 OK\r\nA: b\r\nName : x\r\n\r\n", "malformed field \"Name : x\""),
        ("HTTP/1.1 200 OK\r\n: x\r\n\r\n", "malformed field \": x\""),
        ("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n", "malformed field \"A: b\\x00c\""),
        ("HTTP/1.1 101 Switching\r\n\r\n", "101 Switching Protocols, which was not asked for"),
    ] {
        assert_eq!(whole(head.as_bytes()).error.unwrap().to_string(), want);
    }
}

#[test]
fn folds_are_joined_with_spaces_except_where_they_would_move_the_end() {
    let outcome = whole("HTTP/1.1 200 OK\r\nA: 教\r\n  室\r\nB:\n\tc\r\n \r\nContent-Length: 0\r\n\r\n".as_bytes());
    let fields = outcome.head.unwrap().fields;
    assert_eq!((fields.get("A"), fields.get("B")), (Some("教   室".as_bytes()), Some(&b"c"[..])));
    assert_eq!(outcome.error, None);
    for (fields, want) in [
        ("A: b\r\nContent-Length: 1\r\n 2\r\n", "the line \" 2\" begins with white space, and where the content"),
        ("Transfer-Encoding: a,\r\n chunked\r\n", "the line \" chunked\""),
        (" A: b\r\n", "the line \" A: b\" begins with white space, and there is no field before it"),
    ] {
        let error = whole(format!("{OK}{fields}\r\n").as_bytes()).error.unwrap().to_string();
        assert!(error.contains(want), "{fields:?}: {error}");
    }
}

#[test]
fn what_a_server_repeats_for_ever_is_bounded() {
    let endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(100);
    assert_eq!(whole(endless.as_bytes()).error, Some(ResponseError::EndlessInterim));
    let fields = format!("{OK}{}", "X-Field: value\r\n".repeat(HEAD_BYTES_MAX / 16));
    assert_eq!(whole(fields.as_bytes()).error, Some(ResponseError::HeadTooLong));
    let line = format!("{OK}Transfer-Encoding: chunked\r\n\r\n5;{}", "a".repeat(17_000));
    assert!(matches!(whole(line.as_bytes()).error, Some(ResponseError::ChunkSize { .. })));
    let trailers =
        format!("{OK}Transfer-Encoding: chunked\r\n\r\n0\r\n{}", "X-Field: value\r\n".repeat(HEAD_BYTES_MAX / 16 + 1));
    assert_eq!(whole(trailers.as_bytes()).error, Some(ResponseError::HeadTooLong));
}

#[test]
fn a_thousand_fields_are_no_problem() {
    let head = format!("{OK}{}Content-Length: 0\r\n\r\n", "Set-Cookie: 餅乾=1\r\n".repeat(1000));
    let outcome = whole(head.as_bytes());
    assert_eq!(outcome.head.unwrap().fields.iter().count(), 1001);
}

proptest! {
    /// Streams that are nearly right reach further than random bytes.
    #[test]
    fn any_split_gives_the_same(
        parts in proptest::collection::vec(prop_oneof![
            Just("HTTP/1.1 200 OK\r\n"), Just("HTTP/1.0 103 \r\n"), Just("Content-Length: 12\r\n"), Just("\r\n"),
            Just("Transfer-Encoding: chunked\r\n"), Just("5\r\n"), Just("hello"), Just("0\r\n"), Just("A: 教\n"),
            Just("\n"), Just("\r"), Just(" x\r\n"), Just("ffffffffffffffff\r\n"), Just("\0"),
        ], 0..14),
        cuts in proptest::collection::vec(0_usize..120, 0..6),
        asked in prop_oneof![Just(Asked::Head), Just(Asked::Connect), Just(Asked::Other)],
    ) {
        let stream = parts.concat().into_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|ends| &stream[ends[0]..ends[1]]).collect();
        prop_assert_eq!(outcome(asked, &pieces), outcome(asked, &[&stream]));
    }
}
