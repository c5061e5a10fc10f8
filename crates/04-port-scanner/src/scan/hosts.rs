//! What has been learned about each host while its ports are asked: its round trip and its losses.
//!
//! A host is forgotten when the last of its ports under way is settled and another host has begun, so that
//! a walk through a /8 stays small. Read `rtt.rs` before. Pure.

use std::net::SocketAddr;
use std::time::Duration;

use super::TRIES_MAX;
use super::rtt::Rtt;
use crate::target::HostAddr;

/// The place of a host among those that are being asked.
pub(super) type HostId = usize;

/// So rarely may an open port go unseen before losses make us try more often: one in ten thousand.
const MISSED_MAX: f64 = 1e-4;

/// From fewer answers, a share of losses means nothing.
const ANSWERS_FOR_LOSS: u32 = 5;

#[derive(Debug)]
struct Host {
    addr: HostAddr,
    ports: usize,
    rtt: Rtt,
    answers: u32,
    lost: u32,
}

/// The hosts that are being asked.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    places: Vec<Host>,
    empty: Vec<HostId>,
    /// The one that the plan is at.
    current: Option<HostId>,
}

impl Hosts {
    /// One more port of the host of `addr` is being asked.
    pub(super) fn enter(&mut self, addr: SocketAddr) -> HostId {
        let addr = HostAddr::from(addr);
        let id = match self.current {
            Some(id) if self.places[id].addr == addr => id,
            _ => {
                let left = self.current.take();
                left.into_iter().for_each(|id| self.forget_if_idle(id));
                self.insert(Host { addr, ports: 0, rtt: Rtt::default(), answers: 0, lost: 0 })
            }
        };
        self.current = Some(id);
        self.places[id].ports += 1;
        id
    }

    /// A port of the host is settled.
    pub(super) fn leave(&mut self, id: HostId) {
        self.places[id].ports -= 1;
        self.forget_if_idle(id);
    }

    /// The host has answered after `rtt`, and `lost` tries before were lost. How long a try waits now.
    pub(super) fn on_answer(&mut self, id: HostId, rtt: Duration, lost: u8, interval: Duration) -> Duration {
        let host = &mut self.places[id];
        host.rtt.add(rtt);
        host.answers = host.answers.saturating_add(1);
        host.lost = host.lost.saturating_add(lost.into());
        host.rtt.rto().map_or(interval, |rto| rto.min(interval))
    }

    pub(super) fn rtt(&self, id: HostId) -> &Rtt {
        &self.places[id].rtt
    }

    /// How often a silent port is to be asked: `tries`, or more if so many can be lost one after the other.
    // ANCHOR: tries_wanted
    pub(super) fn tries_wanted(&self, id: HostId, tries: u8) -> u8 {
        let Host { answers, lost, .. } = self.places[id];
        if answers < ANSWERS_FOR_LOSS || lost == 0 {
            return tries;
        }
        let loss = f64::from(lost) / f64::from(lost + answers);
        let enough = |tries: &u8| loss.powi(i32::from(*tries)) <= MISSED_MAX;
        (tries..TRIES_MAX).find(enough).unwrap_or(TRIES_MAX)
    }
    // ANCHOR_END: tries_wanted

    fn insert(&mut self, host: Host) -> HostId {
        if let Some(id) = self.empty.pop() {
            self.places[id] = host;
            return id;
        }
        self.places.push(host);
        self.places.len() - 1
    }

    fn forget_if_idle(&mut self, id: HostId) {
        if self.places[id].ports == 0 && self.current != Some(id) {
            self.empty.push(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_are_done_leave_their_place_to_the_next() {
        let mut hosts = Hosts::default();
        for number in 0..1_000_u32 {
            let addr = SocketAddr::from((std::net::Ipv4Addr::from_bits(number), 80));
            let ids = [hosts.enter(addr), hosts.enter(addr)];
            assert_eq!(ids[0], ids[1]);
            ids.into_iter().for_each(|id| hosts.leave(id));
        }
        assert!(hosts.places.len() <= 2, "{}", hosts.places.len());
    }

    #[test]
    fn losses_ask_for_more_tries_until_hardly_any_port_is_missed() {
        for (answers, lost, want) in [(100, 0, 3), (4, 4, 3), (95, 5, 4), (990, 10, 3), (70, 30, 6)] {
            let mut hosts = Hosts::default();
            let id = hosts.enter("127.0.0.1:80".parse().unwrap());
            for n in 0..answers {
                hosts.on_answer(id, Duration::ZERO, u8::from(n < lost), Duration::ZERO);
            }
            assert_eq!(hosts.tries_wanted(id, 3), want, "{lost} lost before {answers} answers");
        }
    }
}
