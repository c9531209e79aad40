//! Faults that the terminal tests trigger from outside; not in release builds.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use super::keymap::chord::{Chord, KeyCap};

/// Names the fault that F12 triggers: `panic-draw`, `panic-task` or `error`.
const VARIABLE: &str = "PANEL_TEST_FAULT";

static ENGINE: AtomicBool = AtomicBool::new(false);

/// Whether a key triggers the fault that the environment names.
pub(super) fn is_key(chord: Chord) -> bool {
    chord == Chord::plain(KeyCap::F(12)) && std::env::var_os(VARIABLE).is_some()
}

/// Triggers it.
pub(super) fn strike() -> io::Result<()> {
    match std::env::var(VARIABLE).as_deref() {
        Ok("panic-draw") => fall("test fault in the thread that draws"),
        Ok("panic-task") => ENGINE.store(true, Ordering::SeqCst),
        Ok("error") => return Err(io::Error::other("test fault")),
        _ => {}
    }
    Ok(())
}

/// A clock that panics in the engine's task once that fault is triggered.
#[must_use]
pub fn clock(clock: crate::time::Clock) -> crate::time::Clock {
    clock.before_each(|| {
        if ENGINE.load(Ordering::SeqCst) {
            fall("test fault in a task");
        }
    })
}

#[expect(clippy::panic, reason = "this is what the tests of panics trigger")]
fn fall(what: &'static str) -> ! {
    std::panic::panic_any(what)
}
