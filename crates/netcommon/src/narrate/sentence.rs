//! The plain sentence behind a narrated call, in both languages.
//!
//! Written for someone who meets the call for the first time: what it means here, with this outcome,
//! and what it does *not* mean. One function per family of calls, one pair of sentences per outcome.

use std::io::{self, ErrorKind};
use std::net::Shutdown;

use super::call::{Call, Kind, Outcome};
use crate::error::is_timeout;
use crate::lang::Lang;

/// The English sentence and the Chinese one.
type Pair = (&'static str, &'static str);

/// What `call` with `outcome` means, in `lang`; empty where there is nothing to add.
pub(super) fn explain(call: &Call<'_>, outcome: &Outcome<'_>, lang: Lang) -> &'static str {
    let (en, zh_tw) = match (call, outcome) {
        (Call::Connect { .. }, Outcome::Failed(error)) if is_in_progress(error) => (
            "the SYN is on its way; we wait for the answer, not inside connect",
            "SYN 已送出；我們不在 connect 裡面等，而是等它的回音",
        ),
        (Call::Connect { .. }, Outcome::Failed(error)) if super::errno_name(error).ends_with("EALREADY") => {
            ("asked again: still no answer to the SYN", "再問一次：SYN 還沒有回音")
        }
        (_, Outcome::WouldBlock(_)) => would_sleep(call),
        (Call::Send { .. } | Call::SendTo { .. } | Call::SendUdp { .. }, Outcome::Failed(error))
            if is_timeout(error) =>
        {
            ("within the time limit the kernel had no room for it", "在時限之內，核心一直沒有空間收下它")
        }
        (Call::ConnectUdp { .. } | Call::RecvUdp { .. } | Call::SendUdp { .. }, _) => connected_udp(call, outcome),
        (Call::Accept { .. }, Outcome::Failed(error)) if error.kind() == ErrorKind::WouldBlock => (
            "nobody waits any more; a blocking listener would sleep here",
            "沒有人在等了；listener 如果會阻塞，就會睡在這裡",
        ),
        (Call::PeerAddr { .. }, Outcome::Failed(error)) if error.kind() == ErrorKind::NotConnected => {
            ("no other end: it is not connected", "沒有對方：它沒有連線")
        }
        (Call::Socket { .. }, Outcome::Failed(error)) if super::errno_name(error).ends_with("EPROTONOSUPPORT") => (
            "each of the three is valid, but nothing in the kernel is all of them",
            "三個參數單獨看都合法，但核心裡沒有這樣的組合",
        ),
        (_, Outcome::Failed(error)) => failure(error),
        (Call::LocalAddr { .. }, Outcome::Addr(addr)) if addr.port() == 0 => {
            ("nobody has chosen a name for it yet", "還沒有人替它選定位址")
        }
        (Call::Recv { .. } | Call::RecvFrom { .. } | Call::Send { .. } | Call::SendTo { .. }, _) => data(call, outcome),
        (Call::Wait { .. }, Outcome::Ready([])) => {
            ("nobody: the time is up, or we were woken", "一個也沒有：時間到了，或是有人叫醒我們")
        }
        (Call::Wait { .. }, _) => (
            "until here the thread slept for all of them; these need not wait now",
            "執行緒同時等著所有的 socket，睡到現在；這幾個不必再等",
        ),
        (Call::GetOption { .. }, _) => ("what the kernel has now", "核心現在的設定"),
        (Call::SetOption { name, .. } | Call::SetTimeout { name, .. }, _) => option(name),
        _ => life_cycle(call),
    };
    lang.pick(en, zh_tw)
}

/// A socket's way from its making to its end.
fn life_cycle(call: &Call<'_>) -> Pair {
    match call {
        Call::Socket { ty, .. } if *ty == socket2::Type::STREAM => (
            "a new TCP socket: a number for us, a structure in the kernel",
            "新的 TCP socket：我們拿到一個號碼，核心裡多一個結構",
        ),
        Call::Socket { .. } => (
            "a new UDP socket: it will send and receive whole datagrams",
            "新的 UDP socket：它收送的是一個個完整的資料包",
        ),
        Call::Bind { addr, .. } if addr.port() == 0 => {
            ("port 0: the kernel chooses a free port", "埠號 0：由核心挑一個沒人用的埠")
        }
        Call::Bind { .. } => ("the address is ours now; nobody else can bind it", "這個位址歸我們了，別人不能再 bind"),
        Call::Listen { .. } => (
            "the kernel now completes handshakes and keeps up to that many for us",
            "從現在起核心會替我們完成三向交握，最多替我們保留這麼多條連線",
        ),
        Call::Accept { .. } => (
            "the kernel does the handshake; accept hands us the finished connection",
            "三向交握由核心完成；accept 只是把連好的連線交給我們",
        ),
        Call::Connect { .. } => ("connected: the peer's kernel has answered", "連上了：對方的核心已經回應"),
        Call::TakeError { .. } => (
            "the connect has ended without an error: the handshake is complete",
            "connect 已經結束，沒有錯誤：三向交握完成",
        ),
        Call::LocalAddr { .. } => ("our own end of it", "我們這一端的位址"),
        Call::PeerAddr { .. } => ("the other end of it", "對方那一端的位址"),
        Call::Shutdown { how, .. } => shutdown(*how),
        Call::Close { kind, .. } => close(*kind),
        _ => ("", ""),
    }
}

