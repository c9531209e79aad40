//! Whole adjustments: by rule, with lists, with what nobody reported, and as recorded.

use std::io::Write as _;
use std::path::Path;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::*;
use crate::model::{Bar, Interval, Price, Volume};

mod merging;
mod recorded;

pub(super) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn price(text: &str) -> Price {
    Price::parse(text).unwrap().0
}

/// A daily bar of a day of January 2026, with a wick on each side.
pub(super) fn bar(day: i64, close: &str, volume: i64) -> Bar {
    let close = price(close);
    let off = |cents: i64| Price::from_units(close.units() + cents * Price::ONE / 100);
    let trading_date = date(&format!("2026-01-{day:02}"));
    Bar {
        timestamp: trading_date.and_hms_opt(5, 0, 0).unwrap().and_utc(),
        trading_date,
        open: off(-7),
        high: off(31),
        low: off(-23),
        close,
        volume: Volume::new(volume, 0).unwrap(),
        is_final: true,
        adjusted_close: None,
        dividend_amount: None,
        split_coefficient: None,
    }
}

/// The days of these bars that may be events.
pub(super) fn days(bars: &[Bar]) -> Vec<DailyCandidate> {
    let mut before = None;
    bars.iter()
        .map(|bar| DailyCandidate {
            date: bar.trading_date,
            open: bar.open,
            close: bar.close,
            close_before: before.replace(bar.close),
            dividend: bar.dividend_amount,
            split: bar.split_coefficient,
        })
        .collect()
}

/// The events that bars tell, and up to when.
pub(super) fn told(bars: &[Bar], listed: &[CorporateEvent]) -> (Vec<CorporateEvent>, KnownEvents) {
    let newest = bars.last().unwrap().trading_date;
    let events = revised(listed, (bars[0].trading_date, newest), &days(bars));
    let known = KnownEvents {
        bars: Some(newest),
        ..KnownEvents::default()
    };
    (events, known)
}

fn with(mut bar: Bar, dividend: &str, split: &str) -> Bar {
    bar.dividend_amount = Some(price(dividend));
    bar.split_coefficient = Some(price(split));
    bar
}

fn adjusted(bars: &[Bar], rule: Rule) -> Adjustments {
    let (events, known) = told(bars, &[]);
    Adjustments::new(adjustments(&events, &known, rule))
}

fn close(adjustments: &Adjustments, bar: &Bar) -> Option<String> {
    let adjusted = adjustments.bar(Interval::Daily, bar);
    Some(adjusted.close?.to_string())
}

#[test]
fn each_rule_takes_a_dividend_and_a_split_out_of_everything_before() {
    let bars = [
        with(bar(5, "400", 1_000), "0", "1"),
        with(bar(6, "404", 1_000), "4", "1"),
        with(bar(7, "102", 4_000), "0", "4"),
    ];
    let by_ex_date = adjusted(&bars, Rule::CloseOfExDate);
    let closes = bars.each_ref().map(|bar| close(&by_ex_date, bar).unwrap());
    // 400 × 404 ÷ 408 ÷ 4, 404 ÷ 4.
    assert_eq!(closes, ["99.01960784", "101.0000", "102.0000"]);
    let by_close_before = adjusted(&bars, Rule::CloseBefore);
    let closes = bars
        .each_ref()
        .map(|bar| close(&by_close_before, bar).unwrap());
    // 400 × (1 − 4 ÷ 400) ÷ 4.
    assert_eq!(closes, ["99.0000", "101.0000", "102.0000"]);
    let volumes = bars
        .each_ref()
        .map(|bar| by_ex_date.bar(Interval::Daily, bar).volume);
    assert_eq!(
        volumes,
        [4_000, 4_000, 4_000].map(|n: u32| Some(n.into())),
        "splits alone"
    );
    assert_eq!(
        by_ex_date.bar(Interval::Daily, &bars[0]).high,
        Some(price("99.09634804"))
    );
    assert_eq!(by_ex_date.gap(bars[0].trading_date), None);
}

