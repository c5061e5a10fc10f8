//! Why a request has no answer, in the words that the user reads.
//!
//! UDP itself says almost nothing; the difference between "refused" and "silence" is all there is, and
//! this file keeps the two apart. Beside `client.rs`. Source: RFC 8085 section 5.2 (ICMP), udp(7).

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use netcommon::connect::Failures;
use netcommon::units::counted;

use crate::exchange::{PREFIX, Stray};

/// A request that has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No datagram can carry it; nothing was sent.
    #[error(
        "send a message of {len} bytes: one datagram carries at most {limit} (macOS takes 9216 until \
         net.inet.udp.maxdgram is raised); send it in parts, or use TCP"
    )]
    TooLong {
        /// The message's length in bytes.
        len: usize,
        /// What a datagram carries.
        limit: usize,
    },

    /// A datagram could carry it, but this system does not send one so long.
    #[error("send a message of {len} bytes: {cause}; macOS takes 9216 bytes until net.inet.udp.maxdgram is raised")]
    TooLongHere {
        /// The message's length in bytes.
        len: usize,
        /// What the system said.
        cause: io::Error,
    },

    /// The peer's system sent an ICMP "port unreachable".
    #[error("nothing is listening on {peer}: {cause}; start the server there first")]
    NobodyThere {
        /// Where.
        peer: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },

    /// Silence, or datagrams that were not the answer.
    #[error("no answer from {peer} after {}, {:.1} s{}", counted(*.attempts, "attempt"), .waited.as_secs_f64(), hint(.request, .strays))]
    NoAnswer {
        /// Who was asked.
        peer: SocketAddr,
        /// How often.
        attempts: u32,
        /// For how long.
        waited: Duration,
        /// What came instead.
        strays: Strays,
        /// What was asked.
        request: Vec<u8>,
    },

    /// Something else: no way there, or not allowed.
    #[error("{operation} {peer}: {}", explained(.cause))]
    System {
        /// What was attempted.
        operation: &'static str,
        /// On what.
        peer: SocketAddr,
        /// What the system said, which to a connect it would mean just the same.
        cause: Failures,
    },
}

/// Datagrams that came during a request and were not its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Strays {
    late: u64,
    foreign: u64,
    /// How much of our message the last shortened answer held.
    shortened: Option<usize>,
}

impl Strays {
    /// Counts one more.
    pub fn count(&mut self, stray: Stray) {
        match stray {
            Stray::Late => self.late += 1,
            Stray::Foreign => self.foreign += 1,
            Stray::Shortened(len) => self.shortened = Some(len),
        }
    }
}

/// What it means, what the system said, and what to try.
fn explained(failures: &Failures) -> String {
    let said = failures.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let hint = failures.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{failures}{said}{hint}")
}

/// What most likely happened, and what to try.
fn hint(request: &[u8], strays: &Strays) -> impl fmt::Display {
    if request.starts_with(PREFIX) {
        "; it begins as the server's own answers do, and those it never answers".to_owned()
    } else if let Some(len) = strays.shortened {
        let all = request.len();
        format!("; one came with {len} of our {all} bytes: the server's buffer cut the message")
    } else if strays.foreign > 0 {
        let count = strays.foreign;
        format!("; what came was not the answer ({count} datagram(s)): see it with -v, take it with --any-answer")
    } else if strays.late > 0 {
        "; only answers to the message before came".to_owned()
    } else {
        "; lost, or late (--timeout and --attempts wait longer)? or is that another kind of server?".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_answer(request: &str, strays: &[Stray]) -> String {
        let mut counted = Strays::default();
        strays.iter().for_each(|stray| counted.count(*stray));
        let peer = "127.0.0.1:9999".parse().unwrap();
        let (waited, request) = (Duration::from_secs(7), request.as_bytes().to_vec());
        AskError::NoAnswer { peer, attempts: 3, waited, strays: counted, request }.to_string()
    }

    #[test]
    fn silence_is_explained_by_what_came_instead() {
        for (request, strays, want) in [
            (
                "你好",
                &[][..],
                "lost, or late (--timeout and --attempts wait longer)? or is that another kind of server?",
            ),
            ("你好", &[Stray::Late], "only answers to the message before came"),
            (
                "你好",
                &[Stray::Late, Stray::Foreign],
                "what came was not the answer (1 datagram(s)): see it with -v, take it with --any-answer",
            ),
            (
                "你好",
                &[Stray::Foreign, Stray::Shortened(3)],
                "one came with 3 of our 6 bytes: the server's buffer cut the message",
            ),
            ("Server received: 你好", &[], "it begins as the server's own answers do, and those it never answers"),
        ] {
            assert_eq!(
                no_answer(request, strays),
                format!("no answer from 127.0.0.1:9999 after 3 attempts, 7.0 s; {want}")
            );
        }
    }

    #[test]
    fn what_the_system_says_is_explained_as_to_a_connect() {
        let peer = "192.0.2.1:80".parse().unwrap();
        let cause = Failures::of(peer, io::ErrorKind::HostUnreachable.into());
        let text = AskError::System { operation: "receive from", peer, cause }.to_string();
        let want = "receive from 192.0.2.1:80: there is no way to that address: host unreachable; \
                    check the address and this machine's network";
        assert_eq!(text, want);
    }

    #[test]
    fn too_long_names_the_length_and_both_limits() {
        let text = AskError::TooLong { len: 70_000, limit: 65_507 }.to_string();
        assert!(
            text.starts_with("send a message of 70000 bytes: one datagram carries at most 65507 (macOS takes 9216"),
            "{text}"
        );
    }
}
