//! What usually listens on a port, by the system's own table.
//!
//! `/etc/services` on Unix, the same file under `System32` on Windows, a few well-known names where there is
//! none. A name is a guess: anybody may listen on any port. Source: services(5).

use std::collections::HashMap;

/// For systems without the table.
const WELL_KNOWN: [(u16, &str); 20] = [
    (21, "ftp"),
    (22, "ssh"),
    (23, "telnet"),
    (25, "smtp"),
    (53, "domain"),
    (80, "http"),
    (110, "pop3"),
    (143, "imap2"),
    (389, "ldap"),
    (443, "https"),
    (445, "microsoft-ds"),
    (587, "submission"),
    (631, "ipp"),
    (993, "imaps"),
    (995, "pop3s"),
    (3306, "mysql"),
    (3389, "ms-wbt-server"),
    (5432, "postgresql"),
    (6379, "redis"),
    (8080, "http-alt"),
];

/// A longer table is not read to its end: the real one has under 1 MiB.
const TABLE_LEN_MAX: u64 = 8 * 1024 * 1024;

/// Names of TCP services by port.
///
/// # Examples
/// ```
/// use port_scanner::services::Services;
///
/// let services = Services::parse("ssh 22/tcp # remote login\ndomain 53/udp\n");
/// assert_eq!((services.name(22), services.name(53)), (Some("ssh"), None));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Services(HashMap<u16, String>);

impl Services {
    /// The system's table; the well-known names if there is none.
    #[must_use]
    pub fn of_system() -> Self {
        use std::io::Read as _;

        let windows = std::env::var_os("SystemRoot").map(|root| {
            let root = std::path::PathBuf::from(root);
            root.join("System32").join("drivers").join("etc").join("services")
        });
        let path = windows.filter(|_| cfg!(windows)).unwrap_or_else(|| "/etc/services".into());
        let mut table = Vec::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(TABLE_LEN_MAX).read_to_end(&mut table));
        let services = Self::parse(&String::from_utf8_lossy(&table));
        if read.is_err() || services.0.is_empty() {
            return Self(WELL_KNOWN.iter().map(|(port, name)| (*port, (*name).to_owned())).collect());
        }
        services
    }

    /// Reads a table: `name port/protocol aliases`, comments behind `#`. Lines of another form are passed over.
    #[must_use]
    pub fn parse(table: &str) -> Self {
        let mut services = HashMap::new();
        for line in table.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let (Some(name), Some(port)) = (words.next(), words.next()) else { continue };
            if let Some(Ok(port)) = port.strip_suffix("/tcp").map(str::parse) {
                // The first name is the official one.
                services.entry(port).or_insert_with(|| name.to_owned());
            }
        }
        Self(services)
    }

    /// What usually listens there.
    #[must_use]
    pub fn name(&self, port: u16) -> Option<&str> {
        self.0.get(&port).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_tcp_port_counts_and_nonsense_is_passed_over() {
        let services =
            Services::parse("http 80/tcp www\nother 80/tcp\nntp 123/udp\n\n# x 1/tcp\ny\nz 99999/tcp\nw x/tcp\n");
        assert_eq!(services.name(80), Some("http"));
        assert_eq!([1, 123].map(|port| services.name(port)), [None, None]);
    }

    #[test]
    fn this_system_knows_ssh() {
        assert_eq!(Services::of_system().name(22), Some("ssh"));
    }
}
