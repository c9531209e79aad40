//! Which candles are in view, and what the axes name: all without a buffer.

use chrono_tz::America::Los_Angeles;

use super::*;
use crate::ui::widgets::candles::scale::{amount, short, volume_top};
use crate::ui::widgets::candles::times::{session_breaks, time_labels};

#[test]
fn the_scale_has_ends_and_says_where_it_stands() {
    let words: Vec<String> = Zoom::all().map(|zoom| zoom.to_string()).collect();
    assert_eq!(
        words[..4],
        [
            "3 columns per bar",
            "2 columns per bar",
            "1 bar per column",
            "2 bars per column"
        ]
    );
    let closest = Zoom::all().next().unwrap();
    let furthest = Zoom::all().last().unwrap();
    assert_eq!(
        (closest.zoom_in(), furthest.zoom_out()),
        (closest, furthest)
    );
    assert_eq!(Zoom::default().zoom_out().zoom_in(), Zoom::default());
    assert_eq!(Zoom::all().skip(1).collect::<Vec<_>>(), {
        let mut all: Vec<_> = Zoom::all().map(Zoom::zoom_out).collect();
        all.pop();
        all
    });
}

#[test]
fn a_candle_takes_the_ends_the_extremes_and_the_sum() {
    let mut bars = wave(Interval::Min5, 78);
    let most = Volume::new(i64::MAX, 0).unwrap();
    bars[70].volume = most;
    let visible = Visible::of(&bars, Interval::Min5, zoom(5), 0, 100);
    // 78 bars of 09:30 to 15:55 in slots of 25 minutes: 15 full ones and the last of 3.
    assert_eq!(visible.candles.len(), 16);
    let first = visible.candles[0];
    let members = &bars[73..];
    assert_eq!(first.open, members[4].open);
    assert_eq!(first.close, members[0].close);
    assert_eq!(
        first.high,
        members.iter().map(|bar| bar.high).max().unwrap()
    );
    assert_eq!(first.low, members.iter().map(|bar| bar.low).min().unwrap());
    assert_eq!(
        first.volume.whole(),
        members.iter().map(|bar| bar.volume.whole()).sum::<i64>()
    );
    assert_eq!(first.timestamp, members[4].timestamp);
    assert_eq!(visible.candles[1].volume, most);
    assert_eq!(visible.candles[15].open, bars[2].open);
}

#[test]
fn the_open_begins_a_candle_every_day_and_none_crosses_a_session() {
    let bars = wave(Interval::Min5, 400);
    for bars_per_candle in [2, 5, 10, 20, 50] {
        let visible = Visible::of(&bars, Interval::Min5, zoom(bars_per_candle), 0, 400);
        for at in session_breaks(&visible) {
            let open = visible.candles[at].timestamp.with_timezone(&New_York);
            assert_eq!(open.format("%H:%M").to_string(), "09:30");
        }
        assert_eq!(session_breaks(&visible).len(), 5, "{bars_per_candle}");
    }
}

#[test]
fn five_daily_bars_are_a_week() {
    let bars = wave(Interval::Daily, 40);
    let visible = Visible::of(&bars, Interval::Daily, zoom(5), 0, 8);
    assert_eq!(visible.candles.len(), 8);
    for candle in visible.candles {
        assert_eq!(candle.trading_date.format("%a").to_string(), "Mon");
    }
}

