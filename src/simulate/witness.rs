//! The witness: what there was to be found in the market, for tests to compare with what was found.
//!
//! It compares what the exchange's calendar lets expect with what the provider serves at an
//! instant, and that with what it served first, by the same functions that answer requests. So it
//! knows planted things and those that the market has by itself, such as minutes without a trade.

use std::ops::Range;

use chrono::{DateTime, Days, Utc};

use super::calendar::{Calendar, MINUTE, Session, instant, midnight, wall_seconds, wall_time};
use super::candles::{Candle, Period, SETTLES_AFTER, Ticks, View, bar, day};
use super::company::Company;
use super::market::Market;
use crate::model::Interval;

/// Knows the market as of an instant.
#[derive(Debug, Clone)]
pub struct Witness {
    market: Market,
    now: DateTime<Utc>,
}

/// Something that a store can find out about a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Planted {
    /// The symbol.
    pub symbol: String,
    /// The bar size.
    pub interval: Interval,
    /// When the bar begins; for daily and longer bars and for corporate actions the beginning of
    /// their date in New York. Longer bars have the date of their last session.
    pub slot: DateTime<Utc>,
    /// What there is to be found.
    pub why: Why,
}

/// What there is to be found about a slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why {
    /// No bar: it was before the first day of trading.
    Unlisted,
    /// No bar: the exchange was closed, unlike its calendar.
    Closed,
    /// No bar: trading was halted.
    Halted,
    /// No bar: nobody traded.
    NoTrade,
    /// No bar yet: it will come late.
    Awaited,
    /// No bar yet: the provider is behind.
    Behind,
    /// A bar that came late.
    Late,
    /// A bar with other values than at first.
    Corrected,
    /// A split: new shares for each old one.
    Split(f64),
    /// A dividend: ten-thousandths of a dollar a share.
    Dividend(Ticks),
}

impl Why {
    /// Whether there is no bar.
    #[must_use]
    pub const fn is_absence(self) -> bool {
        matches!(
            self,
            Self::Unlisted
                | Self::Closed
                | Self::Halted
                | Self::NoTrade
                | Self::Awaited
                | Self::Behind
        )
    }
}

/// A bar that the calendar lets expect, in wall seconds.
#[derive(Debug)]
struct Slot {
    /// What names it: its beginning, or the date of its last session.
    label: i64,
    /// What it covers; of daily and longer bars the regular hours, gaps between sessions included.
    period: Range<i64>,
    /// Its sessions, oldest first; one for daily and shorter bars.
    sessions: Vec<Session>,
}

impl Witness {
    pub(super) const fn new(market: Market, now: DateTime<Utc>) -> Self {
        Self { market, now }
    }

    /// The same as of another instant.
    #[must_use]
    pub fn at(self, now: DateTime<Utc>) -> Self {
        Self { now, ..self }
    }

    /// The bars of a range that the exchange's calendar lets expect, oldest first, named as in
    /// [`Planted::slot`].
    #[must_use]
    pub fn expected(
        interval: Interval,
        extended: bool,
        range: &Range<DateTime<Utc>>,
    ) -> Vec<DateTime<Utc>> {
        let slots = slots(interval, extended, range).into_iter();
        slots.map(|slot| instant(slot.label)).collect()
    }

    /// What there is to be found about the bars of a range, oldest first: bars that are due and
    /// missing, late or corrected, and the splits and dividends the provider knows. `extended` says
    /// whether extended hours are asked for, which moves the bars of an hour to full hours; only
    /// bars that overlap the regular hours are expected. Of weekly and monthly bars, late and
    /// corrected ones are not listed.
    #[must_use]
    pub fn planted(
        &self,
        symbol: &str,
        interval: Interval,
        extended: bool,
        range: &Range<DateTime<Utc>>,
    ) -> Vec<Planted> {
        let sight = Sight {
            company: self.market.company(symbol),
            minutes: interval.minutes(),
            now: wall_seconds(self.now),
            known: wall_seconds(self.market.known_at(symbol, self.now)),
        };
        let planted = |label, why| Planted {
            symbol: symbol.to_owned(),
            interval,
            slot: instant(label),
            why,
        };
        let slots = slots(interval, extended, range).into_iter();
        let slots = slots.filter_map(|slot| Some(planted(slot.label, sight.finding(&slot)?)));
        let actions = sight.company.actions(sight.known).into_iter();
        let actions = actions.flat_map(|action| {
            let split = Some(Why::Split(action.split)).filter(|_| action.is_split());
            let paid = Some(Why::Dividend(action.dividend)).filter(|_| action.dividend > 0);
            let label = midnight(action.date);
            split
                .into_iter()
                .chain(paid)
                .map(move |why| planted(label, why))
        });
        let mut all: Vec<Planted> = slots.chain(actions).collect();
        all.retain(|planted| range.contains(&planted.slot));
        all.sort_by_key(|planted| planted.slot);
        all
    }
}

