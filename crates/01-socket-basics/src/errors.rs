//! The seven errors that a beginner meets: each provoked for real, each explained.
//! `provoke.rs` makes them happen, `advice.rs` says what they mean; this file runs them and shows them.
//! Read `names.rs` first. Sources: errno(3), connect(2), bind(2), recv(2).
//!
//! ```text
//! main ── scope ──> refused, in-use, permission, timeout, unreachable, reset, name-not-found
//!                   one thread each, because some of them have to wait; each owns its own sockets, waits
//!                   at most for its own timeout, and is joined when the scope ends
//! ```

use std::io::{self, ErrorKind};
use std::thread::{self, Builder, ScopedJoinHandle};

use clap::ValueEnum;
use netcommon::lang::Lang;
use netcommon::narrate;
use serde::Serialize;

use crate::page::Page;
use crate::provoke::Unprepared;
use crate::system_error::Answer;
use crate::{advice, provoke};

/// An error that every network programmer meets in the first week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Mishap {
    /// Nobody listens there.
    Refused,
    /// Somebody listens there already.
    InUse,
    /// The system does not allow it.
    Permission,
    /// Nobody answers.
    Timeout,
    /// No way leads there.
    Unreachable,
    /// The peer has thrown the connection away.
    Reset,
    /// The name stands for nothing.
    NameNotFound,
}

/// What is special about a call, in English and in Chinese.
pub(crate) type Situation = (&'static str, &'static str);

/// What was tried, and what the system said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The call that was made, with its address.
    pub call: String,
    #[serde(skip)]
    situation: Situation,
    #[serde(skip)]
    kind: Option<ErrorKind>,
    /// The error; or what the system did instead of refusing.
    pub answer: Answer<&'static str>,
}

impl Attempt {
    /// An attempt with its result; what a success returned does not matter here.
    pub(crate) fn new<T>(call: String, situation: Situation, result: &io::Result<T>) -> Self {
        let answer = match result {
            Ok(_) => Answer::Ok("allowed"),
            Err(error) => Answer::Error(error.into()),
        };
        Self { call, situation, kind: result.as_ref().err().map(io::Error::kind), answer }
    }
}

/// A mishap with everything to be said about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provoked {
    /// Which one.
    pub error: Mishap,
    /// Whether this system could be brought to say it.
    pub provoked: bool,
    /// What was tried until the system said it; the last attempt is the one to look at.
    pub attempts: Vec<Attempt>,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub advice: &'static str,
}

impl Mishap {
    /// All of them, in the order in which they are shown.
    #[must_use]
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// Its name on the command line and in the JSON.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    // ANCHOR: shows_as
    /// Whether an error of this kind is this mishap; one kind stands for many systems' numbers.
    pub(crate) fn shows_as(self, kind: ErrorKind) -> bool {
        use ErrorKind as E;
        match self {
            Self::Refused => kind == E::ConnectionRefused,
            Self::InUse => kind == E::AddrInUse,
            Self::Permission => kind == E::PermissionDenied,
            // EAGAIN on Unix, WSAETIMEDOUT on Windows.
            Self::Timeout => matches!(kind, E::WouldBlock | E::TimedOut),
            Self::Unreachable => matches!(kind, E::NetworkUnreachable | E::HostUnreachable | E::NetworkDown),
            Self::Reset => kind == E::ConnectionReset,
            // std has no kind for the resolver's errors; only our own deadline has one.
            Self::NameNotFound => kind != E::TimedOut,
        }
    }
    // ANCHOR_END: shows_as

    /// Makes it happen on this machine. Blocks less than a second (on Windows, a refused connect takes two).
    #[must_use]
    pub fn provoke(self, lang: Lang) -> Provoked {
        let attempts = match self {
            Self::Refused => provoke::refused(),
            Self::InUse => provoke::in_use(),
            Self::Permission => provoke::permission(),
            Self::Timeout => provoke::timeout(),
            Self::Unreachable => provoke::unreachable(),
            Self::Reset => provoke::reset(),
            Self::NameNotFound => provoke::name_not_found(),
        };
        let attempts = attempts.unwrap_or_else(|Unprepared { call, error }| {
            let situation = ("to prepare what was to be shown", "這只是準備工作");
            vec![Attempt::new(call, situation, &Err::<(), _>(error))]
        });
        let provoked = attempts.last().and_then(|last| last.kind).is_some_and(|kind| self.shows_as(kind));
        let (meaning, advice) = advice::of(self, lang);
        Provoked { error: self, provoked, attempts, meaning, advice }
    }
}

/// Provokes `mishaps` all at once; one after the other while the narration is on, to keep its lines apart.
#[must_use]
pub fn provoke_all(mishaps: &[Mishap], lang: Lang) -> Vec<Provoked> {
    if narrate::is_on() {
        return mishaps.iter().map(|mishap| mishap.provoke(lang)).collect();
    }
    thread::scope(|scope| {
        let start = |&mishap: &Mishap| {
            let thread = Builder::new().name(mishap.name());
            (mishap, thread.spawn_scoped(scope, move || mishap.provoke(lang)))
        };
        let threads: Vec<_> = mishaps.iter().map(start).collect();
        threads.into_iter().map(|(mishap, thread)| join(mishap, thread, lang)).collect()
    })
}

/// Waits for a thread's result; without a thread, or without a result, provokes it here.
fn join(mishap: Mishap, thread: io::Result<ScopedJoinHandle<'_, Provoked>>, lang: Lang) -> Provoked {
    thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| mishap.provoke(lang))
}

/// The topic as text.
#[must_use]
pub fn page(provoked: &[Provoked], lang: Lang) -> String {
    let mut page = Page::new(
        "errors",
        lang.pick("each one provoked just now, on this machine", "每一個都是剛剛在這台機器上弄出來的"),
    );
    let [did, said, note, means, so] = lang.pick(
        ["    did    ", "    said   ", "    note   ", "    means  ", "    do     "],
        ["    做了    ", "    系統說  ", "    注意    ", "    意思是  ", "    怎麼辦  "],
    );
    for Provoked { error, provoked, attempts, meaning, advice } in provoked {
        page.gap();
        page.labelled("", &error.name());
        for Attempt { call, situation, answer, .. } in attempts {
            page.labelled(did, &format!("{call} - {}", lang.pick(situation.0, situation.1)));
            let answer = match answer {
                Answer::Ok(_) => lang.pick("nothing: it is allowed here", "沒說什麼：這裡允許").to_owned(),
                Answer::Error(error) => error.to_string(),
            };
            page.labelled(said, &answer);
        }
        if !provoked {
            page.labelled(
                note,
                lang.pick("this system said something else; in general:", "這個系統說了別的；一般來說："),
            );
        }
        page.labelled(means, meaning);
        page.labelled(so, advice);
    }
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_error_than_the_wanted_one_is_not_passed_off_as_it() {
        let attempts = vec![Attempt::new("connect()".to_owned(), ("", ""), &Err::<(), _>(ErrorKind::TimedOut.into()))];
        let refused = Provoked { error: Mishap::Refused, provoked: false, attempts, meaning: "…", advice: "…" };
        assert!(page(&[refused], Lang::En).contains("note   this system said something else"));
        assert!(!Mishap::Refused.shows_as(ErrorKind::TimedOut));
    }
}
