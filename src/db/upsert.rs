//! Decisions of an upsert that are the same on both databases.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::model::{Bar, Interval};

/// What to do about labels of weeks and months that have moved.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Relabelling {
    /// Stored labels to replace, with the bar that replaces each.
    pub moved: Vec<(DateTime<Utc>, Bar)>,
    /// Bars for which something newer is stored.
    pub outdated: HashSet<DateTime<Utc>>,
}

/// Compares stored labels with the bars of an answer.
///
/// The label of an unfinished week or month is its latest trading day, so the same period may come
/// back under a newer label. `stored` holds (instant, date) of the series.
pub fn relabel(
    interval: Interval,
    stored: &[(DateTime<Utc>, NaiveDate)],
    bars: &[Bar],
) -> Relabelling {
    let mut periods = BTreeMap::new();
    for (label, date) in stored {
        if let Some(start) = interval.period_start(*date) {
            let newest = periods.entry(start).or_insert(*label);
            *newest = (*newest).max(*label);
        }
    }
    let mut relabelling = Relabelling::default();
    for bar in bars {
        let Some(start) = interval.period_start(bar.trading_date) else {
            continue;
        };
        match periods.get(&start) {
            Some(label) if *label < bar.timestamp => {
                relabelling.moved.push((*label, *bar));
                // It moves once, also for an answer that has two bars of one period.
                periods.remove(&start);
            }
            Some(label) if *label > bar.timestamp => {
                relabelling.outdated.insert(bar.timestamp);
            }
            _ => {}
        }
    }
    relabelling
}

/// The bars of an answer that is older than what is stored: they fill gaps and overwrite nothing.
/// Both are oldest first.
pub fn fill(stored: &[Bar], bars: &[Bar]) -> Vec<Bar> {
    let kept = |bar: &Bar| {
        let at = stored.binary_search_by_key(&bar.timestamp, |stored| stored.timestamp);
        let kept = stored.get(at.ok()?)?;
        Some(Bar {
            adjusted_close: kept.adjusted_close.or(bar.adjusted_close),
            dividend_amount: kept.dividend_amount.or(bar.dividend_amount),
            split_coefficient: kept.split_coefficient.or(bar.split_coefficient),
            ..*kept
        })
    };
    bars.iter().map(|bar| kept(bar).unwrap_or(*bar)).collect()
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveTime, TimeZone};

    use super::*;
    use crate::model::{Price, Volume};

    fn label(text: &str) -> (DateTime<Utc>, NaiveDate) {
        let date: NaiveDate = text.parse().unwrap();
        (Utc.from_utc_datetime(&date.and_time(NaiveTime::MIN)), date)
    }

    fn bar(text: &str) -> Bar {
        let (timestamp, trading_date) = label(text);
        let price = Price::from_units(Price::ONE);
        Bar {
            timestamp,
            trading_date,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Volume::from(1),
            is_final: true,
            adjusted_close: None,
            dividend_amount: None,
            split_coefficient: None,
        }
    }

    #[test]
    fn a_newer_label_of_the_same_week_replaces_the_older_one() {
        let stored = [label("2026-05-08"), label("2026-05-13")];
        let bars = [bar("2026-05-08"), bar("2026-05-15")];
        let found = relabel(Interval::Weekly, &stored, &bars);
        assert_eq!(found.moved, [(label("2026-05-13").0, bars[1])]);
        assert!(found.outdated.is_empty());
    }

    #[test]
    fn a_label_moves_once_if_an_answer_has_two_bars_of_its_week() {
        let bars = [bar("2026-05-14"), bar("2026-05-15")];
        let found = relabel(Interval::Weekly, &[label("2026-05-13")], &bars);
        assert_eq!(found.moved, [(label("2026-05-13").0, bars[0])]);
        assert!(found.outdated.is_empty());
    }

    #[test]
    fn an_older_label_of_the_same_month_is_outdated() {
        let found = relabel(
            Interval::Monthly,
            &[label("2026-05-29")],
            &[bar("2026-05-15")],
        );
        assert_eq!(
            found,
            Relabelling {
                moved: vec![],
                outdated: HashSet::from([label("2026-05-15").0])
            }
        );
    }

    #[test]
    fn daily_labels_never_move() {
        let found = relabel(
            Interval::Daily,
            &[label("2026-05-13")],
            &[bar("2026-05-15")],
        );
        assert_eq!(found, Relabelling::default());
    }
}
