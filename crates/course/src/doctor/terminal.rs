//! The terminal: wide enough for the course's tables, and able to show Chinese.
//!
//! Sources: stty(1); the locale variables of POSIX. Read `finding.rs` before this file.

use std::process::Command;

use netcommon::lang::Lang;
use netcommon::shutdown::StageReached;

use super::{Finding, toolchain::first_line};
use crate::screen::COLUMNS;

pub(super) fn check(lang: Lang, stop: &StageReached) -> Vec<Finding> {
    vec![judge_width(columns(stop), lang), encoding(lang, stop)]
}

/// The width of the terminal that we run on; `None` if there is none, or no `stty` (Windows).
fn columns(stop: &StageReached) -> Option<usize> {
    let mut command = Command::new("sh");
    command.arg("-c");
    // Our own stdin and stdout may be pipes; the terminal is asked itself: `24 80`.
    let rows_and_columns = first_line(command, "stty size 2>/dev/null </dev/tty", stop)?;
    rows_and_columns.split(' ').nth(1)?.parse().ok()
}

fn judge_width(columns: Option<usize>, lang: Lang) -> Finding {
    const NAME: &str = "terminal";
    match columns {
        // Some pseudo-terminals have no size and say 0.
        None | Some(0) => Finding::ok(
            NAME,
            lang.pick(
                format!("unknown width; the course prints {COLUMNS} columns"),
                format!("寬度不明；課程的輸出是 {COLUMNS} 欄"),
            ),
        ),
        Some(columns) if columns >= COLUMNS => {
            Finding::ok(NAME, lang.pick(format!("{columns} columns"), format!("{columns} 欄")))
        }
        Some(columns) => Finding::limited(
            NAME,
            lang.pick(format!("{columns} columns"), format!("{columns} 欄")),
            lang.pick(format!("make the window {COLUMNS} wide"), format!("請把視窗拉到 {COLUMNS} 欄寬")),
        ),
    }
}

fn encoding(lang: Lang, stop: &StageReached) -> Finding {
    if cfg!(windows) {
        let mut command = Command::new("cmd");
        command.arg("/C");
        return judge_code_page(first_line(command, "chcp", stop).as_deref(), lang);
    }
    judge_locale(|name| std::env::var(name).ok(), lang)
}

/// The first of these that is set decides (POSIX.1-2024, Base Definitions, section 8.2).
fn judge_locale(var: impl Fn(&str) -> Option<String>, lang: Lang) -> Finding {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| var(name).filter(|value| !value.is_empty()));
    let locale = set.unwrap_or_else(|| "C".to_owned());
    let upper = locale.to_ascii_uppercase();
    if upper.contains("UTF-8") || upper.contains("UTF8") {
        return Finding::ok("encoding", locale);
    }
    // macOS' terminals show UTF-8 whatever the locale says, but tools such as `less` obey it.
    let to_do = lang.pick(
        "`export LANG=en_US.UTF-8`, or Chinese may not show",
        "請執行 `export LANG=zh_TW.UTF-8`，否則中文可能無法顯示",
    );
    Finding::limited("encoding", locale, to_do)
}

/// `Active code page: 65001`, in the system's language.
fn judge_code_page(said: Option<&str>, lang: Lang) -> Finding {
    let page: String = said.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    if page == "65001" {
        return Finding::ok("encoding", "UTF-8 (65001)");
    }
    let to_do = lang.pick(
        "run `chcp 65001`, or Chinese in a pipe may not show",
        "請執行 `chcp 65001`，否則管線中的中文可能無法顯示",
    );
    Finding::limited("encoding", lang.pick(format!("code page {page}"), format!("字碼頁 {page}")), to_do)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_is_limited_and_a_pipe_is_not() {
        let word = |columns| judge_width(columns, Lang::En).show(Lang::En).rsplit(' ').next().map(str::to_owned);
        for (columns, want) in [(None, "ok"), (Some(0), "ok"), (Some(80), "ok"), (Some(79), "limited")] {
            assert_eq!(word(columns).as_deref(), Some(want), "{columns:?}");
        }
    }

    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        for (vars, want) in [
            (vec![("LANG", "zh_TW.UTF-8")], "ok"),
            (vec![("LC_ALL", "C"), ("LANG", "zh_TW.UTF-8")], "limited"),
            (vec![("LC_ALL", ""), ("LANG", "C.utf8")], "ok"),
            (vec![("LANG", "zh_TW.Big5")], "limited"),
            (vec![], "limited"),
        ] {
            let var = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert!(judge_locale(var, Lang::En).show(Lang::En).ends_with(want), "{vars:?}");
        }
    }

    #[test]
    fn a_code_page_is_read_in_any_language() {
        for (said, want) in
            [(Some("Active code page: 65001"), "ok"), (Some("使用中的字碼頁: 950"), "limited"), (None, "limited")]
        {
            assert!(judge_code_page(said, Lang::En).show(Lang::En).ends_with(want), "{said:?}");
        }
    }
}
