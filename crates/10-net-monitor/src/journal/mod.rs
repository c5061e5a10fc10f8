//! The log of `--log FILE`: JSON lines, written so that a kill at any moment leaves whole lines.
//!
//! Read `write.rs` (appending, rotation, a full disk), then `read.rs` (what a kill has left). The kinds of lines are in
//! `event.rs`. Source: JSON Lines; write(2).

mod read;
mod write;

pub use self::read::{LINE_MAX, ReadError, read};
pub use self::write::{Journal, Rotation};
