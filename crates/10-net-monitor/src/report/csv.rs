//! The report for a spreadsheet: a line for each connection, as RFC 4180 has it.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and a formula may start programs. Such
//! a cell gets an apostrophe in front, which the spreadsheet hides. Source: RFC 4180; OWASP, "CSV Injection".

use std::borrow::Cow;

use crate::connection::Connection;
use crate::record::Record;

/// The names of the columns, which are the keys of the log.
const COLUMNS: [&str; 18] = [
    "protocol",
    "peer",
    "port",
    "server",
    "target",
    "start",
    "end",
    "seconds",
    "bytes_in",
    "bytes_in_is",
    "bytes_out",
    "bytes_out_is",
    "packets_in",
    "packets_out",
    "retransmitted",
    "rtt_us",
    "process",
    "how",
];

/// All connections, one a line, below the names of the columns.
///
/// # Examples
/// ```
/// use net_monitor::{record::Record, report::csv::csv};
///
/// assert!(csv(&Record::default()).starts_with("protocol,peer,port,server,"));
/// ```
#[must_use]
pub fn csv(record: &Record) -> String {
    let mut text = COLUMNS.join(",");
    text.push_str("\r\n");
    for connection in &record.connections {
        let cells: Vec<String> = cells(connection).iter().map(|text| cell(text).into_owned()).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

fn cells(row: &Connection) -> [String; 18] {
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    [
        row.protocol.to_string(),
        row.peer.to_string(),
        row.port.to_string(),
        row.server.to_string(),
        row.target.map(|target| target.to_string()).unwrap_or_default(),
        row.start.to_string(),
        row.end.to_string(),
        format!("{:.6}", row.duration().as_secs_f64()),
        row.bytes_in.to_string(),
        row.bytes_in_is.to_string(),
        row.bytes_out.to_string(),
        row.bytes_out_is.to_string(),
        number(row.packets_in),
        number(row.packets_out),
        number(row.retransmitted),
        number(row.rtt_us),
        row.process.clone().unwrap_or_default(),
        row.how.to_string(),
    ]
}

/// A cell that is neither a formula nor the end of its line.
fn cell(text: &str) -> Cow<'_, str> {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) };
    if text.contains(['"', ',', '\r', '\n']) { Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))) } else { text }
}

#[test]
fn no_cell_is_a_formula_or_breaks_its_line() {
    for (text, want) in [
        ("bash (12)", "bash (12)"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("@x", "'@x"),
        ("小明, \"bob\"", "\"小明, \"\"bob\"\"\""),
        ("a\r\nb,=c", "\"a\r\nb,=c\""),
    ] {
        assert_eq!(cell(text), want);
    }
}
