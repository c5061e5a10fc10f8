//! How sure a host's answers are: what was lost, and what that means for the ports that stayed silent.
//!
//! Speed is often bought with open ports that nobody sees. Every answer that only a later try brought
//! proves that the tries before it were lost; the share of those says how many open ports may have been
//! lost altogether. Read `ledger.rs` before. Pure.

use std::fmt;

use super::ledger::HostReport;

/// Fewer ports say nothing about a whole host.
const PORTS_FOR_SUSPICION: u32 = 50;

/// From this share of lost tries on, chance is no explanation.
const LOSS_OF_A_LIMIT: f64 = 0.25;

/// What a host's answers are worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sureness {
    /// The share of tries that were lost, or why nobody can say.
    pub loss: Result<f64, Unmeasured>,
    /// How many open ports have probably been missed.
    pub missed: Option<f64>,
    /// Nearly every port is open: something on the way answers for the host, or it is a trap for scanners.
    pub all_open: bool,
    /// The host answers so many times a second and no more, so `filtered` may mean `closed`.
    pub limits_answers: bool,
}

/// Why losses could not be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmeasured {
    /// One try a port: a lost SYN looks like a firewall.
    AskedOnce,
    /// Not one port answered, but the system or somebody on the way said that there is no way to it.
    TurnedAway,
    /// Not one port answered, because this machine forbids to ask.
    Denied,
    /// Not one port could be asked.
    NotAsked,
    /// Not one port answered.
    Silence,
}

impl Sureness {
    /// Judges a complete host.
    // ANCHOR: of_host
    #[must_use]
    pub fn of_host(report: &HostReport) -> Self {
        let open = u32::try_from(report.open.len()).unwrap_or(u32::MAX);
        let tries = report.answers + report.lost;
        let loss = match Unmeasured::of_host(report) {
            Some(why) => Err(why),
            None => Ok(f64::from(report.lost) / f64::from(tries)),
        };
        let missed = loss.ok().map(|loss| {
            // All k tries to an open port are lost with probability p = loss^k; seen are the other 1 - p.
            let all_lost = if report.filtered == 0 { 0.0 } else { loss.powi(i32::from(report.tries)) };
            f64::from(open) * all_lost / (1.0 - all_lost)
        });
        let is_many = report.answers >= PORTS_FOR_SUSPICION;
        let all_open = is_many && open * 10 >= (report.answers + report.filtered) * 9;
        let limits_answers = is_many && report.filtered > 0 && loss.is_ok_and(|loss| loss > LOSS_OF_A_LIMIT);
        Self { loss, missed, all_open, limits_answers }
    }
    // ANCHOR_END: of_host
}

impl Unmeasured {
    fn of_host(report: &HostReport) -> Option<Self> {
        match report {
            HostReport { answers: 1.., filtered: 0, .. } => None,
            HostReport { answers: 1.., tries, .. } => (*tries < 2).then_some(Self::AskedOnce),
            HostReport { unreachable: 1.., .. } => Some(Self::TurnedAway),
            HostReport { filtered: 1.., .. } => Some(Self::Silence),
            HostReport { denied: 1.., .. } => Some(Self::Denied),
            _ => Some(Self::NotAsked),
        }
    }
}

impl fmt::Display for Unmeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AskedOnce => "silent ports were asked only once, so nobody can tell a lost try from a firewall",
            Self::TurnedAway => "no port answered; we were told that there is no way to some or all of them",
            Self::Denied => "this machine forbids to ask, so nothing is known",
            Self::NotAsked => "no port could be asked, so nothing is known",
            Self::Silence => "nothing answered: a firewall drops everything, or there is no such host",
        })
    }
}

