//! Is the narration true? The same run as strace saw it, in the narration's spelling.
//!
//! strace prints what the kernel was asked; the narration prints what our wrappers believe. [`compare`]
//! brings strace's lines into the narration's form and demands the same calls in the same order for
//! every descriptor. Receiving is compared apart from all other calls: one thread may receive while
//! another sends, and between threads there is no order to compare.
//! Linux only; where strace is missing, the test that needs it says that it skipped.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::{DEADLINE, Program};
use crate::escape::quote;

/// How many bytes of a message the narration shows.
const BYTES_SHOWN_MAX: usize = 24;

/// The sockets' calls, and the files' one that ends them.
const FILTER: &str = "trace=%network,close";

/// Starts `exe` under strace, which writes to `log`; signals and streams are the program's own.
///
/// `None`, and a word on stderr, where strace is missing.
#[must_use]
pub fn start(log: &Path, exe: &str, args: &[&str]) -> Option<Program> {
    // -D: the program is our child and strace its own grandchild, so Ctrl-C reaches the program.
    start_with(&["-D", "-f", "-s", "65536", "-e", FILTER, "-e", "signal=none"], log, exe, args)
}

/// Starts `exe` and lets some calls fail without the kernel being asked: `accept4:error=EPERM:when=2+`, as
/// strace(1) has it under `-e inject`. The log has those calls only, a failed one with `INJECTED` in its line. Several calls have commas between them.
///
/// `None` as in [`start`].
#[must_use]
pub fn start_faulty(fault: &str, log: &Path, exe: &str, args: &[&str]) -> Option<Program> {
    let call = fault.split(':').next().unwrap_or_default();
    let (trace, inject) = (format!("trace={call}"), format!("inject={fault}"));
    start_with(&["-D", "-f", "-e", &trace, "-e", &inject], log, exe, args)
}

fn start_with(options: &[&str], log: &Path, exe: &str, args: &[&str]) -> Option<Program> {
    let there = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("skipped: strace is not installed");
        return None;
    }
    let mut command = Command::new("strace");
    Some(Program::start_command(command.args(options).arg("-o").arg(log).arg(exe).args(args)))
}

/// The log of the program with this process number, which has ended: waits for strace's last word on it.
#[must_use]
pub fn read_log(log: &Path, pid: u32) -> String {
    let is_last_word = |line: &str| {
        line.split_once(' ').is_some_and(|(thread, word)| thread == pid.to_string() && word.contains("+++ exited"))
    };
    let deadline = Instant::now() + DEADLINE;
    loop {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        if text.lines().any(is_last_word) {
            return text;
        }
        assert!(Instant::now() < deadline, "strace has not finished its log:\n{text}");
        std::thread::yield_now();
    }
}

/// Fails unless the narration and strace tell of the same calls on every socket.
pub fn compare(narration: &str, strace: &str) {
    let told = by_fd(narration.lines().filter_map(narrated_call));
    let seen = by_fd(whole_lines(strace).iter().filter_map(|line| traced_call(line)));
    assert!(!told.is_empty(), "nothing to compare:\n{narration}\n{strace}");
    for fd in told.keys().chain(seen.keys()) {
        let told = told.get(fd).cloned().unwrap_or_default();
        let seen = without_file_closes(seen.get(fd).map_or(&[], Vec::as_slice));
        for receiving in [false, true] {
            let part = |calls: &[String]| -> Vec<String> {
                calls.iter().filter(|call| call.starts_with("recv") == receiving).cloned().collect()
            };
            assert_eq!(part(&told), part(&seen), "descriptor {fd}\n{narration}\n{strace}");
        }
    }
}

/// The calls of a descriptor without the closes of files that had the number before or after a socket.
fn without_file_closes(calls: &[String]) -> Vec<String> {
    let mut open = false;
    let mut kept = Vec::new();
    for call in calls {
        let is_close = call.starts_with("close(");
        if open || !is_close {
            kept.push(call.clone());
        }
        open = !is_close;
    }
    kept
}

type Call = (String, String);

fn by_fd(calls: impl Iterator<Item = Call>) -> BTreeMap<String, Vec<String>> {
    let mut by_fd: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (fd, call) in calls {
        by_fd.entry(fd).or_default().push(call);
    }
    by_fd
}

/// `accept(3) = 4 from …   sentence` → the descriptor that the call belongs to, and the call alone.
fn narrated_call(line: &str) -> Option<Call> {
    let call = line.split("  ").next()?.trim_end();
    let (name, rest) = call.split_once('(')?;
    let result = call.rsplit_once(" = ")?.1;
    let fd = match name {
        "socket" if result.parse::<u64>().is_err() => "-1",
        "socket" => result,
        _ => rest.split([',', ')']).next()?,
    };
    fd.parse::<i64>().ok()?;
    Some((fd.to_owned(), call.to_owned()))
}

