//! The report as one page that needs nothing else: no network, no script, no font of its own.
//!
//! It can be sent by mail, read on a phone and printed. Read `markup.rs`, `charts.rs`; the looks are in `style.css`.

mod charts;
mod markup;

use netcommon::lang::Lang;

use self::markup::{Html, text};
use crate::connection::{Connection, How};
use crate::record::Record;
use crate::report::figures::{bytes, failed, grouped, largest, port_rows, seconds, span};
use crate::report::words;

/// Connections in the table at the end; `--csv` has them all.
const ROWS_LISTED: usize = 300;

/// Connections that ended badly, one by one; the first ones, because the others often follow from them.
const ERRORS_LISTED: usize = 50;

/// Peers in their table.
const PEERS_LISTED: usize = 20;

/// The whole page.
///
/// # Examples
/// ```
/// use net_monitor::{record::Record, report::html::page};
/// use netcommon::lang::Lang;
///
/// let page = page(&Record::default(), Lang::ZhTw);
/// assert!(page.starts_with("<!doctype html>\n<html lang=zh-Hant-TW>") && !page.contains("<script"));
/// ```
#[must_use]
pub fn page(record: &Record, lang: Lang) -> String {
    let mut html = Html::default();
    head(&mut html, lang);
    summary(&mut html, record, lang);
    seen(&mut html, record, lang);
    html.element("h2", lang.pick("Traffic over time", "流量與時間"));
    charts::traffic(&mut html, record, lang);
    peers(&mut html, record, lang);
    ports(&mut html, record, lang);
    endings(&mut html, record, lang);
    errors(&mut html, record, lang);
    html.element("h2", lang.pick("Connections over time", "連線與時間"));
    not_all(&mut html, record, lang, charts::ROWS_DRAWN);
    charts::timetable(&mut html, record, lang);
    connections(&mut html, record, lang);
    foot(&mut html, record, lang);
    html.finish()
}

