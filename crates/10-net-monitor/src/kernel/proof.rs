//! The proof that nothing was missed: the kernel's own counters against our list. Pure.
//!
//! `/proc/net/snmp` counts every connection that this network namespace opens. Each of them must either have been
//! announced dead, or still be there. It is the whole namespace that is counted, also ports that nobody watches, and
//! sockets rather than connections: one between two programs of this machine has two. Read before: `snmp.rs`,
//! `verdict.rs`.

use std::collections::HashSet;

use super::diag::{Cookie, Socket, TcpState};
use super::verdict::was_connection;
use crate::observation::Proof;

/// Who counts, as the report names it.
const COUNTED_BY: &str = "kernel";

/// The books of one run.
#[derive(Debug, Default)]
pub struct Audit {
    opens_before: u64,
    /// Connections that were open when the run began: they were not opened in it.
    open_before: HashSet<Cookie>,
    /// Ends of connections that were opened in this run, and died in it.
    listed: u64,
}

impl Audit {
    /// Begins with the kernel's count of opens and all sockets that are alive, taken at the same moment.
    pub fn begin(opens: u64, alive: impl IntoIterator<Item = Cookie>) -> Self {
        Self { opens_before: opens, open_before: alive.into_iter().collect(), listed: 0 }
    }

    /// A socket has died, on whatever port.
    pub fn death(&mut self, socket: &Socket) {
        if !self.open_before.remove(&socket.cookie) && was_connection(socket) {
            self.listed += 1;
        }
    }

    /// The result, from the kernel's count and all sockets that are alive now.
    ///
    /// # Examples
    /// ```
    /// use net_monitor::kernel::proof::Audit;
    ///
    /// let audit = Audit::begin(806_885, []);
    /// assert_eq!(audit.result(806_885, []).to_string(), "kernel opened 0, listed 0, open 0, unexplained 0");
    /// ```
    pub fn result(&self, opens: u64, alive: impl IntoIterator<Item = Cookie>) -> Proof {
        let open = alive.into_iter().filter(|cookie| !self.open_before.contains(cookie)).count();
        Proof {
            counted_by: COUNTED_BY.to_owned(),
            opened: opens.wrapping_sub(self.opens_before),
            listed: self.listed,
            open: open as u64,
        }
    }
}

/// Whether the kernel has counted this socket among the opened connections, and it is alive.
#[must_use]
pub fn is_open(socket: &Socket) -> bool {
    // Half a handshake has no figures yet, and is counted only when it is whole.
    !socket.is_shadow && socket.info.is_some() && !matches!(socket.state, TcpState::Listen | TcpState::Closed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tcp_info::TcpInfo;

    fn dead(cookie: u64, pmtu_bytes: u32) -> Socket {
        Socket {
            state: TcpState::Closed,
            local: ([127, 0, 0, 1], 7777).into(),
            peer: ([127, 0, 0, 1], 0).into(),
            cookie: Cookie(cookie),
            uid: 0,
            inode: 0,
            receive_queue: 0,
            send_queue: 0,
            is_shadow: false,
            info: Some(TcpInfo { pmtu_bytes, ..TcpInfo::default() }),
        }
    }

    #[test]
    fn what_was_open_before_is_neither_opened_nor_listed() {
        let mut audit = Audit::begin(100, [Cookie(1), Cookie(2)]);
        audit.death(&dead(1, 1500));
        audit.death(&dead(7, 1500));
        let proof = audit.result(103, [Cookie(2), Cookie(8)]);
        assert_eq!(proof.to_string(), "kernel opened 3, listed 1, open 1, unexplained 1");
    }

    #[test]
    fn a_socket_that_never_connected_was_not_counted_by_the_kernel_either() {
        let mut audit = Audit::begin(0, []);
        audit.death(&dead(1, 0));
        audit.death(&dead(2, 1500));
        assert_eq!(audit.result(1, []).unexplained(), 0);
    }
}
