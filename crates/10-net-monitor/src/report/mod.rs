//! Reports: a record as text, JSON, CSV, or one page of HTML, in English or Traditional Chinese.
//!
//! Every one is a function of the record alone, and whatever stands in a log reaches a terminal, a spreadsheet or a
//! browser as text, never as a command. Read `figures.rs` (what all of them compute), then `text.rs`, `csv.rs`,
//! `json.rs`, `html/mod.rs`.

pub mod csv;
mod figures;
pub mod html;
pub mod json;
mod table;
pub mod text;
pub(crate) mod words;

pub use self::figures::{bytes, grouped, seconds};
pub(crate) use self::table::table;
