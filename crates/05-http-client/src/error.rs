//! Why a fetch failed.
//!
//! One enum for all stages, so that the program can choose its words and its exit code at one place. Read
//! `client.rs` for where they come from.

use std::io;
use std::time::Duration;

use netcommon::cli::StdoutError;
use netcommon::connect::ConnectError;
use netcommon::error::OpError;
use netcommon::escape::escape;

use crate::coding::CodingError;
use crate::deadline::Deadline;
use crate::redirect::RedirectError;
use crate::response::ResponseError;
use crate::target::UrlError;

/// Why no whole and well-formed response arrived.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A URL that cannot be asked.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The time was up before a connection was there.
    #[error("timeout: no connection within the {allowed:?} of {option}")]
    ConnectTimeout {
        /// The time.
        allowed: Duration,
        /// What gives more.
        option: &'static str,
        /// What each address had said by then.
        #[source]
        cause: ConnectError,
    },
    /// The proxy opened no tunnel.
    #[error("CONNECT: {}", escape(.0.as_bytes()))]
    Tunnel(String),
    /// The file of `--ca`.
    #[error("read the authorities of --ca")]
    Trust(#[source] io::Error),
    /// No secure connection.
    #[error("TLS: {0}")]
    Tls(String),
    /// The response breaks the rules or ends early.
    #[error("response")]
    Response(#[from] ResponseError),
    /// The content cannot be decoded.
    #[error("content")]
    Coding(#[from] CodingError),
    /// A redirect is not followed.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// The time was up.
    #[error("timeout: not done within the {allowed:?} of {option}; {doing}")]
    Timeout {
        /// What it was waiting for.
        doing: String,
        /// The time.
        allowed: Duration,
        /// What gives more.
        option: &'static str,
    },
    /// The connection failed while it was in use.
    #[error("{doing}")]
    Broken {
        /// What it was waiting for.
        doing: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The connection failed; nobody has said yet at what.
    #[error("connection")]
    Io(#[from] io::Error),
    /// Stdout takes no more.
    #[error(transparent)]
    Stdout(#[from] StdoutError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] OpError),
    /// `--fail` counts this status as a failure.
    #[error("{status} {reason}")]
    Status {
        /// 400 and above.
        status: u16,
        /// The server's word for it, escaped.
        reason: String,
    },
    /// The rest of a download is not what it should be.
    #[error("--continue: {0}")]
    Range(String),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl FetchError {
    pub(crate) fn timeout(doing: &str, deadline: Deadline) -> Self {
        let (allowed, option) = deadline.missed();
        Self::Timeout { doing: doing.to_owned(), allowed, option }
    }

    /// Says what was going on when the connection failed; other errors stay as they are.
    pub(crate) fn at(self, doing: &str, deadline: Deadline) -> Self {
        match self {
            Self::Io(cause) if cause.kind() == io::ErrorKind::TimedOut => Self::timeout(doing, deadline),
            Self::Io(cause) if cause.kind() == io::ErrorKind::ConnectionAborted => Self::Interrupted,
            Self::Io(cause) => Self::Broken { doing: doing.to_owned(), cause },
            Self::Connect(ConnectError::Interrupted { .. }) => Self::Interrupted,
            other => other,
        }
    }

    /// Whether the peer ended the connection before its first byte.
    pub(crate) fn is_no_answer(&self) -> bool {
        matches!(self, Self::Response(error) if error.is_no_answer())
    }

    /// The error for the end of a program: with the part in front whose hint `netcommon::cli` knows.
    #[must_use]
    pub fn into_anyhow(self) -> anyhow::Error {
        match self {
            Self::Connect(error) => error.into(),
            Self::Stdout(error) => error.into(),
            Self::File(error) => error.into(),
            other => other.into(),
        }
    }
}
