//! Whole drawings, every size and both alphabets. What needs no buffer is in `model`.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::America::New_York;
use ratatui::widgets::Widget;

use super::*;

mod model;

const DOLLAR: i64 = Price::ONE;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn bar(timestamp: DateTime<Utc>, trading_date: NaiveDate, prices: [i64; 4], volume: i64) -> Bar {
    let [open, high, low, close] = prices.map(Price::from_units);
    Bar {
        timestamp,
        trading_date,
        open,
        high,
        low,
        close,
        volume: Volume::new(volume, 0).unwrap(),
        is_final: true,
        adjusted_close: None,
        dividend_amount: None,
        split_coefficient: None,
    }
}

/// A wave of this many bars that ends on Friday, 2026-11-20, in regular sessions; newest first.
fn wave(interval: Interval, count: usize) -> Vec<Bar> {
    let step = i64::from(interval.minutes().unwrap_or(390));
    let mut day = date("2026-11-20");
    let mut minute = 960 - step;
    let mut bars = vec![];
    while bars.len() < count {
        if day.format("%u").to_string().parse::<u8>().unwrap() > 5 || minute < 570 {
            day = day.pred_opt().unwrap();
            minute = 960 - step;
            continue;
        }
        let at = i64::try_from(bars.len()).unwrap();
        let close = 100 * DOLLAR + (at % 23 - 11).abs() * DOLLAR / 3;
        let open = close + (at % 5 - 2) * DOLLAR / 4;
        let (high, low) = (open.max(close) + DOLLAR / 3, open.min(close) - DOLLAR / 5);
        let midnight = if interval.is_intraday() { minute } else { 0 };
        let local = day.and_hms_opt(0, 0, 0).unwrap() + TimeDelta::minutes(midnight);
        let instant = New_York.from_local_datetime(&local).unwrap().to_utc();
        bars.push(bar(
            instant,
            day,
            [open, high, low, close],
            1_000 + at % 7 * 900,
        ));
        minute -= step;
    }
    bars
}

/// Daily bars on end with these opens, highs, lows, closes in dollars and volumes; oldest first.
fn days(bars: &[([i64; 4], i64)]) -> Vec<Bar> {
    let last = date("2026-11-20");
    let dated = bars.iter().rev().zip(last.iter_days().rev());
    dated
        .map(|((prices, volume), day)| {
            let instant = day.and_hms_opt(5, 0, 0).unwrap().and_utc();
            bar(instant, day, prices.map(|price| price * DOLLAR), *volume)
        })
        .collect()
}

fn zoom(bars: u32) -> Zoom {
    Zoom::all()
        .find(|zoom| zoom.cells() == 1 && zoom.bars() == bars)
        .unwrap()
}

fn chart<'a>(bars: &'a [Bar], interval: Interval, zoom: Zoom, theme: &'a Theme) -> Chart<'a> {
    Chart {
        breaks: &[],
        restated: &[],
        bars,
        interval,
        cursor: 0,
        zoom,
        zone: New_York,
        theme,
    }
}

fn theme(ascii: bool) -> Theme {
    Theme::new(crate::ui::theme::Preset::Terminal, false, ascii)
}

fn drawn(chart: &Chart, width: u16, height: u16) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    chart.render(buf.area, &mut buf);
    buf
}

/// The rows without trailing spaces, after an empty line as in the drawings below.
fn text(buf: &Buffer) -> String {
    let mut text = String::new();
    for row in buf.content().chunks(usize::from(buf.area.width.max(1))) {
        let row: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.push('\n');
        text.push_str(row.trim_end());
    }
    text + "\n"
}

/// Per row, the stretches whose style is not the default: columns, colour, modifiers.
fn styles(buf: &Buffer) -> String {
    let mut lines = "\n".to_owned();
    for y in 0..buf.area.height {
        let mut runs: Vec<(u16, u16, String)> = vec![];
        for x in 0..buf.area.width {
            let cell = &buf[(x, y)];
            let style = if cell.modifier.contains(Modifier::REVERSED) {
                format!("{:?} reversed", cell.fg)
            } else if cell.modifier.contains(Modifier::DIM) {
                "dim".to_owned()
            } else {
                format!("{:?}", cell.fg)
            };
            match runs.last_mut() {
                Some((_, end, last)) if *last == style => *end = x,
                _ => runs.push((x, x, style)),
            }
        }
        let runs = runs.iter().filter(|run| run.2 != "Reset");
        let runs: Vec<_> = runs
            .map(|(x, end, style)| format!("{x}-{end} {style}"))
            .collect();
        writeln!(lines, "{y}: {}", runs.join(", ")).unwrap();
    }
    lines
}

