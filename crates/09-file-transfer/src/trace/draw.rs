//! From a trace to its picture: which marks stand where.
//!
//! A trace may have millions of lines, so it is read twice, once for the ends of the axes and once for the marks,
//! and never kept: a mark is a place in a grid of pixels, and two in one place are one. Read `figure.rs` for how
//! the picture is written.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use netcommon::error::OpError;
use netcommon::lang::Lang;

use super::figure::{Figure, Panel, Shape};
use super::{Line, What};

/// The longest line of a trace that is read; ours are far below.
const LINE_LEN_MAX: u64 = 1000;

/// Datagrams on their way at once; a trace with more was not written by us.
const IN_FLIGHT_MAX: usize = 1_000_000;

/// Why a trace cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] OpError),
    /// A line that no trace has.
    #[error("{name}, line {number}: not a line of a trace")]
    Line {
        /// The file.
        name: String,
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        #[source]
        cause: serde_json::Error,
    },
    /// Nothing was sent.
    #[error("{name}: no bytes of a file were sent in it")]
    Empty {
        /// The file.
        name: String,
    },
}

/// Draws the trace at `path` as SVG: bytes over time with losses and what was sent again, and below it how much
/// was allowed to be on its way. Of a long transfer `times` is looked at closely.
///
/// # Errors
/// [`DrawError`] says what is wrong with the file.
pub fn draw(path: &Path, times: Range<Duration>, lang: Lang) -> Result<String, DrawError> {
    let name = path.display().to_string();
    let mut ends = Ends { times: ms(times.start)..ms(times.end), ..Ends::default() };
    each_line(path, &name, |line| ends.see(line))?;
    if ends.sent == 0 {
        return Err(DrawError::Empty { name });
    }
    let mut marks = Marks::new(&ends, lang);
    each_line(path, &name, |line| marks.put(line))?;
    let Marks { bytes, window, counts, .. } = marks;
    let [again, lost] = counts;
    let summary = lang.pick(
        format!("{} datagrams sent, {again} of them again, {lost} taken for lost", ends.sent),
        format!("送出 {} 個資料包，其中 {again} 個是重送，{lost} 個被當成遺失", ends.sent),
    );
    let panels = if ends.cwnd_max > 0 { vec![bytes, window] } else { vec![bytes] };
    let title = lang.pick("A file on its way", "傳送中的檔案").to_owned();
    Ok(Figure { title, summary, time_label: lang.pick("time", "時間"), panels }.svg())
}

fn each_line(path: &Path, name: &str, mut see: impl FnMut(&Line)) -> Result<(), DrawError> {
    let failed = |error| OpError::new("read trace", name, error);
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        if (&mut file).take(LINE_LEN_MAX).read_until(b'\n', &mut text).map_err(failed)? == 0 {
            break;
        }
        // A trace that was cut ends in the middle of a line.
        if !text.ends_with(b"\n") && text.len() < LINE_LEN_MAX as usize {
            break;
        }
        let line = serde_json::from_slice(&text);
        see(&line.map_err(|cause| DrawError::Line { name: name.to_owned(), number, cause })?);
    }
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// How far the axes reach.
#[derive(Debug, Default)]
struct Ends {
    /// What was asked for, in milliseconds.
    times: Range<f64>,
    /// The last moment of it that the trace has.
    time_ms: f64,
    /// The first and the last byte that was sent in that time, in each file.
    seen: Option<Range<(u32, u64)>>,
    sent: u64,
    cwnd_max: u64,
    /// The end of what was sent of each file.
    files: BTreeMap<u32, u64>,
}

