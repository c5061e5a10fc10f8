//! What two or more chapters of the course share.
//!
//! A thing enters here when the *second* chapter needs it; what one chapter needs stays in that
//! chapter. No module knows a chapter.
//!
//! | module | what | first needed by |
//! |---|---|---|
//! | [`addr`] | `HOST:PORT`, looking up names, binding | chapter 1 |
//! | [`connect`](mod@connect) | an active open to whichever address answers first | chapter 2 |
//! | [`net`] | std's sockets with a seam for the narration | chapter 2 |
//! | [`readiness`] | many sockets on one thread: which of them need not wait | chapter 2 |
//! | [`deadlines`] | whose time is up, of many, and when to look | chapter 6 |
//! | [`narrate`] | each socket call as a line with a sentence (`--narrate`) | chapter 2 |
//! | [`pcapng`] | the same calls as packets for Wireshark (`--pcapng`) | chapter 10 |
//! | [`pipe`] | bytes that pass through inside the kernel | chapter 5 |
//! | [`accept`] | what to do when `accept` fails | chapter 2 |
//! | [`shutdown`], [`connections`] | Ctrl-C: stop accepting, finish answers, cut the rest | chapter 2 |
//! | [`console`] | a server's lines on stdout, which never make a client wait | chapter 2 |
//! | [`descriptors`] | as many sockets as the system lets us have | chapter 4 |
//! | [`echo`] | the service of chapters 2 and 6: options, answers, refusals, the lines on stdout | chapter 2 |
//! | [`cli`] | options, errors and exit codes of every program | chapter 1 |
//! | [`error`] | operation, object, cause, and what to try | chapter 1 |
//! | [`escape`] | text from the network, safe for a terminal | chapter 2 |
//! | [`units`] | durations, sizes and counts as people write them | chapter 2 |
//! | [`columns`] | text as wide as a terminal shows it | chapter 1 |
//! | [`lang`] | English or Traditional Chinese | chapter 1 |

pub mod accept;
pub mod addr;
pub mod cli;
pub mod columns;
pub mod connect;
pub mod connections;
pub mod console;
pub mod deadlines;
pub mod descriptors;
pub mod echo;
pub mod error;
pub mod escape;
pub mod framing;
pub mod lang;
pub mod narrate;
pub mod net;
pub mod pcapng;
pub mod pipe;
pub mod readiness;
pub mod shutdown;
#[cfg(feature = "testing")]
pub mod testing;
pub mod units;
