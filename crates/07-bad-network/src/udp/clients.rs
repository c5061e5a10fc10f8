//! The relay's clients: who has which socket, who is forgotten, and what is said about the target.
//!
//! A UDP client never says goodbye, so places are given back after a silence. Read `udp.rs` before.

use super::*;

impl Relay {
    /// The flow of a client, which gets a socket of its own when it is new; `None` when there is no place.
    pub(super) fn flow_of(&mut self, client: SocketAddr) -> Option<u64> {
        let now = self.now();
        if let Some((_, Role::Client { flow, last_used, .. })) =
            self.by_addr.get(&client).and_then(|key| self.sockets.get_mut(*key))
        {
            *last_used = now;
            return Some(*flow);
        }
        if self.by_addr.len() >= self.limits.flows_max {
            self.has_no_place(client, &format!("{} clients are here already", self.limits.flows_max));
            return None;
        }
        let socket = match self.socket_for_client() {
            Ok(socket) => socket,
            Err(error) => {
                self.has_no_place(client, &error.to_string());
                return None;
            }
        };
        let flow = self.flows + 1;
        let role = Role::Client { flow, addr: client, last_used: now };
        match self.sockets.insert(socket, Interest::Readable, role) {
            Ok(key) => {
                self.flows = flow;
                self.by_addr.insert(client, key);
                self.by_flow.insert(flow, key);
                self.voice.say(&Event::Flow { flow, client });
                Some(flow)
            }
            Err(error) => {
                self.has_no_place(client, &error.to_string());
                None
            }
        }
    }

    /// A socket that talks to the target only.
    fn socket_for_client(&self) -> io::Result<UdpSocket> {
        let any_port = match self.target {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(any_port)?;
        socket.connect(self.target)?;
        socket.set_nonblocking(true)?;
        let _ = socket.set_recv_buffer_size(KERNEL_BUFFER);
        Ok(socket)
    }

    /// Says it once; a flood from many addresses would otherwise flood the terminal as well.
    fn has_no_place(&mut self, client: SocketAddr, cause: &str) {
        self.refused += 1;
        if !self.no_place {
            self.no_place = true;
            self.voice.say(&Event::NoPlace { client, cause: cause.to_owned() });
        }
    }

    /// Gives back the places of clients that have been silent; looks at all of them, but rarely.
    pub(super) fn forget_idle(&mut self) {
        let now = self.now();
        if now < self.next_look_for_idle {
            return;
        }
        self.next_look_for_idle = now + self.limits.idle / 4;
        let idle_max = self.limits.idle;
        let keys: Vec<Key> = self.by_addr.values().copied().collect();
        for key in keys {
            let Some((_, Role::Client { flow, addr, last_used })) = self.sockets.get_mut(key) else { continue };
            if self.network.carries(*flow) {
                // With a delay like that to Mars it is the network that is silent, not the client.
                *last_used = now;
            } else if now.saturating_sub(*last_used) >= idle_max {
                let (flow, addr) = (*flow, *addr);
                log::info!("flow {flow}, {addr}: silent, forgotten");
                self.by_addr.remove(&addr);
                self.by_flow.remove(&flow);
                self.network.forget(flow);
                self.sockets.remove(key);
                self.no_place = false;
            }
        }
    }

    pub(super) fn target_is_gone(&mut self, error: &io::Error) {
        if !self.target_gone && is_refused(error) {
            self.target_gone = true;
            let cause = format!("an ICMP message says that nobody has this port ({error})");
            self.voice.say(&Event::TargetGone { target: self.target, cause });
        }
    }

    pub(super) fn target_is_back(&mut self) {
        if self.target_gone {
            self.target_gone = false;
            self.voice.say(&Event::TargetBack { target: self.target });
        }
    }

    /// The live line, when something has changed and it is time.
    pub(super) fn show(&mut self) {
        let (network, totals) = (&self.network, &self.totals);
        let shown = self.voice.live(|| {
            let sum = |what: fn(&Totals) -> u64| what(&totals[0]) + what(&totals[1]);
            let lost = sum(|of| of.lost + of.cut_off + of.queue_full + of.no_room + of.not_sent);
            let (came, left, late) = (sum(|of| of.datagrams_in), sum(|of| of.datagrams_out), sum(|of| of.late));
            let (waiting, _) = network.waiting();
            format!("in {came}  out {left}  lost {lost}  late {late}  on their way {waiting}")
        });
        if shown {
            self.shown = self.totals;
        }
    }

    /// No more datagrams are taken; what is on its way has until the returned time.
    pub(super) fn stop_receiving(&mut self, grace: Duration, shutdown: &Shutdown) -> Duration {
        self.voice.say(&Event::ShuttingDown);
        shutdown.wake_on_cut(self.sockets.waker());
        let keys: Vec<Key> = self.sockets.keys().collect();
        for key in keys {
            // Fails only for a socket that the poller does not know, which is what we want.
            let _ = self.sockets.set_interest(key, Interest::Nothing);
        }
        self.now() + grace
    }

    /// Counts what is left behind, and says the totals.
    pub(super) fn finish(mut self) -> Result<Summary, OpError> {
        while let Some(delivery) = self.network.take_due(Duration::MAX) {
            self.totals[delivery.direction.index()].on_their_way += 1;
        }
        self.log.flush()?;
        let [up, down] = self.totals;
        let summary = Summary { up, down, flows: self.flows, refused: self.refused };
        self.voice.say(&Event::Datagrams(summary));
        Ok(summary)
    }
}
