//! The report for a program: one object, whose shape stays.
//!
//! Keys may come; none changes its meaning or goes. Read `figures.rs` before.

use serde::Serialize;
use serde_json::{Value, json};

use crate::moment::Moment;
use crate::record::Record;
use crate::report::figures::{port_rows, span};
use crate::totals::Totals;

/// Sums with the name of what they are of.
#[derive(Serialize)]
struct Named<'a, N> {
    #[serde(flatten)]
    name: N,
    #[serde(flatten)]
    totals: &'a Totals,
    errors: u64,
}

/// The whole report, connections included.
///
/// # Examples
/// ```
/// use net_monitor::{record::Record, report::json::json};
///
/// let report = json(&Record::default());
/// assert_eq!(report["totals"]["connections"], 0);
/// assert_eq!(report["complete"], true);
/// ```
#[must_use]
pub fn json(record: &Record) -> Value {
    let named = |name: Value, totals| {
        let named = Named { name, totals, errors: totals.errors() };
        serde_json::to_value(named).expect("totals have only plain fields")
    };
    let ports = port_rows(record).into_iter().map(|row| {
        let micros = |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let name = json!({
            "protocol": row.port.0, "port": row.port.1,
            "duration_p50_us": micros(row.median), "duration_p99_us": micros(row.p99),
        });
        named(name, row.totals)
    });
    let peers = record.sums.top_peers();
    let peers = peers.into_iter().map(|(peer, totals)| named(json!({ "peer": peer }), totals));
    let proofs = record.proofs.iter().map(|proof| {
        let mut value = serde_json::to_value(proof).expect("a proof has only plain fields");
        value["unexplained"] = proof.unexplained().into();
        value
    });
    let start = record.timeline.start().unwrap_or_default();
    let slots = (0..).zip(record.timeline.slots()).map(|(number, slot)| {
        let at: Moment = start.plus(record.timeline.width().saturating_mul(number));
        json!({ "at": at, "in": slot.bytes_in, "out": slot.bytes_out, "opened": slot.opened, "open_max": slot.open_max })
    });
    json!({
        "runs": record.runs,
        "start": record.span.map(|(first, _)| first),
        "end": record.span.map(|(_, last)| last),
        "seconds": span(record).as_secs_f64(),
        "complete": record.is_complete(),
        "proofs": proofs.collect::<Vec<_>>(),
        "notes": record.notes,
        "lines_torn": record.lines_torn,
        "runs_broken_off": record.broken_off,
        "totals": named(json!({}), &record.sums.all),
        "ports": ports.collect::<Vec<_>>(),
        "peers": peers.collect::<Vec<_>>(),
        "slot_seconds": record.timeline.width().as_secs(),
        "timeline": slots.collect::<Vec<_>>(),
        "connections": record.connections,
    })
}
