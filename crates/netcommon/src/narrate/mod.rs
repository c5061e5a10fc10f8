//! The seam between the course's programs and the system: every socket call passes here.
//!
//! The wrappers in [`crate::net`] carry std's method names and do what std does; when the narration is
//! on, each of them also hands its `Call` and `Outcome` to `tell`, which prints one line on
//! stderr: the call, its arguments, its result, and a plain sentence.
//!
//! ```text
//! accept(3) = 4 from 127.0.0.1:50312          the kernel does the handshake; accept hands us the finished connection
//! ```
//!
//! A test runs a program under strace and demands the same calls, so the narration cannot lie.
//! Off, it costs one branch per call. The same calls make the packets of [`crate::pcapng`]. Read `call.rs` next, then
//! `sentence.rs` and `gather.rs`.

mod call;
mod errno;
mod gather;
mod sentence;

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

pub(crate) use self::call::{Call, Fd, Kind, Outcome};
pub use self::errno::errno_name;
use crate::lang::Lang;
use crate::pcapng;

const OFF: u8 = 0;
const EN: u8 = 1;
const ZH_TW: u8 = 2;

/// The language's bits.
const LANG: u8 = EN | ZH_TW;
/// Beside a language or without one: each call also goes into a capture.
const CAPTURE: u8 = 4;

/// Off, or the language and whether there is a capture; set at a program's start, read before every call.
static MODE: AtomicU8 = AtomicU8::new(OFF);

/// Whether stderr is a terminal: there the sentence stands on a line of its own, because 80 columns are
/// too few for both. In a file it stands behind its call, so that every call is one line.
static ON_TERMINAL: AtomicBool = AtomicBool::new(false);

/// Turns the narration on for the whole process; `alone` when nothing else is said on stderr line by line.
pub fn start(lang: Lang, alone: bool) {
    if alone && goes_to_a_file() {
        gather::start();
    }
    ON_TERMINAL.store(std::io::stderr().is_terminal(), Ordering::Relaxed);
    MODE.fetch_or(lang.pick(EN, ZH_TW), Ordering::Relaxed);
}

/// Writes what waits on its way to a file; a program's last act. Blocks as long as the file does.
pub(crate) fn finish() {
    gather::finish();
}

/// Whether stderr is a file, and one that stdout does not share: there, a line's place between others matters.
#[cfg(unix)]
fn goes_to_a_file() -> bool {
    use rustix::fs::{FileType, fstat};

    let Ok(stderr) = fstat(std::io::stderr()) else { return false };
    let same = |stdout: rustix::fs::Stat| (stdout.st_dev, stdout.st_ino) == (stderr.st_dev, stderr.st_ino);
    FileType::from_raw_mode(stderr.st_mode).is_file() && !fstat(std::io::stdout()).is_ok_and(same)
}

/// Nobody tells us without more code; lines are written one by one.
#[cfg(not(unix))]
fn goes_to_a_file() -> bool {
    false
}

/// Hands every socket call of the whole process to the capture as well, which has begun.
pub(crate) fn start_capture() {
    MODE.fetch_or(CAPTURE, Ordering::Relaxed);
}

/// Whether there is a capture, which needs to know the sockets' names.
#[inline]
pub(crate) fn is_captured() -> bool {
    MODE.load(Ordering::Relaxed) & CAPTURE != 0
}

/// Whether anybody listens: the one branch that a quiet program pays for.
#[inline]
#[must_use]
pub fn is_on() -> bool {
    MODE.load(Ordering::Relaxed) != OFF
}

thread_local! {
    /// Reused from call to call, so that a narrated call allocates nothing.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Says what `call` did to whoever listens: a line on stderr, packets in a capture, or both.
///
/// Call it only when [`is_on`]; blocks as long as stderr and the file do.
pub(crate) fn tell(call: &Call<'_>, outcome: &Outcome<'_>) {
    let mode = MODE.load(Ordering::Relaxed);
    if mode & CAPTURE != 0 {
        pcapng::record(call, outcome);
    }
    if mode & LANG != 0 {
        print(call, outcome, if mode & LANG == ZH_TW { Lang::ZhTw } else { Lang::En });
    }
}

/// Prints the line, in one write or among others, so that lines of different threads do not mix.
fn print(call: &Call<'_>, outcome: &Outcome<'_>, lang: Lang) {
    LINE.with_borrow_mut(|line| {
        line.clear();
        // Writing to a String cannot fail, and a closed stderr is no reason to stop.
        let _ = write!(line, "{call} = {outcome}");
        let sentence = sentence::explain(call, outcome, lang);
        if !ON_TERMINAL.load(Ordering::Relaxed) {
            call::pad_to_sentence(line);
        } else if !sentence.is_empty() {
            line.push_str("\n    ");
        }
        line.push_str(sentence);
        line.push('\n');
        if !gather::add(line.as_bytes()) {
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    });
}
