//! Times of files as numbers on the wire: nanoseconds since 1970, negative before.
//!
//! 64 bits reach from 1677 to 2262; a time outside is brought to the nearest end, because it is only there to
//! tell two versions of a file apart.

use std::time::{Duration, SystemTime};

/// A system's time as the wire has it.
pub(crate) fn to_ns(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    }
}

/// A wire's time as the system has it; `None` when the system cannot say it.
pub(crate) fn from_ns(ns: i64) -> Option<SystemTime> {
    let distance = Duration::from_nanos(ns.unsigned_abs());
    if ns >= 0 { SystemTime::UNIX_EPOCH.checked_add(distance) } else { SystemTime::UNIX_EPOCH.checked_sub(distance) }
}

#[test]
fn times_before_and_after_1970_come_back() {
    for ns in [0, 1_700_000_000_123_456_700, -1_000_000_000, -100] {
        assert_eq!(from_ns(ns).map(to_ns), Some(ns));
    }
}
