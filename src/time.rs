//! The one place that reads the wall clock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time.
#[derive(Clone)]
pub struct Clock {
    tell: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// Set if this is not the real clock, and so not that of databases.
    unlike: Option<Unlike>,
}

/// A clock that started at another instant and may run faster.
#[derive(Debug, Clone, Copy)]
struct Unlike {
    began: DateTime<Utc>,
    showed: DateTime<Utc>,
    speed: i32,
}

impl Unlike {
    fn shows(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let run = (at - self.began).checked_mul(self.speed);
        run.and_then(|run| self.showed.checked_add_signed(run))
            .unwrap_or(self.showed)
    }
}

impl Clock {
    /// The system's clock.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the wall clock"
    )]
    pub fn system() -> Self {
        Self::from_fn(Utc::now)
    }

    /// A clock that shows `showed` now and runs `speed` times as fast as the real one.
    #[must_use]
    pub fn running_from(showed: DateTime<Utc>, speed: i32) -> Self {
        let system = Self::system();
        let unlike = Unlike {
            began: system.now(),
            showed,
            speed: speed.max(1),
        };
        Self {
            tell: Arc::new(move || unlike.shows(system.now())),
            unlike: Some(unlike),
        }
    }

    /// A clock that always shows the same instant.
    #[must_use]
    pub fn fixed(instant: DateTime<Utc>) -> Self {
        Self::from_fn(move || instant)
    }

    /// A clock that shows what a function returns.
    #[must_use]
    pub fn from_fn(tell: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self {
            tell: Arc::new(tell),
            unlike: None,
        }
    }

    /// The same clock, which calls `hook` before each reading.
    #[must_use]
    pub fn before_each(self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        let tell = self.tell;
        Self {
            tell: Arc::new(move || {
                hook();
                tell()
            }),
            unlike: self.unlike,
        }
    }

    /// How far this clock was ahead of the real one at a real instant: add this to times that a
    /// database wrote by its own clock.
    #[must_use]
    pub fn ahead_at(&self, at: DateTime<Utc>) -> TimeDelta {
        self.unlike
            .map_or_else(TimeDelta::zero, |unlike| unlike.shows(at) - at)
    }

    /// The time until the next whole second. Tasks that wait for it wake together.
    #[must_use]
    pub fn to_next_second(&self) -> Duration {
        let gone = self.now().timestamp_subsec_nanos().min(999_999_999);
        Duration::from_nanos(1_000_000_000 - u64::from(gone))
    }

    /// The instant now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.tell)()
    }
}

/// How far ahead of now a recorded past instant may be: clocks are set back a little now and then.
const SET_BACK: TimeDelta = TimeDelta::days(1);

/// Whether an instant that was recorded as past is so far ahead that the clock was wrong then, or
/// is wrong now: it means nothing, and waiting for it could take years.
#[must_use]
pub fn is_far_ahead(noted: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    noted - now > SET_BACK
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_whole_second_is_never_now() {
        for (now, ms) in [
            ("10:00:00Z", 1_000),
            ("10:00:00.250Z", 750),
            ("10:00:00.999Z", 1),
        ] {
            let clock = Clock::fixed(format!("2026-11-20T{now}").parse().unwrap());
            assert_eq!(clock.to_next_second(), Duration::from_millis(ms), "{now}");
        }
    }

    #[test]
    fn a_clock_of_its_own_runs_faster_and_says_how_far_it_is_ahead() {
        let showed: DateTime<Utc> = "2026-11-20T15:00:00Z".parse().unwrap();
        let clock = Clock::running_from(showed, 60);
        let began = clock.unlike.unwrap().began;
        assert_eq!(clock.ahead_at(began), showed - began);
        let later = began + TimeDelta::seconds(10);
        assert_eq!(
            later + clock.ahead_at(later),
            showed + TimeDelta::minutes(10)
        );
        assert!(clock.now() >= showed);
        assert_eq!(Clock::system().ahead_at(later), TimeDelta::zero());
    }
}