#[test]
fn candles_stay_what_they_are_while_the_cursor_and_the_window_move() {
    for interval in [
        Interval::Min1,
        Interval::Min60,
        Interval::Daily,
        Interval::Weekly,
        Interval::Monthly,
    ] {
        let bars = wave(interval, 900);
        for zoom in Zoom::all().filter(|zoom| zoom.bars() <= 50) {
            let whole = Visible::of(&bars, interval, zoom, 0, 2_000).candles;
            for (newest, cursor) in [(0, 1), (0, 7), (3, 100), (17, 400), (101, 799)] {
                let window = Visible::of(
                    &bars[newest..],
                    interval,
                    zoom,
                    cursor - cursor.min(newest),
                    30,
                );
                // The candles at the ends of a window may miss bars that are outside.
                let inner = window.candles.iter().skip(1).rev().skip(1);
                for candle in inner {
                    assert!(
                        whole.contains(candle),
                        "{interval} {zoom} {newest} {cursor}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_newest_is_at_the_right_edge_and_the_cursor_pans_from_the_middle() {
    let bars = wave(Interval::Daily, 100);
    let seen = |cursor| {
        let visible = Visible::of(&bars, Interval::Daily, zoom(1), cursor, 20);
        let at = visible.candles[visible.cursor];
        assert_eq!(at.timestamp, bars[cursor].timestamp);
        let newest = visible.candles.last().unwrap().timestamp;
        let right = bars.iter().position(|bar| bar.timestamp == newest).unwrap();
        assert_eq!(visible.newest, right == 0);
        assert_eq!(visible.before, bars.get(right + 20).copied());
        (visible.candles.len(), visible.cursor, right)
    };
    assert_eq!(seen(0), (20, 19, 0));
    assert_eq!(seen(10), (20, 9, 0));
    assert_eq!(seen(11), (20, 9, 1));
    assert_eq!(seen(50), (20, 9, 40));
    assert_eq!(seen(90), (20, 9, 80));
    assert_eq!(seen(99), (20, 0, 80));
}

#[test]
fn the_cursor_is_in_view_at_every_zoom_and_room() {
    let bars = wave(Interval::Min5, 500);
    for zoom in Zoom::all() {
        for room in [1, 2, 3, 10, 77] {
            for cursor in [0, 1, 77, 78, 250, 498, 499, 9_999] {
                let visible = Visible::of(&bars, Interval::Min5, zoom, cursor, room);
                assert!(visible.candles.len() <= room);
                let at = visible.candles[visible.cursor];
                let bar = &bars[cursor.min(499)];
                let next = visible.candles.get(visible.cursor + 1);
                assert!(at.timestamp <= bar.timestamp, "{zoom} {room} {cursor}");
                assert!(next.is_none_or(|next| bar.timestamp < next.timestamp));
            }
        }
    }
}

#[test]
fn prices_are_named_in_round_steps_that_fit() {
    let labels = |low: i64, high: i64, most| {
        let (low, high) = (i128::from(low), i128::from(high));
        let labels = Scale {
            low,
            high,
            steps: 40,
        }
        .labels(most);
        let named = labels
            .prices
            .iter()
            .map(|price| amount(*price, labels.decimals));
        named.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        labels(28_190_000_000, 28_410_000_000, 4),
        "284.00 283.00 282.00"
    );
    assert_eq!(
        labels(28_190_000_000, 28_410_000_000, 6),
        "284.00 283.50 283.00 282.50 282.00"
    );
    assert_eq!(
        labels(1_000_000, 1_200_000, 6),
        "0.0120 0.0115 0.0110 0.0105 0.0100"
    );
    assert_eq!(
        labels(70_000_000_000_000, 71_000_000_000_000, 6),
        "710,000 708,000 706,000 704,000 702,000 700,000"
    );
    assert_eq!(
        labels(0, 8_999_999_999_999_999_999, 5),
        "80,000,000,000 60,000,000,000 40,000,000,000 20,000,000,000 0"
    );
    assert_eq!(labels(-DOLLAR, DOLLAR, 3), "1.00 0.00 -1.00");
    assert_eq!(labels(1, 3, 6), "0.00000003 0.00000002 0.00000001");
    assert_eq!(
        labels(i64::MIN, i64::MAX, 3),
        "50,000,000,000 0 -50,000,000,000"
    );
    for span in (1..2_000).map(|n| n * 37_219) {
        for most in 3..=6 {
            let scale = Scale {
                low: 12_345,
                high: 12_345 + span,
                steps: 40,
            };
            let count = scale.labels(most).prices.len();
            assert!(
                (1..=usize::from(most)).contains(&count),
                "{span} {most}: {count}"
            );
        }
    }
}

#[test]
fn equal_prices_are_drawn_at_half_height() {
    for price in [
        0,
        1,
        100 * DOLLAR,
        8_999_999_999_999_999_999,
        i64::MAX,
        i64::MIN,
    ] {
        let bars = [bar(DateTime::UNIX_EPOCH, NaiveDate::MIN, [price; 4], 0)];
        let visible = Visible::of(&bars, Interval::Daily, zoom(1), 0, 10);
        let scale = Scale::of(&visible.candles, 21).unwrap();
        assert_eq!(scale.step(i128::from(price)), 10);
    }
}

#[test]
fn volumes_are_named_in_a_few_characters() {
    let label = |most| short(volume_top(Volume::new(most, 0).unwrap()));
    let labels = [
        0,
        1,
        7,
        950,
        1_208,
        78_000,
        1_500_000,
        999_999_999,
        i64::MAX,
    ]
    .map(label);
    assert_eq!(
        labels,
        ["0", "1", "8", "1k", "2k", "80k", "2M", "1B", "10,000,000T"]
    );
    assert_eq!(volume_top(Volume::new(7, 1).unwrap()), 8);
    assert_eq!(volume_top(Volume::new(0, 1).unwrap()), 1);
}

#[test]
fn times_never_touch_each_other() {
    let mut seen = 0;
    for interval in Interval::ALL {
        let bars = wave(interval, 1_500);
        for zoom in Zoom::all() {
            for width in [7, 20, 45, 90, 200] {
                for cursor in [0, 60, 700] {
                    let room = usize::from(width / zoom.cells());
                    let visible = Visible::of(&bars, interval, zoom, cursor, room);
                    let left = room - visible.candles.len();
                    let column = |at: usize| u16::try_from(left + at).unwrap() * zoom.cells();
                    let labels = time_labels(&visible, interval, Los_Angeles, column, width);
                    for pair in labels.windows(2) {
                        let end = usize::from(pair[0].x) + pair[0].text.len();
                        assert!(
                            end + 2 <= usize::from(pair[1].x),
                            "{interval} {zoom} {width}: {labels:?}"
                        );
                    }
                    let end = labels
                        .last()
                        .map_or(0, |last| usize::from(last.x) + last.text.len());
                    assert!(end <= usize::from(width));
                    seen += labels.len();
                }
            }
        }
    }
    assert!(seen > 3_000, "only {seen} labels");
}

#[test]
fn times_are_told_in_the_zone_and_days_are_dates_everywhere() {
    let named = |interval, zone| {
        let bars = wave(interval, 300);
        let visible = Visible::of(&bars, interval, zoom(1), 0, 60);
        let labels = time_labels(
            &visible,
            interval,
            zone,
            |at| u16::try_from(at).unwrap(),
            68,
        );
        let words: Vec<_> = labels.into_iter().map(|label| label.text).collect();
        words.join(" ")
    };
    assert_eq!(
        named(Interval::Min15, New_York),
        "14:00 11-19 12:00 14:00 11-20 12:00 14:00"
    );
    assert_eq!(
        named(Interval::Min15, Tz::UTC),
        "11-19 18:00 11-20 18:00 20:00"
    );
    assert_eq!(
        named(Interval::Daily, New_York),
        named(Interval::Daily, Los_Angeles)
    );
    assert_eq!(named(Interval::Daily, New_York), "Sep 2026 Oct Nov");
}

#[test]
fn without_a_larger_period_in_view_one_label_says_all() {
    let bars = wave(Interval::Min5, 30);
    let visible = Visible::of(&bars, Interval::Min5, zoom(1), 0, 30);
    let labels = time_labels(
        &visible,
        Interval::Min5,
        New_York,
        |at| u16::try_from(at).unwrap() * 2,
        60,
    );
    let words: Vec<_> = labels.iter().map(|label| label.text.as_str()).collect();
    assert_eq!(words, ["11-20 14:00", "15:00", "15:30"]);
}
