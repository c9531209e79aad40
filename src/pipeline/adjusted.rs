//! Adjusted bars for people: why some have no prices, and what helps.

use chrono::{NaiveDate, TimeDelta};

use crate::model::adjustment::{Adjustments, Gap, KnownEvents, Unknown};
use crate::model::{Bar, Interval, SeriesKey};

/// Dividends are declared so long before their day, at least, and stand in the list by then.
const DECLARED_AHEAD: TimeDelta = TimeDelta::days(7);

/// Why some bars of a series, from its oldest to its newest one, have no adjusted prices, each reason
/// once, and what helps. `has_events`: its source has lists of events.
#[must_use]
pub fn reasons(
    series: &SeriesKey,
    ends: (&Bar, &Bar),
    adjustments: &Adjustments,
    has_events: bool,
) -> Vec<String> {
    if matches!(series.interval, Interval::Weekly | Interval::Monthly) {
        return vec![];
    }
    // All that is older than something unknown lacks its prices for that reason.
    let (oldest, newest) = ends;
    let gaps = [newest, oldest].map(|bar| adjustments.gap(bar.trading_date));
    let mut gaps: Vec<Gap> = gaps.into_iter().flatten().collect();
    gaps.dedup();
    gaps.iter()
        .map(|gap| reason(series, *gap, has_events))
        .collect()
}

/// What brings the lists of splits and dividends.
fn ask(series: &SeriesKey, has_events: bool) -> String {
    if has_events {
        let instrument = series.instrument();
        format!(
            "ask for the events (at most 2 requests): pipeline-tui fetch --events --symbols {instrument}"
        )
    } else {
        format!("{} has no lists of events", series.source)
    }
}

fn reason(series: &SeriesKey, gap: Gap, has_events: bool) -> String {
    let instrument = series.instrument();
    let daily = format!("pipeline-tui fetch --symbols {instrument} --interval daily");
    match gap {
        Gap::Before(date, Unknown::LooksLikeSplit(ratio)) => format!(
            "no adjusted prices before {date}: what happened then looks like a split {ratio} that nobody reported; \
             {}",
            ask(series, has_events)
        ),
        Gap::Before(date, Unknown::NoClose) => format!(
            "no adjusted prices before {date}: the factor of that day's dividend needs its daily bar, which is not \
             stored; fetch it with: {daily}"
        ),
        Gap::Before(date, Unknown::NoFactor) => {
            format!("no adjusted prices before {date}: the factor of that day's event is not known")
        }
        Gap::From(date) => format!(
            "no adjusted prices from {date} on: no later daily bar says whether there was a split; fetch them with: \
             {daily}"
        ),
        Gap::All => format!(
            "no adjusted prices: they follow from the daily bars of {instrument}, and none are stored; fetch them \
             with: {daily}"
        ),
    }
}

/// What to say if dividends are not known of some of these daily bars, which are all from the oldest
/// bar shown. `has_events`: its source has lists of them.
#[must_use]
pub fn without_dividends(
    series: &SeriesKey,
    daily: &[Bar],
    known: &KnownEvents,
    has_events: bool,
) -> Option<String> {
    let known = known.dividends.map(|through| through + DECLARED_AHEAD);
    let is_unknown = |bar: &&Bar| {
        bar.dividend_amount.is_none() && known.is_none_or(|through| through < bar.trading_date)
    };
    let (oldest, newest) = daily
        .iter()
        .filter(is_unknown)
        .map(|bar| bar.trading_date)
        .fold(None, |span: Option<(NaiveDate, NaiveDate)>, date| {
            let (oldest, newest) = span.unwrap_or((date, date));
            Some((oldest.min(date), newest.max(date)))
        })?;
    Some(format!(
        "dividends between {oldest} and {newest} are not known: for those days prices are adjusted for splits alone; \
         {}",
        ask(series, has_events)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceId;
    use crate::model::adjustment::Ratio;

    #[test]
    fn lists_are_asked_for_only_where_the_source_has_them() {
        let ibm = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
        let coin = ibm.at(&SourceId::known("coinbase"));
        let split = Unknown::LooksLikeSplit(Ratio { new: 2, old: 1 });
        let gap = Gap::Before("2026-05-15".parse().unwrap(), split);
        let said = reason(&ibm, gap, true);
        assert!(said.ends_with("fetch --events --symbols IBM"), "{said}");
        let said = reason(&coin, gap, false);
        assert!(
            said.ends_with("nobody reported; coinbase has no lists of events"),
            "{said}"
        );
    }
}
