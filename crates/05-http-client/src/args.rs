//! The options of `http-client`, and what they mean for the library.
//!
//! Read `main.rs` before.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use http_client::client::Options;
use http_client::connection::Means;
use http_client::download::{Download, name_of};
use http_client::error::FetchError;
use http_client::output::{Sink, raw_stdout};
use http_client::proxy::Proxies;
use http_client::request::{HeaderArg, Request, parse_method};
use netcommon::addr::HostPort;
use netcommon::cli::{Common, StdoutError};
use netcommon::error::OpError;
use netcommon::shutdown::Shutdown;
use netcommon::units::{parse_duration, parse_size};
use url::Url;

/// Where results go, looked at once for all URLs.
pub(crate) struct Stdout {
    file: Arc<File>,
    /// A person reads the answers there.
    is_for_people: bool,
}

/// Teaches how HTTP finds its way through a stream of bytes, and why a client must not believe a server.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  http-client -v http://127.0.0.1:8080/\n  http-client --timeout 3s --output 課.pdf https://教室.example/課.pdf"
)]
pub(crate) struct Args {
    /// What to fetch; without a scheme, http://
    #[arg(value_name = "URL", required_unless_present = "misbehave")]
    pub(crate) urls: Vec<String>,

    /// Be a server that misbehaves on request, to fetch from: the path says how
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "urls")]
    pub(crate) misbehave: Option<HostPort>,

    /// How long each URL may take, from the look-up of its name to the last byte
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10s")]
    timeout: Duration,

    /// How long each step may take: to connect, to shake hands, to get the headers, to wait for more content
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    step_timeout: Option<Duration>,

    /// Write the content to this file, under a temporary name until it is complete
    #[arg(short, long, value_name = "FILE", conflicts_with = "remote_name")]
    output: Option<PathBuf>,

    /// Write the content to a file called as the URL's last part
    #[arg(short = 'O', long)]
    remote_name: bool,

    /// Go on with a download that was cut, if the server still has the same version
    #[arg(short = 'C', long = "continue")]
    resume: bool,

    /// The method; by default GET, or POST with --data
    #[arg(short = 'X', long, value_parser = parse_method)]
    method: Option<String>,

    /// Ask for the head only
    #[arg(short = 'I', long, conflicts_with_all = ["method", "data"])]
    head: bool,

    /// A field of the request, `Name: value`; may be given several times
    #[arg(short = 'H', long, value_name = "FIELD")]
    header: Vec<HeaderArg>,

    /// The content of the request; `@FILE` reads it from a file, `@-` from stdin
    #[arg(short, long)]
    data: Option<String>,

    /// Do not follow redirects
    #[arg(long)]
    no_redirects: bool,

    /// Follow a redirect from https to http
    #[arg(long)]
    allow_downgrade: bool,

    /// Count a status of 400 and above as a failure
    #[arg(short, long)]
    pub(crate) fail: bool,

    /// Show status and headers before the content, as on a terminal
    #[arg(short, long)]
    include: bool,

    /// The most content to take, decoded
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_size: Option<usize>,

    /// Print one JSON object per URL instead of the content
    #[arg(long)]
    pub(crate) json: bool,

    /// Show on stderr where the time went
    #[arg(long)]
    pub(crate) timing: bool,

    /// Trust the certificates in this PEM file, besides those that browsers trust
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Ignore `http_proxy` and its kin
    #[arg(long)]
    no_proxy: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Args {
    /// What the options forbid together and clap cannot know.
    pub(crate) fn check(&self) -> Result<(), clap::Error> {
        let is_pipe = self.output.as_ref().is_some_and(|file| file.as_os_str() == "-");
        if self.urls.len() > 1 && self.output.is_some() && !is_pipe {
            let words = "--output FILE takes one URL; -O names each file by its URL";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, words));
        }
        Ok(())
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            timeout: self.timeout,
            step_timeout: self.step_timeout,
            follow: !self.no_redirects,
            allow_downgrade: self.allow_downgrade,
            content_max: self.max_size.map(|size| size as u64),
        }
    }

    pub(crate) fn proxies(&self) -> anyhow::Result<Proxies> {
        if self.no_proxy {
            return Ok(Proxies::default());
        }
        Ok(Proxies::from_env(&|name| std::env::var(name).ok())?)
    }

    pub(crate) fn means(&self, shutdown: &Shutdown) -> Means {
        Means {
            shutdown: shutdown.clone(),
            #[cfg(feature = "tls")]
            trust: None,
            ca_file: self.ca.clone(),
        }
    }

    pub(crate) fn method(&self) -> &str {
        match &self.method {
            Some(method) => method,
            None if self.head => "HEAD",
            None if self.data.is_some() => "POST",
            None => "GET",
        }
    }

    /// The content to send, read once for all URLs.
    pub(crate) fn read_data(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let Some(data) = &self.data else { return Ok(None) };
        let Some(file) = data.strip_prefix('@') else { return Ok(Some(data.clone().into_bytes())) };
        if file == "-" {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).context("read stdin")?;
            return Ok(Some(bytes));
        }
        std::fs::read(file).map(Some).with_context(|| format!("read {file}"))
    }

    pub(crate) fn request(&self, url: Url, data: Option<&[u8]>, sink: &Sink) -> Request {
        let mut headers = self.header.clone();
        if let Sink::File(download) = sink {
            headers.extend(download.fields());
        }
        Request { method: self.method().to_owned(), url, headers, data: data.map(<[u8]>::to_vec) }
    }

    pub(crate) fn stdout(&self) -> Result<Stdout, StdoutError> {
        let is_for_people = io::stdout().is_terminal() && !self.json && self.output.is_none() && !self.remote_name;
        Ok(Stdout { file: raw_stdout()?, is_for_people })
    }

    pub(crate) fn shows_head(&self, stdout: &Stdout) -> bool {
        (self.include && !self.json) || stdout.is_for_people
    }

    /// Where one URL's content goes.
    pub(crate) fn sink(&self, url: &Url, stdout: &Stdout) -> Result<Sink, FetchError> {
        let file = match (&self.output, self.remote_name) {
            (Some(file), _) => Some(file.clone()),
            (None, true) => Some(name_of(url).map(PathBuf::from).ok_or_else(|| {
                let cause = io::Error::other("the URL does not end in a name");
                OpError::new("write", url, cause).with_hint("--output FILE gives one")
            })?),
            (None, false) => None,
        };
        Ok(match file {
            Some(file) if file.as_os_str() == "-" => Sink::Bytes(Arc::clone(&stdout.file)),
            Some(file) => Sink::File(Box::new(Download::new(&file, self.resume))),
            None if self.json => Sink::Nothing,
            None if stdout.is_for_people => Sink::Text,
            None => Sink::Bytes(Arc::clone(&stdout.file)),
        })
    }
}
