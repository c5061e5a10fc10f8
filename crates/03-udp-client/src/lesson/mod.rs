//! What UDP is not: three small experiments beside TCP, inside this one process (`--lesson`).
//!
//! Each experiment has a function that observes real sockets on the loopback address and one that shows
//! what was seen, in two languages. What should have happened and did not is an error, so a demo cannot
//! claim what nobody saw. Read `boundaries.rs`, `loss.rs`, `connection.rs` in this order.

pub mod boundaries;
pub mod connection;
pub mod loss;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use netcommon::cli::{StdoutError, print_line};
use netcommon::lang::Lang;

/// Where every socket of the lesson is bound: the loopback address, any port.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The longest wait for what the loopback interface delivers within microseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Shows all three experiments.
///
/// Blocks for a fraction of a second (on Windows three, as long as a refused TCP connect takes there).
///
/// # Errors
/// When a socket fails, or when an experiment did not show what it should.
pub fn run(lang: Lang) -> anyhow::Result<()> {
    boundaries::observe().context("boundaries")?.show(lang)?;
    blank()?;
    loss::observe().context("loss")?.show(lang)?;
    blank()?;
    connection::observe().context("no connection")?.show(lang)
}

fn blank() -> Result<(), StdoutError> {
    print_line(format_args!(""))
}

/// Prints lines, some of them fixed text in the user's language.
fn print(lines: &[&str]) -> Result<(), StdoutError> {
    lines.iter().try_for_each(|line| print_line(format_args!("{line}")))
}
