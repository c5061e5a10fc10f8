//! What happens as plain lines, for a terminal without a screen and for a pipe.
//!
//! Addresses are the system's own texts; nothing that a peer sent is printed here. Read `event.rs` before.

use netcommon::escape::escape;

use crate::connection::{Connection, How};
use crate::event::Event;
use crate::ledger::Ledger;
use crate::observation::{Mark, Side};

/// The line for an event that people want to see as it happens.
#[must_use]
pub fn of(event: &Event) -> Option<String> {
    match event {
        Event::Connection(connection) => Some(connection_line(connection)),
        Event::Missed { what, at_least, .. } => {
            let what = escape(what.as_bytes());
            Some(if *at_least == 0 {
                format!("Missed: {what}")
            } else {
                format!("Missed: {what} (at least {at_least})")
            })
        }
        Event::ClockSet { by_us, .. } => {
            Some(format!("Somebody has set the clock by {:+.1} s; the times go on as before", *by_us as f64 / 1e6))
        }
        _ => None,
    }
}

fn connection_line(connection: &Connection) -> String {
    let Connection { protocol, peer, server, how, .. } = connection;
    let bytes_in = marked(connection.bytes_in, connection.bytes_in_is);
    let bytes_out = marked(connection.bytes_out, connection.bytes_out_is);
    let first = match (how, connection.ended_first) {
        (How::Orderly, Some(Side::Client)) => ", the client first",
        (How::Orderly, Some(Side::Server)) => ", the server first",
        _ => "",
    };
    let seconds = connection.duration().as_secs_f64();
    format!("{protocol} {peer} -> {server}: {bytes_in} bytes in, {bytes_out} bytes out, {seconds:.1} s, {how}{first}")
}

/// A number as far as it can be trusted.
#[must_use]
pub fn marked(number: u64, mark: Mark) -> String {
    match mark {
        Mark::Exact => number.to_string(),
        Mark::PlusMinusOne => format!("{number} ±1"),
        Mark::AtLeast => format!("at least {number}"),
    }
}

/// The last lines of a run.
#[must_use]
pub fn summary(ledger: &Ledger) -> Vec<String> {
    let all = &ledger.sums().all;
    let connections = if all.connections == 1 { "connection" } else { "connections" };
    let mut lines = vec![format!(
        "Recorded {} {connections}: {} bytes in, {} bytes out; {} still open",
        all.connections, all.bytes_in, all.bytes_out, all.open
    )];
    lines.extend(ledger.proofs().map(|proof| format!("Complete? {proof}")));
    lines
}
