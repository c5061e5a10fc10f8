//! How many descriptors a process may have, and so how many clients a server can hold.
//!
//! Source: getrlimit(2), `RLIMIT_NOFILE`. Read `finding.rs` before this file.

use netcommon::lang::Lang;

use super::Finding;

/// The chapters' measurements open a thousand connections.
const CLIENTS_WANTED: u64 = 1000;

/// What a server holds beside its clients: three standard streams, its listener and what wakes it, with room.
const OWN_DESCRIPTORS: u64 = 16;

pub(super) fn check(lang: Lang) -> Vec<Finding> {
    vec![judge(descriptor_limit(), lang)]
}

/// The soft limit of getrlimit(2), `RLIMIT_NOFILE`; `None` means without limit.
#[cfg(unix)]
fn descriptor_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Windows has no such limit on sockets.
#[cfg(not(unix))]
fn descriptor_limit() -> Option<u64> {
    None
}

fn judge(limit: Option<u64>, lang: Lang) -> Finding {
    const NAME: &str = "descriptors";
    let Some(limit) = limit else {
        return Finding::ok(NAME, lang.pick("no limit", "沒有限制"));
    };
    let clients = limit.saturating_sub(OWN_DESCRIPTORS);
    let found = lang.pick(
        format!("{limit} for each process: a server holds about {clients} clients"),
        format!("每個行程 {limit} 個：一個伺服器大約容得下 {clients} 個用戶端"),
    );
    if clients >= CLIENTS_WANTED {
        return Finding::ok(NAME, found);
    }
    let to_do = lang.pick("`ulimit -n 4096` before the larger experiments", "較大的實驗前請先執行 `ulimit -n 4096`");
    Finding::limited(NAME, found, to_do)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_limit_names_the_clients_that_fit_and_the_command() {
        // The default of macOS.
        let shown = judge(Some(256), Lang::En).show(Lang::En);
        assert!(shown.contains("about 240 clients") && shown.contains("ulimit -n 4096"), "{shown}");
        assert!(shown.ends_with("limited"));
    }

    #[test]
    fn the_default_of_linux_and_no_limit_are_enough() {
        for limit in [Some(1024), Some(u64::MAX), None] {
            assert!(judge(limit, Lang::ZhTw).show(Lang::ZhTw).ends_with("正常"), "{limit:?}");
        }
    }
}