impl fmt::Display for Sureness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.loss, self.missed) {
            (Ok(loss), Some(missed)) if loss > 0.0 => {
                write!(f, "{:.1} % of the tries were lost; open ports missed, by estimate: {missed:.3}", loss * 100.0)?;
            }
            (Ok(_), _) => f.write_str("no try was lost, so no open port should be missing")?,
            (Err(why), _) => why.fmt(f)?,
        }
        if self.limits_answers {
            f.write_str("; the host limits how often it answers, so filtered may mean closed")?;
        }
        if self.all_open {
            f.write_str("; nearly every port is open: something on the way may answer for the host")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::report::ledger::Ledger;
    use crate::verdict::{Answer, Finding, Verdict};

    /// `open` and `closed` ports, of which `late` needed a second try, and `filtered` ones after three.
    fn judge(open: u16, closed: u16, late: u16, filtered: u16) -> Sureness {
        judge_after(3, open, closed, late, filtered)
    }

    /// The same after `tries`.
    fn judge_after(tries: u8, open: u16, closed: u16, late: u16, filtered: u16) -> Sureness {
        let all = open + closed + filtered;
        let mut ledger = Ledger::default();
        for number in 0..all {
            let (verdict, attempt) = match number {
                n if n < open => (Verdict::Open, 1 + u8::from(n < late)),
                n if n < open + closed => (Verdict::Closed, 1 + u8::from(n < late)),
                _ => (Verdict::Filtered, tries),
            };
            let addr = ([192, 0, 2, 1], number + 1).into();
            ledger.record(&Finding { addr, verdict, attempt, rtt: None, host_ports: all.into() });
        }
        Sureness::of_host(&ledger.close().0[0])
    }

    #[test]
    fn lost_tries_say_how_many_open_ports_may_be_missing() {
        let Sureness { loss, missed, .. } = judge(95, 0, 5, 1000);
        assert!((loss.unwrap() - 0.05).abs() < 1e-9, "{loss:?}");
        // 95 seen, each missed with 0.05 to the third.
        assert!((missed.unwrap() - 95.0 * 0.000_125).abs() < 1e-4, "{missed:?}");
    }

    #[test]
    fn without_loss_or_without_silence_nothing_is_missing() {
        assert_eq!(judge(10, 90, 0, 900).missed, Some(0.0));
        assert_eq!(judge(10, 90, 50, 0).missed, Some(0.0));
        assert_eq!(judge(0, 0, 0, 100).missed, None);
    }

    #[test]
    fn one_try_a_port_cannot_tell_loss_from_a_firewall() {
        let Sureness { loss, missed, .. } = judge_after(1, 10, 90, 0, 900);
        assert_eq!((loss, missed), (Err(Unmeasured::AskedOnce), None));
        // Without silence there is nothing to be unsure of.
        assert_eq!(judge_after(1, 10, 90, 0, 0).loss, Ok(0.0));
    }

    #[test]
    fn why_nothing_is_known_has_words_of_its_own() {
        for (kind, want) in [
            (io::ErrorKind::HostUnreachable, "no way"),
            (io::ErrorKind::PermissionDenied, "this machine forbids"),
            (io::ErrorKind::AddrNotAvailable, "no port could be asked"),
        ] {
            let verdict = match Answer::of_error(&kind.into()) {
                Answer::Says(verdict) => verdict,
                Answer::NoRoom(reason) => Verdict::Unknown(reason),
                Answer::Nothing => panic!("{kind} is no silence"),
            };
            let mut ledger = Ledger::default();
            let addr = ([192, 0, 2, 1], 80).into();
            ledger.record(&Finding { addr, verdict, attempt: 1, rtt: None, host_ports: 1 });
            let words = Sureness::of_host(&ledger.close().0[0]).to_string();
            assert!(words.contains(want), "{kind}: {words}");
        }
    }

    #[test]
    fn odd_hosts_are_pointed_out() {
        assert!(judge(100, 0, 0, 0).all_open && !judge(100, 100, 0, 0).all_open && !judge(10, 0, 0, 0).all_open);
        assert!(!judge(46, 13, 0, 0).all_open, "78 % are not nearly all");
        assert!(judge(1, 99, 80, 500).limits_answers && !judge(1, 99, 5, 500).limits_answers);
        assert!(judge(1, 99, 80, 500).to_string().contains("filtered may mean closed"));
    }
}
