//! The drawings of the page: traffic over time as bars, connections as lines of a timetable.
//!
//! Bars are SVG that stretches with the window; what is written beside them is HTML, so that it stays legible on a
//! phone. Read `markup.rs` before.

use std::time::Duration;

use netcommon::lang::Lang;

use super::markup::{Html, text};
use crate::connection::{Connection, How};
use crate::record::Record;
use crate::report::figures::{bytes, largest, seconds};
use crate::report::words;
use crate::timeline::Slot;

/// Connections that are drawn.
pub(super) const ROWS_DRAWN: usize = 150;

/// Half the height of the chart, in its own units; the axis is in the middle.
const HALF: f64 = 100.0;

/// Bytes per second over time, from the clients above the axis and to them below it; then new connections.
pub(super) fn traffic(html: &mut Html, record: &Record, lang: Lang) {
    let slots = record.timeline.slots();
    let Some(start) = record.timeline.start().filter(|_| !slots.is_empty()) else {
        return html.element("p", lang.pick("There was none.", "沒有流量。"));
    };
    let width = record.timeline.width();
    let per_second = |number: u64| number as f64 / width.as_secs_f64();
    let most = slots.iter().map(|slot| slot.bytes_in.max(slot.bytes_out)).max().unwrap_or_default();
    let rate = bytes(per_second(most).ceil() as u64);
    let wide = seconds(width);
    let (from, to, scale) = lang.pick(
        ("from the clients (up)", "to the clients (down)", format!("; one bar is {wide}, the highest {rate}/s")),
        ("來自用戶端（向上）", "送往用戶端（向下）", format!("；一條是 {wide}，最高的是每秒 {rate}")),
    );
    html.raw(format_args!("<p><span class='key in'></span>{from}<span class='key out'></span>{to}{scale}</p>\n"));
    let label = lang.pick("traffic over time", "流量與時間");
    let count = slots.len();
    html.raw(format_args!(
        "<svg viewBox='0 {} {count} {}' preserveAspectRatio=none role=img aria-label='{label}'>",
        -HALF,
        2.0 * HALF
    ));
    for (at, slot) in slots.iter().enumerate().filter(|(_, slot)| slot.bytes() > 0) {
        let height = |number: u64| (number as f64 / most.max(1) as f64 * HALF).max(if number > 0 { 1.0 } else { 0.0 });
        let (up, down) = (height(slot.bytes_in), height(slot.bytes_out));
        html.raw(format_args!("<rect class=in x={at} y={:.1} width=.9 height={up:.1} />", -up));
        html.raw(format_args!("<rect class=out x={at} y=0 width=.9 height={down:.1} />"));
    }
    html.raw(format_args!("</svg>\n"));
    opened(html, slots, lang);
    let end = start.plus(width.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX)));
    axis(html, &start.time_of_day(), &end.time_of_day());
}

fn opened(html: &mut Html, slots: &[Slot], lang: Lang) {
    let most = slots.iter().map(|slot| slot.opened).max().unwrap_or_default();
    let label = lang.pick(format!("new connections, at most {most} a bar"), format!("新連線，一條最多 {most} 個"));
    html.raw(format_args!(
        "<svg class=low viewBox='0 0 {} {HALF}' preserveAspectRatio=none role=img aria-label='{label}'>",
        slots.len()
    ));
    for (at, slot) in slots.iter().enumerate().filter(|(_, slot)| slot.opened > 0) {
        let height = slot.opened as f64 / most.max(1) as f64 * HALF;
        html.raw(format_args!("<rect class=in x={at} y={:.1} width=.9 height={height:.1} />", HALF - height));
    }
    html.raw(format_args!("</svg>\n<p class=axis>{label}</p>"));
}

/// Connections as lines from their beginning to their end, the largest ones, in the order in which they began.
pub(super) fn timetable(html: &mut Html, record: &Record, lang: Lang) {
    let Some((first, last)) = record.span else { return };
    let whole = last.since(first).as_secs_f64().max(1e-6);
    html.raw(format_args!("<div class=times>"));
    axis(html, &first.time_of_day(), &last.time_of_day());
    html.raw(format_args!("</div>\n"));
    for row in largest(record, ROWS_DRAWN) {
        let share = |duration: Duration| duration.as_secs_f64() / whole * 100.0;
        let (left, width) = (share(row.start.since(first)).min(99.8), share(row.duration()));
        let class = match row.how {
            How::StillOpen | How::Unknown => " class=open",
            how if how.is_error() => " class=bad",
            _ => "",
        };
        html.raw(format_args!("<div class=g>{}<div>", text(line(row, lang))));
        html.raw(format_args!("<i{class} style='left:{left:.2}%;width:{width:.2}%'></i></div></div>\n"));
    }
}

fn line(row: &Connection, lang: Lang) -> String {
    let (long, bytes_in, bytes_out) = (seconds(row.duration()), bytes(row.bytes_in), bytes(row.bytes_out));
    let how = words::how(lang, row.how);
    // The whole address of the server is in the table below.
    let (peer, port) = (row.peer, row.port);
    lang.pick(
        format!("{peer} → {port}: {bytes_in} in, {bytes_out} out, {long}, {how}"),
        format!("{peer} → {port}：收 {bytes_in}，送 {bytes_out}，{long}，{how}"),
    )
}

fn axis(html: &mut Html, from: &str, to: &str) {
    html.raw(format_args!("<p class=axis><span>{from}</span><span>{to} UTC</span></p>\n"));
}
