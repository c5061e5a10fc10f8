//! What the tour and the demos print: labelled lanes and sentences, 80 columns wide.
//!
//! ```text
//! server | $ cargo run -p tcp-server -- 127.0.0.1:0      a command that is typed
//! server | Server listening on 127.0.0.1:40813           what the program says
//! 小明   | > 你好                                        a line that is typed
//! ```
//!
//! Labels and signs carry the meaning; colour only helps the eye, on a terminal and without
//! `NO_COLOR` (<https://no-color.org>).

use std::io::{self, IsTerminal, Write};

use netcommon::cli::StdoutError;
use netcommon::columns::{pad, width, wrap};
use netcommon::lang::Lang;

/// Columns of a projector's large type, and of the narrowest terminal in use.
pub const COLUMNS: usize = 80;

/// Where the tour and the demos print.
///
/// # Examples
/// ```
/// use course::screen::Screen;
/// use netcommon::lang::Lang;
///
/// let mut screen = Screen::on(Box::new(std::io::sink()), Lang::ZhTw);
/// screen.set_lanes(["伺服器", "小明"].into_iter());
/// screen.typed("小明", ">", "你好")?;
/// screen.said("小明", "Server response: Server received: 你好")?;
/// # Ok::<(), netcommon::cli::StdoutError>(())
/// ```
pub struct Screen {
    out: Box<dyn Write>,
    lang: Lang,
    colour: bool,
    lanes: Vec<String>,
    label_columns: usize,
    /// What the last line was: an empty line stands around each sentence and not between lanes.
    last: Last,
}

#[derive(Clone, Copy, PartialEq)]
enum Last {
    Empty,
    Lane,
    Sentence,
}

impl Screen {
    /// Stdout, with colour if it is a terminal that wants it.
    #[must_use]
    pub fn stdout(lang: Lang) -> Self {
        let colour = io::stdout().is_terminal() && wants_colour(|name| std::env::var(name).ok());
        Self { colour, ..Self::on(Box::new(io::stdout()), lang) }
    }

    /// Any writer, without colour.
    #[must_use]
    pub fn on(out: Box<dyn Write>, lang: Lang) -> Self {
        Self { out, lang, colour: false, lanes: Vec::new(), label_columns: 0, last: Last::Empty }
    }

