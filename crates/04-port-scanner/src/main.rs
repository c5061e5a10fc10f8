//! The program `port-scanner`: arguments → plan → engine → report → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first, then `args.rs` and `output.rs`.

mod args;
mod output;

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use netcommon::cli::{INTERRUPTED, finish};
use netcommon::shutdown::Shutdown;
use port_scanner::banner;
use port_scanner::engine::{End, Observer, Outcome, team, threads};
use port_scanner::limits::sockets_max;
use port_scanner::plan::{Job, Plan};
use port_scanner::report::ledger::Ledger;
use port_scanner::scan::Config;
use port_scanner::verdict::{Finding, Verdict};

use crate::args::{Args, Engine, complain};
use crate::output::Output;

fn main() -> ExitCode {
    let args = Args::parse();
    finish("port-scanner", run(&args))
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.common.apply();
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let work = args.work(&shutdown);
    if shutdown.is_draining() {
        complain("interrupted while names were looked up; nothing has been asked");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if work.jobs.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    let plan = Plan::new(work.jobs.clone());
    let mut output = Output::begin(args.json, &work, u64::try_from(plan.left()).unwrap_or(u64::MAX))?;
    let (mut ledger, mut open) = (Ledger::default(), Vec::new());
    let began = Instant::now();
    let mut observer = |finding: Option<&Finding>| {
        let Some(finding) = finding else {
            output.progress(ledger.totals().settled);
            return Ok(ControlFlow::Continue(()));
        };
        ledger.record(finding);
        if finding.verdict == Verdict::Open {
            output.open_port(finding)?;
            open.push(finding.addr);
            return Ok(if args.first { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
        }
        log::debug!("{}: {}", finding.addr, finding.verdict.name());
        Ok(ControlFlow::Continue(()))
    };
    let Outcome { end, left } = scan(args, plan, &shutdown, &mut observer)?;
    let took = began.elapsed();
    output.finish_bar();
    let unheard = tell_banners(args, open, &shutdown, &output)?;
    let (reports, totals) = ledger.close();
    let resume = (!left.is_empty()).then(|| left.iter().map(Job::to_string).collect::<Vec<_>>().join(" "));
    output.ending(end, &reports, &totals, took, resume.clone())?;
    if end == End::Interrupted {
        let rest = resume.map_or_else(String::new, |jobs| format!("; the rest: --resume '{jobs}'"));
        let settled =
            if totals.settled == 1 { "1 port is".to_owned() } else { format!("{} ports are", totals.settled) };
        complain(&format!("interrupted; {settled} settled{rest}"));
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if unheard > 0 {
        complain(&format!("interrupted; all ports are settled; banners that were not heard: {unheard}"));
        return Ok(ExitCode::from(INTERRUPTED));
    }
    for report in reports.iter().filter(|report| !report.is_reachable()) {
        let reason = report.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        let what = if report.filtered > 0 { "no port answered" } else { "no port could be asked" };
        complain(&format!("reach {}: {what}{reason}", report.host));
    }
    let has_failed = work.has_failed || totals.unreachable_hosts > 0;
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn scan(args: &Args, plan: Plan, shutdown: &Shutdown, observer: Observer<'_>) -> anyhow::Result<Outcome> {
    let sockets_max = sockets_max();
    log::info!("up to {sockets_max} sockets at once");
    match args.engine {
        Engine::Threads => {
            let (workers, timeout, rate) = (threads::THREADS.min(sockets_max), args.timeout, args.rate);
            threads::run(plan, threads::Config { workers, timeout, rate }, shutdown, observer)
        }
        Engine::Events => {
            let (timeout, rate, tries) = (args.timeout, args.rate, args.tries());
            let config = Config { timeout, tries, rate, sockets_max };
            let threads = team::threads_for(&plan, &config);
            team::run(plan, config, threads, shutdown, observer)
        }
    }
}

/// What open ports say first, if that is wanted; how many have not been listened to.
fn tell_banners(args: &Args, open: Vec<SocketAddr>, shutdown: &Shutdown, output: &Output) -> anyhow::Result<usize> {
    if !args.banner || open.is_empty() {
        return Ok(0);
    }
    let config = banner::Config { patience: args.timeout, rate: args.rate, sockets_max: sockets_max() };
    banner::listen_to(open, config, shutdown, &mut |addr, greeting| output.banner(addr, greeting))
}