impl Ends {
    fn see(&mut self, line: &Line) {
        let shown = self.times.contains(&line.at_ms);
        if shown {
            self.time_ms = self.time_ms.max(line.at_ms);
        }
        match line.what {
            What::Sent { file, offset, len, .. } => {
                let (first, last) = ((file, offset), (file, offset.saturating_add(len)));
                let end = self.files.entry(file).or_default();
                *end = (*end).max(last.1);
                if shown {
                    self.sent += 1;
                    let seen = self.seen.get_or_insert(first..last);
                    *seen = seen.start.min(first)..seen.end.max(last);
                }
            }
            What::Window { cwnd, in_flight, .. } if shown => self.cwnd_max = self.cwnd_max.max(cwnd).max(in_flight),
            What::Window { .. } | What::Arrived { .. } | What::Lost { .. } => {}
        }
    }

    /// Where each file begins when they are put behind each other.
    fn begins(&self) -> HashMap<u32, u64> {
        let ends = self.files.iter().scan(0_u64, |end, (file, len)| {
            let begin = *end;
            *end = end.saturating_add(*len);
            Some((*file, begin))
        });
        ends.collect()
    }
}

/// The marks of both panels.
struct Marks {
    times: Range<f64>,
    begins: HashMap<u32, u64>,
    /// When and where each datagram that is on its way was sent.
    on_the_way: HashMap<u64, (f64, f64)>,
    bytes: Panel,
    window: Panel,
    /// Sent again, lost.
    counts: [u64; 2],
}

const SENT: usize = 0;
const AGAIN: usize = 1;
const LOST: usize = 2;
const CWND: usize = 0;
const IN_FLIGHT: usize = 1;

impl Marks {
    fn new(ends: &Ends, lang: Lang) -> Self {
        let begins = ends.begins();
        let at = |(file, offset): (u32, u64)| begins.get(&file).copied().unwrap_or(0).saturating_add(offset) as f64;
        let y = ends.seen.clone().map_or(0.0..1.0, |seen| at(seen.start)..at(seen.end));
        let x = ends.times.start..ends.time_ms;
        let mut bytes = Panel::new(lang.pick("byte of the files", "檔案的第幾個位元組"), x.clone(), y);
        bytes.series(Shape::Dot, "#1f5fa8", lang.pick("sent", "送出"));
        bytes.series(Shape::Plus, "#b36a00", lang.pick("sent again", "重送"));
        bytes.series(Shape::Cross, "#b3001b", lang.pick("lost", "遺失"));
        let label = lang.pick("bytes on their way", "路上的位元組");
        let mut window = Panel::new(label, x, 0.0..ends.cwnd_max as f64);
        window.series(Shape::Steps, "#2d7d46", lang.pick("allowed (cwnd)", "允許（cwnd）"));
        window.series(Shape::Dot, "#777777", lang.pick("there are (in flight)", "實際（in flight）"));
        let times = ends.times.clone();
        Self { times, begins, on_the_way: HashMap::new(), bytes, window, counts: [0; 2] }
    }

    fn put(&mut self, line: &Line) {
        let shown = u64::from(self.times.contains(&line.at_ms));
        match line.what {
            What::Sent { number, file, offset, again, .. } => {
                let at = (line.at_ms, self.begins.get(&file).copied().unwrap_or(0).saturating_add(offset) as f64);
                self.counts[0] += u64::from(again) * shown;
                self.bytes.mark(if again { AGAIN } else { SENT }, at);
                if self.on_the_way.len() < IN_FLIGHT_MAX {
                    self.on_the_way.insert(number, at);
                }
            }
            What::Arrived { number } => {
                self.on_the_way.remove(&number);
            }
            What::Lost { number } => {
                self.counts[1] += shown;
                // A loss stands where the datagram was sent, not where it was noticed.
                if let Some(at) = self.on_the_way.remove(&number) {
                    self.bytes.mark(LOST, at);
                }
            }
            What::Window { cwnd, in_flight, .. } => {
                self.window.mark(CWND, (line.at_ms, cwnd as f64));
                self.window.mark(IN_FLIGHT, (line.at_ms, in_flight as f64));
            }
        }
    }
}
