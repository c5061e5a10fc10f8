//! Why something was not seen: every sentence for it, as the log says it and as a report in Chinese does.
//!
//! The log has the English one, also for other programs; a report finds out again which it was. So old logs are
//! understood as well, and a sentence that a newer version has invented is shown as it stands. Read `observation.rs`
//! before.

use std::fmt::Display;

/// One sentence in both languages; `{}` is what differs, in the same order in both.
#[derive(Debug, Clone, Copy)]
pub struct Sentence {
    english: &'static str,
    chinese: &'static str,
}

/// `watch` was told by the kernel that its queue had been full.
pub const DEATHS_LOST: Sentence = Sentence {
    english: "the kernel's queue for us was full: {} announcements of closed sockets were lost",
    chinese: "核心給我們的佇列滿了，遺失了 {} 則 socket 關閉的通知",
};
/// How many is not known.
pub const SOME: Sentence = Sentence { english: "some", chinese: "若干" };
/// `watch` could not find a quiet moment for its proof.
pub const OPENED_MEANWHILE: Sentence = Sentence {
    english: "{} connections were opened while the books were closed; they may be counted wrongly",
    chinese: "結算時又有 {} 條連線開啟，這些可能算錯",
};
/// `capture` was told by the kernel that its queue had been full.
pub const PACKETS_LOST: Sentence = Sentence {
    english: "the kernel's queue for us was full: {} packets of the interface were lost",
    chinese: "核心給我們的佇列滿了，遺失了這個介面的 {} 個封包",
};
/// A capture file ends where it should not.
pub const CAPTURE_BROKEN: Sentence = Sentence {
    english: "the capture cannot be read behind packet {}: {}",
    chinese: "擷取檔在第 {} 個封包之後無法讀取：{}",
};
/// Why: the file ends.
pub const CUT_OFF: Sentence = Sentence { english: "it is cut off", chinese: "檔案被截斷" };
/// Why: a length that cannot be.
pub const TOO_LONG: Sentence = Sentence {
    english: "a block says that it is longer than any packet",
    chinese: "有個區塊自稱比任何封包都長",
};
/// Why: the disk.
pub const UNREADABLE: Sentence = Sentence { english: "the system does not read on", chinese: "系統讀不下去" };
/// Why: some other kind of file.
pub const NO_CAPTURE: Sentence = Sentence { english: "it is no capture", chinese: "這不是擷取檔" };
/// Why: a block that makes no sense.
pub const DAMAGED: Sentence = Sentence { english: "a block is damaged", chinese: "有個區塊損壞了" };
/// Packets in a capture file that tell nothing of connections.
pub const NOT_UNDERSTOOD: Sentence = Sentence {
    english: "{} of {} packets are neither TCP nor UDP, or cut too short",
    chinese: "{}/{} 個封包既不是 TCP 也不是 UDP，或截得太短",
};
/// The ledger's bound.
pub const TOO_MANY_OPEN: Sentence = Sentence {
    english: "{} connections are open; the next ones are not kept",
    chinese: "已有 {} 條連線開啟，之後的不再保留",
};
/// The relay's bound for clients that send datagrams.
pub const NO_PLACE: Sentence = Sentence {
    english: "no place for {}: {}; its datagrams are not relayed",
    chinese: "沒有位置給 {}：{}；它的資料包沒有轉送",
};

const ALL: [Sentence; 13] = [
    DEATHS_LOST,
    SOME,
    OPENED_MEANWHILE,
    PACKETS_LOST,
    CAPTURE_BROKEN,
    CUT_OFF,
    TOO_LONG,
    UNREADABLE,
    NO_CAPTURE,
    DAMAGED,
    NOT_UNDERSTOOD,
    TOO_MANY_OPEN,
    NO_PLACE,
];

impl Sentence {
    /// The sentence for the log.
    #[must_use]
    pub fn say(&self, values: &[&dyn Display]) -> String {
        fill(self.english, values.iter().map(ToString::to_string))
    }

    /// What differs, if `text` is this sentence.
    fn values<'a>(&self, text: &'a str) -> Option<Vec<&'a str>> {
        let mut parts = self.english.split("{}").peekable();
        let mut rest = text.strip_prefix(parts.next()?)?;
        let mut values = Vec::new();
        while let Some(part) = parts.next() {
            // The last part is the end of the sentence.
            let at = if parts.peek().is_some() { rest.find(part)? } else { rest.strip_suffix(part)?.len() };
            values.push(&rest[..at]);
            rest = &rest[at + part.len()..];
        }
        rest.is_empty().then_some(values)
    }
}

/// A sentence of the log in Chinese, the reason in it included; what is none of ours stays as it is.
///
/// # Examples
/// ```
/// use net_monitor::missed::{CAPTURE_BROKEN, CUT_OFF, in_chinese};
///
/// let what = CAPTURE_BROKEN.say(&[&7, &CUT_OFF.say(&[])]);
/// assert_eq!(what, "the capture cannot be read behind packet 7: it is cut off");
/// assert_eq!(in_chinese(&what), "擷取檔在第 7 個封包之後無法讀取：檔案被截斷");
/// ```
#[must_use]
pub fn in_chinese(what: &str) -> String {
    let found = ALL.iter().find_map(|sentence| Some((sentence, sentence.values(what)?)));
    // A value is shorter than the sentence that it stands in, so this comes to an end.
    found.map_or_else(
        || what.to_owned(),
        |(sentence, values)| fill(sentence.chinese, values.into_iter().map(in_chinese)),
    )
}

fn fill(template: &str, mut values: impl Iterator<Item = String>) -> String {
    let mut parts = template.split("{}");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(&values.next().unwrap_or_default());
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_is_found_again_with_its_values() {
        for sentence in ALL {
            let blanks = sentence.english.matches("{}").count();
            assert_eq!(blanks, sentence.chinese.matches("{}").count(), "{sentence:?}");
            let values: Vec<&dyn Display> = [&"12" as &dyn Display, &"192.0.2.7:5: 滿了"][..blanks].to_vec();
            let chinese = in_chinese(&sentence.say(&values));
            assert!(values.iter().all(|value| chinese.contains(&value.to_string())), "{chinese}");
            assert!(!chinese.contains("{}") && !chinese.contains(" the "), "{chinese}");
        }
    }

    #[test]
    fn a_strangers_sentence_stays_as_it_is() {
        for what in ["", "{}", "no place for", "新版才有的原因", "12 of them"] {
            assert_eq!(in_chinese(what), what);
        }
    }
}