fn head(html: &mut Html, lang: Lang) {
    let (code, title) = lang.pick(("en", "Network report"), ("zh-Hant-TW", "網路報告"));
    html.raw(format_args!("<!doctype html>\n<html lang={code}>\n<meta charset=utf-8>\n"));
    html.raw(format_args!("<meta name=viewport content='width=device-width, initial-scale=1'>\n"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    html.raw(format_args!("<meta http-equiv=Content-Security-Policy content=\"{policy}\">\n"));
    html.raw(format_args!("<title>{title}</title>\n<style>\n{}</style>\n", include_str!("style.css")));
    html.element("h1", title);
}

fn summary(html: &mut Html, record: &Record, lang: Lang) {
    for run in &record.runs {
        let watching = run.watching.join(lang.pick(", ", "、"));
        let line =
            lang.pick(format!("Seen by {}: {watching}", run.source), format!("觀察方式 {}：{watching}", run.source));
        html.element("p", line);
    }
    if let Some((first, last)) = record.span {
        let (first, last) = (first.to_the_second(), last.to_the_second());
        html.element("p", lang.pick(format!("From {first} to {last} UTC"), format!("從 {first} 到 {last}（UTC）")));
    }
    let all = &record.sums.all;
    let is = words::mark(lang, all.bytes_are);
    html.raw(format_args!("<div class=cards>"));
    for (value, what) in [
        (grouped(all.connections), lang.pick("connections", "條連線").to_owned()),
        (grouped(all.open_max), lang.pick("at the same time at most", "條同時開啟（最多）").to_owned()),
        (bytes(all.bytes_in), lang.pick(format!("in ({is})"), format!("收到（{is}）"))),
        (bytes(all.bytes_out), lang.pick(format!("out ({is})"), format!("送出（{is}）"))),
        (grouped(all.errors()), lang.pick("ended badly", "條結束得不正常").to_owned()),
        (seconds(span(record)), lang.pick("watched", "觀察時間").to_owned()),
    ] {
        html.raw(format_args!("<div><b>{}</b>{}</div>", text(value), text(what)));
    }
    html.raw(format_args!("</div>\n"));
}

fn seen(html: &mut Html, record: &Record, lang: Lang) {
    html.element("h2", lang.pick("Was everything seen?", "全部都看到了嗎？"));
    let class = if record.is_complete() { "complete" } else { "incomplete" };
    html.raw(format_args!("<div class={class}>"));
    html.element("p", words::verdict(lang, record));
    html.raw(format_args!("<ul>"));
    for note in words::notes(lang, record) {
        html.element("li", note);
    }
    html.raw(format_args!("</ul></div>\n"));
}

fn peers(html: &mut Html, record: &Record, lang: Lang) {
    html.element("h2", lang.pick("Who talked most", "誰傳得最多"));
    let peers = record.sums.top_peers();
    let row = |(peer, totals): &(std::net::IpAddr, &crate::totals::Totals)| {
        let numbers = [totals.connections, totals.bytes_in, totals.bytes_out, totals.errors()];
        let mut cells = vec![peer.to_string()];
        cells.extend(numbers.map(grouped));
        cells
    };
    let rows: Vec<_> = peers.iter().take(PEERS_LISTED).map(row).collect();
    let heading = lang.pick(
        ["peer", "connections", "bytes in", "bytes out", "errors"],
        ["對方", "連線", "收（位元組）", "送（位元組）", "錯誤"],
    );
    let (shown, all) = (rows.len(), peers.len());
    html.table(&lang.pick(format!("{shown} of {all}"), format!("{all} 個中的 {shown} 個")), &heading, &[], &rows);
}

fn ports(html: &mut Html, record: &Record, lang: Lang) {
    html.element("h2", lang.pick("Ports", "埠"));
    let row = |row: crate::report::figures::PortRow<'_>| {
        let ((protocol, port), totals) = (row.port, row.totals);
        let numbers = [totals.connections, totals.open_max, totals.bytes_in, totals.bytes_out, totals.errors()];
        let mut cells = vec![format!("{protocol} {port}")];
        cells.extend(numbers.map(grouped));
        cells.extend([seconds(row.median), seconds(row.p99)]);
        cells
    };
    let rows: Vec<_> = port_rows(record).into_iter().map(row).collect();
    let heading = lang.pick(
        ["port", "connections", "at once", "bytes in", "bytes out", "errors", "50 % within", "99 % within"],
        ["埠", "連線", "同時最多", "收（位元組）", "送（位元組）", "錯誤", "50 % 不超過", "99 % 不超過"],
    );
    html.table("", &heading, &[], &rows);
}

fn endings(html: &mut Html, record: &Record, lang: Lang) {
    html.element("h2", lang.pick("How connections ended", "連線如何結束"));
    let row = |how: How| {
        let count = record.sums.all.endings.get(&how)?;
        let serious = lang.pick(if how.is_error() { "error" } else { "" }, if how.is_error() { "錯誤" } else { "" });
        Some(vec![words::how(lang, how).to_owned(), grouped(*count), serious.to_owned()])
    };
    let rows: Vec<_> = How::ALL.into_iter().filter_map(row).collect();
    html.table("", &lang.pick(["ended", "connections", ""], ["結束方式", "連線", ""]), &[2], &rows);
}

/// What went wrong with whom, and when: a connection that was refused is never among the largest.
fn errors(html: &mut Html, record: &Record, lang: Lang) {
    let (rows, all) = failed(record, ERRORS_LISTED);
    if rows.is_empty() {
        return;
    }
    html.element("h2", lang.pick("Errors", "錯誤"));
    let (shown, all) = (rows.len(), grouped(all as u64));
    let caption = lang.pick(format!("the first {shown} of {all}"), format!("{all} 條中最早的 {shown} 條"));
    table_of(html, &caption, &rows, lang);
}

fn connections(html: &mut Html, record: &Record, lang: Lang) {
    html.element("h2", lang.pick("Connections", "連線"));
    not_all(html, record, lang, ROWS_LISTED);
    table_of(html, "", &largest(record, ROWS_LISTED), lang);
}

/// Connections, one a row.
fn table_of(html: &mut Html, caption: &str, connections: &[&Connection], lang: Lang) {
    let heading = lang.pick(
        ["began (UTC)", "client", "server", "bytes in", "bytes out", "lasted", "round trip", "ended"],
        ["開始（UTC）", "用戶端", "伺服器", "收（位元組）", "送（位元組）", "歷時", "往返", "結束方式"],
    );
    let row = |row: &&Connection| {
        let owner = row.process.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        vec![
            row.start.time_of_day(),
            format!("{} {}", row.protocol, row.peer),
            format!("{}{owner}", row.server),
            words::marked(lang, row.bytes_in, row.bytes_in_is),
            words::marked(lang, row.bytes_out, row.bytes_out_is),
            seconds(row.duration()),
            row.rtt_us.map(|micros| seconds(std::time::Duration::from_micros(micros))).unwrap_or_default(),
            words::how(lang, row.how).to_owned(),
        ]
    };
    let rows: Vec<_> = connections.iter().map(row).collect();
    html.table(caption, &heading, &[1, 2, 7], &rows);
}

/// Says so when not every connection is shown.
fn not_all(html: &mut Html, record: &Record, lang: Lang, shown: usize) {
    let all = record.sums.all.connections;
    if all > shown as u64 {
        let all = grouped(all);
        let line = lang.pick(
            format!("The {shown} largest of {all}; --csv has all of them."),
            format!("共 {all} 條，這裡是最大的 {shown} 條；全部的在 --csv。"),
        );
        html.element("p", line);
    }
}

fn foot(html: &mut Html, record: &Record, lang: Lang) {
    let version = record.runs.last().map(|run| run.version.clone()).unwrap_or_default();
    let marks = lang.pick(
        "A number without a mark is exact; ±1 may be one off; at least may be more.",
        "沒有記號的數字是精確的；±1 可能差一；至少表示可能更多。",
    );
    html.element("footer", format!("net-monitor {version}. {marks}"));
    html.raw(format_args!("</html>\n"));
}
