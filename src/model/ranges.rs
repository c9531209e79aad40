//! A series as a sequence of times, each with what is there and why not.

use chrono::{DateTime, Datelike as _, Utc};
use serde::Serialize;

use super::text::counted;
use super::words::words;
use super::{Bar, Coverage, Grid, Known, Span, Spans};

words! {
    /// What is there of a time of a series.
    pub enum There {
        /// Bars.
        Held = "held",
        /// Bars that were rolled up from finer ones.
        Derived = "rolled up",
        /// Bars on an earlier scale than the rest: the provider has restated them since.
        Restated = "held, restated since",
        /// None, and the provider has none.
        Nothing = "none at the provider",
        /// None when it was asked for, but late bars may follow.
        NotYet = "none so far",
        /// None, and the provider refuses to answer.
        Refused = "refused by the provider",
        /// It was never asked for.
        NeverAsked = "never asked",
        /// The source has it whose gaps the series fills.
        Elsewhere = "from the other source",
        /// Bars of a day on which the exchange did not trade by its calendar.
        Extra = "extra, not expected",
    }
}

/// A time of a series in which it is the same with every slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// The time.
    #[serde(flatten)]
    pub span: Span,
    /// What is there.
    pub state: There,
    /// How many bars it has room for.
    pub bars: u64,
}

/// The bars of a series, as far as they tell what is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stock {
    /// The times of bars, over which no slot is empty.
    pub held: Spans,
    /// The days with bars on which the exchange did not trade by its calendar, oldest first, each
    /// with the number of its bars.
    pub extra: Vec<(Span, u64)>,
}

impl Stock {
    /// Takes in finished bars, which follow those before.
    pub fn take<'a>(&mut self, grid: &Grid, bars: impl IntoIterator<Item = &'a Bar>) {
        let mut run = self.held.as_slice().last().copied();
        let extra = self.extra.last().and_then(|(span, _)| grid.day(span.from));
        let mut day = extra.map(|date| (date, true));
        for bar in bars {
            let slot = grid.publishing.slot(grid.interval, bar.timestamp);
            run = Some(match run {
                Some(run) if grid.count(Span::new(run.to, slot.from)) == 0 => {
                    Span::new(run.from, slot.to)
                }
                Some(run) => {
                    self.held.add(run);
                    slot
                }
                None => slot,
            });
            let Some(date) = grid.day(slot.from) else {
                continue;
            };
            match (day, self.extra.last_mut()) {
                (Some((before, false)), _) if before == date => {}
                (Some((before, true)), Some((span, bars))) if before == date => {
                    *span = Span::new(span.from, slot.to);
                    *bars += 1;
                }
                _ => {
                    let is_extra = grid.calendar.session(date).is_none();
                    day = Some((date, is_extra));
                    if is_extra {
                        self.extra.push((slot, 1));
                    }
                }
            }
        }
        if let Some(run) = run {
            self.held.add(run);
        }
    }
}

/// The stretches of a time, oldest first.
#[must_use]
pub fn stretches(grid: &Grid, coverage: &Coverage, stock: &Stock, within: Span) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut edges = edges(coverage, stock, within);
    edges.dedup();
    for pair in edges.windows(2) {
        let [from, to] = *pair else { continue };
        let span = Span::new(from, to);
        let (state, bars) = match stock.extra.iter().find(|(extra, _)| *extra == span) {
            Some((_, bars)) => (There::Extra, *bars),
            None => (state(coverage, &stock.held, from), grid.count(span)),
        };
        if bars == 0 {
            continue;
        }
        match stretches.last_mut() {
            Some(last) if last.state == state => {
                last.span.to = to;
                last.bars += bars;
            }
            _ => stretches.push(Stretch { span, state, bars }),
        }
    }
    stretches
}

words! {
    /// Why two neighbouring bars do not belong together.
    pub enum Break {
        /// What is between them was never asked for.
        NeverAsked = "never asked",
        /// One of them is on an earlier scale: the provider has restated the series since.
        Restated = "restated since",
    }
}

/// Something that is to be fetched, beside or between two neighbouring bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hole {
    /// The label of the newer bar.
    pub before: DateTime<Utc>,
    /// Why.
    pub why: Break,
    /// What is to be fetched, from its first slot to the end of its last one.
    pub span: Span,
    /// How many bars it has room for.
    pub bars: u64,
}

