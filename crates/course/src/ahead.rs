//! Builds the programs of the next demos while one is played.
//!
//! ```text
//! thread "main"      next ─▶ plays demo 1 ─▶ next ─▶ plays demo 2 ─▶ next ─▶ plays demo 3 …
//! thread "builder"   cargo build for 1 │ cargo build for 2, 3 and 4 │ cargo build for 5, 6 and 7 …
//! ```
//! On a clean machine all of them take more than a minute; the first one is there in half of one, and a demo waits for its
//! clients more than it computes. Some at a time, because the end of a build keeps one processor busy. Read
//! `programs.rs` before.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io::{self, Write};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvError, Sender, bounded, select};
use netcommon::lang::Lang;
use netcommon::shutdown::StageReached;

use crate::programs::{Programs, ProgramsError};

/// A build that takes longer than this says so; one that has nothing to do stays silent.
const SILENT: Duration = Duration::from_millis(500);

/// So many demos are built together, but for the first.
const TOGETHER: usize = 3;

/// Builds demo after demo on a thread of its own; dropped, it ends the build under way.
pub(crate) struct Ahead {
    /// How the build of each demo's programs has ended.
    built: Receiver<Result<(), ProgramsError>>,
    /// Dropped to end the builder.
    wanted: Option<Sender<Infallible>>,
    builder: Option<JoinHandle<()>>,
    told: bool,
}

impl Ahead {
    /// Begins with the first of `demos`, each the packages that it needs.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(programs: &Programs, demos: Vec<Vec<String>>) -> io::Result<Self> {
        let (done, built) = bounded(demos.len());
        let (wanted, unwanted) = bounded(0);
        let programs = programs.clone();
        let builder = Builder::new().name("builder".to_owned()).spawn(move || {
            let (first, others) = demos.split_at(demos.len().min(1));
            for stage in [first].into_iter().chain(others.chunks(TOGETHER)) {
                let packages: BTreeSet<&str> = stage.iter().flatten().map(String::as_str).collect();
                let result = programs.build(&Vec::from_iter(packages), &unwanted);
                // There is room for every demo, so none waits; where nobody listens any more, none is needed.
                if result.is_err() {
                    let _ = done.send(result);
                    return;
                }
                for _ in stage {
                    let _ = done.send(Ok(()));
                }
            }
        })?;
        Ok(Self { built, wanted: Some(wanted), builder: Some(builder), told: false })
    }

    /// Waits until the next demo's programs are there; says once that it takes its time.
    ///
    /// # Errors
    /// When Cargo fails or hangs, and on Ctrl-C.
    pub(crate) fn next(&mut self, lang: Lang, stop: &StageReached) -> Result<(), ProgramsError> {
        let ended = |result: Result<_, RecvError>| result.unwrap_or(Err(ProgramsError::Build));
        select! {
            recv(self.built) -> result => return ended(result),
            recv(stop) -> _ => return Err(ProgramsError::Interrupted),
            default(SILENT) => {}
        }
        if !std::mem::replace(&mut self.told, true) {
            let text = lang.pick(
                "Building the chapters' programs; the first time this takes its time ...",
                "正在建置各章的程式，第一次需要一點時間……",
            );
            // Without stderr there is nobody to tell, and nothing is lost.
            let _ = writeln!(io::stderr(), "{text}");
        }
        select! {
            recv(self.built) -> result => ended(result),
            recv(stop) -> _ => Err(ProgramsError::Interrupted),
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        drop(self.wanted.take());
        // A panic of the builder has been printed by the panic hook; there is nothing to add.
        let _ = self.builder.take().map(JoinHandle::join);
    }
}
