//! What each error means and what to do about it, in both languages.
//!
//! Two sentences per error: what the system's answer says about the other side or about us, and the
//! first thing to try. The words for the error itself are the system's and stay as they are.
//! Read `errors.rs` first.

use netcommon::lang::Lang;

use crate::errors::Mishap;

/// What `mishap` means, and what to do, in `lang`.
#[must_use]
pub(crate) fn of(mishap: Mishap, lang: Lang) -> (&'static str, &'static str) {
    lang.pick(in_english(mishap), in_chinese(mishap))
}

fn in_english(mishap: Mishap) -> (&'static str, &'static str) {
    match mishap {
        Mishap::Refused => (
            "The host is there and answered with an RST: nobody listens on that port.",
            "Start the server first; compare host and port, and 127.0.0.1 with ::1.",
        ),
        Mishap::InUse => (
            "Another socket, often our own server from before, has this address.",
            "End the other program, take another port, or port 0 for a free one.",
        ),
        Mishap::Permission => (
            "The system knows what we want and does not allow it to this user or socket.",
            "Take a port from 1024 up; switch the option on; do not run servers as root.",
        ),
        Mishap::Timeout => (
            "Nothing came in time. The peer may be slow, stuck or gone: we cannot know which. Unix says EAGAIN here, \
             Windows WSAETIMEDOUT; a connect without an answer is ETIMEDOUT on all.",
            "Decide how long to wait, then try again or give up, and say how long it was.",
        ),
        Mishap::Unreachable => (
            "The kernel knows no way to that address, or a router has said that there is none.",
            "Check the network; try the next address of the name (IPv4 after IPv6).",
        ),
        Mishap::Reset => (
            "The peer threw the connection away (RST) instead of ending it (FIN): it aborted, crashed, or closed with \
             our bytes unread.",
            "Treat what was not acknowledged as lost; look at the peer's log.",
        ),
        Mishap::NameNotFound => (
            "No address was found for the name. This comes from the resolver, not from the kernel, so on Unix it is no \
             errno and has no such number.",
            "Check the spelling; offline, use an IP address or the hosts file.",
        ),
    }
}

fn in_chinese(mishap: Mishap) -> (&'static str, &'static str) {
    match mishap {
        Mishap::Refused => (
            "主機在，而且回了一個 RST：那個埠上沒有程式在聽。",
            "先啟動伺服器；核對主機和埠，也看看是不是把 127.0.0.1 和 ::1 弄混了。",
        ),
        Mishap::InUse => (
            "這個位址已經有別的 socket 在用，常常就是我們自己先前啟動的伺服器。",
            "結束另一個程式、換一個埠，或用埠號 0 讓系統挑一個空的。",
        ),
        Mishap::Permission => (
            "系統明白我們要做什麼，但不允許這個使用者或這個 socket 這樣做。",
            "用 1024 以上的埠；把需要的選項打開；不要用 root 跑伺服器。",
        ),
        Mishap::Timeout => (
            "時限之內什麼都沒來。對方可能只是慢，可能卡住，可能已經不在了：我們無從分辨。這裡 Unix 說 EAGAIN，Windows 說 \
             WSAETIMEDOUT；connect 等不到回音，則大家都說 ETIMEDOUT。",
            "先決定要等多久，到時再試一次或放棄，並說清楚等了多久。",
        ),
        Mishap::Unreachable => (
            "核心找不到通往那個位址的路，或是某個路由器回報沒有路。",
            "檢查網路；試試這個名稱的下一個位址（IPv6 不通就試 IPv4）。",
        ),
        Mishap::Reset => (
            "對方不是好好結束（FIN），而是把連線丟掉（RST）：它中止了、當掉了，或是沒讀完我們的資料就關閉。",
            "沒有得到對方確認的資料，都當作遺失；去看對方的紀錄。",
        ),
        Mishap::NameNotFound => (
            "這個名稱查不到位址。這個錯誤來自名稱解析，不是來自核心，所以在 Unix 上它不是 errno，也沒有 errno 的號碼。",
            "檢查拼字；沒有網路時，改用 IP 位址或 hosts 檔。",
        ),
    }
}