impl Hole {
    /// It in words: `never asked: 126 bars, 06-01 … 11-24`.
    #[must_use]
    pub fn words(&self, grid: &Grid) -> String {
        let last = grid.last(self.span).map(|slot| slot.span.from);
        let [from, to] = [self.span.from, last.unwrap_or(self.span.to)]
            .map(|at| at.with_timezone(&grid.publishing.zone));
        let is_one_day = from.date_naive() == to.date_naive();
        let form = match (from.year() == to.year(), grid.interval.is_intraday()) {
            (false, _) => "%Y-%m-%d",
            (true, true) if is_one_day => "%m-%d %H:%M",
            (true, _) => "%m-%d",
        };
        let (why, count) = (self.why, counted(self.bars, "bar"));
        if from == to {
            return format!("{why}: {count}, {}", from.format(form));
        }
        let (from, to) = (from.format(form), to.format(form));
        format!("{why}: {count}, {from} … {to}")
    }
}

/// The holes between bars, and where bars on an earlier scale begin and end; newest first, as the
/// bars are.
#[must_use]
pub fn holes(grid: &Grid, coverage: &Coverage, bars: &[Bar]) -> Vec<Hole> {
    let restated = coverage.restated();
    let slot = |bar: &Bar| grid.publishing.slot(grid.interval, bar.timestamp);
    let never_asked = |newer: &Bar, older: &Bar| {
        let between = Span::new(slot(older).to, slot(newer).from);
        if between.is_empty() {
            return None;
        }
        let never = coverage.never_asked(between).into_iter();
        let never: Vec<Span> = never.flat_map(|span| restated.gaps(span)).collect();
        let spans = || never.iter().copied();
        let first = spans().find_map(|span| grid.first(span))?;
        let last = spans().rev().find_map(|span| grid.last(span))?;
        Some(Hole {
            before: newer.timestamp,
            why: Break::NeverAsked,
            span: Span::new(first.span.from, last.span.to),
            bars: spans().map(|span| grid.count(span)).sum(),
        })
    };
    let other_scale = |newer: &Bar, older: &Bar| {
        let [newer_in, older_in] = [newer, older].map(|bar| restated.around(slot(bar).from));
        let span = newer_in.xor(older_in)?;
        let (first, last) = (grid.first(span)?, grid.last(span)?);
        Some(Hole {
            before: newer.timestamp,
            why: Break::Restated,
            span: Span::new(first.span.from, last.span.to),
            bars: grid.count(span),
        })
    };
    let pairs = bars.iter().zip(bars.iter().skip(1));
    let both = |(newer, older)| [never_asked(newer, older), other_scale(newer, older)];
    pairs.flat_map(both).flatten().collect()
}

/// Of bars, newest first: what is to be said under this one, if it is the oldest of a day on which the
/// exchange did not trade by its calendar.
#[must_use]
pub fn extra(grid: &Grid, bars: &[Bar], at: usize) -> Option<String> {
    let day = |at: usize| grid.day(bars.get(at)?.timestamp);
    let date = day(at).filter(|date| day(at + 1) != Some(*date))?;
    let is_extra = grid.calendar.session(date).is_none();
    is_extra.then(|| format!("extra: no session on {date} by the calendar"))
}

fn edges(coverage: &Coverage, stock: &Stock, within: Span) -> Vec<DateTime<Utc>> {
    let known = coverage.segments().into_iter().map(|segment| segment.span);
    let known = known.chain(coverage.elsewhere().as_slice().iter().copied());
    let extra = stock.extra.iter().map(|(span, _)| *span);
    let spans = known
        .chain(stock.held.as_slice().iter().copied())
        .chain(extra);
    let mut edges: Vec<DateTime<Utc>> = spans
        .flat_map(|span| [span.from, span.to])
        .filter(|edge| within.contains(*edge))
        .chain([within.from, within.to])
        .collect();
    edges.sort_unstable();
    edges
}

