//! Which times can be asked for, and how many bars they hold at most.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, TimeDelta, Utc};

use super::plan::{MOST_SYMBOLS, PAGE_BARS, finer, hull};
use crate::model::{Interval, Publishing, Span, moment};

/// Minutes of a day in which there are bars, before and after the session included.
const MINUTES_A_DAY: i64 = 16 * 60;
/// Bars of one symbol from which on its years are asked for one by one.
const MANY_BARS: u64 = 30 * PAGE_BARS;

/// The times of bars of one interval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times<'a> {
    interval: Interval,
    publishing: &'a Publishing,
    now: DateTime<Utc>,
}

impl<'a> Times<'a> {
    pub(super) const fn of(
        interval: Interval,
        publishing: &'a Publishing,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            interval,
            publishing,
            now,
        }
    }

    /// The first instant that cannot be asked for: bars that begin before it have ended, or are of
    /// the current day, week or month.
    pub(super) fn limit(&self) -> DateTime<Utc> {
        let known = self.now - self.publishing.delay;
        match self.interval.minutes() {
            Some(minutes) => {
                let seconds = i64::from(minutes) * 60;
                let over = known.timestamp().rem_euclid(seconds);
                let whole = DateTime::from_timestamp(known.timestamp() - over, 0);
                whole.unwrap_or(known)
            }
            None => known,
        }
    }

    /// The newest bars: as many days as fill at most half a page for one symbol.
    pub(super) fn newest(&self) -> Span {
        let days = match self.interval {
            Interval::Min1 => 4,
            Interval::Min5 => 7,
            Interval::Min15 | Interval::Min30 | Interval::Min60 => 14,
            Interval::Daily => 366,
            Interval::Weekly | Interval::Monthly => 3_660,
        };
        let date = self.today().checked_sub_days(Days::new(days));
        Span::new(
            self.midnight(date.unwrap_or(self.publishing.first_day)),
            self.now,
        )
    }

    /// The parts of some times that can be asked for, from whole bars on, newest first; those between
    /// which there is little are one.
    pub(super) fn askable(&self, wanted: &[Span]) -> Vec<Span> {
        let all = Span::new(self.midnight(self.publishing.first_day), self.limit());
        let mut parts: Vec<Span> = wanted
            .iter()
            .map(|span| Span::new(self.begin(span.from), span.to).common(all))
            .filter(|span| !span.is_empty())
            .collect();
        parts.sort_by_key(|span| std::cmp::Reverse(*span));
        let mut joined: Vec<Span> = vec![];
        for span in parts {
            if let Some(later) = joined.last_mut() {
                let both = hull(*later, span);
                let cost = |times: &[Span]| requests(self.interval, times, 1);
                if later.from <= span.to || cost(&[both]) < cost(&[*later, span]) {
                    *later = both;
                    continue;
                }
            }
            joined.push(span);
        }
        joined
    }

    /// A time as it is asked for so many symbols, newest first. Where one page is not enough, today
    /// is apart: what is before it can be gone on with tomorrow. Long times are cut into years.
    ///
    /// Bars that are rolled up come in one page: what a page cuts in two would add up to two bars.
    pub(super) fn pieces(&self, span: Span, symbols: usize) -> Vec<Span> {
        let mut cuts = vec![];
        if finer(self.interval).is_some() {
            let before = |cut: &DateTime<Utc>| Some(self.begin(*cut - ONE_PAGE));
            cuts.extend(
                std::iter::successors(before(&span.to), before).take_while(|cut| *cut > span.from),
            );
        } else if self.bars(span) * symbols as u64 > PAGE_BARS && self.interval.length() <= A_DAY {
            cuts.push(self.midnight(self.today()));
        }
        if self.bars(span) > MANY_BARS {
            let year = |at: DateTime<Utc>| at.with_timezone(&self.publishing.zone).year();
            let first = (year(span.from)..=year(span.to)).rev();
            let first = first.filter_map(|year| NaiveDate::from_ymd_opt(year, 1, 1));
            cuts.extend(first.map(|date| self.midnight(date)));
        }
        let mut pieces = vec![];
        let mut rest = span;
        for cut in cuts {
            if rest.from < cut && cut < rest.to {
                pieces.push(Span::new(cut, rest.to));
                rest.to = cut;
            }
        }
        pieces.push(rest);
        pieces
    }

    /// The most bars that a symbol can have in a time.
    pub(super) fn bars(&self, span: Span) -> u64 {
        bars(self.interval, span)
    }

    fn today(&self) -> NaiveDate {
        self.now.with_timezone(&self.publishing.zone).date_naive()
    }

    fn midnight(&self, date: NaiveDate) -> DateTime<Utc> {
        moment::midnight(date, self.publishing.zone)
    }

    /// Where the bar begins that an instant belongs to.
    fn begin(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        if self.interval.is_intraday() {
            let step = self.interval.length().num_seconds().max(1);
            let over = at.timestamp().rem_euclid(step);
            return DateTime::from_timestamp(at.timestamp() - over, 0).unwrap_or(at);
        }
        self.publishing.slot(self.interval, at).from
    }
}

const A_DAY: TimeDelta = TimeDelta::days(1);
/// Bars of one symbol in so much time fit into a page, also before they are rolled up.
const ONE_PAGE: TimeDelta = TimeDelta::days(200);

/// The most bars that a symbol can have in a time: on weekdays only.
fn bars(interval: Interval, span: Span) -> u64 {
    let length = (span.to - span.from).max(TimeDelta::zero());
    let weekdays = length.num_days() * 5 / 7 + 2;
    let asked = finer(interval).unwrap_or(interval);
    let most = match asked.minutes() {
        Some(minutes) => {
            let minutes = i64::from(minutes.max(1));
            (length.num_minutes() / minutes + 1).min(weekdays * MINUTES_A_DAY / minutes)
        }
        None if interval == Interval::Daily => weekdays,
        None => length.num_days() / interval.length().num_days().max(1) + 1,
    };
    u64::try_from(most).unwrap_or(0)
}

/// Requests, pages included, for so many series at these times.
pub(super) fn requests(interval: Interval, times: &[Span], series: usize) -> u64 {
    let series = series as u64;
    let batches = series.div_ceil(MOST_SYMBOLS as u64);
    let of_time = |span: &Span| {
        (bars(interval, *span) * series)
            .div_ceil(PAGE_BARS)
            .max(batches)
    };
    times.iter().map(of_time).sum()
}
