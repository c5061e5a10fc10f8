//! The program `http-client`: arguments → fetch each URL → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first, then `args.rs` for the options.

mod args;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use http_client::client::{Answer, Client};
use http_client::error::FetchError;
use http_client::misbehave;
use http_client::output::Output;
use http_client::redirect::shown;
use http_client::report::Report;
use http_client::target::parse_url;
use netcommon::addr::{self, HostPort};
use netcommon::cli::{INTERRUPTED, describe, finish, print_line};
use netcommon::shutdown::Shutdown;

use crate::args::{Args, Stdout};

fn main() -> ExitCode {
    finish("http-client", run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.common.apply();
    if let Err(error) = args.check() {
        error.print()?;
        return Ok(ExitCode::from(2));
    }
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    if let Some(addr) = &args.misbehave {
        return misbehave_at(addr, &shutdown);
    }
    let data = args.read_data()?;
    let stdout = args.stdout()?;
    let mut client = Client::new(args.options(), args.proxies()?, args.means(&shutdown));
    let mut failed = false;
    for text in &args.urls {
        match fetch(args, text, data.as_deref(), &stdout, &mut client) {
            Ok(answer) => tell(args, text, &answer)?,
            Err(FetchError::Stdout(error)) => return Err(error.into()),
            Err(_) if shutdown.is_draining() => return Ok(ExitCode::from(INTERRUPTED)),
            Err(error) => {
                failed = true;
                complain(args, text, error)?;
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Serves the lesson's bad answers until Ctrl-C.
fn misbehave_at(addr: &HostPort, shutdown: &Shutdown) -> anyhow::Result<ExitCode> {
    let listener = addr::listen(addr, &Default::default())?;
    print_line(format_args!("Misbehaving server listening on {}", listener.local_addr()?))?;
    misbehave::serve(&listener, shutdown)?;
    print_line(format_args!("Server shutting down..."))?;
    Ok(ExitCode::SUCCESS)
}

/// Fetches one URL to where the options say.
fn fetch(
    args: &Args,
    text: &str,
    data: Option<&[u8]>,
    stdout: &Stdout,
    client: &mut Client,
) -> Result<Answer, FetchError> {
    let url = parse_url(text)?;
    let sink = args.sink(&url, stdout)?;
    let request = args.request(url, data, &sink);
    let mut output = Output::new(sink, args.shows_head(stdout), args.common.verbose > 0, args.fail);
    match client.fetch(request, &mut output) {
        Ok(answer) => output.finish().map(|()| answer),
        Err(error) => {
            output.give_up();
            Err(error)
        }
    }
}

/// What the options want to know about an answer besides its content.
fn tell(args: &Args, text: &str, answer: &Answer) -> anyhow::Result<()> {
    if args.common.verbose > 0 {
        for (name, value) in answer.trailers.iter() {
            let _ = writeln!(io::stderr(), "< (trailer) {name}: {}", netcommon::escape::escape(value));
        }
    }
    if args.json {
        print_line(format_args!("{}", serde_json::to_string(&Report::answer(text, answer))?))?;
    }
    if args.timing {
        // Stderr: stdout belongs to the content.
        let _ = write!(io::stderr(), "{}", answer.timing.chart());
    }
    Ok(())
}

/// Says on stderr why there is no answer, and goes on with the next URL.
fn complain(args: &Args, text: &str, error: FetchError) -> anyhow::Result<()> {
    let what = match parse_url(text) {
        Ok(url) => describe(&error.into_anyhow().context(format!("{} {}", args.method(), shown(&url)))),
        Err(_) => describe(&error.into_anyhow()),
    };
    let _ = writeln!(io::stderr(), "http-client: {what}");
    if args.json {
        print_line(format_args!("{}", serde_json::to_string(&Report::failure(text, what))?))?;
    }
    Ok(())
}