fn sample() -> Vec<Bar> {
    days(&[
        ([10, 14, 8, 12], 500),
        ([12, 18, 11, 17], 900),
        ([17, 20, 16, 16], 2_000),
        ([16, 17, 10, 12], 1_400),
        ([12, 15, 9, 12], 40),
        ([12, 13, 6, 7], 1_000),
        ([7, 12, 7, 11], 0),
        ([11, 12, 10, 11], 800),
    ])
}

#[test]
fn a_small_chart_looks_like_this() {
    let bars = sample();
    let theme = theme(false);
    let mut chart = chart(&bars, Interval::Daily, Zoom::default(), &theme);
    chart.cursor = 2;
    let buf = drawn(&chart, 28, 11);
    assert_eq!(
        text(&buf),
        r"
           │     ·     20.00
         ┢ ┪ ╷   ·
         ┃ ╹ ┫ ╷ ·     15.00
       │ ┃   ┃ │ ·
       ┢ ┃   ┃ ┿ ┪ ╷ ╷
       ┃ ╵   │ │ ┃ ┣ ┿◂11.00
       │       ╵ ┃ ┃
                 ╿ ╹  ◂ 7.00
           █ ▃            2k
       ▄ ▇ █ █ ▁ █   ▆
            2026-11-18
"
    );
    assert_eq!(
        styles(&buf),
        r"
0: 11-11 Red, 17-17 Cyan, 22-27 dim
1: 9-9 Green, 11-11 Red, 13-13 Red, 17-17 Cyan
2: 9-9 Green, 11-11 Red, 13-13 Red, 17-17 Cyan, 22-27 dim
3: 7-7 Green, 9-9 Green, 13-13 Red, 17-17 Cyan
4: 7-7 Green, 9-9 Green, 13-13 Red, 17-17 Red, 19-19 Green
5: 7-7 Green, 9-9 Green, 13-13 Red, 17-17 Red, 19-19 Green, 22-27 Cyan
6: 7-7 Green, 17-17 Red, 19-19 Green
7: 17-17 Red, 19-19 Green, 22-27 Reset reversed
8: 11-11 Red, 13-13 Red, 26-27 dim
9: 7-7 Green, 9-9 Green, 11-11 Red, 13-13 Red, 17-17 Red
10: 12-21 Reset reversed
"
    );
}

#[test]
fn three_columns_a_bar_are_hollow_and_filled() {
    let bars = sample();
    let theme = theme(false);
    let chart = chart(&bars, Interval::Daily, Zoom::default().zoom_in(), &theme);
    assert_eq!(
        text(&drawn(&chart, 24, 7)),
        r"
 │              ·  20.00
▐█▌▗╽▖          ·
   ▐█▌ │        ·  15.00
   ▝╿▘╺┿╸▐█▌▗╵▖╺┿╸◂11.00
    ╵  │ ▐█▌▐ ▌ ╵  10.00
         ▝╿▘▝ ▘ ·
           2026-11-20
"
    );
}

#[test]
fn ascii_draws_the_same_chart_in_its_own_letters() {
    let bars = sample();
    let theme = theme(true);
    let chart = chart(&bars, Interval::Daily, Zoom::default(), &theme);
    assert_eq!(
        text(&drawn(&chart, 28, 11)),
        r"
           |         . 20.00
         O # |       .
         O # # |     . 15.00
       | O   # |     .
       O O   # - # | |
       O |   | | # O -<11.00
       |       | # O .
                 # O .
           | .            2k
       . : | | . |   :
                2026-11-20
"
    );
}

#[test]
fn a_session_begins_behind_a_dotted_line() {
    let bars = wave(Interval::Min30, 20);
    let theme = theme(false);
    let chart = chart(&bars, Interval::Min30, Zoom::default(), &theme);
    assert_eq!(
        text(&drawn(&chart, 46, 10)),
        r"
             ┊                      ╷ ┢◂103.67
  ╷          ┊                ┪ ┪ ┿ ┣ ╿
  ┫ ╷        ┊              ╷ ┃ ╹ ╵   ·
    ┷ ┢ ╷ ┪  ┊      ╷ ╷ ╷ ┢ ┣         · 102.00
      ╹ ┣ ┃ ┪┊      ┫ ┫ ┷ ╹ ╵         ·
        ╵   ╹┊┷ ╷ ┢ ╹                 ·
             ┊  ┡ ╿                   · 100.00
  ▁         ▄ ▃ ▁         ▄ ▃ ▁             8k
  █ ▇ ▅ ▃ ▂ █ █ █ ▇ ▅ ▃ ▂ █ █ █ ▇ ▅ ▃ ▂
      14:00   11-20     12:00    11-20 15:30
"
    );
}