/// Joins `call( <unfinished ...>` with `<... call resumed>` of the same thread, and puts it where it returned.
///
/// But a close where it began: from then on the number is free, and the kernel may give it to another thread
/// before this one returns.
fn whole_lines(strace: &str) -> Vec<String> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut whole = Vec::new();
    for line in strace.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if call.starts_with("<... close resumed>") {
            continue;
        }
        if let Some(start) = call.strip_suffix(" <unfinished ...>") {
            if start.starts_with("close(") {
                whole.push(format!("{start}) = 0"));
            } else {
                begun.insert(thread, start);
            }
        } else if let Some((_, end)) = call.strip_prefix("<... ").and_then(|end| end.split_once(" resumed>")) {
            whole.push(format!("{}{end}", begun.remove(thread).unwrap_or_default()));
        } else {
            whole.push(call.to_owned());
        }
    }
    whole
}

/// One of strace's lines in the narration's spelling; `None` for calls that are not about sockets.
fn traced_call(line: &str) -> Option<Call> {
    let (call, result) = line.rsplit_once(" = ")?;
    let (name, args) = call.trim_end().strip_suffix(')')?.split_once('(')?;
    if result.starts_with('?') {
        return None; // A signal came; the kernel makes the call again by itself, and strace prints it again.
    }
    let args = split_args(args);
    let arg = |index: usize| args.get(index).copied().unwrap_or_default();
    let failed = result.strip_prefix("-1 ").map(|error| error.split(' ').next().unwrap_or(error).to_owned());
    let number = || result.split(' ').next().unwrap_or(result).to_owned();
    let outcome = |success: String| failed.clone().unwrap_or(success);
    let fd = arg(0).to_owned();
    let bytes = |text: &str| quote(&unquote(text), BYTES_SHOWN_MAX).to_string();
    let received = || match number().as_str() {
        "0" => "0".to_owned(),
        len => format!("{len} {}", bytes(arg(1))),
    };
    let story = match name {
        "socket" => {
            let call = format!("socket({}, {}, {})", arg(0), arg(1).replace("|SOCK_CLOEXEC", ""), arg(2));
            return Some((number(), format!("{call} = {}", outcome(number()))));
        }
        "setsockopt" => {
            format!("setsockopt({fd}, {}, {}) = {}", option(arg(2)), value(arg(3)), outcome("0".to_owned()))
        }
        "getsockopt" => format!("getsockopt({fd}, {}) = {}", option(arg(2)), outcome(value(arg(3)))),
        "bind" => format!("bind({fd}, {}) = {}", addr(arg(1))?, outcome("0".to_owned())),
        "connect" => format!("connect({fd}, {}) = {}", addr(arg(1))?, outcome("0".to_owned())),
        "listen" => format!("listen({fd}, {}) = {}", arg(1), outcome("0".to_owned())),
        "accept4" => {
            format!("accept({fd}) = {}", outcome(format!("{} from {}", number(), addr(arg(1)).unwrap_or_default())))
        }
        "getsockname" | "getpeername" => format!("{name}({fd}) = {}", outcome(addr(arg(1)).unwrap_or_default())),
        "recvfrom" if arg(4) == "NULL" => format!("recv({fd}, {}) = {}", arg(2), outcome(received())),
        "recvfrom" => {
            let from = format!("{} from {}", received(), addr(arg(4)).unwrap_or_default());
            format!("recvfrom({fd}, {}) = {}", arg(2), outcome(from))
        }
        "sendto" if arg(4) == "NULL" => format!("send({fd}, {}) = {}", bytes(arg(1)), outcome(number())),
        "sendto" => format!("sendto({fd}, {}, {}) = {}", bytes(arg(1)), addr(arg(4))?, outcome(number())),
        "shutdown" => format!("shutdown({fd}, {}) = {}", arg(1), outcome("0".to_owned())),
        "close" => format!("close({fd}) = 0"),
        _ => return None,
    };
    Some((fd, story))
}

