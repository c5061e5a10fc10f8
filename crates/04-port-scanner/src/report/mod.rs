//! What is kept of the findings, and how it is told: for people and for programs.
//!
//! [`ledger`] counts, [`sureness`] says what the counts are worth, [`text`] and [`json`] print.

pub mod json;
pub mod ledger;
pub mod sureness;
pub mod text;
