//! When a frame may be drawn: at once for a key or a short burst, sixty a second in the long run.

use std::time::Duration;

use tokio::time::Instant;

/// The cost of a frame: sixty a second can be drawn forever.
const FRAME: Duration = Duration::from_millis(16);
/// Frames that may be drawn ahead: the echo and the result of an action are drawn as they come.
const BURST: Duration = Duration::from_millis(2 * 16);
/// Frames that keys may be drawn ahead: a key is answered, whatever else is drawn.
const KEYS: Duration = Duration::from_millis(6 * 16);

/// The frames drawn so far, as the instant by which they are paid for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    paid: Instant,
}

impl Pace {
    /// Nothing was drawn yet.
    pub(super) const fn new(now: Instant) -> Self {
        Self { paid: now }
    }

    /// When a frame may be drawn next, with a key in it or without.
    pub(super) fn due(self, has_key: bool) -> Instant {
        let ahead = if has_key { KEYS } else { BURST };
        self.paid.checked_sub(ahead).unwrap_or(self.paid)
    }

    /// A frame was drawn.
    pub(super) fn drawn(&mut self, now: Instant) {
        self.paid = self.paid.max(now) + FRAME;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many frames are drawn within a second if something changes each millisecond.
    fn frames(has_key: bool) -> u32 {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let mut frames = 0;
        for ms in 0..1_000 {
            let now = start + Duration::from_millis(ms);
            if pace.due(has_key) <= now {
                pace.drawn(now);
                frames += 1;
            }
        }
        frames
    }

    #[test]
    fn a_storm_is_drawn_sixty_times_a_second() {
        assert!((60..=66).contains(&frames(false)), "{}", frames(false));
        assert!((60..=70).contains(&frames(true)), "{}", frames(true));
    }

    #[test]
    fn an_echo_and_its_answer_come_at_once_and_keys_do_in_a_storm() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..3 {
            assert!(pace.due(false) <= now);
            pace.drawn(now);
        }
        assert!(pace.due(false) > now);
        for _ in 0..4 {
            assert!(pace.due(true) <= now);
            pace.drawn(now);
        }
        assert!(pace.due(true) > now);
    }
}