fn close(kind: Kind) -> Pair {
    match kind {
        Kind::Stream => (
            "the number is free again; what we wrote, the kernel goes on sending",
            "號碼還給系統了；我們寫出去的資料，核心會繼續送",
        ),
        Kind::Listener => (
            "nobody can connect any more; who still waits in the backlog is reset",
            "再也沒有人連得進來；還在 backlog 裡等的，連線會被重設",
        ),
        Kind::Datagrams => (
            "the number is free again; datagrams that nobody has read are thrown away",
            "號碼還給系統了；還沒有人讀的資料包就丟掉了",
        ),
        Kind::Any => (
            "the number is free again, and the structure in the kernel is gone",
            "號碼還給系統了，核心裡的那個結構也不見了",
        ),
    }
}

fn shutdown(how: Shutdown) -> Pair {
    match how {
        Shutdown::Write => (
            "half-close: we send a FIN; the other direction stays as it is",
            "半關閉：我們送出 FIN；另一個方向維持原樣",
        ),
        Shutdown::Read => (
            "we read no further; a thread that waits in recv gets an end of stream",
            "我們不再讀了；正在 recv 裡等待的執行緒會讀到串流結尾",
        ),
        Shutdown::Both => {
            ("both directions end now, also for a thread that is blocked", "兩個方向都立刻結束，卡住的執行緒也會醒來")
        }
    }
}

/// Bytes that came or went.
fn data(call: &Call<'_>, outcome: &Outcome<'_>) -> Pair {
    match (call, outcome) {
        (_, Outcome::ReceivedFrom(..)) | (Call::RecvFrom { .. }, _) => {
            ("one whole datagram, as it was sent, and who sent it", "一個完整的資料包，和送出時一樣，還附上是誰送的")
        }
        (Call::SendTo { .. }, _) => (
            "one datagram handed to the network; nobody promises that it arrives",
            "交給網路一個資料包；沒有人保證它會到",
        ),
        (Call::Recv { .. }, Outcome::Received([])) => (
            "end of stream: the peer has sent its FIN, or we have stopped reading",
            "串流結尾：對方已送出 FIN，或是我們自己不再讀了",
        ),
        (Call::Recv { .. }, _) => {
            ("the bytes that were there; not necessarily one message", "當時已經到的位元組；不一定正好是一則訊息")
        }
        _ => (
            "copied into the kernel's send buffer; the peer has not read it yet",
            "複製進核心的送出緩衝區；對方還沒有讀到",
        ),
    }
}

/// A UDP socket with a fixed peer: the same calls as on a stream, another meaning.
fn connected_udp(call: &Call<'_>, outcome: &Outcome<'_>) -> Pair {
    match (call, outcome) {
        (_, Outcome::Failed(error))
            if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset) =>
        {
            ("ICMP: an earlier datagram met a port where nothing listens", "ICMP：先前的資料包到了一個沒有程式在聽的埠")
        }
        (_, Outcome::Failed(error)) => failure(error),
        (Call::ConnectUdp { .. }, _) => (
            "nothing is sent: the kernel notes the peer and lets only its datagrams in",
            "什麼也沒送出：核心只記下對方是誰，從此只收它的資料包",
        ),
        (Call::SendUdp { .. }, _) => (
            "one datagram handed to the network; nobody promises that it arrives",
            "交給網路一個資料包；沒有人保證它會到",
        ),
        _ => ("one whole datagram of our peer, as it was sent", "對方送來的一個完整資料包，和送出時一樣"),
    }
}

/// A socket that may not wait, and would have to.
fn would_sleep(call: &Call<'_>) -> Pair {
    match call {
        Call::Send { .. } | Call::SendTo { .. } | Call::SendUdp { .. } => (
            "the kernel has no room for it now; a blocking socket would sleep here",
            "核心現在沒有空間收下它；socket 如果會阻塞，就會睡在這裡",
        ),
        _ => (
            "nothing is there now; a blocking socket would sleep here",
            "現在什麼也沒有；socket 如果會阻塞，就會睡在這裡",
        ),
    }
}

