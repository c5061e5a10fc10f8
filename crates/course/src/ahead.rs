//! Builds the programs of one demo while the demo before it is played.
//!
//! ```text
//! thread "main"      next ─▶ plays demo 1 ─▶ next ─▶ plays demo 2 ─▶ …
//! thread "builder"   cargo build for 1 │ cargo build for 2 │ cargo build for 3 …
//! ```
//! On a clean machine all of them take minutes; the first one is there in half of one, and a demo waits for its
//! clients more than it computes. Read `programs.rs` before.

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

/// Builds stage after stage on a thread of its own; dropped, it ends the stage under way.
pub(crate) struct Ahead {
    built: Receiver<Result<(), ProgramsError>>,
    /// Dropped to end the builder.
    wanted: Option<Sender<Infallible>>,
    builder: Option<JoinHandle<()>>,
    told: bool,
}

impl Ahead {
    /// Begins with the first of `stages`, each the packages that are needed then.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(programs: &Programs, stages: Vec<Vec<String>>) -> io::Result<Self> {
        let (done, built) = bounded(stages.len());
        let (wanted, unwanted) = bounded(0);
        let programs = programs.clone();
        let builder = Builder::new().name("builder".to_owned()).spawn(move || {
            let mut there = BTreeSet::new();
            for stage in &stages {
                let new: Vec<&str> =
                    stage.iter().map(String::as_str).filter(|package| there.insert(*package)).collect();
                let result = programs.build(&new, &unwanted);
                // There is room for every stage; nobody hears of one that is not wanted any more.
                let goes_on = result.is_ok();
                if done.send(result).is_err() || !goes_on {
                    return;
                }
            }
        })?;
        Ok(Self { built, wanted: Some(wanted), builder: Some(builder), told: false })
    }

    /// Waits until the next stage is there; says once that it takes its time.
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
