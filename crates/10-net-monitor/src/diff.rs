//! `net-monitor diff A B`: what two logs say of the same thing, or of the same thing on two days.
//!
//! Sums side by side. And where both have seen the same connections (two witnesses of one run: a relay and the kernel),
//! each connection beside itself: who has not seen it, and where they disagree. Pure. Read `record.rs` before.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use netcommon::escape::escape;
use netcommon::lang::Lang;

use crate::connection::{Connection, How};
use crate::observation::{Mark, Protocol};
use crate::record::Record;
use crate::report::{grouped, table, words};
use crate::totals::Totals;

/// Connections that are named one by one.
const NAMED_MAX: usize = 20;

/// A connection in two logs.
type Pair<'a> = (&'a Connection, &'a Connection);

/// Which connections both have.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Witnesses<'a> {
    /// In both, and what the one says can be what the other says.
    pub agree: usize,
    /// In both, with other bytes or another end.
    pub disagree: Vec<Pair<'a>>,
    /// In the first one only.
    pub only_a: Vec<&'a Connection>,
    /// In the second one only.
    pub only_b: Vec<&'a Connection>,
}

/// Finds the connections of `b` among those of `a`: the same client, and of these, in the order of their beginnings.
///
/// The server's address is not compared, because a relay and what stands behind it see different ones.
#[must_use]
pub fn witnesses<'a>(a: &'a Record, b: &'a Record) -> Witnesses<'a> {
    let mut of_b = by_client(b);
    let mut found = Witnesses::default();
    for (client, rows) in by_client(a) {
        let mut others = of_b.remove(&client).unwrap_or_default().into_iter();
        for row in rows {
            match others.next() {
                None => found.only_a.push(row),
                Some(other) if agree(row, other) => found.agree += 1,
                Some(other) => found.disagree.push((row, other)),
            }
        }
        found.only_b.extend(others);
    }
    found.only_b.extend(of_b.into_values().flatten());
    found.only_a.sort_by_key(|row| row.start);
    found.only_b.sort_by_key(|row| row.start);
    found.disagree.sort_by_key(|(row, _)| row.start);
    found
}

fn by_client(record: &Record) -> HashMap<(Protocol, SocketAddr), Vec<&Connection>> {
    let mut rows: HashMap<_, Vec<&Connection>> = HashMap::new();
    for row in &record.connections {
        rows.entry((row.protocol, row.peer)).or_default().push(row);
    }
    rows.values_mut().for_each(|rows| rows.sort_by_key(|row| row.start));
    rows
}

/// Whether both can be right: a number with a mark leaves room, and who has not seen an end contradicts nobody.
fn agree(a: &Connection, b: &Connection) -> bool {
    let same_end = a.how == b.how || [a.how, b.how].contains(&How::Unknown);
    same_end
        && fit((a.bytes_in, a.bytes_in_is), (b.bytes_in, b.bytes_in_is))
        && fit((a.bytes_out, a.bytes_out_is), (b.bytes_out, b.bytes_out_is))
}

fn fit(a: (u64, Mark), b: (u64, Mark)) -> bool {
    let [least_a, least_b] = [a, b].map(|(number, is)| number.saturating_sub(u64::from(is == Mark::PlusMinusOne)));
    let [most_a, most_b] = [a, b].map(|(number, is)| match is {
        Mark::Exact => number,
        Mark::PlusMinusOne => number.saturating_add(1),
        Mark::AtLeast => u64::MAX,
    });
    least_a <= most_b && least_b <= most_a
}

/// The comparison for a terminal; the names are those of the logs.
#[must_use]
pub fn text(a: &Record, b: &Record, names: [&str; 2], lang: Lang) -> String {
    let [name_a, name_b] = names.map(|name| escape(name.as_bytes()).to_string());
    let heading = ["", &name_a, &name_b, lang.pick("change", "變化")];
    let mut text = table(&heading, &[], &rows(a, b, lang));
    let found = witnesses(a, b);
    if found.agree + found.disagree.len() == 0 {
        text.push_str(lang.pick("No connection is in both.\n", "沒有任何一條連線兩邊都有。\n"));
        return text;
    }
    let (agree, disagree) = (found.agree, found.disagree.len());
    let (only_a, only_b) = (found.only_a.len(), found.only_b.len());
    text.push_str(&lang.pick(
        format!("In both: {agree} agree, {disagree} do not; only in A: {only_a}, only in B: {only_b}\n"),
        format!("兩邊都有：{agree} 條一致，{disagree} 條不一致；只有 A 有：{only_a}，只有 B 有：{only_b}\n"),
    ));
    for (row, other) in found.disagree.iter().take(NAMED_MAX) {
        text.push_str(&format!("  {}  A {}  B {}\n", row.peer, told(row, lang), told(other, lang)));
    }
    for (name, rows) in [("A", &found.only_a), ("B", &found.only_b)] {
        for row in rows.iter().take(NAMED_MAX) {
            text.push_str(&format!("  {}  {name} {}\n", row.peer, told(row, lang)));
        }
    }
    text
}

fn told(row: &Connection, lang: Lang) -> String {
    let bytes_in = words::marked(lang, row.bytes_in, row.bytes_in_is);
    let bytes_out = words::marked(lang, row.bytes_out, row.bytes_out_is);
    let how = words::how(lang, row.how);
    lang.pick(format!("{bytes_in} in, {bytes_out} out, {how}"), format!("收 {bytes_in}，送 {bytes_out}，{how}"))
}

