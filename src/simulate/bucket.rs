//! A limit that refills all the time.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::noise::float;

const MILLISECONDS: f64 = 1e3;

/// So many requests at once, and so many more each second.
#[derive(Debug)]
pub(super) struct Bucket {
    size: f64,
    a_second: f64,
    level: Mutex<Option<(DateTime<Utc>, f64)>>,
}

impl Bucket {
    /// A full bucket.
    pub(super) const fn new(size: f64, a_second: f64) -> Self {
        Self {
            size,
            a_second,
            level: Mutex::new(None),
        }
    }

    /// Takes one; gives how many are left, or `None` if there was none.
    pub(super) fn take(&self, now: DateTime<Utc>) -> Option<f64> {
        let mut state = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let (then, level) = state.unwrap_or((now, self.size));
        let passed = float((now - then).num_milliseconds().max(0)) / MILLISECONDS;
        let level = (level + passed * self.a_second).min(self.size);
        let left = Some(level - 1.0).filter(|left| *left >= 0.0);
        *state = Some((now, left.unwrap_or(level)));
        left
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_bucket_is_emptied_at_once_and_refills_all_the_time() {
        let bucket = Bucket::new(15.0, 10.0);
        let start: DateTime<Utc> = "2026-05-16T02:00:00Z".parse().unwrap();
        let takes = |millis, wanted: usize| {
            let now = start + TimeDelta::milliseconds(millis);
            (0..wanted).filter(|_| bucket.take(now).is_some()).count()
        };
        assert_eq!(takes(0, 40), 15);
        assert_eq!(takes(99, 1), 0);
        assert_eq!(takes(100, 5), 1);
        assert_eq!(takes(600, 20), 5);
        assert_eq!(takes(-5_000, 1), 0, "the clock was set back");
        assert_eq!(takes(60_000, 40), 15);
    }
}
