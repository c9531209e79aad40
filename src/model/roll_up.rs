//! Coarser bars from finer ones, where that is exact: first open, highest high, lowest low, last
//! close, and the sum of the volumes.

use super::{Bar, Grid, Span};

/// The bars of a grid that these finer ones, oldest first, add up to. `within` is the time whose
/// bars they are: a bar that is not wholly within it is left out. Where a bar's time overlaps a
/// session, only what traded in the session counts, so that an hour does not mix the minutes before
/// the open with those after it.
#[must_use]
pub fn roll_up(grid: &Grid, within: Span, finer: &[Bar]) -> Vec<Bar> {
    let mut rolled: Vec<(Span, Bar)> = vec![];
    for bar in finer {
        let Some(slot) = grid.slot_at(bar.timestamp) else {
            continue;
        };
        if slot.common(within) != slot {
            continue;
        }
        match rolled.last_mut() {
            Some((last, sum)) if *last == slot => add(sum, bar),
            _ => rolled.push((slot, first(grid, slot, bar))),
        }
    }
    rolled.into_iter().map(|(_, bar)| bar).collect()
}

/// The bar of a slot that begins with this one.
fn first(grid: &Grid, slot: Span, bar: &Bar) -> Bar {
    let date = slot.from.with_timezone(&grid.publishing.zone).date_naive();
    Bar {
        timestamp: slot.from,
        trading_date: if grid.interval.is_intraday() {
            bar.trading_date
        } else {
            date
        },
        is_final: true,
        adjusted_close: None,
        dividend_amount: None,
        split_coefficient: None,
        ..*bar
    }
}

