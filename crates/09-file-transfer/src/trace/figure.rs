//! The picture as SVG: panels below each other over one axis of time, readable in black and white as well.
//!
//! Marks differ by shape, not by colour alone. One `path` element for each series keeps a picture of a million
//! datagrams at some hundred kilobytes. Source: SVG 2, chapters 9 (paths) and 11 (text).

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

/// The drawing area of a panel, in pixels.
const WIDTH: u32 = 860;
const HEIGHT: u32 = 300;
/// Room around it for labels.
const LEFT: u32 = 90;
const RIGHT: u32 = 20;
const TOP: u32 = 64;
const BETWEEN: u32 = 66;
const BOTTOM: u32 = 56;

/// Places in a pixel: marks that are nearer to each other than half a pixel are one.
const GRID: f64 = 2.0;

/// About so many numbers stand at an axis.
const TICKS: f64 = 6.0;

/// What a mark looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Dot,
    Plus,
    Cross,
    /// A line that stays where it is until the next point.
    Steps,
}

/// One diagram.
#[derive(Debug)]
pub(super) struct Panel {
    label: &'static str,
    x: Range<f64>,
    y: Range<f64>,
    series: Vec<Series>,
}

#[derive(Debug)]
struct Series {
    shape: Shape,
    colour: &'static str,
    label: &'static str,
    /// Places in the grid: x, y from above.
    marks: BTreeSet<(u32, u32)>,
    /// Of `Steps`: the highest and the lowest of each column.
    columns: Vec<Option<(u32, u32)>>,
}

impl Panel {
    /// An empty panel over a time, in milliseconds, and a range of values.
    pub(super) fn new(label: &'static str, x: Range<f64>, y: Range<f64>) -> Self {
        // An axis of no length would divide by zero.
        let long_enough = |range: Range<f64>| range.start..range.end.max(range.start + 1.0);
        Self { label, x: long_enough(x), y: long_enough(y), series: Vec::new() }
    }

    /// Adds a series; its number is how many there were before.
    pub(super) fn series(&mut self, shape: Shape, colour: &'static str, label: &'static str) {
        let columns =
            if shape == Shape::Steps { vec![None; (f64::from(WIDTH) * GRID) as usize + 1] } else { Vec::new() };
        self.series.push(Series { shape, colour, label, marks: BTreeSet::new(), columns });
    }

    /// Puts a mark of a series at a time and a value; one outside of the axes is left out.
    pub(super) fn mark(&mut self, series: usize, (x, y): (f64, f64)) {
        if x < self.x.start || x > self.x.end || y < self.y.start || y > self.y.end {
            return;
        }
        let place = |value: f64, axis: &Range<f64>, pixels: u32| {
            // A float that is cast stays within the ends of the number.
            (share(value, axis).clamp(0.0, 1.0) * f64::from(pixels) * GRID).round() as u32
        };
        let x = place(x, &self.x, WIDTH);
        let y = (f64::from(HEIGHT) * GRID) as u32 - place(y, &self.y, HEIGHT);
        let Some(series) = self.series.get_mut(series) else { return };
        match series.columns.get_mut(x as usize) {
            Some(column) => {
                let (first, _) = column.unwrap_or((y, y));
                *column = Some((first, y));
            }
            None => {
                series.marks.insert((x, y));
            }
        }
    }

