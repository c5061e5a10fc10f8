//! The byte-stream lesson: the same three messages, glued and cut, under three framings.
//!
//! A client and a server in this process, over a real loopback connection. On one machine TCP hardly ever
//! glues or cuts by itself, so the lesson writes as a busy client would (all at once) and as a slow
//! network would (a few bytes at a time, each read before the next is written). Then every framing's
//! decoder gets exactly what the reads returned. Read `netcommon::framing` next.

use std::io::{self, Read, Write};

use netcommon::cli::print_line;
use netcommon::escape::quote;
use netcommon::framing::{Decoder, Framing, Limits, encode};
use netcommon::lang::Lang;
use netcommon::net::{TcpListener, TcpStream};
use unicode_width::UnicodeWidthStr;

/// What the client says. Each character is three bytes of UTF-8.
pub const MESSAGES: [&str; 3] = ["你好", "早安", "再見"];

/// A cut that falls inside characters as well as inside messages.
pub const SLICE_LEN: usize = 8;

/// What one framing made of one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What each `read` returned.
    pub reads: Vec<Vec<u8>>,
    /// The messages that the receiver found in them.
    pub messages: Vec<Vec<u8>>,
}

impl Outcome {
    /// Whether the receiver found what was sent.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.messages == MESSAGES.map(|message| message.as_bytes().to_vec())
    }
}

/// Sends [`MESSAGES`] over `client`, `slice_len` bytes at a time, and receives them on `server`.
///
/// Blocks in `recv(2)` for bytes that this same function has sent.
///
/// # Errors
/// What the system says.
// ANCHOR: deliver
pub fn deliver(
    mut client: &TcpStream,
    mut server: &TcpStream,
    framing: Framing,
    slice_len: usize,
) -> io::Result<Outcome> {
    let mut wire = Vec::new();
    for message in MESSAGES {
        encode(framing, message.as_bytes(), &mut wire).expect("a short line without a line feed");
    }
    let mut decoder = Decoder::new(framing, Limits::default());
    let mut outcome = Outcome { reads: Vec::new(), messages: Vec::new() };
    for slice in wire.chunks(slice_len) {
        client.write_all(slice)?;
        let mut buf = [0; 1024];
        let len = server.read(&mut buf)?;
        let mut read = &buf[..len];
        outcome.reads.push(read.to_vec());
        while let Some(message) = decoder.decode(&mut read).map_err(io::Error::other)? {
            outcome.messages.push(message.to_vec());
        }
    }
    Ok(outcome)
}
// ANCHOR_END: deliver

/// Shows the lesson on stdout.
///
/// # Errors
/// What the system says, or a closed stdout.
pub fn show(lang: Lang) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0".parse().expect("a literal address"))?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    let sent = lang.pick("Three messages, 6 bytes each:", "三則訊息，每則 6 個位元組：");
    let [one, two, three] = MESSAGES;
    print_line(format_args!("{sent} \"{one}\" \"{two}\" \"{three}\""))?;
    let deliveries = [
        (usize::MAX, lang.pick("The client writes all three at once", "用戶端一次寫出全部三則")),
        (SLICE_LEN, lang.pick("The network delivers 8 bytes at a time", "網路每次只送達 8 個位元組")),
    ];
    for (slice_len, title) in deliveries {
        print_line(format_args!("\n== {title} =="))?;
        for framing in Framing::ALL {
            let outcome = deliver(&client, &server, framing, slice_len)?;
            print_line(format_args!("{}", describe(framing, &outcome, lang)))?;
        }
    }
    print_line(format_args!("\n{}", lang.pick(MORAL_EN, MORAL_ZH_TW)))?;
    Ok(())
}

const MORAL_EN: &str = "TCP keeps the bytes and their order, never the boundaries between your writes.\n\
                        A program that takes one read for one message works until the day it does not.";
const MORAL_ZH_TW: &str = "TCP 保證位元組和順序，但從不保留你每次 write 的邊界。\n\
                           把一次 read 當成一則訊息的程式，總有一天會出錯。";

fn describe(framing: Framing, outcome: &Outcome, lang: Lang) -> String {
    let verdict = match outcome.is_right() {
        true => lang.pick("right", "正確"),
        false => lang.pick("WRONG", "錯誤"),
    };
    let reads = list(lang.pick("reads:", "每次 read："), &outcome.reads);
    let messages = list(lang.pick("messages:", "得到訊息："), &outcome.messages);
    format!("{framing:<LABEL_COLUMN$}{reads}\n{:LABEL_COLUMN$}{messages}  {verdict}", "")
}

/// Where the labels and the items begin, and where a line ends: 80 columns, less the verdict.
const LABEL_COLUMN: usize = 7;
const ITEM_COLUMN: usize = 18;
const COLUMNS: usize = 72;

/// A label and quoted items; a line that would be too wide goes on below its first item.
fn list(label: &str, items: &[impl AsRef<[u8]>]) -> String {
    let blanks = |columns: usize| " ".repeat(columns);
    let mut text = format!("{label}{}", blanks(ITEM_COLUMN - LABEL_COLUMN - label.width()));
    let mut column = ITEM_COLUMN;
    for (index, item) in items.iter().enumerate() {
        let item = quote(item.as_ref(), usize::MAX).to_string();
        if index > 0 && column + item.width() > COLUMNS {
            text.push_str(&format!("\n{}", blanks(ITEM_COLUMN)));
            column = ITEM_COLUMN;
        } else if index > 0 {
            text.push(' ');
        }
        text.push_str(&item);
        column += item.width() + 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_raw_gets_it_wrong_and_it_does_both_times() {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        for slice_len in [usize::MAX, SLICE_LEN, 1] {
            for framing in Framing::ALL {
                let outcome = deliver(&client, &server, framing, slice_len).unwrap();
                assert_eq!(outcome.is_right(), framing != Framing::Raw, "{framing}, {slice_len}: {outcome:?}");
            }
        }
    }
}