fn add(sum: &mut Bar, later: &Bar) {
    // Without a trade a bar repeats the last close, which is no price of its own time.
    if later.volume == 0.into() {
        return;
    }
    if sum.volume == 0.into() {
        (sum.open, sum.high, sum.low) = (later.open, later.high, later.low);
    }
    sum.high = sum.high.max(later.high);
    sum.low = sum.low.min(later.low);
    sum.close = later.close;
    sum.volume = sum.volume.saturating_add(later.volume);
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use chrono_tz::America::New_York;
    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::*;
    use crate::model::calendar::{CalendarId, Calendars};
    use crate::model::{Interval, Price, Publishing, Volume};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn grid(interval: Interval, id: CalendarId, zone: Tz) -> Grid {
        Grid {
            interval,
            calendar: Calendars::default().get(id),
            publishing: Publishing {
                zone,
                ..Publishing::UNKNOWN
            },
        }
    }

    fn bar(at: DateTime<Utc>, [open, high, low, close]: [i64; 4], volume: i64) -> Bar {
        Bar {
            timestamp: at,
            trading_date: at.date_naive(),
            open: Price::from_units(open),
            high: Price::from_units(high),
            low: Price::from_units(low),
            close: Price::from_units(close),
            volume: Volume::new(volume, 50_000_000).unwrap(),
            is_final: true,
            adjusted_close: None,
            dividend_amount: None,
            split_coefficient: None,
        }
    }

    fn always(interval: Interval) -> Grid {
        grid(interval, CalendarId::Always, Tz::UTC)
    }

    /// Labels of what these starts of finer bars add up to.
    fn labels(grid: &Grid, within: (&str, &str), starts: &[&str]) -> Vec<String> {
        let finer: Vec<Bar> = starts
            .iter()
            .map(|start| bar(at(start), [2, 3, 1, 2], 1))
            .collect();
        let within = Span::new(at(within.0), at(within.1));
        let rolled = roll_up(grid, within, &finer);
        let shown = |bar: &Bar| bar.timestamp.format("%m-%d %H:%M").to_string();
        rolled.iter().map(shown).collect()
    }

    #[test]
    fn a_bar_without_a_trade_has_no_price() {
        let start = at("2026-11-23T10:00:00Z");
        let minute = |minutes: i64| start + TimeDelta::minutes(minutes);
        let quiet = |minutes| Bar {
            volume: 0.into(),
            ..bar(minute(minutes), [90, 90, 90, 90], 1)
        };
        let within = Span::new(start, minute(10));
        let finer = [
            quiet(0),
            bar(minute(1), [50, 60, 40, 55], 7),
            quiet(2),
            quiet(5),
            quiet(6),
        ];
        let rolled = roll_up(&always(Interval::Min5), within, &finer);
        let prices = |bar: &Bar| [bar.open, bar.high, bar.low, bar.close].map(Price::units);
        assert_eq!(prices(&rolled[0]), [50, 60, 40, 55]);
        assert_eq!(rolled[0].volume, finer[1].volume);
        assert_eq!((prices(&rolled[1]), rolled[1].volume), ([90; 4], 0.into()));
    }

    #[test]
    fn open_is_the_first_close_the_last_and_volume_the_sum() {
        let start = at("2026-11-23T10:00:00Z");
        let finer = [
            bar(start, [50, 60, 40, 55], 7),
            bar(start + TimeDelta::minutes(15), [55, 58, 30, 31], 9),
        ];
        let within = Span::new(start, start + TimeDelta::minutes(30));
        let [rolled] = roll_up(&always(Interval::Min30), within, &finer)
            .try_into()
            .unwrap();
        assert_eq!(
            rolled,
            Bar {
                volume: Volume::new(17, 0).unwrap(),
                ..bar(start, [50, 60, 30, 31], 0)
            }
        );
    }

    #[test]
    fn a_bar_that_is_only_in_part_within_the_time_is_left_out() {
        let within = ("2026-11-23T10:15:00Z", "2026-11-23T11:20:00Z");
        let starts = [
            "2026-11-23T10:15:00Z",
            "2026-11-23T10:30:00Z",
            "2026-11-23T10:45:00Z",
            "2026-11-23T11:00:00Z",
            "2026-11-23T11:15:00Z",
        ];
        let found = labels(&always(Interval::Min30), within, &starts);
        assert_eq!(found, ["11-23 10:30"]);
    }

    #[test]
    fn a_slot_without_trades_has_no_bar_and_one_finer_bar_is_enough() {
        let within = ("2026-11-23T10:00:00Z", "2026-11-23T12:00:00Z");
        let starts = ["2026-11-23T10:15:00Z", "2026-11-23T11:45:00Z"];
        let found = labels(&always(Interval::Min60), within, &starts);
        assert_eq!(found, ["11-23 10:00", "11-23 11:00"]);
    }

    #[test]
    fn an_hour_does_not_mix_the_session_with_what_is_before_it() {
        let within = ("2026-11-23T05:00:00Z", "2026-11-24T05:00:00Z");
        let starts = [
            // 08:45, 09:00 and 09:15 in New York, and the first half hour of the session.
            "2026-11-23T13:45:00Z",
            "2026-11-23T14:00:00Z",
            "2026-11-23T14:15:00Z",
            "2026-11-23T14:30:00Z",
            "2026-11-23T14:45:00Z",
            // After the close.
            "2026-11-23T21:15:00Z",
        ];
        let grid = grid(Interval::Min60, CalendarId::Xnys, New_York);
        let found = labels(&grid, within, &starts);
        assert_eq!(found, ["11-23 13:00", "11-23 14:00", "11-23 21:00"]);
        let finer: Vec<Bar> = starts
            .iter()
            .map(|start| bar(at(start), [2, 3, 1, 2], 1))
            .collect();
        let within = Span::new(at(within.0), at(within.1));
        let rolled = roll_up(&grid, within, &finer);
        assert_eq!(rolled[1].volume, Volume::new(3, 0).unwrap(), "two of four");
    }

    #[test]
    fn weeks_and_months_are_those_of_the_source() {
        let days = [
            "2026-10-31T00:00:00Z",
            "2026-11-01T00:00:00Z",
            "2026-11-02T00:00:00Z",
            "2026-11-08T00:00:00Z",
            "2026-11-09T00:00:00Z",
            "2026-11-30T00:00:00Z",
        ];
        let within = ("2026-10-26T00:00:00Z", "2026-12-01T00:00:00Z");
        let weeks = labels(&always(Interval::Weekly), within, &days);
        assert_eq!(weeks, ["10-26 00:00", "11-02 00:00", "11-09 00:00"]);
        let months = labels(&always(Interval::Monthly), within, &days);
        assert_eq!(months, ["11-01 00:00"]);
    }

    #[test]
    fn a_sum_is_a_bar_of_its_own() {
        let adjusted = |start| Bar {
            is_final: false,
            adjusted_close: Some(Price::from_units(1)),
            dividend_amount: Some(Price::from_units(2)),
            split_coefficient: Some(Price::from_units(3)),
            ..bar(at(start), [2, 3, 1, 2], 1)
        };
        let finer = ["2026-11-04T00:00:00Z", "2026-11-05T00:00:00Z"].map(adjusted);
        let within = Span::new(at("2026-11-02T00:00:00Z"), at("2026-11-09T00:00:00Z"));
        let rolled = roll_up(&always(Interval::Weekly), within, &finer);
        let week = Bar {
            volume: Volume::new(3, 0).unwrap(),
            ..bar(within.from, [2, 3, 1, 2], 1)
        };
        assert_eq!(rolled, [week]);
        // Within a day the date is that of the exchange, whatever it is in UTC.
        let tokyo = Bar {
            trading_date: "2026-11-05".parse().unwrap(),
            ..bar(at("2026-11-04T22:00:00Z"), [2, 3, 1, 2], 1)
        };
        let hours = roll_up(&always(Interval::Min60), within, &[tokyo]);
        assert_eq!(hours[0].trading_date, tokyo.trading_date);
    }

    proptest! {
        /// Rolled up twice is rolled up once.
        #[test]
        fn fifteen_minutes_by_way_of_five_are_fifteen_minutes(
            prices in proptest::collection::vec((1_i64..100, 0_i64..5, 0_i64..5, 0_i64..9), 0..200),
            from in 0_i64..400,
        ) {
            let start = at("2026-11-23T10:00:00Z");
            let mut minutes: Vec<Bar> = vec![];
            for (place, (price, up, down, skip)) in prices.iter().enumerate() {
                if *skip > 0 {
                    let place = i64::try_from(place).unwrap();
                    let values = [*price, price + up, (price - down).max(1), price + up];
                    minutes.push(bar(start + TimeDelta::minutes(place), values, *skip));
                }
            }
            let within = Span::new(start + TimeDelta::minutes(from / 15 * 15), start + TimeDelta::hours(4));
            let once = roll_up(&always(Interval::Min15), within, &minutes);
            let fives = roll_up(&always(Interval::Min5), within, &minutes);
            prop_assert_eq!(roll_up(&always(Interval::Min15), within, &fives), once);
        }
    }
}
