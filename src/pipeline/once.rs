//! What a process does once.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether something was done that is done once in a process.
#[derive(Debug, Default)]
pub struct Once(AtomicBool);

impl Once {
    /// Whether it was done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Notes that it was done.
    pub fn done(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
