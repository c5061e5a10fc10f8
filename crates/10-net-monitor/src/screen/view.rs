//! What keys change and how the screen looks; it knows no terminal, so tests press keys and read lines.
//!
//! No colours: bold and reversed say what matters, on every terminal. Read `snapshot.rs` before.

use std::cmp::Reverse;

use netcommon::escape::escape;
use ratatui::Frame;
use ratatui::crossterm::event::{KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph, Row as TableRow, Sparkline, Table};

use super::snapshot::{Row, Snapshot};
use crate::report::{bytes, seconds};

/// A filter is an address or a part of one; nobody types more.
const FILTER_MAX: usize = 60;

/// With so many columns there is room for the server's whole address beside the client's.
const WIDE: u16 = 100;

/// With fewer there is room for the client and its rate only: the longest client with IPv4 has 25 columns, the others and
/// the gaps between them take 48.
const NARROW: u16 = 73;

/// What a key asks the program for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Nothing that concerns others.
    Nothing,
    /// The end.
    Quit,
}

/// By what connections are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    #[default]
    Rate,
    Bytes,
    Age,
    Peer,
}

impl Order {
    fn next(self) -> Self {
        match self {
            Self::Rate => Self::Bytes,
            Self::Bytes => Self::Age,
            Self::Age => Self::Peer,
            Self::Peer => Self::Rate,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Bytes => "bytes",
            Self::Age => "age",
            Self::Peer => "peer",
        }
    }

    fn sort(self, rows: &mut [&Row]) {
        match self {
            Self::Rate => rows.sort_by_key(|row| Reverse(row.bytes_per_second)),
            Self::Bytes => rows.sort_by_key(|row| Reverse(row.bytes_in.saturating_add(row.bytes_out))),
            Self::Age => rows.sort_by_key(|row| Reverse(row.age)),
            Self::Peer => rows.sort_by_key(|row| row.peer),
        }
    }
}

/// What the user has chosen.
#[derive(Debug, Default)]
pub struct View {
    order: Order,
    filter: String,
    /// Keys go into the filter.
    typing: bool,
    paused: bool,
    /// Rows that have been scrolled past.
    top: usize,
}

impl View {
    /// Whether the picture is to stay as it is; recording goes on.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// A key.
    pub fn press(&mut self, key: KeyCode, modifiers: KeyModifiers) -> Asked {
        if modifiers.contains(KeyModifiers::CONTROL) && key == KeyCode::Char('c') {
            return Asked::Quit;
        }
        if self.typing {
            match key {
                KeyCode::Enter => self.typing = false,
                KeyCode::Esc => (self.typing, self.filter) = (false, String::new()),
                KeyCode::Backspace => drop(self.filter.pop()),
                KeyCode::Char(c) if self.filter.len() < FILTER_MAX => self.filter.push(c),
                _ => {}
            }
            return Asked::Nothing;
        }
        match key {
            KeyCode::Char('q') => return Asked::Quit,
            KeyCode::Char('s') => self.order = self.order.next(),
            KeyCode::Char('p' | ' ') => self.paused = !self.paused,
            KeyCode::Char('/') => (self.typing, self.top) = (true, 0),
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Down => self.top += 1,
            KeyCode::Up => self.top = self.top.saturating_sub(1),
            KeyCode::PageDown => self.top += 10,
            KeyCode::PageUp => self.top = self.top.saturating_sub(10),
            _ => {}
        }
        Asked::Nothing
    }

    /// Draws everything, whatever the size; on a small screen what is less important goes first.
    pub fn draw(&mut self, frame: &mut Frame<'_>, snapshot: &Snapshot) {
        let area = frame.area();
        let ports = u16::try_from(snapshot.ports.len()).unwrap_or(u16::MAX).clamp(1, 6) + 2;
        let spark = if area.height >= 16 { 4 } else { 0 };
        let ports = if area.height >= 10 { ports.min(area.height / 3) } else { 0 };
        let parts = [Constraint::Length(1), Constraint::Length(spark), Constraint::Length(ports)];
        let rest = [Constraint::Min(1), Constraint::Length(1)];
        let places: [Rect; 5] = Layout::vertical(parts.into_iter().chain(rest)).areas(area);
        frame.render_widget(self.head(snapshot), places[0]);
        draw_rates(frame, snapshot, places[1]);
        draw_ports(frame, snapshot, places[2]);
        self.draw_rows(frame, snapshot, places[3]);
        frame.render_widget(self.foot(snapshot), places[4]);
    }