/// The bars of a range that the calendar lets expect, oldest first.
fn slots(interval: Interval, extended: bool, range: &Range<DateTime<Utc>>) -> Vec<Slot> {
    // Whole periods, also where the range cuts them.
    const MARGIN: Days = Days::new(31);
    let calendar = Calendar::default();
    let (first, last) = (wall_time(range.start).date(), wall_time(range.end).date());
    let first = first.checked_sub_days(MARGIN).unwrap_or(first);
    let last = last.checked_add_days(MARGIN).unwrap_or(last);
    let days = first.iter_days().take_while(|date| *date <= last);
    let sessions = days.filter_map(|date| calendar.session(date));
    let slots = match (interval.minutes(), interval) {
        (Some(minutes), _) => sessions
            .flat_map(|session| minutes_of(session, extended, minutes))
            .collect(),
        (None, Interval::Weekly) => periods(sessions, Period::Week),
        (None, Interval::Monthly) => periods(sessions, Period::Month),
        (None, _) => sessions
            .map(|session| Slot::of_sessions(vec![session]))
            .collect(),
    };
    let is_asked = |slot: &Slot| range.contains(&instant(slot.label));
    slots.into_iter().filter(is_asked).collect()
}

/// The intraday bars of a session that overlap its regular hours.
fn minutes_of(session: Session, extended: bool, minutes: u32) -> impl Iterator<Item = Slot> {
    let (start, end) = session.trading(extended);
    let length = i64::from(minutes) * MINUTE;
    let before = (session.open - start) / length * length;
    let labels = std::iter::successors(Some(start + before), move |label| Some(label + length));
    labels
        .take_while(move |label| *label < session.close)
        .map(move |label| Slot {
            label,
            period: label..(label + length).min(end),
            sessions: vec![session],
        })
}

fn periods(sessions: impl Iterator<Item = Session>, period: Period) -> Vec<Slot> {
    let mut groups: Vec<Vec<Session>> = Vec::new();
    for session in sessions {
        match groups.last_mut() {
            Some(group)
                if group
                    .first()
                    .is_some_and(|first| period.holds_both(first.date, session.date)) =>
            {
                group.push(session);
            }
            _ => groups.push(vec![session]),
        }
    }
    groups.into_iter().map(Slot::of_sessions).collect()
}

impl Slot {
    fn of_sessions(sessions: Vec<Session>) -> Self {
        let open = sessions.first().map_or(0, |session| session.open);
        let (label, close) = sessions
            .last()
            .map_or((0, 0), |session| (midnight(session.date), session.close));
        Self {
            label,
            period: open..close,
            sessions,
        }
    }
}

/// One company as it is seen.
struct Sight {
    company: Company,
    /// The length of an intraday bar.
    minutes: Option<u32>,
    now: i64,
    /// As of when the provider answers.
    known: i64,
}

impl Sight {
    /// What there is to be found about a slot that is due.
    fn finding(&self, slot: &Slot) -> Option<Why> {
        if slot.period.end > self.now {
            return None;
        }
        let Some(served) = self.served(slot, self.known) else {
            return Some(self.absence(slot));
        };
        let settled = slot.period.end + SETTLES_AFTER;
        if slot.sessions.len() > 1 || settled >= self.now {
            return None;
        }
        match self.served(slot, settled) {
            None => Some(Why::Late),
            Some(first) => (first != served).then_some(Why::Corrected),
        }
    }

    /// The bar of a slot for those who ask at a wall second.
    fn served(&self, slot: &Slot, now: i64) -> Option<Candle> {
        let view = View {
            now,
            unfinished: false,
            settles_after: SETTLES_AFTER,
        };
        let bars = slot.sessions.iter().filter_map(|expected| {
            let session = self.company.session(expected.date)?;
            if session.date < self.company.listed() {
                None
            } else if self.minutes.is_some() {
                bar(&self.company, view, &session, slot.period.clone())
            } else {
                day(&self.company, view, session.date)
            }
        });
        bars.reduce(Candle::then)
    }

