//! The answers of the misbehaving server, by path.
//!
//! Each is bytes and a way to end, with one sentence that the server's terminal shows. Pure. Read `mod.rs`
//! first; `tests/conformance` has many more such answers.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// What a request gets.
#[derive(Debug)]
pub(super) struct Answer {
    /// What is wrong with it, for the server's terminal.
    pub(super) about: &'static str,
    pub(super) bytes: Vec<u8>,
    /// Sent one by one behind the bytes, again and again.
    pub(super) drip: &'static [u8],
}

/// Every path with what its answer does.
const PATHS: [(&str, &str); 11] = [
    ("/chunked", "a good answer in three chunks, with a trailer field"),
    ("/gzip", "a good answer, packed with gzip"),
    ("/big5", "good text in an old encoding"),
    ("/cut", "announces 18 bytes, sends 9, ends the connection"),
    ("/cut-gzip", "a gzip file without its last 8 bytes"),
    ("/two-lengths", "two different lengths"),
    ("/plus", "a length with a plus sign"),
    ("/escape", "text that tries to change the title of your terminal"),
    ("/drip", "one byte every 200 ms, for ever"),
    ("/bomb", "half a megabyte that unfolds to 100 MB"),
    ("/loop", "a redirect to itself"),
];

/// A megabyte of one letter packs to a few KB.
const BOMB_MEMBERS: usize = 100;

/// The answer for a path; unknown paths get the list of the known ones.
pub(super) fn answer(path: &str) -> Answer {
    let about = PATHS.iter().find(|(known, _)| *known == path).map_or("the list of paths", |(_, about)| about);
    let fields = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain";
    let with = |more: &str, content: &[u8]| [format!("{fields}{more}\r\n\r\n").as_bytes(), content].concat();
    let utf8 = "; charset=utf-8";
    let bytes = match path {
        "/chunked" => with(
            &format!("{utf8}\r\nTransfer-Encoding: chunked"),
            "6\r\n你好\r\n3\r\n，\r\n7;note=last\r\n教室\n\r\n0\r\nX-Seats: 30\r\n\r\n".as_bytes(),
        ),
        "/gzip" => with(&format!("{utf8}\r\nContent-Encoding: gzip"), &gzip("教室\n".repeat(3).as_bytes())),
        "/big5" => with("; charset=big5\r\nContent-Length: 5", b"\xb1\xd0\xab\xc7\n"),
        "/cut" => with(&format!("{utf8}\r\nContent-Length: 18"), "教室裡".as_bytes()),
        "/cut-gzip" => {
            let whole = gzip("教室\n".repeat(3).as_bytes());
            with(&format!("{utf8}\r\nContent-Encoding: gzip"), &whole[..whole.len() - 8])
        }
        "/two-lengths" => with("\r\nContent-Length: 7\r\nContent-Length: 6", "教室\n".as_bytes()),
        "/plus" => with("\r\nContent-Length: +7", "教室\n".as_bytes()),
        "/escape" => with("\r\nContent-Length: 19", b"\x1b]0;yours?\x07 \x1b[2Jhi\n"),
        "/drip" => with("\r\nContent-Length: 1000", b""),
        // A member of a megabyte, a hundred times: packing it once is enough.
        "/bomb" => with("\r\nContent-Encoding: gzip", &gzip(&[b'x'; 1_000_000]).repeat(BOMB_MEMBERS)),
        "/loop" => b"HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
        _ => {
            let list: String = PATHS.iter().map(|(path, about)| format!("{path:<13}{about}\n")).collect();
            with(&format!("{utf8}\r\nContent-Length: {}", list.len()), list.as_bytes())
        }
    };
    Answer { about, bytes, drip: if path == "/drip" { b"." } else { b"" } }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("a Vec takes everything")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::{Asked, Event, ResponseParser};

    #[test]
    fn each_answer_does_what_the_list_says() {
        for (path, want) in [
            ("/", None),
            ("/chunked", None),
            ("/gzip", None),
            ("/big5", None),
            ("/escape", None),
            ("/loop", None),
            ("/cut", Some("after 9 of 18 bytes")),
            ("/two-lengths", Some("two different lengths")),
            ("/plus", Some("only the digits")),
            ("/drip", Some("after 0 of 1000 bytes")),
        ] {
            let answer = answer(path);
            let (mut parser, mut input) = (ResponseParser::new(Asked::Other), answer.bytes.as_slice());
            let error = loop {
                match parser.next(&mut input) {
                    Ok(Some(Event::End(_))) => break None,
                    Ok(Some(_)) => {}
                    Ok(None) => break parser.end_of_stream().err(),
                    Err(error) => break Some(error),
                }
            };
            let error = error.map(|error| error.to_string());
            assert!(error.is_some() == want.is_some(), "{path}: {error:?}");
            assert!(
                want.is_none_or(|want| error.as_ref().is_some_and(|error| error.contains(want))),
                "{path}: {error:?}"
            );
            assert!(want.is_some() || input.is_empty(), "{path}");
        }
        assert!(answer("/bomb").bytes.len() < 1_000_000);
    }
}
