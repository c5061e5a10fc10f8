//! The program `udp-client`: arguments → resolve → connect → ask → exit code.
//!
//! ```text
//! thread "main"      waits for the session's end or for Ctrl-C, whichever comes first
//! thread "session"   everything else; blocked in a terminal's read it cannot be woken on every system,
//!                    so after Ctrl-C the process's end takes it
//! ```
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first.

use std::io::{self, IsTerminal};
use std::num::NonZeroU16;
use std::process::ExitCode;
use std::thread::Builder;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use crossbeam_channel::{bounded, select};
use netcommon::addr::{HostPort, resolve};
use netcommon::cli::{Common, finish, interrupted};
use netcommon::shutdown::Shutdown;
use netcommon::units::{parse_count, parse_duration};
use udp_client::client::{Client, Config};
use udp_client::exchange::Patience;
use udp_client::lesson;
use udp_client::session::{self, Input};

/// Teaches what a UDP client must do itself: wait, send again, and recognise the answer.
#[derive(Debug, Parser)]
#[command(version, after_help = "Examples:\n  udp-client --message 你好 --message 再見\n  udp-client --lesson")]
struct Args {
    /// The server's address
    #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:9999")]
    server: HostPort,

    /// Send this message instead of asking for one; may be given again
    #[arg(short, long = "message", value_name = "M")]
    messages: Vec<String>,

    /// How long the first attempt waits; each further one waits twice as long
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "1s")]
    timeout: Duration,

    /// How often a message is sent at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), default_value_t = 3)]
    attempts: u32,

    /// Take whatever the server sends as the answer, also if it is not the message with our prefix
    #[arg(long)]
    any_answer: bool,

    /// Keep only so many bytes of an answer, to see what happens to the rest
    #[arg(long, value_name = "BYTES", value_parser = parse_count::<NonZeroU16>, default_value = "65535")]
    buffer: NonZeroU16,

    /// Show the difference to TCP: boundaries, loss, no connection
    #[arg(long, conflicts_with_all = ["messages", "any_answer", "buffer"])]
    lesson: bool,

    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    let args = Args::parse();
    finish("udp-client", unless_interrupted(|| run(args)))
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    args.common.apply();
    if args.lesson {
        return lesson::run(args.common.lang).map(|()| ExitCode::SUCCESS);
    }
    let patience = Patience { timeout: args.timeout, attempts: args.attempts };
    let config = Config { patience, any_answer: args.any_answer, buffer_len: args.buffer.get().into() };
    let mut client = Client::connect(resolve(&args.server)?, config)?;
    let input = match args.messages {
        messages if !messages.is_empty() => Input::Messages(messages),
        _ if io::stdin().is_terminal() => Input::Terminal,
        _ => Input::Pipe,
    };
    session::run(&mut client, input)
}

/// Runs `job` on a thread of its own, so that Ctrl-C ends the program wherever `job` is blocked.
fn unless_interrupted(job: impl FnOnce() -> anyhow::Result<ExitCode> + Send + 'static) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let (done, ended) = bounded(1);
    let session =
        Builder::new().name("session".to_owned()).spawn(move || done.send(job())).context("start a thread")?;
    select! {
        recv(ended) -> result => {
            // Without a result it has panicked, and the panic has been printed.
            let _ = session.join();
            result.map_err(|_| anyhow!("the session ended early"))?
        }
        recv(shutdown.draining()) -> _ => Ok(interrupted()),
    }
}
