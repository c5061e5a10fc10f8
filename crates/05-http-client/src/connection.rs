//! Connections to a server: plain, in TLS, and through a proxy.
//!
//! Owns the socket; decides nothing about HTTP except for the CONNECT that opens a tunnel. Read
//! `deadline.rs` before, `client.rs` after. Sources: RFC 9110 sections 9.3.6 and 7.6.

use std::io::{self, Read, Write};
use std::time::Instant;

use netcommon::connect::connect_timed;
use netcommon::shutdown::Shutdown;
use url::Url;

use crate::deadline::{Deadline, Timed};
use crate::error::FetchError;
use crate::response::{Asked, Event, ResponseParser};
use crate::target::{basic, host, host_field, host_port};
use crate::timing::Timing;

/// A connection that may carry several exchanges.
#[derive(Debug)]
pub(crate) struct Connection {
    channel: Channel,
    /// Scheme, host and port, and the proxy: whoever wants the same may use it again.
    key: (url::Origin, Option<Url>),
    /// Exchanges that it has carried.
    pub(crate) used: u32,
}

#[derive(Debug)]
enum Channel {
    Plain(Timed),
    #[cfg(feature = "tls")]
    Tls(Box<crate::tls::TlsStream>),
}

/// What it takes to open a connection.
#[derive(Debug, Clone)]
pub struct Means {
    /// Ends every wait.
    pub shutdown: Shutdown,
    /// Whom to trust for https; loaded when the first https URL comes.
    #[cfg(feature = "tls")]
    pub trust: Option<crate::tls::Trust>,
    /// The user's file with authorities.
    pub ca_file: Option<std::path::PathBuf>,
}

impl Connection {
    /// Connects to the URL's server, or to the proxy, and opens what is needed inside.
    pub(crate) fn open(
        url: &Url,
        proxy: Option<&Url>,
        deadline: Deadline,
        means: &mut Means,
        timing: &mut Timing,
    ) -> Result<Self, FetchError> {
        let target = host_port(proxy.unwrap_or(url))?;
        let deadline = deadline.begin_step();
        let left = deadline.left().ok_or_else(|| FetchError::timeout("connect", deadline))?;
        let stream = connect_timed(&target, left, &means.shutdown, || timing.name = Some(Instant::now()));
        let stream = stream.map_err(|error| {
            let time_is_up = deadline.left().is_none();
            if time_is_up {
                let (allowed, option) = deadline.missed();
                FetchError::ConnectTimeout { allowed, option, cause: error }
            } else {
                error.into()
            }
        })?;
        timing.connected = Some(Instant::now());
        let mut stream = Timed::new(stream, deadline.begin_step(), &means.shutdown);
        let key = key(url, proxy);
        if url.scheme() == "http" {
            return Ok(Self { channel: Channel::Plain(stream), key, used: 0 });
        }
        if let Some(proxy) = proxy {
            tunnel(&mut stream, url, proxy).map_err(|error| error.at("CONNECT through the proxy", deadline))?;
        }
        let channel = Self::secure(stream, url, means, deadline)?;
        timing.secured = Some(Instant::now());
        Ok(Self { channel, key, used: 0 })
    }

    #[cfg(feature = "tls")]
    fn secure(stream: Timed, url: &Url, means: &mut Means, deadline: Deadline) -> Result<Channel, FetchError> {
        let trust = match &means.trust {
            Some(trust) => trust.clone(),
            None => {
                let trust = crate::tls::Trust::load(means.ca_file.as_deref()).map_err(FetchError::Trust)?;
                means.trust.insert(trust).clone()
            }
        };
        let secured = trust.handshake(stream, &host(url));
        secured.map(|tls| Channel::Tls(Box::new(tls))).map_err(|cause| match crate::tls::plain_words(&cause) {
            Some(words) => FetchError::Tls(words),
            None => FetchError::Io(cause).at("TLS handshake", deadline),
        })
    }