    /// The language of the sentences.
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// Sets the lanes that follow, so that their labels line up.
    pub fn set_lanes<'a>(&mut self, lanes: impl Iterator<Item = &'a str>) {
        self.lanes.clear();
        for lane in lanes {
            if !self.lanes.iter().any(|known| known == lane) {
                self.lanes.push(lane.to_owned());
            }
        }
        self.label_columns = self.lanes.iter().map(|lane| width(lane)).max().unwrap_or(0);
    }

    /// A heading with a rule to the right edge.
    ///
    /// # Errors
    /// When the output cannot be written to, as all of these.
    pub fn heading(&mut self, text: &str) -> Result<(), StdoutError> {
        let rule = "=".repeat(COLUMNS.saturating_sub(width(text) + 4));
        let heading = self.paint("1", &format!("== {text} {rule}"));
        self.empty_line()?;
        self.write(&heading)?;
        self.last = Last::Empty;
        Ok(())
    }

    /// Sentences at the left edge.
    ///
    /// # Errors
    /// See [`Screen::heading`].
    pub fn sentence(&mut self, text: &str) -> Result<(), StdoutError> {
        self.separate(Last::Sentence)?;
        wrap(text, COLUMNS).iter().try_for_each(|line| self.line(line))
    }

    /// A sentence that a word introduces (`Predict: `), indented below that word.
    ///
    /// # Errors
    /// See [`Screen::heading`].
    pub fn marked_sentence(&mut self, word: &str, text: &str) -> Result<(), StdoutError> {
        let indent = width(word);
        self.separate(Last::Sentence)?;
        for (number, line) in wrap(text, COLUMNS - indent).iter().enumerate() {
            if number == 0 {
                let word = self.paint("1", word);
                self.line(&format!("{word}{line}"))?;
            } else {
                self.line(&format!("{}{line}", " ".repeat(indent)))?;
            }
        }
        Ok(())
    }

    /// A line that a program has said.
    ///
    /// # Errors
    /// See [`Screen::heading`].
    pub fn said(&mut self, lane: &str, text: &str) -> Result<(), StdoutError> {
        self.in_lane(lane, "", text, false)
    }

    /// A command or a line that is typed, after its sign: `$` or `>`.
    ///
    /// # Errors
    /// See [`Screen::heading`].
    pub fn typed(&mut self, lane: &str, sign: &str, text: &str) -> Result<(), StdoutError> {
        self.in_lane(lane, sign, text, true)
    }

    /// An empty line, unless there is one already.
    ///
    /// # Errors
    /// See [`Screen::heading`].
    pub fn empty_line(&mut self) -> Result<(), StdoutError> {
        if std::mem::replace(&mut self.last, Last::Empty) == Last::Empty { Ok(()) } else { self.write("") }
    }

    /// Enter was pressed: the terminal's echo of it has made an empty line.
    pub fn entered(&mut self) {
        self.last = Last::Empty;
    }

    /// One line as it is.
    ///
    /// # Errors
    /// See [`Screen::heading`].
    pub fn line(&mut self, text: &str) -> Result<(), StdoutError> {
        self.last = Last::Sentence;
        self.write(text)
    }

    /// A line after `before`, broken where the screen ends and continued below its own beginning.
    ///
    /// # Errors
    /// See [`Screen::heading`].
    pub fn indented(&mut self, before: &str, text: &str) -> Result<(), StdoutError> {
        let indent = width(before);
        for (number, line) in wrap(text, COLUMNS - indent).iter().enumerate() {
            let before = if number == 0 { before.to_owned() } else { " ".repeat(indent) };
            self.line(format!("{before}{line}").trim_end())?;
        }
        Ok(())
    }

    fn separate(&mut self, next: Last) -> Result<(), StdoutError> {
        let stays_in_lanes = self.last == Last::Lane && next == Last::Lane;
        if self.last != Last::Empty && !stays_in_lanes {
            self.write("")?;
        }
        self.last = next;
        Ok(())
    }

    fn write(&mut self, text: &str) -> Result<(), StdoutError> {
        writeln!(self.out, "{text}").and_then(|()| self.out.flush()).map_err(StdoutError)
    }

    fn in_lane(&mut self, lane: &str, sign: &str, text: &str, bold: bool) -> Result<(), StdoutError> {
        self.separate(Last::Lane)?;
        let colour = LANE_COLOURS[self.lanes.iter().position(|known| known == lane).unwrap_or(0) % LANE_COLOURS.len()];
        let label = self.paint(colour, &format!("{} |", pad(lane, self.label_columns)));
        let sign = if sign.is_empty() { String::new() } else { format!("{sign} ") };
        // What does not fit goes on below, indented by two.
        let indent = text.len() - text.trim_start().len() + 2;
        let columns = COLUMNS.saturating_sub(self.label_columns + 3 + width(&sign));
        let lines =
            if width(text) <= columns { vec![text.to_owned()] } else { wrap(text, columns.saturating_sub(indent)) };
        for (number, line) in lines.iter().enumerate() {
            let before = if number == 0 { sign.clone() } else { " ".repeat(width(&sign) + indent) };
            let line = format!("{before}{line}");
            let line = if bold { self.paint("1", &line) } else { line };
            self.write(format!("{label} {line}").trim_end())?;
        }
        Ok(())
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Cyan, yellow, magenta, green, blue: told apart on dark and on light ground.
const LANE_COLOURS: [&str; 5] = ["36", "33", "35", "32", "34"];

/// Whether the environment leaves colour to us.
fn wants_colour(var: impl Fn(&str) -> Option<String>) -> bool {
    let refused = var("NO_COLOR").is_some_and(|value| !value.is_empty()) || var("TERM").as_deref() == Some("dumb");
    // The old Windows console prints escape sequences as they are; a newer terminal names itself.
    let understood = !cfg!(windows) || var("WT_SESSION").is_some() || var("TERM").is_some();
    !refused && understood
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Rc<RefCell<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn show(print: impl Fn(&mut Screen) -> Result<(), StdoutError>) -> String {
        let page = Page::default();
        let mut screen = Screen::on(Box::new(page.clone()), Lang::En);
        screen.set_lanes(["server", "小明", "server"].into_iter());
        print(&mut screen).unwrap();
        String::from_utf8(page.0.take()).unwrap()
    }

    #[test]
    fn lanes_line_up_whatever_their_script() {
        let shown = show(|screen| {
            screen.typed("server", "$", "tcp-server")?;
            screen.said("小明", "你好")?;
            screen.said("小明", "")
        });
        assert_eq!(shown, "server | $ tcp-server\n小明   | 你好\n小明   |\n");
    }

    #[test]
    fn nothing_is_wider_than_eighty_columns() {
        let long = "伺服器收到 a message that goes on，而且很長 ".repeat(9);
        let shown = show(|screen| {
            screen.heading("標題 Title")?;
            screen.sentence(&long)?;
            screen.marked_sentence("猜猜看：", &long)?;
            screen.indented("    實際上：", &long)?;
            screen.said("小明", &long)?;
            screen.said("小明", &"x".repeat(300))?;
            screen.said("小明", &format!("{}{long}", " ".repeat(20)))?;
            screen.typed("server", "$", &long)
        });
        let widest = shown.lines().map(width).max().unwrap();
        assert!((77..=COLUMNS).contains(&widest), "{widest}\n{shown}");
    }

    #[test]
    fn a_line_that_just_fits_is_not_broken() {
        let text = "y".repeat(COLUMNS - "server | ".len());
        assert_eq!(show(|screen| screen.said("server", &text)).lines().count(), 1);
    }

    #[test]
    fn no_color_and_a_dumb_terminal_are_obeyed() {
        let with = |wanted: &str, value: &str| {
            let set = [(wanted.to_owned(), value.to_owned()), ("WT_SESSION".to_owned(), "1".to_owned())];
            wants_colour(|name| set.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
        };
        assert!(!with("NO_COLOR", "1") && !with("TERM", "dumb"));
        assert!(with("NO_COLOR", "") && with("TERM", "xterm"));
    }
}