    /// Why a slot has no bar.
    fn absence(&self, slot: &Slot) -> Why {
        let is_missing = |minute: &i64, now| self.company.lacks(*minute, now);
        let mut minutes = slot.period.clone().step_by(60);
        let mut dates = slot.sessions.iter().map(|session| session.date);
        if dates.clone().all(|date| date < self.company.listed()) {
            Why::Unlisted
        } else if dates.all(|date| self.company.session(date).is_none()) {
            Why::Closed
        } else if self.known < self.now && self.served(slot, self.now).is_some() {
            Why::Behind
        } else if minutes.clone().any(|minute| is_missing(&minute, i64::MAX)) {
            Why::Halted
        } else if minutes.any(|minute| is_missing(&minute, self.now)) {
            Why::Awaited
        } else {
            Why::NoTrade
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plant::{Plant, Ratio, What};
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// 15:00 to 15:10 UTC is 10:00 to 10:10 in New York, on a Friday.
    fn ten_minutes() -> Range<DateTime<Utc>> {
        utc("2026-11-20T15:00:00Z")..utc("2026-11-20T15:10:00Z")
    }

    fn day() -> Range<DateTime<Utc>> {
        utc("2026-11-20T05:00:00Z")..utc("2026-11-21T05:00:00Z")
    }

    fn found(plants: Vec<Plant>, now: &str, interval: Interval) -> Vec<(String, Why)> {
        let witness = Witness::new(Market::new(1, plants), utc(now));
        let planted = witness.planted("IBM", interval, true, &day());
        let found = planted.into_iter();
        found
            .map(|planted| (planted.slot.format("%H:%M").to_string(), planted.why))
            .collect()
    }

    fn at(slots: [&str; 2], why: Why) -> Vec<(String, Why)> {
        slots.map(|slot| (slot.to_owned(), why)).into()
    }

    const NIGHT: &str = "2026-11-21T03:00:00Z";
    const MORNING: &str = "2026-11-21T12:00:00Z";

    #[test]
    fn a_liquid_day_without_plants_has_nothing_to_find() {
        for interval in Interval::ALL {
            assert_eq!(found(vec![], MORNING, interval), [], "{interval}");
        }
    }

    #[test]
    fn halts_are_found_and_only_in_bars_without_a_trade() {
        let halt = || vec![What::Halt(ten_minutes()).of("ibm")];
        let slots = at(["15:00", "15:05"], Why::Halted);
        assert_eq!(found(halt(), NIGHT, Interval::Min5), slots);
        assert_eq!(found(halt(), NIGHT, Interval::Min1).len(), 10);
        assert_eq!(found(halt(), NIGHT, Interval::Min15), []);
        assert_eq!(found(halt(), "2026-11-20T15:04:00Z", Interval::Min5), []);
        assert_eq!(
            found(
                vec![What::Halt(ten_minutes()).of("AAPL")],
                NIGHT,
                Interval::Min5
            ),
            []
        );
    }

    #[test]
    fn late_bars_are_awaited_and_then_late() {
        let late = || {
            let late = What::Late {
                minutes: ten_minutes(),
                appear: utc("2026-11-21T01:00:00Z"),
            };
            vec![late.of_all()]
        };
        let awaited = at(["15:00", "15:05"], Why::Awaited);
        assert_eq!(
            found(late(), "2026-11-21T00:59:59Z", Interval::Min5),
            awaited
        );
        let came = at(["15:00", "15:05"], Why::Late);
        assert_eq!(found(late(), NIGHT, Interval::Min5), came);
        let changed = [("15:00".to_owned(), Why::Corrected)];
        assert_eq!(found(late(), NIGHT, Interval::Min15), changed);
    }

    #[test]
    fn corrections_are_made_in_the_morning() {
        let corrected = || vec![What::Corrected.of_all()];
        assert_eq!(found(corrected(), NIGHT, Interval::Daily), []);
        let daily = [("05:00".to_owned(), Why::Corrected)];
        assert_eq!(found(corrected(), MORNING, Interval::Daily), daily);
        assert_eq!(found(corrected(), MORNING, Interval::Min5).len(), 78);
    }

    #[test]
    fn what_the_provider_or_the_exchange_has_not_is_told_apart() {
        let date = "2026-11-20".parse().unwrap();
        let closed = found(vec![What::Closed(date).of_all()], NIGHT, Interval::Min60);
        assert_eq!(closed.len(), 7);
        assert!(closed.iter().all(|(_, why)| *why == Why::Closed));
        let listed = What::Listed("2026-11-23".parse().unwrap());
        let unlisted = found(vec![listed.of("IBM")], NIGHT, Interval::Daily);
        assert_eq!(unlisted, [("05:00".to_owned(), Why::Unlisted)]);
        let behind = What::Behind {
            session: "2026-11-19".parse().unwrap(),
            during: day(),
        };
        let behind = found(vec![behind.of("IBM")], NIGHT, Interval::Daily);
        assert_eq!(behind, [("05:00".to_owned(), Why::Behind)]);
        let quiet = found(vec![What::Illiquid(2_000).of("IBM")], NIGHT, Interval::Min5);
        assert!((50..78).contains(&quiet.len()), "{}", quiet.len());
        assert!(quiet.iter().all(|(_, why)| *why == Why::NoTrade));
    }

    #[test]
    fn actions_are_found_once_they_are_known() {
        let known = utc("2026-11-20T14:34:00Z");
        let ratio = Ratio { new: 4, old: 1 };
        let plants = || {
            let dividend = What::Dividend {
                amount: 6_000,
                known,
            };
            vec![What::Split { ratio, known }.of("IBM"), dividend.of("IBM")]
        };
        assert_eq!(found(plants(), "2026-11-20T14:33:59Z", Interval::Daily), []);
        let expected = [Why::Split(4.0), Why::Dividend(6_000)];
        let slots = expected.map(|why| ("05:00".to_owned(), why));
        assert_eq!(found(plants(), NIGHT, Interval::Daily), slots);
    }
}