    fn write(&self, svg: &mut String, top: u32) {
        let bottom = top + HEIGHT;
        line(svg, format_args!("<rect x='{LEFT}' y='{top}' width='{WIDTH}' height='{HEIGHT}' class='frame'/>"));
        for value in ticks(&self.y) {
            let y = f64::from(bottom) - share(value, &self.y) * f64::from(HEIGHT);
            let text = amount(value);
            line(svg, format_args!("<path d='M{LEFT} {y:.1}h{WIDTH}' class='grid'/>"));
            line(svg, format_args!("<text x='{}' y='{:.1}' class='end'>{text}</text>", LEFT - 8, y + 4.0));
        }
        for value in ticks(&self.x) {
            let x = f64::from(LEFT) + share(value, &self.x) * f64::from(WIDTH);
            line(svg, format_args!("<path d='M{x:.1} {top}v{HEIGHT}' class='grid'/>"));
            line(svg, format_args!("<text x='{x:.1}' y='{}' class='middle'>{}</text>", bottom + 18, time(value)));
        }
        line(svg, format_args!("<text x='{LEFT}' y='{}'>{}</text>", top - 10, escaped(self.label)));
        let mut x = LEFT + WIDTH;
        for series in self.series.iter().rev() {
            series.write(svg, top);
            // Wide characters take two columns of about 7 pixels.
            let width: u32 = series.label.chars().map(|c| if c.is_ascii() { 7 } else { 14 }).sum();
            x -= width + 30;
            let (sample, text) = (series.shape.path(f64::from(x), f64::from(top - 14)), escaped(series.label));
            let class = series.shape.class();
            line(svg, format_args!("<path d='{sample}' stroke='{}'{class}/>", series.colour));
            line(svg, format_args!("<text x='{}' y='{}'>{text}</text>", x + 10, top - 10));
        }
    }
}

impl Series {
    fn write(&self, svg: &mut String, top: u32) {
        let at = |x: u32, y: u32| (f64::from(LEFT) + f64::from(x) / GRID, f64::from(top) + f64::from(y) / GRID);
        let mut path = String::new();
        for (x, y) in &self.marks {
            let (x, y) = at(*x, *y);
            path.push_str(&self.shape.path(x, y));
        }
        let columns = (0..).zip(&self.columns).filter_map(|(x, column)| Some((x, (*column)?)));
        for (x, (first, last)) in columns {
            let ((x, first), (_, last)) = (at(x, first), at(x, last));
            // Writing to a String cannot fail.
            let _ = if path.is_empty() {
                write!(path, "M{x:.1} {first:.1}V{last:.1}")
            } else {
                write!(path, "H{x:.1}V{first:.1}V{last:.1}")
            };
        }
        if !path.is_empty() {
            line(svg, format_args!("<path d='{path}' stroke='{}'{}/>", self.colour, self.shape.class()));
        }
    }
}

impl Shape {
    /// One mark around a place.
    fn path(self, x: f64, y: f64) -> String {
        match self {
            Self::Dot => format!("M{x:.1} {y:.1}h.1"),
            Self::Plus => format!("M{:.1} {y:.1}h6m-3-3v6", x - 3.0),
            Self::Cross => format!("M{:.1} {:.1}l6 6m0-6l-6 6", x - 3.0, y - 3.0),
            Self::Steps => format!("M{:.1} {y:.1}h8", x - 4.0),
        }
    }

    /// How it is painted, when not as all the others.
    fn class(self) -> &'static str {
        if self == Self::Dot { " class='dot'" } else { "" }
    }
}

/// The whole picture.
#[derive(Debug)]
pub(super) struct Figure {
    pub title: String,
    pub summary: String,
    pub time_label: &'static str,
    pub panels: Vec<Panel>,
}

