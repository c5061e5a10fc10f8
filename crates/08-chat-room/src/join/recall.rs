//! The lines that were typed before, for the arrow keys.
//!
//! Pure: the line in the editor goes in, the line that replaces it comes out. What was being typed when
//! the first arrow was pressed waits at the end of the list. Read `editor.rs` for the keys.

use std::collections::VecDeque;

/// Lines that are kept: more than anyone goes back by arrow keys. At 1,024 bytes each, 100 KiB at most.
pub const LINES_MAX: usize = 100;

/// The typed lines, and where in them the arrow keys have led.
///
/// # Examples
/// ```
/// use chat_room::join::recall::Recall;
///
/// let mut recall = Recall::default();
/// recall.add("早安");
/// assert_eq!(recall.older("half a li").as_deref(), Some("早安"));
/// assert_eq!(recall.newer().as_deref(), Some("half a li"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Recall {
    lines: VecDeque<String>,
    /// How many lines back; 0 is the line that is being typed.
    back: usize,
    /// What was being typed when the way back began.
    draft: String,
}

impl Recall {
    /// A line was sent; the way back begins behind it.
    pub fn add(&mut self, line: &str) {
        self.back = 0;
        // The same line twice in a row would make an arrow key look broken.
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    /// Up: the line before this one; `None` at the oldest.
    #[must_use]
    pub fn older(&mut self, now: &str) -> Option<String> {
        if self.back == self.lines.len() {
            return None;
        }
        if self.back == 0 {
            now.clone_into(&mut self.draft);
        }
        self.back += 1;
        self.lines.get(self.lines.len() - self.back).cloned()
    }

    /// Down: the line after this one; behind the newest what was being typed, and then `None`.
    #[must_use]
    pub fn newer(&mut self) -> Option<String> {
        match self.back {
            0 => None,
            1 => {
                self.back = 0;
                Some(std::mem::take(&mut self.draft))
            }
            _ => {
                self.back -= 1;
                self.lines.get(self.lines.len() - self.back).cloned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_and_down_walk_the_lines_and_keep_the_draft() {
        let mut recall = Recall::default();
        for line in ["甲", "乙", "乙", "  "] {
            recall.add(line);
        }
        let up: Vec<_> = std::iter::repeat_with(|| recall.older("打到一半")).take(3).collect();
        assert_eq!(up, [Some("乙".to_owned()), Some("甲".to_owned()), None]);
        let down: Vec<_> = std::iter::repeat_with(|| recall.newer()).take(3).collect();
        assert_eq!(down, [Some("乙".to_owned()), Some("打到一半".to_owned()), None]);
    }

    #[test]
    fn a_new_line_ends_the_way_back() {
        let mut recall = Recall::default();
        recall.add("甲");
        recall.add("乙");
        let _ = recall.older("");
        let _ = recall.older("");
        recall.add("丙");
        assert_eq!(recall.older("").as_deref(), Some("丙"));
    }

    #[test]
    fn the_list_is_bounded_and_forgets_the_oldest() {
        let mut recall = Recall::default();
        for number in 0..=LINES_MAX {
            recall.add(&number.to_string());
        }
        let oldest = std::iter::from_fn(|| recall.older("")).last();
        assert_eq!(oldest.as_deref(), Some("1"));
    }
}
