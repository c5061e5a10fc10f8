//! Tools beside the course: none is needed, each shows something that is worth a look.
//!
//! They are looked for in PATH and not started. Read `finding.rs` before this file.

use std::ffi::OsStr;

use netcommon::lang::Lang;

use super::Finding;
use crate::programs::find_in_path;

struct Tool {
    name: &'static str,
    /// Any of these files in PATH is the tool.
    files: &'static [&'static str],
    /// What it is for, in both languages, and what to do without it.
    use_for: (&'static str, &'static str),
    without: (&'static str, &'static str),
}

const TOOLS: [Tool; 5] = [
    Tool {
        name: "nc",
        files: &["nc", "ncat", "netcat"],
        use_for: ("talks to any server by hand", "可以手動和任何伺服器對話"),
        without: (
            "install netcat-openbsd or ncat, or use tcp-client",
            "請安裝 netcat-openbsd 或 ncat，或改用 tcp-client",
        ),
    },
    Tool {
        name: "python3",
        files: &["python3", "python"],
        use_for: ("runs the Python programs that the book compares with", "可以執行書中對照的 Python 程式"),
        without: ("install Python 3 from https://python.org", "請到 https://python.org 安裝 Python 3"),
    },
    Tool {
        name: "curl",
        files: &["curl"],
        use_for: ("fetches URLs, to compare with http-client", "可以抓取網址，和 http-client 對照"),
        without: ("install curl with your package manager", "請用套件管理程式安裝 curl"),
    },
    Tool {
        name: "strace",
        files: &["strace"],
        use_for: ("shows every system call", "可以看到每個系統呼叫"),
        without: (
            "Linux only; `--narrate` shows the socket calls anywhere",
            "只有 Linux 有；`--narrate` 在任何系統都能顯示 socket 呼叫",
        ),
    },
    Tool {
        name: "wireshark",
        files: &["wireshark", "tshark"],
        use_for: ("shows every packet", "可以看到每個封包"),
        without: ("install it from https://wireshark.org", "請到 https://wireshark.org 安裝"),
    },
];

pub(super) fn check(lang: Lang) -> Vec<Finding> {
    let path = std::env::var_os("PATH");
    TOOLS.iter().map(|tool| judge(tool, path.as_deref(), lang)).collect()
}

fn judge(tool: &Tool, path: Option<&OsStr>, lang: Lang) -> Finding {
    let use_for = lang.pick(tool.use_for.0, tool.use_for.1);
    let found = tool.files.iter().find_map(|file| find_in_path(file, path));
    match found {
        Some(file) => Finding::ok(tool.name, format!("{}{}{use_for}", file.display(), lang.pick(": ", "："))),
        None => Finding::missing(tool.name, use_for, lang.pick(tool.without.0, tool.without.1)),
    }
}

#[cfg(test)]
mod tests {
    use std::env::consts::EXE_SUFFIX;

    use super::*;

    #[test]
    fn a_tool_may_go_by_another_name_and_none_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        let path = Some(folder.path().as_os_str());
        let nc = &TOOLS[0];
        let without = judge(nc, path, Lang::En);
        assert!(without.show(Lang::En).ends_with("missing") && !without.is_lacking());
        std::fs::write(folder.path().join(format!("ncat{EXE_SUFFIX}")), "").unwrap();
        assert!(judge(nc, path, Lang::En).show(Lang::En).ends_with("ok"));
    }
}
