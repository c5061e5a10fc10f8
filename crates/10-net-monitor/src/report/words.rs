//! The sentences that the text and the page share, in both languages.
//!
//! Read `record.rs` before.

use netcommon::lang::Lang;

use crate::connection::How;
use crate::event::Event;
use crate::missed::in_chinese;
use crate::observation::{Mark, Proof};
use crate::record::Record;
use crate::report::figures::{grouped, without_data};

pub(crate) fn how(lang: Lang, how: How) -> &'static str {
    let chinese = match how {
        How::Orderly => "正常關閉",
        How::ResetByClient => "用戶端重設",
        How::ResetByServer => "伺服器重設",
        How::Reset => "重設",
        How::Refused => "被拒絕",
        How::TimedOut => "逾時",
        How::Unreachable => "無法到達",
        How::Silent => "不再出聲",
        How::StillOpen => "仍開啟",
        How::Unknown => "不明",
    };
    lang.pick(how.name(), chinese)
}

pub(super) fn mark(lang: Lang, mark: Mark) -> &'static str {
    match mark {
        Mark::Exact => lang.pick("exact", "精確"),
        Mark::PlusMinusOne => "±1",
        Mark::AtLeast => lang.pick("at least", "至少"),
    }
}

/// A number with its mark, when it is not exact.
pub(crate) fn marked(lang: Lang, number: u64, is: Mark) -> String {
    match is {
        Mark::Exact => grouped(number),
        Mark::PlusMinusOne => format!("{} ±1", grouped(number)),
        Mark::AtLeast => format!("{} {}", mark(lang, is), grouped(number)),
    }
}

pub(super) fn proof(lang: Lang, proof: &Proof) -> String {
    let Proof { counted_by, opened, listed, open } = proof;
    let by = match (lang, counted_by.as_str()) {
        (Lang::ZhTw, "kernel") => "核心",
        (_, by) => by,
    };
    let unexplained = proof.unexplained();
    lang.pick(
        format!("{by} opened {opened}, listed {listed}, open {open}, unexplained {unexplained}"),
        format!("{by} 開啟了 {opened} 條，列出 {listed} 條，仍開啟 {open} 條，無法解釋 {unexplained} 條"),
    )
}

/// Whether everything was seen, in one sentence.
pub(super) fn verdict(lang: Lang, record: &Record) -> &'static str {
    match (record.is_complete(), record.proofs.is_empty()) {
        (true, false) => lang.pick("Everything was seen", "全部都看到了"),
        (true, true) => lang.pick("Nothing is known to be missing", "沒有發現遺漏"),
        (false, _) => lang.pick("Not everything was seen", "並非全部都看到了"),
    }
}

/// What was not seen and why, and what else one should know, a sentence each.
pub(super) fn notes(lang: Lang, record: &Record) -> Vec<String> {
    let mut notes: Vec<String> = record.proofs.iter().map(|one| proof(lang, one)).collect();
    notes.extend(record.notes.iter().filter_map(|event| note(lang, event)));
    let mut count = |number: u64, en: &str, zh: &str| {
        if number > 0 {
            notes.push(lang.pick(en, zh).replace("{}", &grouped(number)));
        }
    };
    count(
        record.broken_off,
        "{} run(s) broke off without a last line: killed, or the disk was full",
        "{} 次記錄沒有結尾就中斷：被強制結束，或磁碟已滿",
    );
    count(record.lines_torn, "{} line(s) of the log cannot be read", "記錄檔中有 {} 行無法讀取");
    count(
        record.lines_unknown,
        "{} line(s) are of a kind that this version does not know",
        "有 {} 行是這個版本不認識的種類",
    );
    count(record.not_kept, "{} connection(s) are counted but not listed", "有 {} 條連線只計數，沒有列出");
    count(without_data(record) as u64, "{} connection(s) carried no byte at all", "有 {} 條連線一個位元組都沒有傳");
    notes
}

fn note(lang: Lang, event: &Event) -> Option<String> {
    let text = match event {
        Event::Missed { at, what, at_least } => {
            let (at, many) = (at.time_of_day(), grouped(*at_least));
            let count = match *at_least {
                0 => String::new(),
                _ => lang.pick(format!(" (at least {many})"), format!("（至少 {many} 條）")),
            };
            let chinese = in_chinese(what);
            lang.pick(format!("{at}: not seen: {what}{count}"), format!("{at}：沒看到：{chinese}{count}"))
        }
        Event::ClockSet { at, by_us } => {
            let (at, by) = (at.time_of_day(), *by_us as f64 / 1e6);
            lang.pick(
                format!("{at}: somebody set the clock by {by:+.1} s; durations are not affected"),
                format!("{at}：系統時鐘被撥動了 {by:+.1} 秒；經過的時間不受影響"),
            )
        }
        Event::Gap { at, since, lines, cause } => {
            let (at, since, lines) = (at.time_of_day(), since.time_of_day(), grouped(*lines));
            lang.pick(
                format!("{since} to {at}: {lines} lines of the log are missing: {cause}"),
                format!("{since} 到 {at}：記錄檔少了 {lines} 行：{cause}"),
            )
        }
        _ => return None,
    };
    Some(text)
}