/// Splits at the commas that stand outside of quotes, braces and brackets.
fn split_args(args: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped, mut start) = (0, false, false, 0);
    let mut split = Vec::new();
    for (at, byte) in args.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth -= 1,
            b',' if depth == 0 => {
                split.push(args[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    split.push(args[start..].trim());
    split
}

/// `SO_RCVTIMEO_OLD` is how newer versions of strace spell it.
fn option(name: &str) -> &str {
    name.trim_end_matches("_OLD")
}

/// `[1]` → `1`, `[ECONNREFUSED]` → `ECONNREFUSED`; a time limit → as the narration prints a duration.
fn value(text: &str) -> String {
    // SO_LINGER that is off: off is 0, as with the other options.
    if text.starts_with("{l_onoff=0") {
        return "0".to_owned();
    }
    if let Some(secs) =
        text.strip_prefix("{l_onoff=1, l_linger=").and_then(|rest| rest.trim_end_matches('}').parse().ok())
    {
        return format!("{:?}", std::time::Duration::from_secs(secs));
    }
    let duration = |value: std::time::Duration| if value.is_zero() { "0".to_owned() } else { format!("{value:?}") };
    let seconds = |part: &str| text.split(part).nth(1)?.split(['}', ',']).next()?.parse::<u64>().ok();
    if let (Some(secs), Some(micros)) = (seconds("tv_sec="), seconds("tv_usec=")) {
        return duration(std::time::Duration::from_secs(secs) + std::time::Duration::from_micros(micros));
    }
    // Older versions print the bytes of the timeval: two native 64-bit numbers.
    if text.starts_with('"') {
        let bytes = unquote(text);
        let number =
            |at: usize| bytes.get(at..at + 8).map(|part| u64::from_ne_bytes(part.try_into().expect("8 bytes")));
        if let (Some(secs), Some(micros)) = (number(0), number(8)) {
            return duration(std::time::Duration::from_secs(secs) + std::time::Duration::from_micros(micros));
        }
    }
    text.trim_matches(['[', ']']).to_owned()
}

/// `{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}` → `127.0.0.1:80`.
fn addr(text: &str) -> Option<String> {
    let part = |before: &str, after: &str| Some(text.split(before).nth(1)?.split(after).next()?.to_owned());
    let port = part("htons(", ")")?;
    if let Some(ip) = part("inet_addr(\"", "\"") {
        return Some(format!("{ip}:{port}"));
    }
    let ip = part("inet_pton(AF_INET6, \"", "\"")?;
    Some(format!("[{ip}]:{port}"))
}

/// The bytes of a C string literal.
fn unquote(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let mut rest = text.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let Some(escape) = rest.next() else { break };
        bytes.push(match escape {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'f' => 0x0c,
            b'0'..=b'7' => {
                let mut value = u32::from(escape - b'0');
                for _ in 0..2 {
                    if let Some(digit @ b'0'..=b'7') = rest.peek() {
                        value = value * 8 + u32::from(digit - b'0');
                        rest.next();
                    }
                }
                u8::try_from(value).expect("three octal digits of a byte")
            }
            other => other,
        });
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straces_lines_become_the_narrations() {
        for (line, want) in [
            (
                r"socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3",
                "socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3",
            ),
            (r"setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0", "setsockopt(4, TCP_NODELAY, 1) = 0"),
            (
                r#"connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress)"#,
                "connect(3, 127.0.0.1:80) = EINPROGRESS",
            ),
            (
                "getsockopt(3, SOL_SOCKET, SO_RCVTIMEO_OLD, {tv_sec=0, tv_usec=0}, [16]) = 0",
                "getsockopt(3, SO_RCVTIMEO) = 0",
            ),
            (r#"recvfrom(4, "\344\275\240\n", 8192, 0, NULL, NULL) = 4"#, r#"recv(4, 8192) = 4 "你\n""#),
            (r#"sendto(4, "a, \"b\"", 6, MSG_NOSIGNAL, NULL, 0) = 6"#, r#"send(4, "a, \"b\"") = 6"#),
        ] {
            assert_eq!(traced_call(line).unwrap().1, want);
        }
    }

    #[test]
    fn a_number_that_is_given_again_before_its_close_returned_belongs_to_both_in_turn() {
        let strace = "7 close(4 <unfinished ...>\n8 socket(AF_INET <unfinished ...>\n8 <... socket resumed>) = 4\n\
                      7 <... close resumed>)     = 0\n8 close(4)   = 0\n";
        assert_eq!(whole_lines(strace), ["close(4) = 0", "socket(AF_INET) = 4", "close(4)   = 0"]);
    }

    #[test]
    #[should_panic(expected = "descriptor 3")]
    fn a_narration_that_leaves_a_call_out_is_found() {
        compare(
            "socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3  x\n",
            "1 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n1 listen(3, 5) = 0\n",
        );
    }
}
