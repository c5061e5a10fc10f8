//! Reads the cases' language into [`Case`]s; `README.md` describes it.
//!
//! A mistake in a case panics with its line: the files are ours.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

/// One server and what the client must make of it.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
    /// One for each request.
    pub(crate) answers: Vec<Answer>,
    pub(crate) say: Vec<String>,
    pub(crate) want: Want,
    pub(crate) within: Option<Duration>,
}

/// What one connection gets.
#[derive(Debug, Default, Clone)]
pub(crate) struct Answer {
    pub(crate) asked: Vec<Vec<u8>>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) more: More,
    pub(crate) end: End,
}

/// What comes behind the bytes.
#[derive(Debug, Default, Clone)]
pub(crate) enum More {
    #[default]
    Nothing,
    Endless(Vec<u8>),
    Drip(Vec<u8>),
}

#[derive(Debug, Default, Clone, Copy)]
pub(crate) enum End {
    #[default]
    Close,
    Reset,
    Hold,
}

#[derive(Debug)]
pub(crate) enum Want {
    Content(Vec<u8>),
    Refusal(String),
}

/// All cases of a file.
pub(crate) fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "case" {
            let want = Want::Refusal("a case without want or refuse".to_owned());
            let (name, answers) = (rest.to_owned(), vec![Answer::default()]);
            cases.push(Case { name, args: Vec::new(), answers, say: Vec::new(), want, within: None });
            continue;
        }
        let case = cases.last_mut().unwrap_or_else(|| panic!("{line}: before the first case"));
        case_line(case, word, rest).unwrap_or_else(|| panic!("{}: {line}", case.name));
    }
    cases
}

fn case_line(case: &mut Case, word: &str, rest: &str) -> Option<()> {
    match word {
        "args" => case.args.extend(rest.split(' ').map(str::to_owned)),
        "next" => case.answers.push(Answer::default()),
        "say" => case.say.push(String::from_utf8(literal(rest)?).ok()?),
        "want" => case.want = Want::Content(literal(rest)?),
        "want-repeat" => case.want = Want::Content(repeated(rest)?),
        "refuse" => case.want = Want::Refusal(String::from_utf8(literal(rest)?).ok()?),
        "within" => case.within = Some(Duration::from_millis(rest.parse().ok()?)),
        _ => return answer_line(case.answers.last_mut()?, word, rest),
    }
    Some(())
}

fn answer_line(answer: &mut Answer, word: &str, rest: &str) -> Option<()> {
    match word {
        "asked" => answer.asked.push(literal(rest)?),
        "send" => answer.bytes.extend(literal(rest)?),
        "repeat" => answer.bytes.extend(repeated(rest)?),
        "gzip" => answer.bytes.extend(gzip(&literal(rest)?)),
        "gzip-repeat" => answer.bytes.extend(gzip(&repeated(rest)?)),
        "zeros" => answer.bytes.extend(gzip(&vec![0; rest.parse().ok()?])),
        "zlib" => {
            let mut encoder = ZlibEncoder::new(&mut answer.bytes, Compression::fast());
            encoder.write_all(&literal(rest)?).ok()?;
        }
        "deflate" => {
            let mut encoder = DeflateEncoder::new(&mut answer.bytes, Compression::fast());
            encoder.write_all(&literal(rest)?).ok()?;
        }
        "cut" => answer.bytes.truncate(answer.bytes.len().checked_sub(rest.parse().ok()?)?),
        "flip" => {
            let at = answer.bytes.len().checked_sub(rest.parse().ok()?)?;
            answer.bytes[at] ^= 0xff;
        }
        "endless" => answer.more = More::Endless(literal(rest)?),
        "drip" => answer.more = More::Drip(literal(rest)?),
        "then" => {
            answer.end = match rest {
                "close" => End::Close,
                "reset" => End::Reset,
                "hold" => End::Hold,
                _ => return None,
            }
        }
        _ => return None,
    }
    Some(())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("a Vec takes everything");
    encoder.finish().expect("a Vec takes everything")
}

/// `N "…"`
fn repeated(text: &str) -> Option<Vec<u8>> {
    let (count, bytes) = text.split_once(' ')?;
    Some(literal(bytes)?.repeat(count.parse().ok()?))
}

/// The bytes of `"…"`.
fn literal(text: &str) -> Option<Vec<u8>> {
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::new();
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match chars.next()? {
            'r' => b'\r',
            'n' => b'\n',
            't' => b'\t',
            '0' => 0,
            '\\' => b'\\',
            '"' => b'"',
            'x' => {
                let digits: String = chars.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(bytes)
}
