//! Times that are promised.

use std::time::Duration;

/// How much later a machine may be that does other things meanwhile, and stands still at times.
const SHARED: Duration = Duration::from_secs(30);

/// Whether the machine does nothing else, so that times are judged: `TIMES` is set.
pub fn is_judged() -> bool {
    std::env::var_os("TIMES").is_some()
}

/// Asserts a time that is promised. Where the machine is shared it may be later, but not without end.
#[track_caller]
pub fn assert_in_time(took: Duration, promised: Duration) {
    let most = if is_judged() {
        promised
    } else {
        promised + SHARED
    };
    assert!(took <= most, "{took:?}, and {promised:?} is promised");
}