#[test]
fn a_split_that_nobody_reported_leaves_out_what_is_before_it() {
    let bars = [
        bar(5, "396", 9),
        bar(6, "400", 9),
        bar(7, "101", 9),
        bar(8, "99", 9),
    ];
    let adjustments = adjusted(&bars, Rule::CloseOfExDate);
    let closes = bars.each_ref().map(|bar| close(&adjustments, bar));
    assert_eq!(closes[..2], [None, None]);
    assert_eq!(
        closes[2..],
        [Some("101.0000".to_owned()), Some("99.0000".to_owned())]
    );
    let split = Unknown::LooksLikeSplit(Ratio { new: 4, old: 1 });
    let day = bars[2].trading_date;
    assert_eq!(
        adjustments.gap(bars[0].trading_date),
        Some(Gap::Before(day, split))
    );
    assert_eq!(
        adjustments.bar(Interval::Daily, &bars[0]),
        AdjustedBar::default()
    );
    let marks = |from: usize| {
        let marks = adjustments.marks(bars[from].trading_date, bars[3].trading_date);
        marks.collect::<Vec<_>>()
    };
    assert_eq!(marks(0), [(day, split)]);
    assert_eq!(marks(2), [], "between two rows only");
}

#[test]
fn a_source_that_reports_no_split_on_that_day_clears_it() {
    let fell = [bar(6, "400", 9), with(bar(7, "200", 9), "0", "1")];
    let adjustments = adjusted(&fell, Rule::CloseOfExDate);
    assert_eq!(close(&adjustments, &fell[0]).as_deref(), Some("400.0000"));
    assert_eq!(adjustments.gap(fell[0].trading_date), None);
}

#[test]
fn a_factor_that_cannot_be_known_leaves_out_prices_and_not_volumes() {
    let bars = [bar(5, "400", 9), bar(8, "398", 9)];
    let listed = |day: &str| {
        let listed = CorporateEvent::listed(EventKind::Dividends, date(day), Some(price("2")));
        let (events, known) = told(&bars, &[listed]);
        Adjustments::new(adjustments(&events, &known, Rule::CloseOfExDate))
    };
    let missing = listed("2026-01-07");
    let adjusted = missing.bar(Interval::Daily, &bars[0]);
    assert_eq!((adjusted.close, adjusted.volume), (None, Some(9.into())));
    let gap = Gap::Before(date("2026-01-07"), Unknown::NoClose);
    assert_eq!(missing.gap(bars[0].trading_date), Some(gap));
    assert_eq!(
        close(&listed("2026-01-08"), &bars[0]).as_deref(),
        Some("398.0000")
    );
    assert_eq!(
        close(&listed("2026-01-09"), &bars[0]).as_deref(),
        Some("400.0000"),
        "declared, and not paid yet"
    );
    for (dividend, split) in [("0", "0"), ("5", "0")] {
        let bars = [bar(6, "400", 9), with(bar(7, "400", 9), dividend, split)];
        let unknown = super::tests::adjusted(&bars, Rule::CloseBefore);
        assert_eq!(
            unknown.bar(Interval::Daily, &bars[0]),
            AdjustedBar::default()
        );
    }
    let bars = [bar(6, "4", 9), with(bar(7, "4", 9), "5", "1")];
    let swallowed = super::tests::adjusted(&bars, Rule::CloseBefore);
    assert_eq!(
        close(&swallowed, &bars[0]),
        None,
        "a dividend above the price"
    );
}

#[test]
fn nothing_is_known_without_daily_bars_or_after_them() {
    let none = Adjustments::new(adjustments(
        &[],
        &KnownEvents::default(),
        Rule::CloseOfExDate,
    ));
    assert_eq!(none, Adjustments::default());
    assert_eq!(none.gap(date("2026-01-05")), Some(Gap::All));
    let bars = [bar(5, "400", 9), bar(6, "401", 9)];
    let adjustments = adjusted(&bars, Rule::CloseOfExDate);
    assert_eq!(
        adjustments.gap(date("2026-01-07")),
        Some(Gap::From(date("2026-01-07")))
    );
    assert_eq!(close(&adjustments, &bar(7, "9", 9)), None);
}

#[test]
fn weekly_and_monthly_bars_are_what_the_source_adjusted() {
    let week = Bar {
        adjusted_close: Some(price("100")),
        ..bar(9, "400", 9)
    };
    let adjusted = Adjustments::default().bar(Interval::Weekly, &week);
    assert_eq!(
        (adjusted.close, adjusted.volume),
        (Some(price("100")), None)
    );
    assert_eq!(adjusted.high, Some(price("100.0775")));
    let plain = Adjustments::default().bar(Interval::Monthly, &bar(9, "400", 9));
    assert_eq!(plain, AdjustedBar::default());
}

#[test]
fn a_reason_is_kept_as_words() {
    for unknown in [
        Unknown::LooksLikeSplit(Ratio { new: 3, old: 2 }),
        Unknown::NoClose,
        Unknown::NoFactor,
    ] {
        assert_eq!(unknown.to_string().parse(), Ok(unknown));
    }
    assert!("split 4".parse::<Unknown>().is_err());
}
