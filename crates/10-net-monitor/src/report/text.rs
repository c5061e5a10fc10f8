//! The report for a terminal.
//!
//! Read `figures.rs` and `table.rs` before. Whatever comes from the log is escaped: a log may come from somebody else.

use netcommon::escape::escape;
use netcommon::lang::Lang;

use crate::connection::{Connection, How};
use crate::record::Record;
use crate::report::figures::{grouped, largest, port_rows, seconds, span};
use crate::report::table::table;
use crate::report::words;

/// Peers that are listed.
const PEERS_SHOWN: usize = 10;

/// The whole report; `rows` connections are listed one by one.
#[must_use]
pub fn text(record: &Record, lang: Lang, rows: usize) -> String {
    let parts = [
        head(record, lang),
        ports(record, lang),
        endings(record, lang),
        peers(record, lang),
        connections(record, lang, rows),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn head(record: &Record, lang: Lang) -> String {
    let mut text = String::new();
    for run in &record.runs {
        let source = escape(run.source.as_bytes()).to_string();
        let watching = run.watching.join(lang.pick(", ", "、"));
        let watching = escape(watching.as_bytes()).to_string();
        text.push_str(
            &lang.pick(format!("Seen by {source}: {watching}\n"), format!("觀察方式 {source}：{watching}\n")),
        );
    }
    if let Some((first, last)) = record.span {
        let (first, last, long) = (first.to_the_second(), last.to_the_second(), seconds(span(record)));
        text.push_str(
            &lang.pick(
                format!("From {first} to {last} UTC, {long}\n"),
                format!("從 {first} 到 {last}（UTC），{long}\n"),
            ),
        );
    }
    let all = &record.sums.all;
    let (count, open_max) = (grouped(all.connections), grouped(all.open_max));
    let (bytes_in, bytes_out) = (grouped(all.bytes_in), grouped(all.bytes_out));
    let is = words::mark(lang, all.bytes_are);
    text.push_str(&lang.pick(
        format!("{count} connections, at most {open_max} at once; {bytes_in} bytes in, {bytes_out} bytes out ({is})\n"),
        format!("{count} 條連線，同時最多 {open_max} 條；收 {bytes_in} 位元組，送 {bytes_out} 位元組（{is}）\n"),
    ));
    text.push_str(words::verdict(lang, record));
    text.push('\n');
    for note in words::notes(lang, record) {
        text.push_str(&format!("- {}\n", escape(note.as_bytes())));
    }
    text
}

fn ports(record: &Record, lang: Lang) -> String {
    let rows: Vec<Vec<String>> = port_rows(record)
        .into_iter()
        .map(|row| {
            let (protocol, port) = row.port;
            let totals = row.totals;
            let numbers = [totals.connections, totals.open_max, totals.bytes_in, totals.bytes_out, totals.errors()];
            let mut cells = vec![format!("{protocol} {port}")];
            cells.extend(numbers.map(grouped));
            cells.extend([seconds(row.median), seconds(row.p99)]);
            cells
        })
        .collect();
    let heading = lang.pick(
        ["port", "connections", "at once", "bytes in", "bytes out", "errors", "50 % within", "99 % within"],
        ["埠", "連線", "同時最多", "收（位元組）", "送（位元組）", "錯誤", "50 % 不超過", "99 % 不超過"],
    );
    if rows.is_empty() { String::new() } else { table(&heading, &[], &rows) }
}

fn endings(record: &Record, lang: Lang) -> String {
    let rows: Vec<Vec<String>> = How::ALL
        .into_iter()
        .filter_map(|how| Some((how, record.sums.all.endings.get(&how)?)))
        .map(|(how, count)| vec![words::how(lang, how).to_owned(), grouped(*count)])
        .collect();
    let heading = lang.pick(["ended", "connections"], ["結束方式", "連線"]);
    if rows.is_empty() { String::new() } else { table(&heading, &[], &rows) }
}

fn peers(record: &Record, lang: Lang) -> String {
    let peers = record.sums.top_peers();
    let row = |(peer, totals): &(std::net::IpAddr, &crate::totals::Totals)| {
        let numbers = [totals.connections, totals.bytes_in, totals.bytes_out, totals.errors()];
        let mut cells = vec![peer.to_string()];
        cells.extend(numbers.map(grouped));
        cells
    };
    let rows: Vec<Vec<String>> = peers.iter().take(PEERS_SHOWN).map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let heading = lang.pick(
        ["peer", "connections", "bytes in", "bytes out", "errors"],
        ["對方", "連線", "收（位元組）", "送（位元組）", "錯誤"],
    );
    let mut text = table(&heading, &[], &rows);
    let more = peers.len().saturating_sub(PEERS_SHOWN);
    if more > 0 {
        text.push_str(&lang.pick(format!("  and {more} more\n"), format!("  另外還有 {more} 個\n")));
    }
    text
}

fn connections(record: &Record, lang: Lang, count: usize) -> String {
    let rows: Vec<Vec<String>> = largest(record, count).into_iter().map(|row| cells(row, lang)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let heading = lang.pick(
        ["began (UTC)", "client", "server", "bytes in", "bytes out", "lasted", "ended"],
        ["開始（UTC）", "用戶端", "伺服器", "收（位元組）", "送（位元組）", "歷時", "結束方式"],
    );
    let mut text = table(&heading, &[1, 2, 6], &rows);
    let (shown, all) = (rows.len(), record.sums.all.connections);
    if (shown as u64) < all {
        let all = grouped(all);
        text.push_str(&lang.pick(
            format!("  the {shown} largest of {all}; --rows N shows more, --csv all\n"),
            format!("  共 {all} 條，這裡是最大的 {shown} 條；--rows N 可看更多，--csv 可看全部\n"),
        ));
    }
    text
}

fn cells(row: &Connection, lang: Lang) -> Vec<String> {
    vec![
        row.start.time_of_day(),
        format!("{} {}", row.protocol, row.peer),
        row.server.to_string(),
        words::marked(lang, row.bytes_in, row.bytes_in_is),
        words::marked(lang, row.bytes_out, row.bytes_out_is),
        seconds(row.duration()),
        words::how(lang, row.how).to_owned(),
    ]
}
