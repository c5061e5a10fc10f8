//! The kernel's own counts, from `/proc/net`: against them the list of connections is held. Pure.
//!
//! Events can be lost and looks come too late, but these counters miss nothing: every connection that was ever
//! opened in this network namespace is in one of them. Read before: nothing. Read next: `proof.rs`.
//! Sources: `proc_pid_net(5)`; RFC 4022 (`tcpActiveOpens`, `tcpPassiveOpens`, `tcpAttemptFails`).

/// The TCP counters of `/proc/net/snmp`, since the machine (or the namespace) began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Sockets on which a connect sent its SYN.
    pub active_opens: u64,
    /// Sockets that came out of a finished handshake of a listener.
    pub passive_opens: u64,
    /// Handshakes that came to nothing: refused, or never answered.
    pub attempt_fails: u64,
}

impl Counters {
    /// Reads the text of `/proc/net/snmp`; `None` when it has no such lines.
    ///
    /// # Examples
    /// ```
    /// use net_monitor::kernel::snmp::Counters;
    ///
    /// let text = "Tcp: ActiveOpens PassiveOpens AttemptFails\nTcp: 5 3 1\n";
    /// assert_eq!(Counters::read(text).map(Counters::opens), Some(8));
    /// ```
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        // A line of names, then a line of numbers: columns may come, so each is looked for by its name.
        let mut lines = text.lines().filter_map(|line| line.strip_prefix("Tcp:"));
        let (names, numbers) = (lines.next()?, lines.next()?);
        let number_of = |wanted: &str| {
            let index = names.split_whitespace().position(|name| name == wanted)?;
            numbers.split_whitespace().nth(index)?.parse().ok()
        };
        Some(Self {
            active_opens: number_of("ActiveOpens")?,
            passive_opens: number_of("PassiveOpens")?,
            attempt_fails: number_of("AttemptFails")?,
        })
    }

    /// Sockets that have been a connection's end, or tried to be.
    #[must_use]
    pub fn opens(self) -> u64 {
        self.active_opens.wrapping_add(self.passive_opens)
    }
}

/// How many messages the kernel has dropped for the netlink socket with `port`, from `/proc/net/netlink`.
///
/// # Examples
/// ```
/// use net_monitor::kernel::snmp::netlink_drops;
///
/// let text = "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\n0 4 4242 5 0 0 0 2 17 99\n";
/// assert_eq!(netlink_drops(text, 4242), Some(17));
/// ```
#[must_use]
pub fn netlink_drops(text: &str, port: u32) -> Option<u64> {
    let mut lines = text.lines();
    let names: Vec<_> = lines.next()?.split_whitespace().collect();
    let column = |wanted| names.iter().position(|name| *name == wanted);
    let (protocol, pid, drops) = (column("Eth")?, column("Pid")?, column("Drops")?);
    let (sock_diag, port) = ("4", port.to_string());
    lines.find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let is_ours = fields.get(protocol) == Some(&sock_diag) && fields.get(pid) == Some(&port.as_str());
        is_ours.then(|| fields.get(drops)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From a machine with Linux 6.18, shortened to the lines around ours.
    const SNMP: &str = "\
Ip: Forwarding DefaultTTL
Ip: 2 64
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs
Tcp: 1 200 120000 -1 6196309 806885 5219 43 4 144884664
Udp: InDatagrams NoPorts
Udp: 1 2
";

    #[test]
    fn counters_are_found_by_their_names() {
        let want = Counters { active_opens: 6_196_309, passive_opens: 806_885, attempt_fails: 5219 };
        assert_eq!(Counters::read(SNMP), Some(want));
    }

    #[test]
    fn a_text_without_the_counters_gives_none() {
        for text in ["", "Tcp:", "Tcp: ActiveOpens\nTcp: x\n", "Udp: ActiveOpens\nUdp: 1\n", "Tcp: ActiveOpens\nTcp:\n"]
        {
            assert_eq!(Counters::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn drops_of_another_socket_are_not_ours() {
        let text = "sk Eth Pid Drops\n0 0 7 5\n0 4 8 6\n0 4 7 9\n";
        assert_eq!((netlink_drops(text, 7), netlink_drops(text, 1)), (Some(9), None));
    }
}
