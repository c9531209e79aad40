//! What there is of each series, month by month: from what was asked for and from counts of bars, no
//! bar is read.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Months, NaiveDate, TimeDelta, Utc};

use super::run::Pipeline;
use crate::db::{DbError, HeldMonths};
use crate::model::words::words;
use crate::model::{Coverage, Declared, Grid, Interval, SeriesKey, Span, moment};

words! {
    /// What there is of a month of a series.
    pub enum MonthState {
        /// Every bar that is due was asked for, and there are bars.
        Whole = "all asked for",
        /// Some bars were never asked for.
        Partly = "partly asked for",
        /// Every bar that is due was asked for, and there is none.
        Nothing = "none at the provider",
        /// The provider refused to answer, and there is no bar.
        Refused = "refused by the provider",
        /// No bar was ever asked for.
        NeverAsked = "never asked for",
        /// The source has it whose gaps the series fills.
        Elsewhere = "from the other source",
        /// No bar is due.
        Closed = "closed or not due",
    }
}

impl MonthState {
    /// Its letter.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Whole => "#",
            Self::Partly => "+",
            Self::Nothing => ".",
            Self::Refused => "x",
            Self::NeverAsked => "?",
            Self::Elsewhere => "=",
            Self::Closed => "-",
        }
    }

    /// Whether bars are missing that can be asked for: never asked for, or refused.
    #[must_use]
    pub const fn has_hole(self) -> bool {
        matches!(self, Self::Partly | Self::NeverAsked | Self::Refused)
    }
}

/// What there is of the watch list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageMap {
    /// The first day of the newest month.
    pub newest: NaiveDate,
    /// The series, in the order of the watch list.
    pub rows: Vec<CoverageRow>,
}

/// What there is of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageRow {
    /// The series.
    pub series: SeriesKey,
    /// Which of its bars can exist.
    pub grid: Grid,
    /// Its months, from the newest of the map back to the first that is wanted.
    pub months: Vec<MonthState>,
}

impl CoverageMap {
    /// The first day of the month that is so many before the newest.
    #[must_use]
    pub fn month(&self, back: usize) -> NaiveDate {
        let back = u32::try_from(back).unwrap_or(u32::MAX);
        let month = self.newest.checked_sub_months(Months::new(back));
        month.unwrap_or(NaiveDate::MIN)
    }
}

impl CoverageRow {
    /// The time of a month.
    #[must_use]
    pub fn span(&self, month: NaiveDate) -> Span {
        self.grid.publishing.period(Interval::Monthly, month)
    }
}

impl Pipeline {
    /// What there is of these series, month by month.
    pub async fn coverage_map(&self, series: Vec<SeriesKey>) -> Result<CoverageMap, DbError> {
        let held = self.store.months().await?.into_iter();
        let firsts = |HeldMonths { series, months }| {
            let firsts = months.into_iter().map(|(month, _)| month);
            (series, firsts.collect())
        };
        let held: BTreeMap<SeriesKey, BTreeSet<NaiveDate>> = held.map(firsts).collect();
        let coverage = self.store.coverage().await?;
        let mut coverage: BTreeMap<SeriesKey, Coverage> = coverage.into_iter().collect();
        let now = self.clock.now();
        let grids: Vec<Grid> = series.iter().map(|key| self.grid(key)).collect();
        let today = |grid: &Grid| now.with_timezone(&grid.publishing.zone).date_naive();
        let newest = grids.iter().map(today).max();
        let newest = newest.unwrap_or_else(|| now.date_naive());
        let newest = Interval::Monthly.period_start(newest).unwrap_or(newest);
        let (no_coverage, no_bars) = (Coverage::default(), BTreeSet::new());
        let (declared, default) = (self.declared().await?, Declared::default());
        self.leave_to_others(&series, &declared, &mut coverage)
            .await?;
        let rows = series.into_iter().zip(grids).map(|(series, grid)| {
            let kept = self.kept_as(&series);
            let known = MonthsOf {
                grid: &grid,
                coverage: coverage.get(&kept).unwrap_or(&no_coverage),
                held: held.get(&kept).unwrap_or(&no_bars),
                since: self.since(&kept, declared.get(&kept).unwrap_or(&default)),
            };
            let months = known.months(newest, now);
            CoverageRow {
                series,
                grid,
                months,
            }
        });
        let rows = rows.collect();
        Ok(CoverageMap { newest, rows })
    }
}

