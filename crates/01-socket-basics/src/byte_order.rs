//! The order of a number's bytes on the wire, and why both ends must agree on it.
//!
//! A port is a number of two bytes, and a network carries bytes one after the other. The Internet sends
//! the most significant one first (big-endian); most processors keep it last (little-endian). Text has
//! no such problem in UTF-8, but there bytes are not characters and characters are not columns.
//! Sources: RFC 791 appendix B; byteorder(3); RFC 3629 (UTF-8).

use netcommon::lang::Lang;
use serde::{Serialize, Serializer};
use unicode_width::UnicodeWidthStr;

use crate::page::Page;
use crate::table::Table;

/// What the byte order does to a few numbers, and what a text is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ByteOrder {
    /// This machine's: `little` or `big`.
    pub host: &'static str,
    /// Numbers as they are written into a message.
    pub numbers: Vec<NumberBytes>,
    /// Texts as they are written into a message.
    pub texts: Vec<TextBytes>,
}

/// A number, its bytes in both orders, and what it becomes when the two are mixed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NumberBytes {
    /// What the number is.
    pub what: &'static str,
    /// The number.
    pub number: u32,
    /// Most significant byte first: what belongs on the wire.
    #[serde(serialize_with = "as_hex")]
    pub network: Vec<u8>,
    /// Least significant byte first.
    #[serde(serialize_with = "as_hex")]
    pub little: Vec<u8>,
    /// The number that a receiver gets who takes the wrong order.
    pub mistaken: u32,
    #[serde(skip)]
    what_zh_tw: &'static str,
}

/// A text's three lengths, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextBytes {
    /// The text.
    pub text: &'static str,
    /// What it takes on the wire, in UTF-8.
    pub bytes: usize,
    /// How many characters (Unicode scalar values) it has.
    pub characters: usize,
    /// How many columns of a terminal it fills.
    pub columns: usize,
    /// The UTF-8 bytes.
    #[serde(serialize_with = "as_hex")]
    pub utf8: Vec<u8>,
}

impl ByteOrder {
    /// Computes everything; makes no system call.
    ///
    /// # Examples
    /// ```
    /// let order = socket_basics::byte_order::ByteOrder::of_system();
    /// assert_eq!(order.numbers[0].network, [0x22, 0xb8]); // port 8888
    /// ```
    #[must_use]
    pub fn of_system() -> Self {
        Self {
            host: if cfg!(target_endian = "little") { "little" } else { "big" },
            numbers: vec![
                port(8888, "port 8888", "埠 8888"),
                port(80, "port 80", "埠 80"),
                length(6, "length 6", "長度 6"),
            ],
            texts: ["net", "網路", "教室 🎓"].map(text).into(),
        }
    }

    /// The topic as text.
    #[must_use]
    pub fn page(&self, lang: Lang) -> String {
        let mut page = Page::new("byte-order", lang.pick("which byte goes first", "哪個位元組先走"));
        page.paragraph(&match lang {
            Lang::En => format!("This machine keeps numbers {}-endian; the network sends them big-endian.", self.host),
            Lang::ZhTw => format!("這台機器存數字的方式是 {}-endian；網路上一律是 big-endian。", self.host),
        });
        let head = [
            lang.pick("number", "數字"),
            lang.pick("on the wire (big-endian)", "線路上（big-endian）"),
            "little-endian",
            lang.pick("read in the wrong order", "讀錯順序變成"),
        ];
        let mut table = Table::new(&head).right(3);
        for number in &self.numbers {
            let what = lang.pick(number.what, number.what_zh_tw).to_owned();
            table.row([what, hex(&number.network), hex(&number.little), number.mistaken.to_string()]);
        }
        page.table(&table);
        page.paragraph(lang.pick(
            "Text in UTF-8 has no byte order, but three lengths: on the wire count bytes, never characters.",
            "UTF-8 的文字沒有位元組順序的問題，卻有三種長度：上了網路，算的是位元組，不是字元。",
        ));
        let head = [
            lang.pick("text", "文字"),
            lang.pick("bytes", "位元組"),
            lang.pick("characters", "字元"),
            lang.pick("columns", "欄寬"),
            "UTF-8",
        ];
        let mut table = (1..=3).fold(Table::new(&head), Table::right);
        for TextBytes { text, bytes, characters, columns, utf8 } in &self.texts {
            let [bytes, characters, columns] = [bytes, characters, columns].map(ToString::to_string);
            table.row([(*text).to_owned(), bytes, characters, columns, hex(utf8)]);
        }
        page.table(&table);
        page.finish()
    }
}

// ANCHOR: bytes
/// A port takes two bytes (RFC 9293 section 3.1).
fn port(number: u16, what: &'static str, what_zh_tw: &'static str) -> NumberBytes {
    let network = number.to_be_bytes();
    let mistaken = u16::from_le_bytes(network).into();
    let little = number.to_le_bytes().into();
    NumberBytes { what, number: number.into(), network: network.into(), little, mistaken, what_zh_tw }
}

/// The course's length prefix takes four.
fn length(number: u32, what: &'static str, what_zh_tw: &'static str) -> NumberBytes {
    let network = number.to_be_bytes();
    let mistaken = u32::from_le_bytes(network);
    let little = number.to_le_bytes().into();
    NumberBytes { what, number, network: network.into(), little, mistaken, what_zh_tw }
}
// ANCHOR_END: bytes

fn text(text: &'static str) -> TextBytes {
    let utf8 = text.as_bytes().to_owned();
    TextBytes { text, bytes: text.len(), characters: text.chars().count(), columns: text.width(), utf8 }
}

/// Bytes as a packet viewer shows them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}

/// In the JSON, too, bytes are what a packet viewer shows.
pub(crate) fn as_hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_read_in_the_wrong_order_is_huge() {
        assert_eq!(length(6, "", "").mistaken, 100_663_296);
    }

    #[test]
    fn chinese_has_three_lengths() {
        let TextBytes { bytes, characters, columns, .. } = text("網路");
        assert_eq!((bytes, characters, columns), (6, 2, 4));
    }
}
