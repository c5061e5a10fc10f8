//! What a test runs beside itself: a thread that nobody waits for longer than the deadline.
//!
//! `thread::scope` waits for its threads also when the test has failed already; one of them in `accept`
//! or `recv`, and a failure that took a millisecond costs the whole test run. A thread from here is
//! waited for while there is something to hear from it, and left behind when the test fails: the
//! test program's end ends it.

use std::panic::{self, AssertUnwindSafe};
use std::thread::{self, Builder, JoinHandle};

use crossbeam_channel::{Receiver, bounded};

use super::DEADLINE;

/// A thread's result, when it comes.
#[derive(Debug)]
pub struct Aside<R> {
    thread: JoinHandle<()>,
    result: Receiver<thread::Result<R>>,
}

/// Runs `work` on a thread of its own.
///
/// # Examples
/// ```
/// use netcommon::testing::aside;
///
/// let sum = aside("sum", || (1..=100).sum::<u32>());
/// assert_eq!(sum.wait(), 5050);
/// ```
pub fn aside<R: Send + 'static>(name: &str, work: impl FnOnce() -> R + Send + 'static) -> Aside<R> {
    let (sender, result) = bounded(1);
    // Its panic is handed on whole; nothing of what it leaves half done is used again.
    let run = move || drop(sender.send(panic::catch_unwind(AssertUnwindSafe(work))));
    let thread = Builder::new().name(name.to_owned()).spawn(run);
    Aside { thread: thread.expect("a test may start a thread"), result }
}

impl<R> Aside<R> {
    /// Waits for the result, at most for [`DEADLINE`]; the thread's panic becomes the test's own.
    #[must_use]
    pub fn wait(self) -> R {
        let Ok(result) = self.result.recv_timeout(DEADLINE) else {
            panic!("{}: still running after {DEADLINE:?}", self.thread.thread().name().unwrap_or_default());
        };
        // Its last act was to send; the join makes sure that nothing of it is left.
        self.thread.join().expect("a panic of the work has been caught");
        result.unwrap_or_else(|panic| panic::resume_unwind(panic))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_threads_panic_is_the_tests() {
        let broken = aside("broken", || panic!("壞了"));
        let panic = panic::catch_unwind(AssertUnwindSafe(|| broken.wait())).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"壞了"));
    }

    #[test]
    fn a_thread_that_waits_for_ever_does_not_keep_a_failing_test() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let waiting = aside("waiting", move || listener.accept().is_ok());
        assert!(waiting.result.is_empty());
        drop(waiting);
    }
}
