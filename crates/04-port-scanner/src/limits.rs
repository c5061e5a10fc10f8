//! How many descriptors this process may use for tries.
//!
//! A socket is a descriptor, and the system allows so many per process. `netcommon::descriptors` raises the
//! limit where that needs no rights; what a scan can use has an end as well.

use netcommon::descriptors::room_for;

/// More at once than a scan can use: it would have to ask each of the 65,535 ports at the same time.
const SOCKETS_MAX: usize = if cfg!(unix) { 65_536 } else { SOCKETS_ELSEWHERE };

/// So many where the system counts sockets by memory only.
const SOCKETS_ELSEWHERE: usize = 4096;

/// How many sockets a scan may have at once, at least 1. Raises the limit where that is allowed.
#[must_use]
pub fn sockets_max() -> usize {
    room_for(SOCKETS_MAX).max(1)
}