#[test]
fn the_cursor_hides_no_candle_and_shows_without_colour() {
    let bars = sample();
    for (ascii, no_color) in [(false, false), (true, false), (false, true), (true, true)] {
        let theme = Theme::new(crate::ui::theme::Preset::Terminal, no_color, ascii);
        for zoom in Zoom::all().take(3) {
            let seen = |cursor| {
                let mut chart = chart(&bars, Interval::Daily, zoom, &theme);
                chart.cursor = cursor;
                drawn(&chart, 34, 11)
            };
            let dot = if ascii { "." } else { "·" };
            // The axis at the right and the times below are where the cursor is named.
            let candles = |buf: &Buffer| {
                let cells = buf.area.positions().filter(|at| at.x < 26 && at.y < 8);
                let look = |cell: &ratatui::buffer::Cell| match cell.symbol() {
                    symbol if symbol == dot => (" ".to_owned(), Color::Reset),
                    symbol => (symbol.to_owned(), cell.fg),
                };
                cells.map(|at| look(&buf[at])).collect::<Vec<_>>()
            };
            let reversed = |buf: &Buffer| {
                let last = buf.area.height - 1;
                let cells = (0..buf.area.width)
                    .filter(|x| buf[(*x, last)].modifier.contains(Modifier::REVERSED));
                cells.collect::<Vec<_>>()
            };
            let all: Vec<Buffer> = (0..bars.len()).map(seen).collect();
            for pair in all.windows(2) {
                assert_eq!(candles(&pair[0]), candles(&pair[1]), "{zoom}");
                assert_eq!(reversed(&pair[0]).len(), "2026-11-20".len());
                assert_ne!(text(&pair[0]), text(&pair[1]), "{zoom}");
            }
        }
    }
}

#[test]
fn which_way_the_price_went_shows_without_colour() {
    for (low, high) in (0..12).flat_map(|low| (low + 1..=12).map(move |high| (low, high))) {
        for ascii in [false, true] {
            for zoom in Zoom::all().take(3) {
                let theme = theme(ascii);
                let seen = |open, close| {
                    let bars = days(&[([0, 12, 0, 0], 0), ([open, 12, 0, close], 0)]);
                    text(&drawn(&chart(&bars, Interval::Daily, zoom, &theme), 8, 6))
                };
                assert_ne!(seen(low, high), seen(high, low), "{low} to {high}, {zoom}");
            }
        }
    }
}

#[test]
fn the_price_axis_goes_first_then_the_volume_then_the_times() {
    let bars = wave(Interval::Daily, 60);
    let theme = theme(false);
    let chart = chart(&bars, Interval::Daily, zoom(1), &theme);
    let parts = |width, height| {
        let plan = chart.plan(width, height).unwrap();
        (plan.axis > 0, plan.volume_rows, plan.times)
    };
    assert_eq!(parts(24, 30), (true, 5, true));
    assert_eq!(parts(22, 30), (false, 5, true));
    assert_eq!(parts(9, 30), (false, 0, true));
    assert_eq!(parts(6, 30), (false, 0, false));
    assert_eq!(parts(40, 12), (true, 2, true));
    assert_eq!(parts(40, 7), (true, 0, true));
    assert_eq!(parts(40, 3), (true, 0, false));
}

/// Windows that would break careless arithmetic.
fn extremes() -> Vec<(Interval, Vec<Bar>)> {
    let at = |prices, volume| bar(DateTime::UNIX_EPOCH, date("1970-01-01"), prices, volume);
    let most = 8_999_999_999_999_999_999;
    vec![
        (Interval::Daily, vec![]),
        (Interval::Min1, vec![at([5; 4], 0)]),
        (Interval::Daily, sample()),
        (Interval::Min5, wave(Interval::Min5, 400)),
        (Interval::Min60, vec![at([most, most, 0, 1], i64::MAX); 300]),
        (Interval::Weekly, vec![at([most; 4], i64::MAX); 50]),
        (
            Interval::Monthly,
            vec![at([i64::MIN, i64::MAX, i64::MIN, i64::MAX], 0); 30],
        ),
        (
            Interval::Min15,
            vec![at([i64::MAX, i64::MIN, i64::MAX, 0], 1); 30],
        ),
        (
            Interval::Min30,
            [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC]
                .map(|instant| bar(instant, NaiveDate::MAX, [1, 2, 0, 1], 1))
                .into(),
        ),
        (
            Interval::Daily,
            vec![bar(DateTime::UNIX_EPOCH, NaiveDate::MIN, [1, 2, 0, 1], 1); 9],
        ),
    ]
}