    #[cfg(not(feature = "tls"))]
    fn secure(_: Timed, url: &Url, _: &mut Means, _: Deadline) -> Result<Channel, FetchError> {
        Err(FetchError::Tls(format!("{}: this program was built without the feature `tls`", host(url))))
    }

    /// Whether it leads to the right server and nothing has come on it since its last answer: what a server says
    /// unasked (that it closes, or a 408 before it does) would be read as the answer to the next request.
    pub(crate) fn serves(&mut self, url: &Url, proxy: Option<&Url>) -> bool {
        self.key == key(url, proxy) && !self.timed().has_news()
    }

    /// Waits until the server takes more of a request; `true` when it answers first.
    ///
    /// Inside TLS what comes need not be an answer, so nobody looks.
    pub(crate) fn wait_for_room(&mut self) -> io::Result<bool> {
        match &self.channel {
            Channel::Plain(stream) => stream.wait_for_room(),
            #[cfg(feature = "tls")]
            Channel::Tls(_) => Ok(false),
        }
    }

    /// An answer begins with the next byte that comes.
    pub(crate) fn expect_answer(&mut self) {
        self.timed().expect_answer();
    }

    /// Begins the next step of an exchange that must be over at `deadline`.
    pub(crate) fn begin_step(&mut self, deadline: Deadline) {
        self.timed().set_deadline(deadline.begin_step());
    }

    /// The socket, where the bytes on it are the answer itself.
    pub(crate) fn plain(&mut self) -> Option<&mut Timed> {
        match &mut self.channel {
            Channel::Plain(stream) => Some(stream),
            #[cfg(feature = "tls")]
            Channel::Tls(_) => None,
        }
    }

    fn timed(&mut self) -> &mut Timed {
        match &mut self.channel {
            Channel::Plain(stream) => stream,
            #[cfg(feature = "tls")]
            Channel::Tls(stream) => &mut stream.sock,
        }
    }
}

fn key(url: &Url, proxy: Option<&Url>) -> (url::Origin, Option<Url>) {
    (url.origin(), proxy.cloned())
}

impl Read for Connection {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.channel {
            Channel::Plain(stream) => stream.read(buf),
            #[cfg(feature = "tls")]
            Channel::Tls(stream) => stream.read(buf),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.channel {
            Channel::Plain(stream) => stream.write(bytes),
            #[cfg(feature = "tls")]
            Channel::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.channel {
            Channel::Plain(stream) => stream.flush(),
            #[cfg(feature = "tls")]
            Channel::Tls(stream) => stream.flush(),
        }
    }
}

/// The field that a proxy asks for when its URL has a name and password.
pub(crate) fn proxy_fields(proxy: &Url) -> Vec<(String, String)> {
    basic(proxy).map(|value| ("Proxy-Authorization".to_owned(), value)).into_iter().collect()
}

/// Asks a proxy for a tunnel to the URL's host.
fn tunnel(stream: &mut Timed, url: &Url, proxy: &Url) -> Result<(), FetchError> {
    let authority = format!("{}:{}", host(url), url.port_or_known_default().unwrap_or(443));
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {}\r\n", host_field(url));
    for (name, value) in proxy_fields(proxy) {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes())?;
    let mut parser = ResponseParser::new(Asked::Connect);
    // Byte by byte: what comes behind the head belongs to TLS already.
    let mut byte = [0];
    loop {
        if stream.read(&mut byte)? == 0 {
            parser.end_of_stream()?;
            return Err(FetchError::Tunnel("the proxy ended the connection".to_owned()));
        }
        if let Some(Event::Head(head)) = parser.next(&mut &byte[..])? {
            let reason = String::from_utf8_lossy(&head.reason).into_owned();
            let refused = FetchError::Tunnel(format!("the proxy answered {} {reason}", head.status));
            return if (200..300).contains(&head.status) { Ok(()) } else { Err(refused) };
        }
    }
}
