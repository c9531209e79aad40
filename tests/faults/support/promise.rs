//! Promised times.

use std::time::Duration;

/// How much later a machine may be that is busy with other work and stalls at times.
const SHARED: Duration = Duration::from_secs(30);

/// Whether the machine is otherwise idle, so that times are checked: `TIMES` is set.
pub fn is_judged() -> bool {
    std::env::var_os("TIMES").is_some()
}

/// Asserts a promised time. On a shared machine it may be later, but not without limit.
#[track_caller]
pub fn assert_in_time(took: Duration, promised: Duration) {
    let most = if is_judged() {
        promised
    } else {
        promised + SHARED
    };
    assert!(took <= most, "{took:?}, and {promised:?} is promised");
}
