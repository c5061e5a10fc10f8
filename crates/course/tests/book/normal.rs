//! What differs from run to run, made equal: ports that the system chose become `PORT`, times `TIME`, and how much
//! that was a second `RATE`.
//!
//! ```text
//! Accepted connection from 127.0.0.1:50312     Accepted connection from 127.0.0.1:PORT
//! 3 messages in 1.24 s                         3 messages in TIME
//! 62.57 KiB a second                           RATE a second
//! ```
//! Ports below 1024 and the addresses that the page's servers listen on stay as they are.

/// The first port that systems give to clients on their own.
const FREE_PORT_MIN: u32 = 1024;

/// What stands behind a rate.
const A_SECOND: &str = " a second";

/// Units of time as the programs write them, longer ones first.
const UNITS: [&str; 18] = [
    "milliseconds",
    "microseconds",
    "seconds",
    "minutes",
    "second",
    "minute",
    "min",
    "ms",
    "µs",
    "us",
    "ns",
    "s",
    "毫秒",
    "微秒",
    "奈秒",
    "秒鐘",
    "秒",
    "分鐘",
];

/// The line with ports and times replaced; an address in `kept` stays.
pub(crate) fn normal(line: &str, kept: &[String]) -> String {
    rates(&times(&ports(line, kept)))
}

/// Replaces the number and the unit before ` a second`.
fn rates(line: &str) -> String {
    let Some((before, behind)) = line.split_once(A_SECOND) else { return line.to_owned() };
    let mut words = before.rsplitn(3, ' ');
    let (unit, number) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_number = number.starts_with(|c: char| c.is_ascii_digit()) && !unit.is_empty();
    let start = before.len().saturating_sub(number.len() + 1 + unit.len());
    if is_number { format!("{}RATE{A_SECOND}{behind}", &before[..start]) } else { line.to_owned() }
}

/// The first port of the line that the system chose.
pub(crate) fn chosen_port(line: &str, kept: &[String]) -> Option<String> {
    let at = ports(line, kept).find(":PORT")?;
    Some(line[at + 1..].chars().take_while(char::is_ascii_digit).collect())
}

fn ports(line: &str, kept: &[String]) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(':') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        out.push_str(before);
        out.push(':');
        if is_chosen(&out, &after[..digits], kept) {
            out.push_str("PORT");
        } else {
            out.push_str(&after[..digits]);
        }
        rest = &after[digits..];
    }
    out + rest
}

/// Whether `digits`, which stand behind `before`, are a port that the system chose.
fn is_chosen(before: &str, digits: &str, kept: &[String]) -> bool {
    let host = before.trim_end_matches(':');
    let behind_an_ip = host.ends_with(']') || host.ends_with(|c: char| c.is_ascii_digit()) && host.contains('.');
    let stays = |addr: &String| {
        let (host, port) = addr.rsplit_once(':').unwrap_or((addr, ""));
        port == digits && before.trim_end_matches(':').ends_with(host)
    };
    behind_an_ip && digits.parse().is_ok_and(|port: u32| port >= FREE_PORT_MIN) && !kept.iter().any(stays)
}

fn times(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(at);
        out.push_str(before);
        let len = number.len() - number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let begins = !out.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        match unit_len(&number[len..]).filter(|_| begins && !number[..len].ends_with('.')) {
            Some(unit) => {
                out.push_str("TIME");
                rest = &number[len + unit..];
            }
            None => {
                out.push_str(&number[..len]);
                rest = &number[len..];
            }
        }
    }
    out + rest
}

/// The length of the unit of time, with a space before it, that `text` begins with.
fn unit_len(text: &str) -> Option<usize> {
    let word = text.strip_prefix(' ').unwrap_or(text);
    let unit = UNITS.iter().find(|unit| {
        let behind = word.strip_prefix(**unit).map(|rest| rest.chars().next());
        behind
            .is_some_and(|next| !unit.is_ascii() && !unit.starts_with('µ') || next.is_none_or(|c| !c.is_alphanumeric()))
    })?;
    Some(text.len() - word.len() + unit.len())
}

#[test]
fn ports_and_times_become_equal_and_everything_else_stays() {
    let kept = ["127.0.0.1:8888".to_owned()];
    let cases = [
        ("from 127.0.0.1:50312 to 127.0.0.1:8888", "from 127.0.0.1:PORT to 127.0.0.1:8888"),
        ("[::1]:40000, 127.0.0.1:80, 10.0.0.1:8888", "[::1]:PORT, 127.0.0.1:80, 10.0.0.1:PORT"),
        ("took 1.24 s, 12 ms, 3ms and 2 seconds.", "took TIME, TIME, TIME and TIME."),
        ("花了 0.3 秒左右;12:30:45 at line 7: 5 bytes", "花了 TIME左右;12:30:45 at line 7: 5 bytes"),
        ("30 sockets, x2 s, 3 members, v1.2 says", "30 sockets, x2 s, 3 members, v1.2 says"),
        ("localhost:8888 10 µs ::1 5: 6", "localhost:8888 TIME ::1 5: 6"),
        ("12 bytes, in 0.1 s: 62.57 KiB a second", "12 bytes, in TIME: RATE a second"),
        ("wait a second, or 5 a second", "wait a second, or 5 a second"),
    ];
    for (line, want) in cases {
        assert_eq!(normal(line, &kept), want, "{line}");
    }
}

#[test]
fn the_first_chosen_port_is_found() {
    let kept = ["127.0.0.1:8888".to_owned()];
    assert_eq!(chosen_port("3 s on 127.0.0.1:8888 from 127.0.0.1:50312.", &kept), Some("50312".to_owned()));
    assert_eq!(chosen_port("on 127.0.0.1:8888", &kept), None);
}
