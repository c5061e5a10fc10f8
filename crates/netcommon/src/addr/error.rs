//! What can be wrong with a `HOST:PORT`, each mistake with its own words and an example.
//!
//! A parse error is read by somebody who has just mistyped, so each text ends in an example that can
//! be copied, made of the user's own parts where they are good. `crate::cli` and clap print the text
//! that was given; the errors name only the part that is wrong. Read `mod.rs` first.

use std::net::Ipv6Addr;

use super::HostPort;
use crate::escape::escape;

/// The port in examples: chapter 2's.
pub(super) const EXAMPLE_PORT: u16 = 8888;

/// Why a text is not a `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A blank, a tab or a line end.
    #[error("a blank is not part of an address; expected HOST:PORT, for example {example}")]
    Blank {
        /// The text without its blanks, where that is an address.
        example: String,
    },
    /// A URL.
    #[error("expected only HOST:PORT, not a URL, for example {example}")]
    Url {
        /// The URL's host and port.
        example: String,
    },
    /// Typed with the input method of an East Asian language still on: `：`, `８`.
    #[error("full-width characters where ordinary ones belong, for example {example}")]
    FullWidth {
        /// The same in half width.
        example: String,
    },
    /// A host alone.
    #[error("no port; expected HOST:PORT, so for port {} it is {example}", .example.port)]
    NoPort {
        /// The host with a port, which need not be the one that the user is looking for.
        example: HostPort,
    },
    /// `localhost:http`
    #[error("the port `{}` is not a number, for example {example}", escape(.port.as_bytes()))]
    PortNotANumber {
        /// What stands in the port's place.
        port: String,
        /// The host with a port.
        example: HostPort,
    },
    /// Ports have 16 bits.
    #[error("the port `{port}` is above 65535, the largest; for example {example}")]
    PortTooLarge {
        /// The number.
        port: String,
        /// The host with a port.
        example: HostPort,
    },
    /// `:8888`, which some programs take for "every interface"; ours want it said.
    #[error("no host; for this machine only 127.0.0.1:{port}, for every interface 0.0.0.0:{port}")]
    NoHost {
        /// The port, if it is one.
        port: u16,
    },
    /// Without brackets nobody knows where the address ends and the port begins.
    #[error("an IPv6 address needs brackets, for example {example}")]
    BareV6 {
        /// The same address in brackets.
        example: String,
    },
    /// More than one colon, but no IPv6 address.
    #[error("more than one `:`; expected HOST:PORT, for example 127.0.0.1:8888 or [::1]:8888")]
    Colons,
    /// A bracket without its twin, without an IPv6 address inside, or with something behind it.
    #[error("expected an IPv6 address in brackets and a port, for example [::1]:8888")]
    Brackets,
    /// `[fe80::1%]:80`
    #[error("no interface after the `%`, for example [{ip}%eth0]:8888")]
    NoInterface {
        /// The address before the `%`.
        ip: Ipv6Addr,
    },
    /// `256.1.1.1`, `127.1`
    #[error("`{}` is no IPv4 address (four numbers from 0 to 255), for example 127.0.0.1:8888", escape(.written.as_bytes()))]
    NotV4 {
        /// The host as it was written.
        written: String,
    },
    /// A character that a host name cannot have.
    #[error("`{}` has a character that a host name cannot have, for example localhost:8888", escape(.written.as_bytes()))]
    NotAName {
        /// The host as it was written.
        written: String,
    },
    /// RFC 1035 section 2.3.4.
    #[error(
        "`{}` has a part of no or more than 63 bytes, or more than 253 in all; for example localhost:8888",
        escape(.written.as_bytes())
    )]
    NameLength {
        /// The host as it was written.
        written: String,
    },
}

impl ParseError {
    /// Nothing before the colon; `port` is what came after it.
    pub(super) fn no_host(port: &str) -> Self {
        Self::NoHost { port: port.parse().unwrap_or(EXAMPLE_PORT) }
    }
}

/// Finds slips of the keyboard and the clipboard that would otherwise be called something else.
pub(super) fn check_slips(text: &str) -> Result<(), ParseError> {
    if text.contains(char::is_whitespace) {
        let without: String = text.split_whitespace().collect();
        return Err(ParseError::Blank { example: example_like([without]) });
    }
    if let Some((_scheme, rest)) = text.split_once("://") {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        return Err(ParseError::Url { example: example_like([authority.to_owned(), format!("{authority}:80")]) });
    }
    let half_width: String = text.chars().map(half_width).collect();
    // Inside a name they do no harm: UTS #46 maps them.
    let marks = |text: &str| text.matches([':', '[', ']', '%']).count();
    if marks(&half_width) != marks(text) || half_width.rsplit(':').next() != text.rsplit(':').next() {
        return Err(ParseError::FullWidth { example: example_like([half_width]) });
    }
    if text.is_empty() {
        return Err(ParseError::no_host(""));
    }
    // A number alone is a port.
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ParseError::no_host(text));
    }
    Ok(())
}

/// Finds an IPv6 address without brackets, with or without a port behind it.
pub(super) fn check_bare_v6(text: &str, host: &str) -> Result<(), ParseError> {
    if !host.contains(':') {
        return Ok(());
    }
    // `::1:8888` is an address by itself too, but whoever writes it means port 8888 of `::1`.
    let with_port = text.rsplit_once(':').map(|(host, port)| format!("[{host}]:{port}"));
    let alone = format!("[{text}]:{EXAMPLE_PORT}");
    let example = with_port.into_iter().chain([alone]).find(|example| example.parse::<HostPort>().is_ok());
    Err(example.map_or(ParseError::Colons, |example| ParseError::BareV6 { example }))
}

/// The first candidate that is an address, or else an example of ours.
fn example_like<const N: usize>(candidates: [String; N]) -> String {
    let good = candidates.into_iter().find_map(|text| text.parse::<HostPort>().ok());
    good.map_or_else(|| format!("127.0.0.1:{EXAMPLE_PORT}"), |good| good.to_string())
}

/// U+FF01 to U+FF5E are the printable ASCII characters in full width.
fn half_width(c: char) -> char {
    match u32::from(c) {
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFF01 + 0x21).unwrap_or(c),
        _ => c,
    }
}
