//! Packets: what a capture file holds, and what a packet socket sees.
//!
//! ```text
//! a file ──▶ file ──┐
//!                   ├──▶ decode ──▶ streams ──▶ observations ──▶ the same ledger
//! an interface ─────┘
//! ```
//! Read in this order: [`decode`], [`streams`], [`file`](mod@file), `capture`.

#[cfg(target_os = "linux")]
mod capture;
pub mod decode;
pub mod file;
pub mod streams;

#[cfg(target_os = "linux")]
pub use self::capture::Capture;

/// A packet socket, which needs Linux.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub struct Capture(std::convert::Infallible);

#[cfg(not(target_os = "linux"))]
impl Capture {
    /// Says what works here.
    ///
    /// # Errors
    /// Always; the hint names the other way of seeing.
    pub fn open(
        interface: &str,
        _ports: &[u16],
        _file: Option<&std::path::Path>,
    ) -> Result<Self, netcommon::error::OpError> {
        let cause = std::io::Error::new(std::io::ErrorKind::Unsupported, "only Linux has packet sockets");
        let hint = "`net-monitor proxy LISTEN TARGET` sees its own connections on any system, and \
                    `net-monitor report FILE.pcapng` reads what Wireshark has captured";
        Err(netcommon::error::OpError::new("capture on", interface, cause).with_hint(hint))
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
