//! The kernel's own view of TCP: its tables, its announcements, its counters. What `watch` sees.
//!
//! ```text
//! pure      netlink ── diag ── tcp_info      bytes to sockets and figures
//!           filter                           which sockets come back, as a program for the kernel
//!           verdict ── pair ── tracker       sockets to connections, with a mark on every doubt
//!           snmp ── proof                    the kernel's counts against our list
//! Linux     sock_diag ── owner ── watch      the sockets, the owners, the loop
//! ```
//! Read in this order. On other systems the pure parts are there, and [`Watch`] says what to use instead.

pub mod diag;
pub mod filter;
pub mod netlink;
mod orphans;
#[cfg(target_os = "linux")]
mod owner;
mod pair;
pub mod proof;
pub mod snmp;
#[cfg(target_os = "linux")]
pub mod sock_diag;
pub mod tcp_info;
pub mod tracker;
pub mod verdict;
#[cfg(target_os = "linux")]
mod watch;

#[cfg(target_os = "linux")]
pub use self::watch::Watch;

/// A watch, which needs Linux.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub struct Watch(std::convert::Infallible);

#[cfg(not(target_os = "linux"))]
impl Watch {
    /// Says what works here.
    ///
    /// # Errors
    /// Always; the hint names the other way of seeing.
    pub fn open(_ports: &[u16]) -> Result<Self, netcommon::error::OpError> {
        let cause = std::io::Error::new(std::io::ErrorKind::Unsupported, "only Linux tells of them");
        let hint = "`net-monitor proxy LISTEN TARGET` sees its own connections on any system";
        Err(netcommon::error::OpError::new("watch", "the kernel's sockets", cause).with_hint(hint))
    }

    /// Never called: there is no value of this type.
    ///
    /// # Errors
    /// None.
    pub fn run(
        self,
        _witness: &crate::witness::Witness,
        _shutdown: &netcommon::shutdown::Shutdown,
    ) -> Result<(), netcommon::error::OpError> {
        match self.0 {}
    }
}
