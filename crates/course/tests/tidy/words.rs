//! Traditional Chinese as written in Taiwan: terms of the mainland and simplified characters.
//!
//! Also the punctuation of Chinese prose, which Markdown and readers both stumble over. The one place
//! where these terms stand. A term is looked for in every file; `but_in` lists longer
//! words that contain it by accident, or that Taiwan uses as well. Source: the vocabulary in
//! `docs/glossary.md`.

use crate::support::{File, Finding, finding};

/// A term to avoid, the term to use, and words in which the characters are all right.
struct Term {
    avoid: &'static str,
    write: &'static str,
    but_in: &'static [&'static str],
}

const fn term(avoid: &'static str, write: &'static str) -> Term {
    Term { avoid, write, but_in: &[] }
}

const TERMS: &[Term] = &[
    term("網絡", "網路"),
    Term { avoid: "線程", write: "執行緒", but_in: &["線程式", "線程度"] },
    Term { avoid: "進程", write: "行程", but_in: &["演進程", "改進程"] },
    Term { avoid: "字節", write: "位元組", but_in: &["字節錄"] },
    term("比特", "位元"),
    Term { avoid: "端口", write: "埠", but_in: &["終端口"] },
    term("服務器", "伺服器"),
    term("服務端", "伺服器端"),
    term("客戶端", "用戶端"),
    term("默認", "預設"),
    term("缺省", "預設"),
    Term { avoid: "信息", write: "訊息、資訊", but_in: &["相信息", "通信息"] },
    term("應用程序", "應用程式"),
    term("程序員", "程式設計師"),
    term("運行程序", "執行程式"),
    Term { avoid: "數據", write: "資料", but_in: &["數據機", "大數據", "函數據", "參數據"] },
    term("文件名", "檔名"),
    term("文件夾", "資料夾"),
    term("文件描述符", "檔案描述符"),
    term("文件系統", "檔案系統"),
    term("配置文件", "設定檔"),
    Term { avoid: "接口", write: "介面", but_in: &["直接口", "連接口", "間接口"] },
    term("套接字", "socket"),
    term("協議", "協定"),
    term("字符", "字元"),
    term("字段", "欄位"),
    term("內存", "記憶體"),
    term("緩存", "快取"),
    term("隊列", "佇列"),
    term("堆棧", "堆疊"),
    term("數組", "陣列"),
    term("變量", "變數"),
    term("調用", "呼叫"),
    term("調試", "除錯"),
    term("返回值", "回傳值"),
    term("異步", "非同步"),
    term("死循環", "無窮迴圈"),
    term("鏈接", "連結"),
    term("軟件", "軟體"),
    term("硬件", "硬體"),
    term("源代碼", "原始碼"),
    term("命令行", "命令列"),
    term("操作系統", "作業系統"),
    term("信號", "訊號"),
    term("超時", "逾時"),
    term("丟包", "掉封包"),
    term("報文", "訊息"),
    term("回環", "迴路"),
    term("環回", "迴路"),
    term("句柄", "控制代碼"),
    term("文檔", "文件"),
    term("屏幕", "螢幕"),
    term("打印", "印出"),
    term("加載", "載入"),
    term("創建", "建立"),
    term("獲取", "取得"),
    term("二進制", "二進位"),
    term("十六進制", "十六進位"),
    term("標識符", "識別字"),
    term("遠程", "遠端"),
    term("實時", "即時"),
    term("兼容", "相容"),
    term("搜索", "搜尋"),
    term("IP地址", "IP 位址"),
    term("IP 地址", "IP 位址"),
];

/// Characters that only simplified Chinese has (the shapes that Japanese shares are left out).
const SIMPLIFIED: &str = "们这为发时网线说对经动务连机过还进运关开东车长门问间据码节错误读级续实现从认识设让语话请谁块";

/// The table itself is made of the terms.
const THIS_FILE: &str = "tests/tidy/words.rs";

