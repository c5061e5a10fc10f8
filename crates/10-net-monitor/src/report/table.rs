//! A table for a terminal: columns as wide as their widest cell, measured in columns of the terminal.
//!
//! `字` takes two columns and three bytes, so neither bytes nor characters would align.

use unicode_width::UnicodeWidthStr;

/// Rows below a heading; the first column is aligned left, and so are those that `left` names.
pub(crate) fn table(heading: &[&str], left: &[usize], rows: &[Vec<String>]) -> String {
    let cells = |row: &[String]| row.iter().map(|cell| cell.width()).collect::<Vec<_>>();
    let mut widths: Vec<usize> = heading.iter().map(|cell| cell.width()).collect();
    for row in rows {
        widths = widths.iter().zip(cells(row)).map(|(a, b)| *a.max(&b)).collect();
    }
    let heading: Vec<String> = heading.iter().map(|cell| (*cell).to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&heading).chain(rows) {
        let mut line = String::from(" ");
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width - cell.width());
            let is_left = at == 0 || left.contains(&at);
            line.push(' ');
            line.push_str(&if is_left { format!("{cell}{space}") } else { format!("{space}{cell}") });
            line.push(' ');
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[test]
fn columns_align_whatever_the_characters_are() {
    let rows = [vec!["正常關閉".to_owned(), "7".to_owned()], vec!["reset".to_owned(), "1,000".to_owned()]];
    let text = table(&["how", "n"], &[], &rows);
    assert_eq!(text, "  how           n\n  正常關閉      7\n  reset     1,000\n");
}
