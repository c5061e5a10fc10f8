//! The course's own words in both languages; what a demo says stands in its file.
//!
//! Sentences of `crate::tour` and `crate::player`; errors stay English, because a search engine knows those.

use std::io;
use std::path::Path;
use std::process::ExitStatus;

use netcommon::lang::Lang;

use crate::script::{Step, Values, fill};

/// The same words in English and in Traditional Chinese.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    en: &'static str,
    zh_tw: &'static str,
}

impl Word {
    /// The words in `lang`.
    #[must_use]
    pub fn pick_in(self, lang: Lang) -> &'static str {
        lang.pick(self.en, self.zh_tw)
    }
}

pub(crate) const PREDICT: Word = Word { en: "Predict: ", zh_tw: "猜猜看：" };
pub(crate) const ENTER: Word = Word { en: "[Enter; Ctrl-C leaves]", zh_tw: "[按 Enter；Ctrl-C 離開]" };
pub(crate) const ANSWER: Word = Word { en: "Answer: ", zh_tw: "答案：" };
pub(crate) const NEXT: Word = Word { en: "Press Enter: ", zh_tw: "按 Enter：" };
pub(crate) const END_OF_INPUT: Word = Word { en: "(end of input)", zh_tw: "（輸入結束）" };
pub(crate) const KILLED: Word = Word {
    en: "This system has no Ctrl-C for a single program, so the program was ended at once, without last words.",
    zh_tw: "這個系統無法只對一個程式送出 Ctrl-C，所以直接結束程式，它來不及說最後的話。",
};
pub(crate) const TOUR: Word = Word {
    en: "Real programs, real sockets, this computer only. A lane shows one program: `$` is what you would type \
         to start it, `>` a line typed into it, `^C` is Ctrl-C, everything else is what it said. All of it takes a \
         few seconds; `cargo run -- demo 1 --step` waits for you at each question.",
    zh_tw: "真的程式、真的 socket，全都只在這台電腦上。每一欄是一個程式：`$` 後面是你要輸入的啟動命令，`>` 後面是輸入給\
            程式的一行文字，`^C` 是 Ctrl-C，其餘都是程式自己說的話。全部只要幾秒鐘；想先猜再看，用 \
            `cargo run -- demo 1 --step`。",
};
pub(crate) const TRY: Word = Word { en: "Try:  ", zh_tw: "試試看：" };
pub(crate) const READ: Word = Word { en: "Read: ", zh_tw: "閱讀：  " };
pub(crate) const NOW_YOU: Word = Word { en: "Now you", zh_tw: "換你了" };
pub(crate) const CHAPTERS: Word = Word { en: "the chapters", zh_tw: "章節一覽" };
pub(crate) const EXERCISES: Word = Word {
    en: "Write the program of an exercise in any language, then let the course check it: `cargo run -- check NAME -- \
         YOUR COMMAND`. It prints a line that ends with `listening on HOST:PORT` when it is ready; what stands in \
         braces is put in for you (PowerShell wants quotes around it). `cargo run -- start NAME` lays a first file.",
    zh_tw: "用任何語言寫出練習的程式，再讓課程檢查它：`cargo run -- check 名稱 -- 你的命令`。程式準備好的時候，要印出一行以 \
            `listening on HOST:PORT` 結尾的文字；大括號裡的東西會替你填好（在 PowerShell 要加上引號）。`cargo run -- start 名稱` 會先放一個起始檔。",
};
pub(crate) const LAID: Word = Word { en: "The first file: ", zh_tw: "起始檔：" };
pub(crate) const HOLDS: Word = Word { en: "ok", zh_tw: "通過" };
pub(crate) const FAILS: Word = Word { en: "FAILED", zh_tw: "沒過" };
pub(crate) const INSTEAD: Word = Word { en: "instead: ", zh_tw: "實際上：" };
pub(crate) const YOURS_SAID: Word = Word { en: "your program said:", zh_tw: "你的程式說：" };
pub(crate) const SLOWLY: Word =
    Word { en: "one step at a time, with questions", zh_tw: "一步一步來，邊猜邊看" };
pub(crate) const DOCTOR: Word = Word { en: "is this computer ready?", zh_tw: "這台電腦準備好了嗎？" };

/// The heading of a chapter's demo.
pub(crate) fn chapter(number: u8, title: &str, lang: Lang) -> String {
    lang.pick(format!("Chapter {number}: {title}"), format!("第 {number} 章：{title}"))
}

/// How many cases hold, how many were left because each would end as the last one did, and where to read on.
pub(crate) fn held(held: usize, tried: usize, left: usize, page: &str, lang: Lang) -> String {
    let all = tried + left;
    let count = lang.pick(
        format!("{held} of {all} {}", if all == 1 { "case holds" } else { "cases hold" }),
        format!("{all} 個案例中有 {held} 個通過"),
    );
    let rest = match left {
        0 => String::new(),
        _ => lang.pick(
            format!(" ({left} not tried: your program would get no further in them)"),
            format!("（另外 {left} 個沒有試：結果也會一樣）"),
        ),
    };
    let on = lang.pick(
        format!(". `--case N` tries one alone; what is asked for is on the page docs/en/{page}."),
        format!("。`--case N` 只試其中一個；題目在 docs/zh-TW/{page}。"),
    );
    format!("{count}{rest}{}", if held == all { lang.pick(".", "。").to_owned() } else { on })
}

/// A program's end, and how many of its lines a demo has left out.
pub(crate) fn ended(status: ExitStatus, left_out: usize, lang: Lang) -> String {
    let ended = match status.code() {
        Some(code) => lang.pick(format!("ended with exit code {code}"), format!("已結束，代碼 {code}")),
        None => lang.pick("ended by a signal".to_owned(), "被訊號結束".to_owned()),
    };
    let s = if left_out == 1 { "" } else { "s" };
    match left_out {
        0 => lang.pick(format!("({ended})"), format!("（{ended}）")),
        _ => lang.pick(format!("({left_out} more line{s}; {ended})"), format!("（還有 {left_out} 行；{ended}）")),
    }
}

/// Where a page lies that no browser could be found for.
pub(crate) fn page_lies_at(page: &Path, why: &io::Error, lang: Lang) -> String {
    let page = page.display();
    lang.pick(
        format!("Open it yourself while the demo waits: {page} ({why})"),
        format!("請在示範等候時自己打開：{page}（{why}）"),
    )
}

/// What `--step` says before an action; `None` for a step that does nothing to a program.
pub(crate) fn next_action(step: &Step, values: &Values, lang: Lang) -> Option<String> {
    Some(match step {
        Step::Start { lane, command } | Step::Run { lane, command, .. } => {
            let command = fill(command.text(), values);
            lang.pick(format!("{lane} starts `{command}`"), format!("{lane} 啟動 `{command}`"))
        }
        Step::Type { lane, line } => {
            let line = fill(line, values);
            lang.pick(format!("{lane} is given the line `{line}`"), format!("給 {lane} 輸入一行 `{line}`"))
        }
        Step::EndInput { lane } => lang.pick(format!("the input of {lane} ends"), format!("{lane} 的輸入結束")),
        Step::Interrupt { lane } => lang.pick(format!("Ctrl-C for {lane}"), format!("對 {lane} 按 Ctrl-C")),
        Step::Page { file } => lang.pick(format!("the browser opens `{file}`"), format!("瀏覽器打開 `{file}`")),
        Step::Say(_) | Step::Ask(_) | Step::Answer(_) | Step::Wait { .. } | Step::Exit { .. } => return None,
        Step::Kill { .. } | Step::Same { .. } => return None,
    })
}