fn rows(a: &Record, b: &Record, lang: Lang) -> Vec<Vec<String>> {
    let none = Totals::default();
    let mut rows = Vec::new();
    let mut of = |what: &str, a: &Totals, b: &Totals| {
        for (name, value) in [
            (lang.pick("connections", "連線"), (|totals| totals.connections) as fn(&Totals) -> u64),
            (lang.pick("at once", "同時最多"), |totals| totals.open_max),
            (lang.pick("bytes in", "收（位元組）"), |totals| totals.bytes_in),
            (lang.pick("bytes out", "送（位元組）"), |totals| totals.bytes_out),
            (lang.pick("errors", "錯誤"), Totals::errors),
        ] {
            rows.push(row(format!("{what} {name}"), value(a), value(b)));
        }
    };
    of(lang.pick("all", "全部"), &a.sums.all, &b.sums.all);
    let ports: BTreeSet<_> = a.sums.ports.keys().chain(b.sums.ports.keys()).copied().collect();
    if ports.len() > 1 {
        for port in ports {
            let [a, b] = [a, b].map(|record| record.sums.ports.get(&port).unwrap_or(&none));
            of(&format!("{} {}", port.0, port.1), a, b);
        }
    }
    for how in How::ALL {
        let [a, b] = [a, b].map(|record| record.sums.all.endings.get(&how).copied().unwrap_or_default());
        if a + b > 0 {
            rows.push(row(words::how(lang, how).to_owned(), a, b));
        }
    }
    rows
}

fn row(name: String, a: u64, b: u64) -> Vec<String> {
    let change = match (a, b) {
        _ if a == b => "=".to_owned(),
        (0, _) => format!("+{}", grouped(b)),
        _ => format!("{:+.1} %", (b as f64 - a as f64) / a as f64 * 100.0),
    };
    vec![name, grouped(a), grouped(b), change]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::moment::Moment;
    use crate::observation::{Flow, Id};

    fn record(rows: &[(u16, u64, u64, How)]) -> Record {
        let mut record = Record::default();
        for (number, (port, start, bytes_in, how)) in (1..).zip(rows) {
            let client = SocketAddr::from(([127, 0, 0, 1], *port));
            let flow = Flow { client, server: SocketAddr::from(([127, 0, 0, 1], 8001)), target: None };
            let id = Id { protocol: Protocol::Tcp, number };
            let mut connection = Connection::new(id, &flow, Moment::from_micros(*start), None);
            (connection.bytes_in, connection.how) = (*bytes_in, *how);
            record.take(Event::Connection(connection));
        }
        record.finish();
        record
    }

    #[test]
    fn two_witnesses_of_one_run_are_held_against_each_other() {
        let a =
            record(&[(1, 0, 5, How::Orderly), (2, 1, 6, How::Orderly), (2, 2, 7, How::Reset), (3, 3, 8, How::Refused)]);
        // The second connection of port 2 comes first in this log, and one has not been seen.
        let b = record(&[
            (2, 2, 7, How::Orderly),
            (2, 1, 6, How::Orderly),
            (1, 0, 5, How::Orderly),
            (4, 9, 9, How::Orderly),
        ]);
        let found = witnesses(&a, &b);
        assert_eq!((found.agree, found.disagree.len(), found.only_a.len(), found.only_b.len()), (2, 1, 1, 1));
        let text = text(&a, &b, ["a.jsonl", "b.jsonl"], Lang::En);
        assert!(text.contains("In both: 2 agree, 1 do not; only in A: 1, only in B: 1"), "{text}");
        assert!(text.contains("127.0.0.1:2  A 7 in, 0 out, reset  B 7 in, 0 out, orderly"), "{text}");
        assert!(text.contains("+3.8 %"), "{text}");
    }

    #[test]
    fn what_a_witness_is_not_sure_of_is_no_contradiction() {
        for (a, b, want) in [
            ((5, Mark::Exact), (5, Mark::Exact), true),
            ((5, Mark::Exact), (6, Mark::Exact), false),
            ((5, Mark::Exact), (6, Mark::PlusMinusOne), true),
            ((5, Mark::Exact), (7, Mark::PlusMinusOne), false),
            ((5, Mark::AtLeast), (9, Mark::Exact), true),
            ((9, Mark::AtLeast), (5, Mark::Exact), false),
            ((9, Mark::AtLeast), (5, Mark::AtLeast), true),
        ] {
            assert_eq!((fit(a, b), fit(b, a)), (want, want), "{a:?} {b:?}");
        }
        let (relay, kernel) = (record(&[(1, 0, 5, How::ResetByClient)]), record(&[(1, 0, 5, How::Unknown)]));
        assert_eq!(witnesses(&relay, &kernel).agree, 1);
    }

    #[test]
    fn two_days_have_no_connection_in_common() {
        let (monday, tuesday) = (record(&[(1, 0, 100, How::Orderly)]), record(&[(9, 0, 50, How::Orderly)]));
        let text = text(&monday, &tuesday, ["週一", "週二"], Lang::ZhTw);
        assert!(text.contains("-50.0 %") && text.contains("沒有任何一條連線兩邊都有"), "{text}");
    }
}
