//! The numbers behind the names: families, types and protocols on this system.
//!
//! A name such as `AF_INET` exists in header files only; what a program hands to the kernel is a number,
//! and the numbers differ from system to system (`AF_INET6` is 10 on Linux, 30 on macOS, 23 on Windows).
//! So none is written down here: each comes out of the system's own constant, through socket2.
//! Read first. Sources: socket(2), ip(7); POSIX.1-2024 `<sys/socket.h>`; the seed's section 1.

use netcommon::lang::Lang;
use serde::Serialize;
use socket2::{Domain, Protocol, Type};

use crate::page::Page;
use crate::table::Table;

/// The three lists of numbers that `socket(2)` takes, one per argument.
///
/// # Examples
/// ```
/// let numbers = socket_basics::families::Numbers::of_system();
/// assert_eq!(numbers.families[0].name, "AF_INET");
/// assert_eq!(numbers.protocols[0].number, 6); // TCP's number is IANA's, the same on every system.
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Numbers {
    /// First argument: what an address looks like.
    pub families: Vec<Number>,
    /// Second argument: what one send and one receive mean.
    pub types: Vec<Number>,
    /// Third argument: who does the work; 0 lets the system choose by the first two.
    pub protocols: Vec<Number>,
}

/// One name, its number on this system, and what it stands for in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Number {
    /// The system's name, as in its header files.
    pub name: &'static str,
    /// The number that the kernel sees.
    pub number: i32,
    #[serde(skip)]
    meaning: (&'static str, &'static str),
}

impl Number {
    fn new(name: &'static str, number: impl Into<i32>, en: &'static str, zh_tw: &'static str) -> Self {
        Self { name, number: number.into(), meaning: (en, zh_tw) }
    }
}

impl Numbers {
    /// Asks socket2 for the constants that it was compiled with; makes no system call.
    #[must_use]
    pub fn of_system() -> Self {
        Self { families: families(), types: types(), protocols: protocols() }
    }

    /// The topic as text.
    #[must_use]
    pub fn page(&self, lang: Lang) -> String {
        let mut page = Page::new("families", lang.pick("the numbers behind the names", "名字背後的號碼"));
        page.paragraph(lang.pick(
            "socket(family, type, protocol) takes three numbers. The names are for us; the kernel sees the numbers, \
             and some of them differ from system to system.",
            "socket(family, type, protocol) 收三個號碼。名字是給人看的；核心只看號碼，而且有些號碼每個系統不同。",
        ));
        page.paragraph(&format!("{}{}", lang.pick("This system: ", "這個系統："), std::env::consts::OS));
        for (title, numbers) in [("family", &self.families), ("type", &self.types), ("protocol", &self.protocols)] {
            let mut table = Table::new(&[title, lang.pick("number", "號碼"), lang.pick("meaning", "意義")]).right(1);
            for number in numbers {
                let meaning = lang.pick(number.meaning.0, number.meaning.1);
                table.row([number.name.to_owned(), number.number.to_string(), meaning.to_owned()]);
            }
            page.table(&table);
        }
        page.finish()
    }
}

// ANCHOR: numbers
fn families() -> Vec<Number> {
    vec![
        Number::new("AF_INET", Domain::IPV4, "IPv4: 4 bytes and a port", "IPv4：4 個位元組加一個埠"),
        Number::new("AF_INET6", Domain::IPV6, "IPv6: 16 bytes and a port", "IPv6：16 個位元組加一個埠"),
        Number::new("AF_UNIX", Domain::UNIX, "a file name, on this machine only", "檔案名稱，只在本機有效"),
    ]
}

fn types() -> Vec<Number> {
    vec![
        Number::new("SOCK_STREAM", Type::STREAM, "bytes in order, no boundaries", "有序的位元組，沒有邊界"),
        Number::new("SOCK_DGRAM", Type::DGRAM, "datagrams: whole, or not at all", "資料包：整個到，或整個不到"),
        Number::new("SOCK_RAW", Type::RAW, "IP packets; needs a privilege", "IP 封包；需要特別的權限"),
    ]
}

fn protocols() -> Vec<Number> {
    vec![
        Number::new("IPPROTO_TCP", Protocol::TCP, "streams: ordered, resent, paced", "串流：有序、會重送、會控速"),
        Number::new("IPPROTO_UDP", Protocol::UDP, "datagrams: sent once, that is all", "資料包：送一次，就這樣"),
        Number::new("IPPROTO_ICMP", Protocol::ICMPV4, "ping and error reports of IPv4", "IPv4 的 ping 與錯誤回報"),
        Number::new("IPPROTO_ICMPV6", Protocol::ICMPV6, "the same for IPv6", "IPv6 的 ping 與錯誤回報"),
    ]
}
// ANCHOR_END: numbers

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_internet_are_the_same_everywhere_and_families_need_not_be() {
        let numbers = Numbers::of_system();
        let protocols: Vec<i32> = numbers.protocols.iter().map(|protocol| protocol.number).collect();
        assert_eq!(protocols, [6, 17, 1, 58], "IANA's protocol numbers");
        assert_ne!(numbers.families[0].number, numbers.families[1].number);
    }
}
