//! Scenes: plants, a watch list and an instant at which they are about to show.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::calendar::{instant, midnight};
use super::dialect::Dialect;
use super::plant::{Plant, Ratio, What};
use crate::model::words::words;
use crate::model::{Interval, SeriesKey, SourceId};

words! {
    /// Something that is seldom seen and has to be told right.
    pub enum Scene {
        /// Bars that were never asked for, and bars that do not exist: a halt, an illiquid symbol, a
        /// day on which the exchange was closed.
        Holes = "holes",
        /// A split, and the restatement of what came before it.
        Split = "split",
        /// The day after Thanksgiving closes at 13:00.
        HalfDay = "half-day",
        /// The provider has nothing newer than yesterday, and then it has.
        Behind = "behind",
        /// The provider fails, and then it works again.
        Outage = "outage",
    }
}

/// A symbol that hardly trades.
const QUIET: &str = "QUIET";
/// Shares of it that trade a day.
const HARDLY: u32 = 2_000;

/// What trades around the clock.
const BITCOIN: &str = "BTC-USD";

/// What is watched where no scene needs something else.
#[must_use]
pub fn usual_watch_list() -> Vec<SeriesKey> {
    let mut watched = series(&[
        ("IBM", Interval::Min5),
        ("AAPL", Interval::Min5),
        ("MSFT", Interval::Min15),
        ("GOOGL", Interval::Min60),
        ("AMZN", Interval::Daily),
        ("IBM", Interval::Weekly),
    ]);
    let around_the_clock = series(&[(BITCOIN, Interval::Min5), (BITCOIN, Interval::Daily)]);
    watched.extend(around_the_clock.into_iter().map(|series| SeriesKey {
        source: SourceId::known(Dialect::Coinbase.as_str()),
        ..series
    }));
    watched
}

fn series(watched: &[(&str, Interval)]) -> Vec<SeriesKey> {
    let series = watched.iter();
    series
        .filter_map(|(symbol, interval)| Some(SeriesKey::raw(symbol.parse().ok()?, *interval)))
        .collect()
}

/// A day of November 2026.
fn november(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap_or_default()
}

/// A time of a day of November 2026 in New York.
fn at(day: u32, hour: i64, minute: i64) -> DateTime<Utc> {
    instant(midnight(november(day))) + TimeDelta::hours(hour) + TimeDelta::minutes(minute)
}

impl Scene {
    /// When the simulated clock starts: a few minutes before the scene begins.
    #[must_use]
    pub fn starts(self) -> DateTime<Utc> {
        match self {
            Self::Holes | Self::Behind | Self::Outage => at(20, 11, 2),
            Self::Split => at(20, 9, 32),
            Self::HalfDay => at(27, 12, 57),
        }
    }

    /// What is planted.
    #[must_use]
    pub fn plants(self) -> Vec<Plant> {
        let known = at(20, 9, 34);
        match self {
            Self::Holes => vec![
                What::Halt(at(20, 10, 10)..at(20, 10, 40)).of("IBM"),
                What::Illiquid(HARDLY).of(QUIET),
                What::Closed(november(18)).of_all(),
            ],
            Self::Split => vec![
                What::Split {
                    ratio: Ratio { new: 4, old: 1 },
                    known,
                }
                .of("IBM"),
            ],
            Self::HalfDay => vec![],
            Self::Behind => vec![
                What::Behind {
                    session: november(19),
                    during: at(20, 0, 0)..at(20, 11, 12),
                }
                .of("IBM"),
            ],
            Self::Outage => vec![What::Outage(at(20, 11, 4)..at(20, 11, 14)).of_all()],
        }
    }

    /// What is watched.
    #[must_use]
    pub fn watch_list(self) -> Vec<SeriesKey> {
        match self {
            Self::Holes => series(&[
                ("IBM", Interval::Min5),
                ("AAPL", Interval::Min5),
                (QUIET, Interval::Min5),
                ("MSFT", Interval::Min15),
                ("IBM", Interval::Daily),
            ]),
            Self::Split => {
                let mut watched = series(&[
                    ("IBM", Interval::Min5),
                    ("IBM", Interval::Daily),
                    ("IBM", Interval::Weekly),
                ]);
                for series in &mut watched {
                    series.adjusted = true;
                }
                watched.extend(series(&[("IBM", Interval::Min5), ("AAPL", Interval::Min5)]));
                watched
            }
            Self::HalfDay | Self::Behind | Self::Outage => usual_watch_list(),
        }
    }

    /// A series of which a month is stored before the scene begins, and that month's first day.
    #[must_use]
    pub fn stored(self) -> Option<(SeriesKey, NaiveDate)> {
        let (series, month) = match self {
            // What lies between it and the newest bars is never asked for.
            Self::Holes => (series(&[("AAPL", Interval::Min5)]).pop()?, 9),
            // More than the newest bars, which alone are restated by the next answer.
            Self::Split => (self.watch_list().into_iter().next()?, 11),
            Self::HalfDay | Self::Behind | Self::Outage => return None,
        };
        Some((series, NaiveDate::from_ymd_opt(2026, month, 1)?))
    }

    /// Whether the schedule is paused, because a run would close the holes that are to be seen: the
    /// newest bars are then stored before the scene begins.
    #[must_use]
    pub fn is_paused(self) -> bool {
        self == Self::Holes
    }
}

#[cfg(test)]
mod tests {
    use super::super::market::Market;
    use super::super::witness::{Why, Witness};
    use super::*;

    /// The reasons why bars of a series are missing, late or changed some minutes after a scene's
    /// start, on its day and the two before.
    fn shown(scene: Scene, series: &SeriesKey, minutes: i64) -> Vec<Why> {
        let now = scene.starts() + TimeDelta::minutes(minutes);
        let witness = Witness::new(Market::new(1, scene.plants()), now);
        let days = now - TimeDelta::days(3)..now;
        let planted = witness.planted(series.symbol.as_str(), series.interval, true, &days);
        planted.into_iter().map(|planted| planted.why).collect()
    }

    #[test]
    fn each_scene_shows_within_ten_seconds_at_thirty_times_the_speed() {
        let [ibm, aapl, quiet, ..] = &Scene::Holes.watch_list()[..] else {
            panic!("too few series");
        };
        assert!(shown(Scene::Holes, ibm, 5).contains(&Why::Halted));
        assert!(shown(Scene::Holes, quiet, 5).contains(&Why::NoTrade));
        assert!(shown(Scene::Holes, aapl, 5).contains(&Why::Closed));
        assert_eq!(shown(Scene::Split, ibm, 1), []);
        assert_eq!(shown(Scene::Split, ibm, 5), [Why::Split(4.0)]);
        assert!(shown(Scene::Behind, ibm, 5).contains(&Why::Behind));
        assert_eq!(shown(Scene::Behind, ibm, 10), []);
        let outage = |minutes| {
            let market = Market::new(1, Scene::Outage.plants());
            let now = Scene::Outage.starts() + TimeDelta::minutes(minutes);
            market.outage(&["IBM".to_owned()], now).is_some()
        };
        assert_eq!([1, 3, 8, 13].map(outage), [false, true, true, false]);
        let closes = Scene::HalfDay.starts() + TimeDelta::minutes(3);
        assert_eq!(closes.to_rfc3339(), "2026-11-27T18:00:00+00:00");
    }
}
