//! A name becomes addresses, within a deadline.
//!
//! `getaddrinfo(3)` blocks, in a bad network for many seconds, and no system can interrupt it. So it
//! runs on a thread of its own, and we wait only so long for its answer.
//!
//! ```text
//! main ── starts ──> look-up   owns the question, blocks in getaddrinfo(3), sends its answer, ends
//!   └── waits for the answer, at most LOOKUP_DEADLINE; then leaves the thread to end with the program
//! ```
//!
//! Read `address.rs` first. Sources: getaddrinfo(3); RFC 6724 (the order); RFC 6761 (`localhost`, `.invalid`).

use std::io;
use std::net::IpAddr;
use std::sync::mpsc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use netcommon::addr::{HostPort, ParseError, resolve};
use netcommon::error::OpError;
use netcommon::lang::Lang;
use serde::Serialize;
use socket2::Domain;

use crate::address::{Scope, scope};
use crate::page::Page;
use crate::system_error::{Answer, SystemError};
use crate::table::Table;

/// The name that every system knows without asking anybody.
pub const DEFAULT_NAME: &str = "localhost";

/// How long one look-up may take: most name servers answer in a tenth of it, and two look-ups without
/// any network still leave the whole program under three seconds.
pub const LOOKUP_DEADLINE: Duration = Duration::from_millis(1200);

/// A port must be given to make a socket's address of a name; no socket is made of this one.
const SOME_PORT: u16 = 80;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lookup {
    /// The name as it was given.
    pub name: String,
    /// Its addresses, in the order in which a client should try them.
    pub addresses: Answer<Vec<Found>>,
    /// How long the answer took, in milliseconds.
    pub millis: u128,
}

/// One address of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The address.
    pub address: IpAddr,
    /// Its family's number on this system.
    pub family: i32,
    /// What it stands for.
    pub scope: Scope,
}

/// Looks `name` up. Blocks until the system answers, at most [`LOOKUP_DEADLINE`].
///
/// # Errors
/// Only when `name` cannot be a name; that it is not found is a result.
///
/// # Examples
/// ```
/// use socket_basics::{resolve::look_up, system_error::Answer};
///
/// let lookup = look_up("127.0.0.1")?; // An address needs no look-up.
/// assert!(matches!(lookup.addresses, Answer::Ok(found) if found.len() == 1));
/// # Ok::<(), netcommon::addr::ParseError>(())
/// ```
pub fn look_up(name: &str) -> Result<Lookup, ParseError> {
    let host = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    let target: HostPort = format!("{host}:{SOME_PORT}").parse()?;
    let start = Instant::now();
    let addresses = match within_deadline(move || resolve(&target)) {
        Ok(Ok(addrs)) => Answer::Ok(addrs.into_iter().map(|addr| found(addr.ip())).collect()),
        Ok(Err(OpError { cause, .. })) | Err(cause) => Answer::Error(SystemError::from(&cause)),
    };
    Ok(Lookup { name: name.to_owned(), addresses, millis: start.elapsed().as_millis() })
}

fn found(address: IpAddr) -> Found {
    let family = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    Found { address, family: family.into(), scope: scope(address) }
}

// ANCHOR: deadline
/// Lets `question` run on a thread of its own and waits for its answer, at most [`LOOKUP_DEADLINE`].
///
/// # Errors
/// `TimedOut` when no answer came, and what the system says when it has no thread left.
pub(crate) fn within_deadline<T: Send + 'static>(question: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (sender, answer) = mpsc::sync_channel(1);
    // Not joined: a blocked look-up cannot be interrupted, and it owns nothing that others need.
    Builder::new().name("look-up".to_owned()).spawn(move || {
        // The receiver is gone when the answer comes too late.
        let _ = sender.send(question());
    })?;
    answer.recv_timeout(LOOKUP_DEADLINE).map_err(|_| {
        io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} ms", LOOKUP_DEADLINE.as_millis()))
    })
}
// ANCHOR_END: deadline

impl Lookup {
    /// The topic as text.
    #[must_use]
    pub fn page(&self, lang: Lang) -> String {
        let mut page = Page::new("resolve", lang.pick("from a name to addresses", "從名稱到位址"));
        let (name, millis) = (netcommon::escape::escape(self.name.as_bytes()), self.millis);
        match &self.addresses {
            Answer::Ok(found) => {
                page.paragraph(&match lang {
                    Lang::En => format!("getaddrinfo(\"{name}\") answered after {millis} ms, in the order to try:"),
                    Lang::ZhTw => format!("getaddrinfo(\"{name}\") 花了 {millis} ms 回答，請依序嘗試："),
                });
                let head =
                    [lang.pick("address", "位址"), lang.pick("family", "family"), lang.pick("stands for", "代表")];
                let mut table = Table::new(&head).right(1);
                for Found { address, family, scope } in found {
                    table.row([address.to_string(), family.to_string(), scope.words(lang).to_owned()]);
                }
                page.table(&table);
            }
            Answer::Error(error) => {
                page.paragraph(&match lang {
                    Lang::En => format!("getaddrinfo(\"{name}\") failed after {millis} ms: {error}"),
                    Lang::ZhTw => format!("getaddrinfo(\"{name}\") 在 {millis} ms 後失敗：{error}"),
                });
            }
        }
        page.paragraph(lang.pick(
            "A name may have several addresses, of both families. A server bound to one of them is not reached at \
             the others, so the course's defaults say 127.0.0.1 and not localhost.",
            "一個名稱可以有好幾個位址，兩種 family 都可能有。伺服器只 bind 其中一個，別的位址就連不到；所以這門課的預設值寫 \
             127.0.0.1，不寫 localhost。",
        ));
        page.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_this_machine() {
        let Answer::Ok(found) = look_up(DEFAULT_NAME).unwrap().addresses else { panic!("localhost is not found") };
        assert!(!found.is_empty() && found.iter().all(|found| found.scope == Scope::Loopback), "{found:?}");
    }

    #[test]
    fn an_ipv6_address_needs_no_brackets_where_no_port_follows() {
        let Answer::Ok(found) = look_up("::1").unwrap().addresses else { panic!("::1 is an address") };
        assert_eq!(found[0].address, "::1".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn a_question_that_is_never_answered_ends_at_the_deadline() {
        let (never, wait) = mpsc::channel::<()>();
        let start = Instant::now();
        let error = within_deadline(move || wait.recv()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() >= LOOKUP_DEADLINE);
        drop(never);
    }
}