fn state(coverage: &Coverage, held: &Spans, at: DateTime<Utc>) -> There {
    if held.contains(at) {
        return if coverage.restated().contains(at) {
            There::Restated
        } else if coverage.derived().contains(at) {
            There::Derived
        } else {
            There::Held
        };
    }
    match coverage.known(at) {
        Some(Known::Settled | Known::Derived) => There::Nothing,
        Some(Known::Asked | Known::Deriving) => There::NotYet,
        Some(Known::Refused) => There::Refused,
        Some(Known::Restated) | None if coverage.elsewhere().contains(at) => There::Elsewhere,
        Some(Known::Restated) | None => There::NeverAsked,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeDelta};
    use chrono_tz::UTC;

    use super::*;
    use crate::model::calendar::{CalendarId, Calendars};
    use crate::model::{Interval, Price, Publishing, Segment, Settles};

    fn span(from: i64, to: i64) -> Span {
        let at = |minutes: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(5 * minutes);
        Span::new(at(from), at(to))
    }

    #[test]
    fn every_slot_is_in_one_stretch_and_says_why_it_is_empty() {
        let grid = Grid {
            interval: Interval::Min5,
            calendar: Calendars::default().get(CalendarId::Always),
            publishing: Publishing {
                zone: UTC,
                delay: TimeDelta::zero(),
                settles: Settles::After(TimeDelta::zero()),
                first_day: NaiveDate::MIN,
                between_sessions: false,
            },
        };
        let segment = |from, to, known| Segment {
            span: span(from, to),
            known,
        };
        let segments = [
            segment(2, 10, Known::Settled),
            segment(10, 12, Known::Asked),
            segment(14, 16, Known::Refused),
            segment(18, 20, Known::Restated),
        ];
        let coverage = Coverage::of(segments, None);
        let held = Stock {
            held: [span(2, 4), span(6, 11), span(18, 19)]
                .into_iter()
                .collect(),
            extra: vec![],
        };
        let found: Vec<_> = stretches(&grid, &coverage, &held, span(0, 20))
            .iter()
            .map(|stretch| (stretch.state, stretch.span, stretch.bars))
            .collect();
        assert_eq!(
            found,
            [
                (There::NeverAsked, span(0, 2), 2),
                (There::Held, span(2, 4), 2),
                (There::Nothing, span(4, 6), 2),
                (There::Held, span(6, 11), 5),
                (There::NotYet, span(11, 12), 1),
                (There::NeverAsked, span(12, 14), 2),
                (There::Refused, span(14, 16), 2),
                (There::NeverAsked, span(16, 18), 2),
                (There::Restated, span(18, 19), 1),
                (There::NeverAsked, span(19, 20), 1),
            ]
        );
        assert_eq!(stretches(&grid, &coverage, &held, span(3, 3)), []);
    }

    #[test]
    fn bars_of_a_holiday_are_extra_and_none_is_expected() {
        let grid = Grid {
            interval: Interval::Min60,
            calendar: CalendarId::Xnys.into(),
            publishing: Publishing {
                zone: chrono_tz::America::New_York,
                ..Publishing::UNKNOWN
            },
        };
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        // The last hour before Thanksgiving, two hours of that day, and the first one after it.
        let labels = [
            "2026-11-25T20:00:00Z",
            "2026-11-26T15:00:00Z",
            "2026-11-26T16:00:00Z",
            "2026-11-27T14:00:00Z",
        ];
        let bars = labels.map(|label| bar_at(at(label)));
        let mut stock = Stock::default();
        for piece in bars.chunks(2) {
            stock.take(&grid, piece);
        }
        let mut at_once = Stock::default();
        at_once.take(&grid, &bars);
        let of_the_day = Span::new(at(labels[1]), at("2026-11-26T17:00:00Z"));
        assert_eq!(at_once.extra, [(of_the_day, 2)]);
        assert_eq!(stock.extra, at_once.extra, "in pieces that part the day");
        let all = Span::new(at(labels[0]), at("2026-11-27T15:00:00Z"));
        assert_eq!(stock.held.as_slice(), [all]);
        let coverage = Coverage::of(
            [Segment {
                span: all,
                known: Known::Settled,
            }],
            None,
        );
        let found: Vec<_> = stretches(&grid, &coverage, &stock, all)
            .iter()
            .map(|stretch| (stretch.state, stretch.span.from, stretch.bars))
            .collect();
        let holiday = (There::Extra, at(labels[1]), 2);
        let mut newest_first = bars;
        newest_first.reverse();
        let said = [0, 1, 2, 3].map(|at| extra(&grid, &newest_first, at));
        let words = "extra: no session on 2026-11-26 by the calendar".to_owned();
        assert_eq!(said, [None, None, Some(words), None]);
        let after = (There::Held, at("2026-11-26T17:00:00Z"), 1);
        assert_eq!(found, [(There::Held, at(labels[0]), 1), holiday, after]);
    }

    fn bar_at(timestamp: DateTime<Utc>) -> Bar {
        Bar {
            timestamp,
            trading_date: NaiveDate::MIN,
            open: Price::from_units(1),
            high: Price::from_units(1),
            low: Price::from_units(1),
            close: Price::from_units(1),
            volume: 1.into(),
            is_final: true,
            adjusted_close: None,
            dividend_amount: None,
            split_coefficient: None,
        }
    }

    fn always() -> Grid {
        Grid {
            interval: Interval::Min5,
            calendar: Calendars::default().get(CalendarId::Always),
            publishing: Publishing {
                zone: UTC,
                ..Publishing::UNKNOWN
            },
        }
    }

    #[test]
    fn what_was_left_to_another_source_and_not_asked_for_is_elsewhere() {
        let mut coverage = Coverage::default();
        coverage.leave([span(2, 4)].into_iter().collect());
        let found = stretches(&always(), &coverage, &Stock::default(), span(0, 5));
        let found: Vec<_> = found.iter().map(|one| (one.state, one.span)).collect();
        assert_eq!(
            found,
            [
                (There::NeverAsked, span(0, 2)),
                (There::Elsewhere, span(2, 4)),
                (There::NeverAsked, span(4, 5)),
            ]
        );
    }

    #[test]
    fn bars_are_held_up_to_the_first_slot_without_one() {
        let bars = [0, 1, 4].map(|at| bar_at(span(at, at).from));
        let mut stock = Stock::default();
        stock.take(&always(), &bars);
        assert_eq!(stock.held.as_slice(), [span(0, 2), span(4, 5)]);
        assert_eq!(stock.extra, []);
    }

    #[test]
    fn between_two_bars_only_what_was_never_asked_for_is_a_hole() {
        let bar = |at: i64| bar_at(span(at, at).from);
        let known = [
            (span(0, 5), Known::Settled),
            (span(9, 10), Known::Settled),
            (span(14, 16), Known::Refused),
            (span(20, 30), Known::Settled),
        ];
        let segments = known.map(|(span, known)| Segment { span, known });
        let coverage = Coverage::of(segments, None);
        // None at the provider between 28 and 24; in part never asked for between 20 and 4.
        let bars = [29, 28, 24, 20, 4, 3].map(bar);
        let found = holes(&always(), &coverage, &bars);
        assert_eq!(
            found,
            [Hole {
                before: bars[3].timestamp,
                why: Break::NeverAsked,
                span: span(5, 20),
                bars: 4 + 4 + 4,
            }]
        );
        assert_eq!(
            found[0].words(&always()),
            "never asked: 12 bars, 01-01 00:25 … 01-01 01:35"
        );
        let restated = Segment {
            span: span(0, 25),
            known: Known::Restated,
        };
        let coverage = Coverage::of([restated], None);
        let found = holes(&always(), &coverage, &bars);
        assert_eq!(
            found
                .iter()
                .map(|hole| (hole.before, hole.words(&always())))
                .collect::<Vec<_>>(),
            [
                (
                    bars[1].timestamp,
                    "never asked: 3 bars, 01-01 02:05 … 01-01 02:15".to_owned()
                ),
                (
                    bars[1].timestamp,
                    "restated since: 25 bars, 01-01 00:00 … 01-01 02:00".to_owned()
                ),
            ],
            "what is missing among bars on an earlier scale is fetched with them"
        );
        let found = &holes(&always(), &Coverage::default(), &bars)[1];
        let long = Hole {
            span: Span::new(found.span.from, span(288 * 40, 0).from),
            ..*found
        };
        assert_eq!(long.words(&always()), "never asked: 3 bars, 01-01 … 02-09");
    }
}
