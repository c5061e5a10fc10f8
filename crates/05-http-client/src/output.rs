//! Where the answer goes: a terminal, a pipe, a file, or nowhere.
//!
//! Into a pipe goes the content and nothing else, so that the program can be a part of something larger;
//! a person at a terminal sees status and headers too, and text instead of bytes. Read `client.rs` before
//! (the [`Receiver`]), `text.rs` and `download.rs` after.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use netcommon::cli::StdoutError;
use netcommon::escape::escape;
use netcommon::pipe::Pipe;

use crate::client::Receiver;
use crate::download::Download;
use crate::error::FetchError;
use crate::request::Request;
use crate::response::Head;
use crate::text::TextDecoder;

/// What is done with the content.
#[derive(Debug)]
pub enum Sink {
    /// Bytes to stdout; shared by all URLs.
    Bytes(Arc<File>),
    /// Text to a terminal.
    Text,
    /// Into a file.
    File(Box<Download>),
    /// Only counted.
    Nothing,
}

/// Takes one answer.
#[derive(Debug)]
pub struct Output {
    /// Where content goes.
    pub sink: Sink,
    /// Whether status and headers come before the content.
    pub show_head: bool,
    /// Whether stderr shows what goes over the wire.
    pub show_wire: bool,
    /// Whether a status of 400 and above is a failure.
    pub fail: bool,
    text: Option<TextDecoder>,
    /// Only downloads have one.
    bar: Option<ProgressBar>,
}

impl Output {
    /// An output that has begun nothing yet.
    #[must_use]
    pub fn new(sink: Sink, show_head: bool, show_wire: bool, fail: bool) -> Self {
        Self { sink, show_head, show_wire, fail, text: None, bar: None }
    }

    /// Ends a complete answer: the last character, the file's name.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn finish(mut self) -> Result<(), FetchError> {
        self.clear_bar();
        if let Some(text) = &mut self.text {
            let rest = text.finish();
            to_stdout(rest.as_bytes())?;
        }
        match self.sink {
            Sink::File(download) => download.finish(),
            _ => Ok(()),
        }
    }

    /// Ends an answer that failed; says what is kept of a download.
    pub fn give_up(self) {
        self.clear_bar();
        if let Sink::File(download) = self.sink
            && let Some((len, part)) = download.give_up()
        {
            // Stderr may be closed; the failure itself is in the exit code.
            let _ = writeln!(
                io::stderr(),
                "http-client: {len} bytes are kept in {}; --continue goes on from there",
                escape(part.display().to_string().as_bytes())
            );
        }
    }

    fn clear_bar(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn wire(&self, mark: char, bytes: &[u8]) {
        if self.show_wire {
            let mut shown = String::new();
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                shown.push_str(&format!("{mark} {}\n", escape(line)));
            }
            let _ = io::stderr().write_all(shown.as_bytes());
        }
    }
}

impl Receiver for Output {
    fn sent(&mut self, request: &[u8]) {
        self.wire('>', request);
    }

    fn received(&mut self, head: &Head) {
        self.wire('<', &head.raw);
    }

    fn begin(&mut self, head: &Head, request: &Request, coded: bool) -> Result<(), FetchError> {
        if self.fail && head.status >= 400 {
            let reason = escape(&head.reason).to_string();
            return Err(FetchError::Status { status: head.status, reason });
        }
        if self.show_head {
            to_stdout(head_text(head).as_bytes())?;
        }
        match &mut self.sink {
            Sink::Text => {
                self.text = TextDecoder::of(&head.fields);
                if self.text.is_none() {
                    let kind = escape(head.fields.get("Content-Type").unwrap_or_default()).to_string();
                    to_stdout(format!("({kind}, not shown; --output FILE keeps it)\n").as_bytes())?;
                }
            }
            Sink::File(download) => {
                let have = download.begin(head, request, coded)?;
                let length = head.fields.get("Content-Length").and_then(|value| std::str::from_utf8(value).ok());
                let length = length.and_then(|text| text.parse::<u64>().ok()).filter(|_| !coded);
                self.bar = Some(bar(length.map(|length| length.saturating_add(have)), have));
            }
            Sink::Bytes(_) | Sink::Nothing => {}
        }
        Ok(())
    }

    fn content(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        match &mut self.sink {
            Sink::Bytes(stdout) => (&**stdout).write_all(bytes).map_err(StdoutError)?,
            Sink::Text => {
                if let Some(text) = &mut self.text {
                    to_stdout(text.push(bytes).as_bytes())?;
                }
            }
            Sink::File(download) => {
                download.write(bytes)?;
                if let Some(bar) = &self.bar {
                    bar.inc(bytes.len() as u64);
                }
            }
            Sink::Nothing => {}
        }
        Ok(())
    }

    fn takes_pipe(&self) -> bool {
        match &self.sink {
            Sink::Bytes(_) => true,
            Sink::File(download) => download.is_open(),
            Sink::Text | Sink::Nothing => false,
        }
    }

    fn content_in(&mut self, pipe: &Pipe, len: usize) -> Result<(), FetchError> {
        match &mut self.sink {
            Sink::Bytes(stdout) => pipe.save_into(stdout, len).map_err(StdoutError)?,
            Sink::File(download) => {
                download.write_from(pipe, len)?;
                if let Some(bar) = &self.bar {
                    bar.inc(len as u64);
                }
            }
            Sink::Text | Sink::Nothing => {}
        }
        Ok(())
    }
}

/// Status and headers as the seed of this chapter shows them.
fn head_text(head: &Head) -> String {
    let mut text = format!("Status: HTTP/1.{} {}", head.minor_version, head.status);
    if !head.reason.is_empty() {
        text.push_str(&format!(" {}", escape(&head.reason)));
    }
    text.push_str("\n\nHeaders:\n");
    for (name, value) in head.fields.iter() {
        text.push_str(&format!("{name}: {}\n", escape(value)));
    }
    text.push_str("\nBody:\n");
    text
}

/// Progress on stderr when that is a terminal; indicatif shows nothing elsewhere.
fn bar(length: Option<u64>, have: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
    let template = match length {
        Some(_) => "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        None => "{bytes}, {bytes_per_sec}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_position(have);
    bar
}

fn to_stdout(bytes: &[u8]) -> Result<(), StdoutError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(StdoutError)
}

/// Stdout without std's buffer, which looks for line ends in every piece.
///
/// # Errors
/// When stdout is closed or no descriptor is left.
pub fn raw_stdout() -> Result<Arc<File>, StdoutError> {
    #[cfg(unix)]
    let owned = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned();
    #[cfg(windows)]
    let owned = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned();
    owned.map(File::from).map(Arc::new).map_err(StdoutError)
}
