//! The disk's side of both ends: files to send, and a folder for those that come.
//!
//! ```text
//!  sender      paths ──▶ source.rs ──bytes──▶ protocol
//!  receiver    protocol ──bytes──▶ store.rs ──pieces──▶ part.rs ──▶ folder.rs: DIR/name
//! ```
//! Read `name.rs` (what a name may be), `tree.rs` (a digest of pieces in any order), `folder.rs` (what is
//! where in DIR), `journal.rs` and `part.rs` (a file on its way), `store.rs` (gathering pieces), then `source.rs`.
//! The seam to the protocol is `crate::file`.

mod at;
mod folder;
mod journal;
mod name;
mod part;
mod source;
mod store;
mod time;
pub mod tree;

pub use folder::Folder;
pub use name::{FileName, NAME_LEN_MAX, NameError, NameProblem};
pub use source::FileSource;
pub use store::DiskStore;
pub(crate) use time::to_ns;
