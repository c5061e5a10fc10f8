//! What to relay: `LISTEN TARGET`, or several `LISTEN=TARGET`, each for TCP or (`udp:`) UDP.
//!
//! Parsed once at the edge. Read `proxy.rs` next.

use std::fmt;
use std::net::SocketAddr;

use netcommon::addr::HostPort;

use crate::observation::Protocol;

/// Where clients come and where they are passed on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// What is relayed.
    pub protocol: Protocol,
    /// Where to listen; port 0 takes a free one.
    pub listen: HostPort,
    /// Where the server is.
    pub target: HostPort,
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", self.protocol, self.listen, self.target)
    }
}

/// Why arguments are no pairs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPairs {
    /// Neither form.
    #[error("expected LISTEN TARGET, or LISTEN=TARGET once or several times")]
    Form,
    /// An address that is none.
    #[error("address `{text}`: {cause}")]
    Addr {
        /// As it was written.
        text: String,
        /// What is wrong with it.
        cause: netcommon::addr::ParseError,
    },
}

/// Reads the arguments; `udp` makes pairs without a prefix UDP ones.
///
/// # Errors
/// Neither form, or an address that is none.
///
/// # Examples
/// ```
/// use net_monitor::proxy::pairs::parse;
///
/// let one = parse(&["127.0.0.1:8001".to_owned(), "127.0.0.1:8888".to_owned()], false)?;
/// assert_eq!(one[0].to_string(), "tcp 127.0.0.1:8001 -> 127.0.0.1:8888");
/// let two = ["[::1]:0=教室.example:80", "udp:127.0.0.1:9001=127.0.0.1:9999"].map(str::to_owned);
/// assert_eq!(parse(&two, false)?[1].to_string(), "udp 127.0.0.1:9001 -> 127.0.0.1:9999");
/// # Ok::<(), net_monitor::proxy::pairs::NotPairs>(())
/// ```
pub fn parse(arguments: &[String], udp: bool) -> Result<Vec<Pair>, NotPairs> {
    if let [listen, target] = arguments
        && !listen.contains('=')
        && !target.contains('=')
    {
        return Ok(vec![pair(listen, target, udp)?]);
    }
    if arguments.is_empty() {
        return Err(NotPairs::Form);
    }
    arguments.iter().map(|text| text.split_once('=').ok_or(NotPairs::Form).and_then(|(l, t)| pair(l, t, udp))).collect()
}

fn pair(listen: &str, target: &str, udp: bool) -> Result<Pair, NotPairs> {
    // `udp:9999` may also be a host of that name: then no second colon follows.
    let prefixed = |prefix: &str| listen.strip_prefix(prefix).filter(|rest| rest.contains(':'));
    let (protocol, listen) = match (prefixed("udp:"), prefixed("tcp:")) {
        (Some(rest), _) => (Protocol::Udp, rest),
        (_, Some(rest)) => (Protocol::Tcp, rest),
        _ => (if udp { Protocol::Udp } else { Protocol::Tcp }, listen),
    };
    let addr = |text: &str| text.parse().map_err(|cause| NotPairs::Addr { text: text.to_owned(), cause });
    Ok(Pair { protocol, listen: addr(listen)?, target: addr(target)? })
}

/// Whether what is sent to `target` would come in again at `front`, for ever.
#[must_use]
pub fn is_circle(front: SocketAddr, target: SocketAddr) -> bool {
    let same_host = front.ip() == target.ip() || front.ip().is_unspecified() && target.ip().is_loopback();
    front.port() == target.port() && same_host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_taken_and_every_other_one_is_told_apart() {
        let parse = |texts: &[&str], udp| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            let pairs = parse(&texts, udp).map_err(|error| error.to_string())?;
            Ok::<_, String>(pairs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        };
        let form = "expected LISTEN TARGET, or LISTEN=TARGET once or several times";
        for (texts, udp, want) in [
            (&["127.0.0.1:1", "127.0.0.1:2"][..], true, Ok("udp 127.0.0.1:1 -> 127.0.0.1:2")),
            (&["tcp:127.0.0.1:1=[::1]:2", "a:3=b:4"], true, Ok("tcp 127.0.0.1:1 -> [::1]:2, udp a:3 -> b:4")),
            (&["udp:1=b:4"], false, Ok("tcp udp:1 -> b:4")),
            (&[], false, Err(form)),
            (&["127.0.0.1:1"], false, Err(form)),
            (&["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"], false, Err(form)),
        ] {
            assert_eq!(parse(texts, udp), want.map(str::to_owned).map_err(str::to_owned), "{texts:?}");
        }
        let error = parse(&["127.0.0.1=127.0.0.1:2"], false).unwrap_err();
        assert!(error.starts_with("address `127.0.0.1`: "), "{error}");
    }

    #[test]
    fn a_circle_is_seen() {
        let circle = |front: &str, target: &str| is_circle(front.parse().unwrap(), target.parse().unwrap());
        assert!(circle("127.0.0.1:1", "127.0.0.1:1") && circle("0.0.0.0:1", "127.0.0.1:1"));
        assert!(!circle("127.0.0.1:1", "127.0.0.1:2") && !circle("127.0.0.1:1", "192.0.2.1:1"));
    }
}
