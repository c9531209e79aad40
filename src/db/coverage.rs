//! What both databases share about coverage: which rows change, and how bars count by month.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};

use crate::model::adjustment::{Restatement, restated};
use crate::model::{Bar, Batch, Counts, Coverage, Interval, Segment, Span, Spoken};

/// How the rows of a series change, each named by the beginning of its segment.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Beginnings that no segment has any more.
    pub gone: Vec<DateTime<Utc>>,
    /// Segments that are new, or no longer what their row says.
    pub new: Vec<Segment>,
}

/// How the rows of a series change from some segments to others.
pub fn change(before: &[Segment], after: &[Segment]) -> Changed {
    let from = |segment: &Segment| segment.span.from;
    let stays = |beginning: &DateTime<Utc>| after.iter().any(|segment| from(segment) == *beginning);
    let gone = before.iter().map(from).filter(|gone| !stays(gone));
    let new = after.iter().filter(|segment| !before.contains(segment));
    Changed {
        gone: gone.collect(),
        new: new.copied().collect(),
    }
}

/// What an answer says about times of its series, apart from its bars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Says {
    /// For which it speaks.
    pub spoken: Option<Spoken>,
    /// Whether its bars were rolled up from finer ones.
    pub is_rolled_up: bool,
    /// That others are on an earlier scale.
    pub restated: Option<Restatement>,
}

impl Says {
    /// What an answer says that is compared with the bars it is about to replace. What is known to be
    /// on an earlier scale shows nothing new, and an unfinished bar changes by itself.
    pub fn beside(batch: &Batch, known: &Coverage, held: Vec<Bar>) -> Self {
        let is_compared = |bar: &Bar| bar.is_final && !known.restated().contains(bar.timestamp);
        let held: Vec<Bar> = held.into_iter().filter(is_compared).collect();
        let restated = restated(&held, &batch.bars);
        if let Some(Restatement { ratio, kind, .. }) = restated {
            let (series, ratio) = (&batch.series, ratio.round_dp(6).normalize());
            tracing::warn!(%series, %ratio, ?kind, "the source has restated this series; older bars are fetched again");
        }
        Self {
            spoken: batch.spoken,
            is_rolled_up: batch.is_rolled_up,
            restated,
        }
    }

    /// The same where nothing can be restated.
    pub fn alone(batch: &Batch) -> Self {
        Self {
            spoken: batch.spoken,
            is_rolled_up: batch.is_rolled_up,
            restated: None,
        }
    }

    /// Takes in what an answer with these bars says; `newest` is the label of the newest bar of the
    /// series.
    pub fn add_to(&self, coverage: &mut Coverage, bars: &[Bar], newest: Option<DateTime<Utc>>) {
        if let (Some(restated), Some(first), Some(last)) =
            (self.restated, bars.first(), bars.last())
        {
            coverage.restate(
                Span::new(first.timestamp, last.timestamp),
                restated.is_later,
            );
        }
        match &self.spoken {
            Some(spoken) if self.is_rolled_up => coverage.hear_rolled_up(spoken, newest),
            Some(spoken) => coverage.hear(spoken, newest),
            None => {}
        }
    }
}

/// How the bars by month change.
#[derive(Debug, PartialEq, Eq)]
pub enum Tally {
    /// Not at all.
    Same,
    /// These are more, by month.
    More(Vec<(String, u32)>),
    /// Not known: the months from one day to another are to be counted.
    Count(NaiveDate, NaiveDate),
}

/// How the bars by month change when an answer is stored.
pub fn tally(interval: Interval, bars: &[Bar], counts: Counts) -> Tally {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else {
        return Tally::Same;
    };
    let (first, last) = (first.trading_date, last.trading_date);
    if counts.inserted + counts.changed == 0 {
        return Tally::Same;
    }
    // The label of an unfinished week or month moves, perhaps into another month.
    if matches!(interval, Interval::Weekly | Interval::Monthly) {
        let month = Days::new(31);
        return Tally::Count(month_start(first - month), month_end(last + month));
    }
    if counts.inserted == 0 {
        return Tally::Same;
    }
    if month_start(first) == month_start(last) {
        return Tally::More(vec![(month(first), counts.inserted)]);
    }
    if counts.inserted == counts.offered() {
        let mut months = BTreeMap::new();
        for bar in bars {
            *months.entry(month_start(bar.trading_date)).or_default() += 1;
        }
        let named = months.into_iter().map(|(first, bars)| (month(first), bars));
        return Tally::More(named.collect());
    }
    Tally::Count(month_start(first), month_end(last))
}

/// A month as the store writes it.
fn month(date: NaiveDate) -> String {
    date.format("%Y-%m").to_string()
}

fn month_start(date: NaiveDate) -> NaiveDate {
    date.with_day(1).unwrap_or(date)
}

fn month_end(date: NaiveDate) -> NaiveDate {
    let next = month_start(date).checked_add_months(Months::new(1));
    next.and_then(|next| next.pred_opt()).unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Known, Price, Span};

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn bars(dates: &[&str]) -> Vec<Bar> {
        let price = Price::from_units(1);
        let bar = |text: &&str| Bar {
            timestamp: date(text).and_time(chrono::NaiveTime::MIN).and_utc(),
            trading_date: date(text),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 1.into(),
            is_final: true,
            adjusted_close: None,
            dividend_amount: None,
            split_coefficient: None,
        };
        dates.iter().map(bar).collect()
    }

    #[test]
    fn only_rows_that_differ_change() {
        let at = |hour: i64| DateTime::from_timestamp(hour * 3600, 0).unwrap();
        let segment = |from, to, known| Segment {
            span: Span::new(at(from), at(to)),
            known,
        };
        let before = [segment(0, 5, Known::Settled), segment(5, 6, Known::Asked)];
        let after = [segment(0, 6, Known::Settled), segment(6, 7, Known::Asked)];
        let changed = change(&before, &after);
        assert_eq!((changed.gone, changed.new), (vec![at(5)], after.to_vec()));
        assert_eq!(change(&after, &after), Changed::default());
    }

    #[test]
    fn bars_are_counted_only_where_their_months_are_not_known() {
        let tally = |interval, dates: &[&str], inserted, changed| {
            let counts = Counts::of(dates.len(), inserted, changed);
            tally(interval, &bars(dates), counts)
        };
        let two = ["2026-10-30", "2026-11-02"];
        assert_eq!(tally(Interval::Daily, &[], 0, 0), Tally::Same);
        assert_eq!(tally(Interval::Daily, &two, 0, 1), Tally::Same);
        let november = vec![("2026-11".to_owned(), 1)];
        assert_eq!(
            tally(Interval::Daily, &["2026-11-02", "2026-11-03"], 1, 0),
            Tally::More(november.clone())
        );
        let both = [vec![("2026-10".to_owned(), 1)], november].concat();
        assert_eq!(tally(Interval::Daily, &two, 2, 0), Tally::More(both));
        assert_eq!(
            tally(Interval::Daily, &two, 1, 0),
            Tally::Count(date("2026-10-01"), date("2026-11-30"))
        );
        assert_eq!(
            tally(Interval::Weekly, &two, 0, 1),
            Tally::Count(date("2026-09-01"), date("2026-12-31"))
        );
    }
}