impl Figure {
    /// The picture as a file.
    pub(super) fn svg(&self) -> String {
        let panels = u32::try_from(self.panels.len()).unwrap_or(0);
        let (width, height) = (LEFT + WIDTH + RIGHT, TOP + panels * (HEIGHT + BETWEEN) - BETWEEN + BOTTOM);
        let mut svg = String::new();
        let head = "xmlns='http://www.w3.org/2000/svg' role='img'";
        line(&mut svg, format_args!("<svg {head} width='{width}' height='{height}' viewBox='0 0 {width} {height}'>"));
        line(&mut svg, format_args!("<title>{}</title><desc>{}</desc>", escaped(&self.title), escaped(&self.summary)));
        line(&mut svg, format_args!("{STYLE}"));
        line(&mut svg, format_args!("<rect width='{width}' height='{height}' fill='#ffffff'/>"));
        line(&mut svg, format_args!("<text x='{LEFT}' y='24' class='title'>{}</text>", escaped(&self.title)));
        line(&mut svg, format_args!("<text x='{}' y='24' class='end'>{}</text>", LEFT + WIDTH, escaped(&self.summary)));
        let mut top = TOP;
        for panel in &self.panels {
            panel.write(&mut svg, top);
            top += HEIGHT + BETWEEN;
        }
        let (x, y) = (LEFT + WIDTH / 2, height - 14);
        line(&mut svg, format_args!("<text x='{x}' y='{y}' class='middle'>{}</text>", escaped(self.time_label)));
        line(&mut svg, format_args!("</svg>"));
        svg
    }
}

const STYLE: &str = "<style>text{font:13px sans-serif;fill:#222222}.title{font-size:17px}.middle{text-anchor:middle}\
                     .end{text-anchor:end}path{fill:none;stroke-width:1.5}.grid{stroke:#e2e2e2;stroke-width:1}\
                     .dot{stroke-width:3;stroke-linecap:round}\
                     .frame{fill:none;stroke:#777777}</style>";

fn line(svg: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(svg, "{text}");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Where on an axis a value stands: 0 at its start, 1 at its end.
fn share(value: f64, axis: &Range<f64>) -> f64 {
    (value - axis.start) / (axis.end - axis.start)
}

/// Round numbers on an axis: multiples of 1, 2 or 5 times a power of ten.
fn ticks(axis: &Range<f64>) -> Vec<f64> {
    let rough = (axis.end - axis.start) / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    let (first, last) = ((axis.start / step).ceil() as u64, (axis.end / step).floor() as u64);
    (first..=last).map(|number| number as f64 * step).collect()
}

fn amount(bytes: f64) -> String {
    match bytes {
        b if b >= 1e9 => format!("{} GB", trimmed(b / 1e9)),
        b if b >= 1e6 => format!("{} MB", trimmed(b / 1e6)),
        b if b >= 1e3 => format!("{} kB", trimmed(b / 1e3)),
        b => format!("{} B", trimmed(b)),
    }
}

fn time(ms: f64) -> String {
    if ms >= 1000.0 { format!("{} s", trimmed(ms / 1000.0)) } else { format!("{} ms", trimmed(ms)) }
}

/// A number without zeros behind the point.
fn trimmed(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers_for_any_end() {
        assert_eq!(ticks(&(0.0..32.0)), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(ticks(&(0.0..5.5)), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(ticks(&(1003.0..1012.0)), [1004.0, 1006.0, 1008.0, 1010.0, 1012.0]);
        for end in [1.0, 7.0, 1234.0, 5e6, 1e19] {
            assert!((2..=8).contains(&ticks(&(0.0..end)).len()), "{end}: {:?}", ticks(&(0.0..end)));
        }
        assert_eq!(
            (amount(2_500_000.0), amount(0.0), time(1500.0), time(20.0)),
            ("2.5 MB".into(), "0 B".into(), "1.5 s".into(), "20 ms".into())
        );
    }

    #[test]
    fn many_marks_in_one_place_are_one() {
        let mut panel = Panel::new("y", 0.0..1000.0, 0.0..1000.0);
        panel.series(Shape::Dot, "#000000", "dots");
        for mark in 0..100_000 {
            panel.mark(0, (f64::from(mark % 10) / 100.0, 5.0));
        }
        assert_eq!(panel.series[0].marks.len(), 1);
        panel.mark(0, (f64::INFINITY, 5.0));
        panel.mark(0, (-1.0, 5.0));
        panel.mark(7, (0.0, 0.0));
        assert_eq!(panel.series[0].marks.len(), 1);
    }
}
