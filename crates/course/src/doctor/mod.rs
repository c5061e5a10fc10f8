//! The doctor: is this computer ready for the course, and what to do where it is not.
//!
//! Each check really does what a chapter needs (binds, connects, sends 65,507 bytes) instead of asking
//! what the system promises, and none can hang: every wait has a bound (`CHECK_MAX` and shorter ones).

mod finding;
mod limits;
mod network;
mod terminal;
mod toolchain;
mod tools;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use netcommon::lang::Lang;
use netcommon::shutdown::Shutdown;

use crate::screen::Screen;
use finding::Finding;

/// The longest wait of one check. Loopback answers within a millisecond and `cargo --version` within a
/// second; rustup may look for its toolchain before.
const CHECK_MAX: Duration = Duration::from_secs(5);

/// Prints one finding for each thing that the course uses; 0 if it can be followed, 1 if not.
///
/// # Errors
/// When nobody reads our output any more.
pub fn doctor(lang: Lang) -> anyhow::Result<ExitCode> {
    let mut screen = Screen::stdout(lang);
    let shutdown = Shutdown::on_signals().context("listen for Ctrl-C")?;
    let checks: [&dyn Fn() -> Vec<Finding>; 5] = [
        &|| toolchain::check(lang, shutdown.draining()),
        &|| network::check(lang),
        &|| limits::check(lang),
        &|| terminal::check(lang, shutdown.draining()),
        &|| tools::check(lang),
    ];
    let mut lacking = Vec::new();
    for check in checks {
        for finding in check() {
            screen.line(&finding.show(lang))?;
            if finding.is_lacking() {
                lacking.push(finding.name);
            }
        }
        if shutdown.is_draining() {
            return Ok(ExitCode::from(netcommon::cli::INTERRUPTED));
        }
    }
    screen.empty_line()?;
    if lacking.is_empty() {
        screen.sentence(lang.pick("This computer is ready for the course.", "這台電腦準備好了，可以開始上課。"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let lacking = lacking.join(lang.pick(", ", "、"));
    let text = lang.pick(
        format!("This computer is not ready yet; first put right: {lacking}."),
        format!("這台電腦還沒準備好，請先處理：{lacking}。"),
    );
    screen.sentence(&text)?;
    Ok(ExitCode::FAILURE)
}