/// Any text file.
pub(crate) fn taiwan_terms(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    if file.path.ends_with(THIS_FILE) || file.text.is_ascii() {
        return found;
    }
    for (number, line) in file.text.lines().enumerate().filter(|(_, line)| !line.is_ascii()) {
        for term in TERMS.iter().filter(|term| line.match_indices(term.avoid).any(|(at, _)| !all_right(line, at, term)))
        {
            let what = format!("「{}」: write 「{}」, the term that readers in Taiwan know", term.avoid, term.write);
            found.push(finding(&file.path, number + 1, what));
        }
        if let Some(c) = line.chars().find(|c| SIMPLIFIED.contains(*c)) {
            found.push(finding(
                &file.path,
                number + 1,
                format!("「{c}」: a simplified character; the book is in Traditional Chinese"),
            ));
        }
    }
    found
}

/// A Markdown file: Chinese prose has full-width punctuation, and bold text that Markdown sees as such.
pub(crate) fn punctuation(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (number, line) in file.text.lines().enumerate() {
        fenced ^= line.starts_with("```");
        let code_free = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let chars: Vec<char> = code_free.chars().collect();
        let half_width = chars.windows(2).any(|pair| is_han(pair[0]) && matches!(pair[1], ',' | ';' | ':' | '?' | '!'));
        if half_width && !fenced && file.path.ends_with(".md") {
            let what =
                "half-width punctuation behind a Chinese character: write ，；：？！, which keep the text's rhythm";
            found.push(finding(&file.path, number + 1, what));
        }
        if hides_bold(&code_free) && !fenced && file.path.ends_with(".md") {
            let what = "bold text that ends in punctuation before a Chinese character: Markdown shows the stars; put the \
                        punctuation behind them";
            found.push(finding(&file.path, number + 1, what));
        }
    }
    found
}

/// Whether a closing `**` stands between a full-width mark and a Chinese character.
fn hides_bold(line: &str) -> bool {
    let parts: Vec<&str> = line.split("**").collect();
    let hidden = |pair: &[&str]| pair[0].ends_with(is_full_width_mark) && pair[1].starts_with(is_han);
    // Parts 0 and 1 have an opening mark between them, 1 and 2 a closing one, and so on.
    parts.windows(2).skip(1).step_by(2).any(hidden)
}

fn is_han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

fn is_full_width_mark(c: char) -> bool {
    "，。：；！？、」）".contains(c)
}

/// Whether the term at byte `at` of `line` is part of a word that is all right.
fn all_right(line: &str, at: usize, term: &Term) -> bool {
    term.but_in.iter().any(|word| {
        let offset = word.find(term.avoid).expect("every exception contains its term");
        at >= offset && line.is_char_boundary(at - offset) && line[at - offset..].starts_with(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        taiwan_terms(&File::sample("docs/zh-TW/a.md", text)).len()
    }

    #[test]
    fn every_term_is_found_and_every_exception_is_not() {
        for term in TERMS {
            assert!(count(&format!("這個{}很好", term.avoid)) >= 1, "{}", term.avoid);
            for word in term.but_in {
                assert_eq!(count(&format!("這個{word}很好")), 0, "{word}");
            }
        }
    }

    #[test]
    fn simplified_characters_are_found_and_traditional_ones_are_not() {
        assert_eq!(count("这是网络\n"), 1);
        assert_eq!(count("伺服器端的連線程式已經開啟通訊埠,數據機在旁邊。\n"), 0);
    }

    #[test]
    fn half_width_punctuation_and_bold_that_does_not_show_are_found() {
        let count = |text: &str| punctuation(&File::sample("docs/zh-TW/a.md", text)).len();
        for text in ["你好,世界\n", "原因:沒有\n", "**問題：**這一章\n"] {
            assert_eq!(count(text), 1, "{text}");
        }
        for text in ["你好，**問題**：這裡 `好,好` OK, 好\n", "```text\n你好,世界\n```\n", "**練習。**\n"]
        {
            assert_eq!(count(text), 0, "{text}");
        }
    }
}
