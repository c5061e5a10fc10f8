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
    /// The share of tries that were lost; `None` without any answer to measure it by.
    pub loss: Option<f64>,
    /// How many open ports have probably been missed.
    pub missed: Option<f64>,
    /// Nearly every port is open: something on the way answers for the host, or it is a trap for scanners.
    pub all_open: bool,
    /// The host answers so many times a second and no more, so `filtered` may mean `closed`.
    pub limits_answers: bool,
    /// Not one port answered, but the system or somebody on the way said that there is no way to it.
    pub turned_away: bool,
}

impl Sureness {
    /// Judges a complete host.
    // ANCHOR: of_host
    #[must_use]
    pub fn of_host(report: &HostReport) -> Self {
        let open = u32::try_from(report.open.len()).unwrap_or(u32::MAX);
        let tries = report.answers + report.lost;
        let loss = (report.answers > 0).then(|| f64::from(report.lost) / f64::from(tries));
        let missed = loss.map(|loss| {
            // All k tries to an open port are lost with probability p = loss^k; seen are the other 1 - p.
            let all_lost = if report.filtered == 0 { 0.0 } else { loss.powi(i32::from(report.tries)) };
            f64::from(open) * all_lost / (1.0 - all_lost)
        });
        let is_many = report.answers >= PORTS_FOR_SUSPICION;
        let all_open = is_many && open >= (report.answers + report.filtered) / 10 * 9;
        let limits_answers = is_many && report.filtered > 0 && loss.is_some_and(|loss| loss > LOSS_OF_A_LIMIT);
        let turned_away = report.answers == 0 && report.unreachable > 0;
        Self { loss, missed, all_open, limits_answers, turned_away }
    }
    // ANCHOR_END: of_host
}

impl fmt::Display for Sureness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.loss, self.missed) {
            (Some(loss), Some(missed)) if loss > 0.0 => {
                write!(f, "{:.1} % of the tries were lost; open ports missed, by estimate: {missed:.3}", loss * 100.0)?;
            }
            (Some(_), _) => f.write_str("no try was lost, so no open port should be missing")?,
            (None, _) if self.turned_away => {
                f.write_str("no port answered; we were told that there is no way to some or all of them")?;
            }
            (None, _) => f.write_str("nothing answered: a firewall drops everything, or there is no such host")?,
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
    use super::*;
    use crate::report::ledger::Ledger;
    use crate::verdict::{Finding, Verdict};

    /// `open` and `closed` ports, of which `late` needed a second try, and `filtered` ones after three.
    fn judge(open: u16, closed: u16, late: u16, filtered: u16) -> Sureness {
        let all = open + closed + filtered;
        let mut ledger = Ledger::default();
        for number in 0..all {
            let (verdict, attempt) = match number {
                n if n < open => (Verdict::Open, 1 + u8::from(n < late)),
                n if n < open + closed => (Verdict::Closed, 1 + u8::from(n < late)),
                _ => (Verdict::Filtered, 3),
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
    fn odd_hosts_are_pointed_out() {
        assert!(judge(100, 0, 0, 0).all_open && !judge(100, 100, 0, 0).all_open && !judge(10, 0, 0, 0).all_open);
        assert!(judge(1, 99, 80, 500).limits_answers && !judge(1, 99, 5, 500).limits_answers);
        assert!(judge(1, 99, 80, 500).to_string().contains("filtered may mean closed"));
    }
}