    fn head(&self, snapshot: &Snapshot) -> Paragraph<'static> {
        let now = snapshot.rates.last().copied().unwrap_or_default();
        let state = if self.paused { "  PAUSED" } else { "" };
        let text = format!(
            "net-monitor {} UTC  {} open  {}/s{state}",
            &snapshot.at.time_of_day()[..8],
            snapshot.open,
            bytes(now)
        );
        Paragraph::new(Line::from(text)).style(Style::new().add_modifier(Modifier::BOLD))
    }

    fn draw_rows(&mut self, frame: &mut Frame<'_>, snapshot: &Snapshot, place: Rect) {
        let matches = |row: &&Row| {
            self.filter.is_empty() || format!("{} {} {}", row.protocol, row.peer, row.server).contains(&self.filter)
        };
        let mut rows: Vec<&Row> = snapshot.rows.iter().filter(matches).collect();
        self.order.sort(&mut rows);
        let height = usize::from(place.height.saturating_sub(2));
        self.top = self.top.min(rows.len().saturating_sub(height));
        let columns = columns(place.width);
        let shown = rows.iter().skip(self.top).take(height.max(1));
        let cells = shown.map(|row| TableRow::new(columns.iter().map(|column| (column.cell)(row))));
        let heading = TableRow::new(columns.iter().map(|column| column.name));
        let widths = columns.iter().map(|column| column.width);
        let heading = heading.style(Style::new().add_modifier(Modifier::BOLD));
        let title = format!(" connections by {} ({} of {}) ", self.order.name(), rows.len(), snapshot.open);
        let table = Table::new(cells, widths).header(heading).block(Block::new().borders(Borders::TOP).title(title));
        frame.render_widget(table, place);
    }

    fn foot(&self, snapshot: &Snapshot) -> Paragraph<'static> {
        let filter = escape(self.filter.as_bytes());
        let text = match (self.typing, snapshot.notice.is_empty()) {
            (true, _) => format!("filter: {filter}_  (Enter keeps it, Esc clears it)"),
            (false, false) => escape(snapshot.notice.as_bytes()).to_string(),
            (false, true) if self.filter.is_empty() => "s sort  / filter  p pause  arrows scroll  q quit".to_owned(),
            (false, true) => format!("only: {filter}  Esc all  s sort  p pause  q quit"),
        };
        Paragraph::new(text).style(Style::new().add_modifier(Modifier::REVERSED))
    }
}

/// A column of the connections.
struct Column {
    name: &'static str,
    width: Constraint,
    cell: fn(&Row) -> String,
}

/// What there is room for: who the client is comes first, its port included.
fn columns(width: u16) -> Vec<Column> {
    fn column(name: &'static str, width: Constraint, cell: fn(&Row) -> String) -> Column {
        Column { name, width, cell }
    }
    let mut columns = vec![column("rate", Constraint::Length(11), |row| format!("{}/s", bytes(row.bytes_per_second)))];
    if width >= NARROW {
        columns.push(column("in", Constraint::Length(9), |row| bytes(row.bytes_in)));
        columns.push(column("out", Constraint::Length(9), |row| bytes(row.bytes_out)));
        columns.push(column("age", Constraint::Length(9), |row| seconds(row.age)));
    }
    columns.push(column("client", Constraint::Fill(1), |row| format!("{} {}", row.protocol, row.peer)));
    columns.push(if width >= WIDE {
        column("server", Constraint::Fill(1), |row| row.server.to_string())
    } else {
        column("port", Constraint::Length(5), |row| row.server.port().to_string())
    });
    columns
}

fn draw_rates(frame: &mut Frame<'_>, snapshot: &Snapshot, place: Rect) {
    let width = usize::from(place.width);
    let last = &snapshot.rates[snapshot.rates.len().saturating_sub(width)..];
    let most = last.iter().max().copied().unwrap_or_default();
    let block = Block::new().borders(Borders::TOP).title(format!(" bytes per second, at most {} ", bytes(most)));
    frame.render_widget(Sparkline::default().data(last).block(block), place);
}

fn draw_ports(frame: &mut Frame<'_>, snapshot: &Snapshot, place: Rect) {
    let rows = snapshot.ports.iter().map(|port| {
        let numbers = [port.open, port.connections, port.errors].map(|number| number.to_string());
        let [open, connections, errors] = numbers;
        TableRow::new([port.name.clone(), open, connections, errors, bytes(port.bytes_in), bytes(port.bytes_out)])
    });
    let widths = [12, 8, 12, 8, 10, 10].map(Constraint::Length);
    let heading = TableRow::new(["port", "open", "connections", "errors", "in", "out"]);
    let heading = heading.style(Style::new().add_modifier(Modifier::BOLD));
    frame.render_widget(Table::new(rows, widths).header(heading).block(Block::new().borders(Borders::TOP)), place);
}
