//! Runs every case of the `.txt` files beside this one against the program, over real sockets.
//!
//! Read `README.md` here for the cases' language, then `script.rs` (reading it), `server.rs` (playing it). A
//! failure prints the case, what was expected and what came.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod script;
mod server;

use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use netcommon::escape::quote;

use crate::script::{Case, Want};
use crate::server::Server;

const CLIENT: &str = env!("CARGO_BIN_EXE_http-client");

/// As many cases as wait at the same time: most of them wait, few compute.
const WORKERS: usize = 6;

/// No case of ours takes this long on a machine that is only busy: it tells from a hang.
const WITHIN_DEFAULT: Duration = Duration::from_secs(60);

/// The least that this suite promises.
const CASES_MIN: usize = 150;

#[test]
fn every_case_comes_out_as_it_must() {
    let texts = [
        include_str!("length.txt"),
        include_str!("chunked.txt"),
        include_str!("head.txt"),
        include_str!("coding.txt"),
        include_str!("exchange.txt"),
    ];
    let cases: Vec<Case> = texts.iter().flat_map(|text| script::parse(text)).collect();
    assert!(cases.len() >= CASES_MIN, "{} cases", cases.len());
    let (next, failures) = (AtomicUsize::new(0), std::sync::Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = run(case) {
                        failures.lock().unwrap().push(format!("{}: {why}", case.name));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// Plays one case; `Err` says what is wrong.
fn run(case: &Case) -> Result<(), String> {
    let server = Server::start(case);
    let begin = Instant::now();
    let output = Command::new(CLIENT)
        .args(["--no-proxy", "--timeout", "30s"].iter().filter(|_| !case.args.contains(&"--timeout".to_owned())))
        .args(&case.args)
        .arg(format!("http://{}/", server.addr()))
        .output()
        .unwrap();
    let took = begin.elapsed();
    let missing = server.finish();
    judge(case, &output)?;
    if let Some(missing) = missing {
        return Err(missing);
    }
    let within = case.within.unwrap_or(WITHIN_DEFAULT);
    if took > within { Err(format!("took {took:?}, more than {within:?}")) } else { Ok(()) }
}

fn judge(case: &Case, output: &Output) -> Result<(), String> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let found = || {
        let stdout = quote(&output.stdout, 200).to_string();
        format!("exit {:?}, stdout {stdout}, stderr {}", output.status.code(), stderr.trim_end())
    };
    if !case.say.iter().all(|part| stderr.contains(part)) {
        return Err(format!("wanted {:?} on stderr, found {}", case.say, found()));
    }
    match &case.want {
        Want::Content(content) => {
            let right = output.status.code() == Some(0) && output.stdout == *content;
            if right { Ok(()) } else { Err(format!("wanted {}, found {}", quote(content, 200), found())) }
        }
        Want::Refusal(part) => {
            let right = output.status.code() == Some(1) && stderr.starts_with("http-client: ") && stderr.contains(part);
            if right { Ok(()) } else { Err(format!("wanted exit 1 and {part:?}, found {}", found())) }
        }
    }
}