/// What is known of a series, of which its months follow.
#[derive(Debug, Clone, Copy)]
pub struct MonthsOf<'a> {
    /// Which bars can exist.
    pub grid: &'a Grid,
    /// Which were asked for.
    pub coverage: &'a Coverage,
    /// The first days of the months that have bars.
    pub held: &'a BTreeSet<NaiveDate>,
    /// From when on bars are wanted; `None`: from the first one that was asked for.
    pub since: Option<DateTime<Utc>>,
}

impl MonthsOf<'_> {
    /// The months from this one back to the first that is wanted.
    #[must_use]
    pub fn months(&self, newest: NaiveDate, now: DateTime<Utc>) -> Vec<MonthState> {
        let Some(wanted) = self.wanted(now) else {
            return vec![];
        };
        let lacks = self.coverage.never_asked(wanted);
        // What is before the first bar was asked for and does not exist: it needs no cell.
        let lack = lacks.first().map(|lack| lack.from);
        let begin = self.first_held().into_iter().chain(lack).min();
        let begin = begin.unwrap_or(wanted.to - TimeDelta::seconds(1));
        let before = |month: &NaiveDate| month.checked_sub_months(Months::new(1));
        std::iter::successors(Some(newest), before)
            .map(|month| (month, self.grid.publishing.period(Interval::Monthly, month)))
            .take_while(|(_, span)| span.to > begin)
            .map(|(month, span)| self.state(month, span.common(wanted), &lacks))
            .collect()
    }

    /// From the first bar that is wanted to the newest that is due. Those of today that came since the
    /// last answer are due, and no hole.
    #[must_use]
    pub fn wanted(&self, now: DateTime<Utc>) -> Option<Span> {
        let due = self.grid.newest_due(now)?.span.to;
        let asked = self.coverage.bounds();
        let zone = self.grid.publishing.zone;
        let today = moment::midnight(now.with_timezone(&zone).date_naive(), zone);
        let to = asked.map_or(due, |asked| due.min(asked.to.max(today)));
        let firsts = [self.since, asked.map(|asked| asked.from)];
        let first = firsts.into_iter().flatten().min();
        Some(Span::new(first.or_else(|| self.first_held())?, to))
    }

    fn first_held(&self) -> Option<DateTime<Utc>> {
        let month = self.held.first()?;
        Some(moment::midnight(*month, self.grid.publishing.zone))
    }

    fn is_refused(&self, span: Span) -> bool {
        let refused = self.coverage.refused().as_slice().iter();
        let common = refused.map(|refused| refused.common(span));
        common
            .filter(|common| !common.is_empty())
            .any(|common| self.grid.first(common).is_some())
    }

    fn state(&self, month: NaiveDate, span: Span, lacks: &[Span]) -> MonthState {
        let within = lacks.iter().map(|lack| lack.common(span));
        let lacking: u64 = within.map(|lack| self.grid.count(lack)).sum();
        match (lacking, self.held.contains(&month)) {
            (0, true) => MonthState::Whole,
            (0, false) if self.grid.first(span).is_none() => MonthState::Closed,
            (0, false) if self.is_refused(span) => MonthState::Refused,
            (0, false) if self.coverage.elsewhere().gaps(span).is_empty() => MonthState::Elsewhere,
            (0, false) => MonthState::Nothing,
            (_, false) if lacking == self.grid.count(span) => MonthState::NeverAsked,
            _ => MonthState::Partly,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;
    use crate::model::calendar::CalendarId;
    use crate::model::{Known, Publishing, Segment};

    /// Friday, after the close.
    const NOW: &str = "2026-11-20T22:00:00Z";

    fn midnight(date: &str) -> DateTime<Utc> {
        moment::midnight(date.parse().unwrap(), New_York)
    }

    fn grid(interval: Interval) -> Grid {
        Grid {
            interval,
            calendar: CalendarId::Xnys.into(),
            publishing: Publishing {
                zone: New_York,
                ..Publishing::UNKNOWN
            },
        }
    }

    /// The letters, oldest month first.
    fn letters(
        segments: &[(&str, &str)],
        held: &[&str],
        since: Option<&str>,
        newest: &str,
        now: &str,
    ) -> String {
        let segment = |(from, to): &(&str, &str)| Segment {
            span: Span::new(midnight(from), midnight(to)),
            known: Known::Settled,
        };
        let held = held.iter().map(|month| month.parse().unwrap()).collect();
        let known = MonthsOf {
            grid: &grid(Interval::Daily),
            coverage: &Coverage::of(segments.iter().map(segment), None),
            held: &held,
            since: since.map(midnight),
        };
        let months = known.months(newest.parse().unwrap(), now.parse().unwrap());
        months.into_iter().rev().map(MonthState::letter).collect()
    }

    #[test]
    fn each_month_has_its_letter() {
        let asked = [
            ("2025-12-01", "2026-03-10"),
            ("2026-05-01", "2026-09-01"),
            ("2026-10-12", "2026-11-21"),
        ];
        let held = [
            "2026-01-01",
            "2026-02-01",
            "2026-03-01",
            "2026-05-01",
            "2026-10-01",
            "2026-11-01",
        ];
        // What was asked for before the first bar has no cell.
        assert_eq!(
            letters(&asked, &held, None, "2026-11-01", NOW),
            "##+?#...?+#"
        );
    }

    #[test]
    fn what_is_wanted_and_was_never_asked_for_is_told_back_to_the_first() {
        let asked = [("2026-10-01", "2026-11-21")];
        let held = ["2026-10-01", "2026-11-01"];
        let since = Some("2026-08-03");
        assert_eq!(letters(&asked, &held, since, "2026-11-01", NOW), "??##");
        assert_eq!(letters(&[], &[], since, "2026-11-01", NOW), "????");
        assert_eq!(letters(&[], &[], None, "2026-11-01", NOW), "");
        let nothing = letters(
            &[("1900-01-01", "2026-11-21")],
            &[],
            None,
            "2026-11-01",
            NOW,
        );
        assert_eq!(nothing, ".");
    }

    #[test]
    fn a_month_of_which_the_newest_bars_are_wanted_has_no_hole_before_them() {
        let asked = [("2026-11-18", "2026-11-21")];
        let held = ["2026-11-01"];
        assert_eq!(letters(&asked, &held, None, "2026-11-01", NOW), "#");
        let since = Some("2026-11-02");
        assert_eq!(letters(&asked, &held, since, "2026-11-01", NOW), "+");
    }

    #[test]
    fn what_became_due_today_is_no_hole_and_what_became_due_yesterday_is() {
        let held = ["2026-11-01"];
        for (asked_to, letter) in [("2026-11-20", "#"), ("2026-11-19", "+")] {
            let asked = [("2026-11-02", asked_to)];
            assert_eq!(letters(&asked, &held, None, "2026-11-01", NOW), letter);
        }
    }

    #[test]
    fn a_month_that_was_refused_is_no_month_without_bars() {
        let segment = |from, to, known| Segment {
            span: Span::new(midnight(from), midnight(to)),
            known,
        };
        let segments = [
            segment("2026-08-01", "2026-09-01", Known::Settled),
            segment("2026-09-01", "2026-10-01", Known::Refused),
            segment("2026-10-01", "2026-11-21", Known::Settled),
        ];
        let held = ["2026-08-01", "2026-11-01"];
        let known = MonthsOf {
            grid: &grid(Interval::Daily),
            coverage: &Coverage::of(segments, None),
            held: &held.map(|month| month.parse().unwrap()).into(),
            since: None,
        };
        let months = known.months("2026-11-01".parse().unwrap(), NOW.parse().unwrap());
        let letters: String = months.iter().rev().map(|month| month.letter()).collect();
        assert_eq!(letters, "#x.#");
        assert!(months[2].has_hole() && !months[1].has_hole());
    }

    #[test]
    fn a_month_without_a_bar_that_is_due_is_no_hole() {
        let asked = [("2026-11-02", "2026-12-01")];
        let now = "2026-12-01T12:00:00Z";
        let held = ["2026-11-01"];
        assert_eq!(letters(&asked, &held, None, "2026-12-01", now), "#-");
    }
}
