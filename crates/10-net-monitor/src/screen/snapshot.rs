//! What the screen shows: a copy of the ledger's figures, so that nobody waits for anybody.
//!
//! Read `ledger.rs` before.

use std::net::SocketAddr;
use std::time::Duration;

use crate::ledger::{Ledger, RATES_MAX};
use crate::moment::Moment;
use crate::observation::Protocol;

/// Connections in a snapshot: more than fit on a screen, with room to scroll and to filter.
const ROWS_MAX: usize = 500;

/// Bars of the sparkline, one a second.
pub const SHOWN_RATES: usize = RATES_MAX;

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What carries it.
    pub protocol: Protocol,
    /// Who opened it.
    pub peer: SocketAddr,
    /// To which address.
    pub server: SocketAddr,
    /// Payload both ways in the last second.
    pub bytes_per_second: u64,
    /// Payload from the client.
    pub bytes_in: u64,
    /// Payload to the client.
    pub bytes_out: u64,
    /// How long it has been open.
    pub age: Duration,
}

/// One port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortLine {
    /// `tcp 8001`
    pub name: String,
    /// Connections that are open.
    pub open: u64,
    /// Connections so far.
    pub connections: u64,
    /// Payload from the clients.
    pub bytes_in: u64,
    /// Payload to the clients.
    pub bytes_out: u64,
    /// Connections that ended badly.
    pub errors: u64,
}

/// Everything on the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was made.
    pub at: Moment,
    /// The connections with the highest rates, no more than fit into memory.
    pub rows: Vec<Row>,
    /// How many are open in all.
    pub open: usize,
    /// The ports, in their order.
    pub ports: Vec<PortLine>,
    /// Payload per second both ways, the newest last.
    pub rates: Vec<u64>,
    /// What the user should know: a full disk, something that was not seen.
    pub notice: String,
}

impl Snapshot {
    /// The ledger's figures of this moment.
    #[must_use]
    pub fn of(ledger: &Ledger, at: Moment, notice: &str) -> Self {
        let mut rows: Vec<Row> = ledger
            .open()
            .map(|open| Row {
                protocol: open.connection.protocol,
                peer: open.connection.peer,
                server: open.connection.server,
                bytes_per_second: open.bytes_per_second,
                bytes_in: open.connection.bytes_in,
                bytes_out: open.connection.bytes_out,
                age: at.since(open.connection.start),
            })
            .collect();
        let open = rows.len();
        // Which ones are kept must not change from second to second among those that are equal.
        rows.sort_unstable_by_key(|row| {
            (std::cmp::Reverse((row.bytes_per_second, row.bytes_in + row.bytes_out)), row.peer)
        });
        rows.truncate(ROWS_MAX);
        let ports = ledger.sums().ports.iter().map(|((protocol, port), totals)| PortLine {
            name: format!("{protocol} {port}"),
            open: totals.open,
            connections: totals.connections,
            bytes_in: totals.bytes_in,
            bytes_out: totals.bytes_out,
            errors: totals.errors(),
        });
        let rates = ledger.rates().collect();
        Self { at, rows, open, ports: ports.collect(), rates, notice: notice.to_owned() }
    }
}