#[test]
fn every_size_is_drawn_and_nothing_panics() {
    for (interval, bars) in extremes() {
        for zoom in [0, 1, 2, 4, 9].map(|at| Zoom::all().nth(at).unwrap()) {
            for (width, height) in (0..=45).flat_map(|w| (0..=20).map(move |h| (w, h))) {
                let theme = theme((width + height) % 2 == 1);
                let mut chart = chart(&bars, interval, zoom, &theme);
                chart.cursor = usize::from(width * height % 97);
                let mut buf = Buffer::empty(Rect::new(3, 2, width, height));
                chart.render(Rect::new(1, 1, width, height), &mut buf);
                chart.render(buf.area, &mut buf);
                chart.render(Rect::new(0, 0, u16::MAX, u16::MAX), &mut buf);
            }
        }
    }
}

#[test]
fn ascii_draws_nothing_else() {
    let theme = theme(true);
    for (interval, bars) in extremes() {
        for zoom in Zoom::all() {
            for (width, height) in [(45, 20), (100, 30), (12, 9)] {
                let mut chart = chart(&bars, interval, zoom, &theme);
                for cursor in [0, 100] {
                    chart.cursor = cursor;
                    let text = text(&drawn(&chart, width, height));
                    assert!(text.is_ascii(), "{text}");
                }
            }
        }
    }
}

#[test]
fn only_the_bars_around_the_cursor_are_looked_at() {
    let mut bars = wave(Interval::Daily, 3_000);
    let theme = theme(false);
    let picture = |bars: &[Bar]| {
        let mut chart = chart(bars, Interval::Daily, zoom(5), &theme);
        chart.cursor = 1_500;
        text(&drawn(&chart, 60, 20))
    };
    let before = picture(&bars);
    // 60 columns of 5 bars at either side, and the candles they touch.
    for at in (0..1_150).chain(1_850..3_000) {
        bars[at].high = Price::from_units(i64::MAX);
        bars[at].trading_date = NaiveDate::MIN;
    }
    assert_eq!(picture(&bars), before);
}

#[test]
fn candles_on_an_earlier_scale_are_dim() {
    let bars = crate::ui::sample::bars_page(12).bars;
    let theme = theme(false);
    let restated = [Span::new(bars[11].timestamp, bars[5].timestamp)];
    let chart = Chart {
        restated: &restated,
        ..chart(&bars, Interval::Min5, Zoom::default(), &theme)
    };
    let candles = chart.visible(60).candles;
    let dim = theme.style(Role::Dim);
    let is_dim = candles.iter().map(|candle| chart.style_of(candle) == dim);
    let is_dim: Vec<bool> = is_dim.collect();
    let expected: Vec<bool> = (0..12).map(|at| at < 6).collect();
    assert_eq!(is_dim, expected);
}

#[test]
fn the_chart_breaks_where_bars_were_never_asked_for() {
    let bars = crate::ui::sample::bars_page(12).bars;
    let theme = theme(false);
    let line = |breaks: &[chrono::DateTime<chrono::Utc>], zoom: Zoom| {
        let chart = Chart {
            breaks,
            ..chart(&bars, Interval::Min5, zoom, &theme)
        };
        let buf = drawn(&chart, 60, 14);
        let marked = (0..60).filter(|x| (0..10).any(|y| buf[(*x, y)].symbol() == "╎"));
        marked.count()
    };
    let wide = Zoom::all().find(|zoom| zoom.cells() == 3).unwrap();
    for zoom in [wide, zoom(1), zoom(5)] {
        assert_eq!(line(&[], zoom), 0);
        assert_eq!(line(&[bars[4].timestamp], zoom), 1);
        // Nothing is to the left of the oldest bar, and another bar is not in sight.
        let elsewhere = [
            bars[0].timestamp + chrono::TimeDelta::days(1),
            bars[11].timestamp,
        ];
        assert_eq!(line(&elsewhere, zoom), 0);
    }
}
