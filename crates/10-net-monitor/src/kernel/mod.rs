//! The kernel's own view of TCP: its tables, its announcements, its counters. What `watch` sees.
//!
//! ```text
//! pure      netlink ── diag ── tcp_info      bytes to sockets and figures
//!           filter                           which sockets come back, as a program for the kernel
//!           verdict ── pair ── tracker       sockets to connections, with a mark on every doubt
//!           snmp ── proof                    the kernel's counts against our list
//! Linux     sock_diag ── owner ── watch      the sockets, the owners, the loop
//! ```
//! Read in this order. On other systems the pure parts are there, and [`watch()`] says what to use instead.

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
pub use self::watch::watch;

/// Watching needs Linux.
///
/// # Errors
/// Always; the hint names what works here.
#[cfg(not(target_os = "linux"))]
pub fn watch(
    _ports: &[u16],
    _witness: &crate::witness::Witness,
    _shutdown: &netcommon::shutdown::Shutdown,
) -> Result<(), netcommon::error::OpError> {
    let cause = std::io::Error::new(std::io::ErrorKind::Unsupported, "only Linux has netlink sock_diag");
    let hint = "`net-monitor proxy LISTEN TARGET` sees its own connections on any system";
    Err(netcommon::error::OpError::new("watch", "ports", cause).with_hint(hint))
}
