//! What lists of events add to what bars report.

use super::*;

fn split(day: &str, ratio: &str) -> CorporateEvent {
    CorporateEvent::listed(EventKind::Splits, date(day), Some(price(ratio)))
}

fn dividend(day: &str, amount: &str) -> CorporateEvent {
    CorporateEvent::listed(EventKind::Dividends, date(day), Some(price(amount)))
}

/// The adjusted close of the oldest bar, with these lists sent on the last day.
fn first(bars: &[Bar], listed: &[CorporateEvent]) -> Option<String> {
    let (events, known) = told(bars, listed);
    let known = KnownEvents {
        splits: known.bars,
        dividends: known.bars,
        ..known
    };
    close(
        &Adjustments::new(adjustments(&events, &known, Rule::CloseOfExDate)),
        &bars[0],
    )
}

#[test]
fn a_list_explains_a_jump_and_counts_what_bars_do_not_report() {
    let bars = [bar(6, "400", 9), bar(7, "101", 9), bar(8, "99", 9)];
    assert_eq!(
        first(&bars, &[split("2026-01-07", "4")]).as_deref(),
        Some("100.0000")
    );
    let both = [split("2026-01-07", "4"), dividend("2026-01-08", "1")];
    assert_eq!(first(&bars, &both).as_deref(), Some("99.0000"));
    let one_day = [split("2026-01-07", "4"), dividend("2026-01-07", "1")];
    // 400 × 101 ÷ 102 ÷ 4.
    assert_eq!(first(&bars, &one_day).as_deref(), Some("99.01960784"));
}

#[test]
fn a_list_without_that_split_clears_the_jump() {
    let bars = [bar(6, "400", 9), bar(7, "101", 9)];
    assert_eq!(first(&bars, &[]).as_deref(), Some("400.0000"), "a crash");
    let (events, known) = told(&bars, &[]);
    let early = KnownEvents {
        splits: Some(date("2026-01-06")),
        ..known
    };
    let early = Adjustments::new(adjustments(&events, &early, Rule::CloseOfExDate));
    assert_eq!(close(&early, &bars[0]), None, "sent before that day");
}

#[test]
fn a_split_counts_once_and_where_the_price_jumped() {
    let reported = [
        bar(6, "400", 9),
        with(bar(7, "101", 9), "0", "4"),
        with(bar(8, "99", 9), "0", "1"),
    ];
    for day in ["2026-01-07", "2026-01-06", "2026-01-08"] {
        assert_eq!(
            first(&reported, &[split(day, "4")]).as_deref(),
            Some("100.0000"),
            "{day}"
        );
    }
    let jumped = [
        bar(5, "396", 9),
        bar(6, "400", 9),
        bar(7, "101", 9),
        bar(8, "99", 9),
    ];
    for day in ["2026-01-06", "2026-01-07", "2026-01-08"] {
        let (events, mut known) = told(&jumped, &[split(day, "4")]);
        known.splits = known.bars;
        let adjusted = Adjustments::new(adjustments(&events, &known, Rule::CloseOfExDate));
        let closes = jumped.each_ref().map(|bar| close(&adjusted, bar).unwrap());
        assert_eq!(
            closes,
            ["99.0000", "100.0000", "101.0000", "99.0000"],
            "{day}"
        );
    }
    let third = [bar(6, "3", 9), bar(7, "9.1", 9)];
    assert_eq!(
        first(&third, &[split("2026-01-06", "0.3333")]).as_deref(),
        Some("9.00090009")
    );
}

#[test]
fn a_dividend_counts_once() {
    let bars = [bar(6, "100", 9), with(bar(7, "99", 9), "1", "1")];
    for day in ["2026-01-07", "2026-01-06"] {
        assert_eq!(
            first(&bars, &[dividend(day, "1")]).as_deref(),
            Some("99.0000"),
            "{day}"
        );
    }
    assert_eq!(
        first(&bars, &[dividend("2026-01-07", "0.5")]).as_deref(),
        Some("99.0000")
    );
}

#[test]
fn what_changed_between_two_days_replaces_what_was_there_alone() {
    let bars = [bar(5, "396", 9), bar(6, "400", 9), bar(7, "101", 9)];
    let (events, _) = told(
        &bars,
        &[split("2026-01-07", "4"), dividend("2025-12-01", "1")],
    );
    assert_eq!(
        events
            .iter()
            .map(|event| (event.origin, event.close))
            .collect::<Vec<_>>(),
        [
            (EventOrigin::Dividends, None),
            (EventOrigin::Splits, Some(price("101"))),
            (EventOrigin::Jump, Some(price("101"))),
        ]
    );
    let whole = (bars[0].trading_date, bars[2].trading_date);
    assert_eq!(revised(&events, whole, &days(&bars)), events, "again");
    let day = bars[2].trading_date;
    let corrected = [DailyCandidate {
        open: price("399"),
        close: price("398"),
        ..days(&bars)[2]
    }];
    let after = revised(&events, (day, day), &corrected);
    assert_eq!(after.len(), 2, "the jump is gone: {after:?}");
    assert_eq!(after[1].close, Some(price("398")));
    let elsewhere = revised(&events, (bars[0].trading_date, bars[1].trading_date), &[]);
    assert_eq!(elsewhere, events);
}
