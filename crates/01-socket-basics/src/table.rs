//! Tables whose columns line up on a terminal, whatever is written in them.
//!
//! `format!("{:10}")` counts characters, but a terminal counts columns, and 字 takes two. So a
//! cell is padded by its display width. Used by every topic; knows nothing about sockets.
//! Source: UAX #11, East Asian Width.

use std::fmt;

use unicode_width::UnicodeWidthStr;

/// Blanks before a row, so that a table stands apart from the text around it.
const INDENT: usize = 2;
/// Blanks between two columns.
const GAP: usize = 2;

/// A table with a head row; every row has as many cells as the head.
///
/// # Examples
/// ```
/// use socket_basics::table::Table;
///
/// let mut table = Table::new(&["name", "bytes"]).right(1);
/// table.row(["網路".to_owned(), "6".to_owned()]);
/// table.row(["net".to_owned(), "3".to_owned()]);
/// assert_eq!(table.to_string(), "  name  bytes\n  網路      6\n  net       3\n");
/// ```
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl Table {
    /// A table with this head row and no other yet, all columns to the left.
    #[must_use]
    pub fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(ToString::to_string).collect()], right: vec![false; head.len()] }
    }

    /// The same table with `column` set to the right, as numbers are.
    #[must_use]
    pub fn right(mut self, column: usize) -> Self {
        self.right[column] = true;
        self
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    fn widths(&self) -> Vec<usize> {
        (0..self.right.len()).map(|column| self.rows.iter().map(|row| row[column].width()).max().unwrap_or(0)).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            let mut line = " ".repeat(INDENT);
            for (column, cell) in row.iter().enumerate() {
                let blanks = " ".repeat(widths[column] - cell.width());
                let (before, after) =
                    if self.right[column] { (blanks, String::new()) } else { (String::new(), blanks) };
                line.extend([&before, cell, &after].into_iter().map(String::as_str));
                line.push_str(&" ".repeat(GAP));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