fn option(name: &str) -> Pair {
    match name {
        "SO_REUSEADDR" => {
            ("a restart need not wait for old connections in TIME_WAIT", "重新啟動時，不必等舊連線的 TIME_WAIT 結束")
        }
        "TCP_NODELAY" => (
            "small writes leave at once instead of waiting for an ack (no Nagle)",
            "小筆資料立刻送出，不等前一筆的 ack（關閉 Nagle）",
        ),
        "SO_LINGER" => ("with 0, close aborts: an RST instead of a FIN", "設為 0，close 就是中止：送 RST 而不是 FIN"),
        "SO_RCVTIMEO" => ("the longest that one recv may wait", "一次 recv 最多等這麼久"),
        "SO_SNDTIMEO" => ("the longest that one send may wait", "一次 send 最多等這麼久"),
        "SO_RCVBUF" => ("room in the kernel for what we have not read yet", "核心裡的空間，放我們還沒讀的資料"),
        "SO_SNDBUF" => ("room in the kernel for what the peer has not taken yet", "核心裡的空間，放對方還沒收下的資料"),
        _ => ("", ""),
    }
}

fn failure(error: &io::Error) -> Pair {
    if is_out_of_descriptors(error) {
        return (
            "all descriptors are in use; the client waits in the backlog until one is free",
            "檔案描述符用完了；用戶端在 backlog 裡等，直到有一個空出來",
        );
    }
    match error.kind() {
        _ if is_timeout(error) => ("nothing came within the time limit", "在時限之內什麼也沒有來"),
        ErrorKind::ConnectionRefused => {
            ("the host is there, but nothing listens on that port", "主機在，但那個埠上沒有程式在聽")
        }
        ErrorKind::ConnectionReset => (
            "the peer sent an RST: it closed with bytes unread, or it was killed",
            "對方送來 RST：它還有資料沒讀就關閉，或是程式被終止",
        ),
        ErrorKind::BrokenPipe => {
            ("this connection is over; nothing can be sent on it any more", "這條連線已經結束，不能再送資料")
        }
        ErrorKind::AddrInUse => ("another socket has this address already", "這個位址已經被另一個 socket 占用"),
        ErrorKind::AddrNotAvailable => {
            ("no interface of this machine has that address", "這台機器的網路介面都沒有這個位址")
        }
        ErrorKind::PermissionDenied => ("the system does not allow it", "系統不允許"),
        ErrorKind::NotConnected => ("the connection had already ended", "連線早已結束"),
        ErrorKind::ConnectionAborted => ("the client left before we accepted it", "用戶端在我們 accept 之前就離開了"),
        ErrorKind::Interrupted => ("a signal came; the call is made again", "收到訊號；再呼叫一次"),
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => {
            ("there is no way to that address", "沒有路通往那個位址")
        }
        _ => ("", ""),
    }
}

/// A non-blocking connect that has begun: `EINPROGRESS`, on Windows `WSAEWOULDBLOCK`.
fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock || super::errno_name(error).ends_with("EINPROGRESS")
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    let name = super::errno_name(error);
    name.ends_with("EMFILE") || name.ends_with("ENFILE")
}

#[cfg(test)]
mod tests {
    use super::super::call::Fd;
    use super::*;

    const FD: Fd = Fd(3);

    #[test]
    fn a_time_limit_is_told_of_only_where_there_was_one() {
        let error = ErrorKind::WouldBlock.into();
        let (recv, send) = (Call::RecvFrom { fd: FD, room: 9 }, Call::Send { fd: FD, bytes: b"x" });
        for (call, outcome, want) in [
            (recv, Outcome::Failed(&error), "nothing came within the time limit"),
            (recv, Outcome::WouldBlock(&error), "nothing is there now; a blocking socket would sleep here"),
            (send, Outcome::Failed(&error), "within the time limit the kernel had no room for it"),
            (
                send,
                Outcome::WouldBlock(&error),
                "the kernel has no room for it now; a blocking socket would sleep here",
            ),
        ] {
            assert_eq!(explain(&call, &outcome, Lang::En), want);
        }
    }

    #[test]
    fn a_close_tells_of_what_was_written_only_where_something_can_be() {
        let told = |kind| explain(&Call::Close { fd: FD, kind }, &Outcome::Done, Lang::En);
        assert!(told(Kind::Stream).contains("what we wrote"));
        assert!(told(Kind::Listener).contains("backlog is reset"));
        assert!([Kind::Datagrams, Kind::Any].iter().all(|kind| !told(*kind).contains("what we wrote")));
    }
}
