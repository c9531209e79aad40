//! Numbers, times and widths as people read them. Text in, text out: no buffer, no clock.

use std::path::Path;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::theme::Role;
use crate::config::secret;
pub use crate::model::text::size;
use crate::model::text::{clean, counted, thousands};
use crate::model::{Bar, Interval, Price, SeriesKey};

/// A dash where there is nothing to show.
pub const NONE: &str = "–";

/// Cuts a text to this many cells; a cut text ends in `…`.
#[must_use]
pub fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::with_capacity(width);
    let mut used = 0;
    for c in text.chars() {
        let cells = c.width().unwrap_or(0);
        if used + cells + 1 > width {
            break;
        }
        used += cells;
        cut.push(c);
    }
    if width > 0 {
        cut.push('…');
    }
    cut
}

/// Cuts a sentence to this many cells after a whole word; a word longer than half of them is cut.
#[must_use]
pub fn fit_words(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let cut = fit(text, width);
    let next = cut.chars().count().saturating_sub(1);
    let is_whole = text.chars().nth(next) == Some(' ');
    let end = cut
        .rfind(' ')
        .filter(|end| !is_whole && *end * 2 >= cut.len());
    match end.and_then(|end| cut.get(..end)) {
        Some(words) => format!("{}…", words.trim_end()),
        None => cut,
    }
}

/// Cuts or pads a text to exactly this many cells.
#[must_use]
pub fn left(text: &str, width: usize) -> String {
    let mut text = fit(text, width);
    text.extend(std::iter::repeat_n(' ', width.saturating_sub(text.width())));
    text
}

/// Cuts or pads a text to exactly this many cells, aligned right.
#[must_use]
pub fn right(text: &str, width: usize) -> String {
    let text = fit(text, width);
    let mut padded = " ".repeat(width.saturating_sub(text.width()));
    padded.push_str(&text);
    padded
}

/// Breaks a text into lines of at most this many cells, at spaces where there are some.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    // Every line has the indentation of the text, as long as half of the width is left.
    let body = text.trim_start_matches(' ');
    let indent = (text.len() - body.len()).min(width / 2);
    if indent > 0 {
        let margin = " ".repeat(indent);
        let lines = wrap(body, width - indent).into_iter();
        return lines.map(|line| format!("{margin}{line}")).collect();
    }
    let mut lines = vec![];
    let mut line = String::new();
    let mut used = 0;
    for word in body.split(' ') {
        let mut word = word;
        let space = usize::from(used > 0);
        if used + space + word.width() > width && used > 0 {
            lines.push(std::mem::take(&mut line));
            used = 0;
        } else if space == 1 {
            line.push(' ');
            used += 1;
        }
        while word.width() > width && width > 0 {
            let (head, tail) = break_word(word, width);
            lines.push(head.to_owned());
            word = tail;
        }
        line.push_str(word);
        used += word.width();
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A head that fits and the rest, split after the head's last `&`: a query's pairs stay whole.
fn break_word(word: &str, width: usize) -> (&str, &str) {
    let (head, _) = split_at_width(word, width);
    word.split_at(head.rfind('&').map_or(head.len(), |at| at + 1))
}

/// The longest head of at most this many cells (one character at least), and the rest.
fn split_at_width(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width && at > 0 {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// How long ago something was: `now`, `12 s ago`, `2 min ago`, `3 h ago`, `5 d ago`.
#[must_use]
pub fn ago(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - then).num_seconds();
    match seconds {
        ..=1 => "now".to_owned(),
        2..=59 => format!("{seconds} s ago"),
        60..=3_599 => format!("{} min ago", seconds / 60),
        3_600..=172_799 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// The time left: `02:41:07`, or `3 d 02:41:07`.
#[must_use]
pub fn countdown(left: TimeDelta) -> String {
    // A part of a second counts: with 0.4 s left the wait is not over.
    let seconds = (left.num_milliseconds().max(0) + 999) / 1_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60);
    if days > 0 {
        format!("{days} d {clock}")
    } else {
        clock
    }
}

/// A short time left: `0:41`.
#[must_use]
pub fn short_countdown(left: TimeDelta) -> String {
    let seconds = (left.num_milliseconds().max(0) + 999) / 1_000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// How long something took: `0.4`, `12.3`, `1:04.2`, `1 h 02 min`.
#[must_use]
pub fn took(time: TimeDelta) -> String {
    let tenths = time.num_milliseconds().max(0) / 100;
    if tenths < 600 {
        format!("{}.{}", tenths / 10, tenths % 10)
    } else if tenths < 36_000 {
        format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
    } else {
        format!("{} h {:02} min", tenths / 36_000, tenths / 600 % 60)
    }
}

/// How long a step took, with its unit: `12 ms`, `0.4 s`, `1:04.2`.
#[must_use]
pub fn step(time: TimeDelta) -> String {
    match time.num_milliseconds().max(0) {
        ms @ 0..=99 => format!("{ms} ms"),
        100..=59_999 => format!("{} s", took(time)),
        _ => took(time),
    }
}

/// The interval of a series in a list, with adjusted prices marked: `5min`, `5min adj`.
#[must_use]
pub fn interval(series: &SeriesKey) -> String {
    let adjusted = if series.adjusted { " adj" } else { "" };
    format!("{}{adjusted}", series.interval)
}

/// The name of a zone beside its times.
#[must_use]
pub fn zone_name(zone: Tz) -> &'static str {
    match zone {
        Tz::America__New_York => "ET",
        Tz::UTC => "UTC",
        other => other.name(),
    }
}

/// A near instant: today the time alone, else with its weekday, else with its date.
#[must_use]
pub fn near(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (there, here) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let days = (there.date_naive() - here.date_naive()).num_days().abs();
    let form = match days {
        0 => "%H:%M",
        1..=6 => "%a %H:%M",
        _ => "%m-%d %H:%M",
    };
    there.format(form).to_string()
}

/// When the quota renews, in the provider's time and in the user's.
#[must_use]
pub fn renewal(at: DateTime<Utc>, local: Tz) -> String {
    let there = at.with_timezone(&Tz::America__New_York);
    let here = at.with_timezone(&local);
    let provider = format!("{} ET", there.format("%H:%M"));
    let clock = here.format("%H:%M");
    if there.naive_local() == here.naive_local() {
        provider
    } else if local == Tz::UTC {
        format!("{provider}, {clock} UTC")
    } else {
        format!(
            "{provider}, {clock} your time ({})",
            abbreviation(at, local)
        )
    }
}

/// The same in the user's time only.
#[must_use]
pub fn renewal_briefly(at: DateTime<Utc>, local: Tz) -> String {
    let here = at.with_timezone(&local);
    format!("{} {}", here.format("%H:%M"), abbreviation(at, local))
}

/// A zone's abbreviation at an instant: `CET`, or `UTC-03` if it has no letters.
fn abbreviation(at: DateTime<Utc>, zone: Tz) -> String {
    if zone == Tz::America__New_York {
        return zone_name(zone).to_owned();
    }
    let name = at.with_timezone(&zone).format("%Z").to_string();
    if name.starts_with(['+', '-']) {
        format!("UTC{name}")
    } else {
        name
    }
}

/// A past instant to the second: today the time alone, else with its date.
#[must_use]
pub fn second(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (there, here) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let form = if there.date_naive() == here.date_naive() {
        "%H:%M:%S"
    } else if there.year() == here.year() {
        "%m-%d %H:%M:%S"
    } else {
        "%Y-%m-%d %H:%M:%S"
    };
    there.format(form).to_string()
}

/// The label of a bar in a list: `11-20 15:55`, `2025-11-20 15:55` where years differ, and
/// `2026-11-20` for a day and longer.
#[must_use]
pub fn bar_time(bar: &Bar, interval: Interval, with_year: bool, zone: Tz) -> String {
    if interval.is_intraday() {
        let local = bar.timestamp.with_timezone(&zone);
        let form = if with_year {
            "%Y-%m-%d %H:%M"
        } else {
            "%m-%d %H:%M"
        };
        local.format(form).to_string()
    } else {
        bar.trading_date.format("%Y-%m-%d").to_string()
    }
}

/// The newest bar of a series in a list of series: `Fri 11-20`, with the time for intraday bars of today.
#[must_use]
pub fn last_bar(bar: &Bar, interval: Interval, now: DateTime<Utc>, zone: Tz) -> String {
    let today = now.with_timezone(&zone).date_naive();
    let local = bar.timestamp.with_timezone(&zone);
    if interval.is_intraday() && local.date_naive() == today {
        return local.format("%H:%M").to_string();
    }
    let form = if bar.trading_date.year() == today.year() {
        "%a %m-%d"
    } else {
        "%Y-%m-%d"
    };
    bar.trading_date.format(form).to_string()
}

/// A price with this many decimals, rounded half away from zero, thousands separated.
#[must_use]
pub fn price(price: Price, decimals: u32) -> String {
    let step = 10_i64.pow(Price::SCALE - decimals.min(Price::SCALE));
    let units = price.units();
    let rounded = units / step + i64::from(units % step >= step - step / 2 && step > 1);
    let one = 10_i64.pow(decimals.min(Price::SCALE));
    let whole = thousands(rounded / one);
    if decimals == 0 {
        return whole;
    }
    let width = decimals as usize;
    format!("{whole}.{:0width$}", rounded % one)
}

/// The decimals that a list of prices needs to lose no digit, from 2 to 8.
#[must_use]
pub fn decimals(prices: impl IntoIterator<Item = Price>) -> u32 {
    let needed = |price: Price| {
        let mut digits = Price::SCALE;
        let mut units = price.units();
        while digits > 2 && units % 10 == 0 {
            units /= 10;
            digits -= 1;
        }
        digits
    };
    prices.into_iter().map(needed).max().unwrap_or(2)
}

/// The change from one price to another in percent: `+0.42`.
#[must_use]
pub fn change(from: Price, to: Price) -> Option<String> {
    if from.units() == 0 {
        return None;
    }
    let (from, to) = (i128::from(from.units()), i128::from(to.units()));
    let hundredths = (to - from) * 10_000;
    let rounded = (hundredths.abs() * 2 + from) / (from * 2);
    let sign = match to.cmp(&from) {
        std::cmp::Ordering::Less if rounded > 0 => '-',
        std::cmp::Ordering::Greater if rounded > 0 => '+',
        _ => ' ',
    };
    let text = format!("{sign}{}.{:02}", rounded / 100, rounded % 100);
    Some(text.trim_start().to_owned())
}

/// What a change means, by its sign.
#[must_use]
pub fn change_role(change: &str) -> Role {
    match change.chars().next() {
        Some('+') => Role::Up,
        Some('-') => Role::Down,
        _ => Role::Text,
    }
}

/// `1 request`, `2 requests`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    counted(number as u64, noun)
}

/// A path, safe to display: a file name is untrusted text.
#[must_use]
pub fn shown_path(path: &Path) -> String {
    clean(&secret::redact(&path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn texts_are_cut_by_cells_not_by_bytes() {
        assert_eq!(fit("GOOGL", 5), "GOOGL");
        assert_eq!(fit("GOOGL", 4), "GOO…");
        assert_eq!(fit("株式会社", 5), "株式…");
        assert_eq!(fit("株式会社", 4), "株…");
        assert_eq!(fit("x", 0), "");
        assert_eq!(left("株", 4), "株  ");
        assert_eq!(right("7", 3), "  7");
    }

    #[test]
    fn sentences_are_cut_behind_a_whole_word() {
        assert_eq!(fit_words("needs a key", 11), "needs a key");
        assert_eq!(fit_words("unknown symbol", 11), "unknown…");
        assert_eq!(fit_words("unknown symbol", 8), "unknown…");
        assert_eq!(fit_words("no Supercalifragilistic", 12), "no Supercal…");
        assert_eq!(fit_words("株式 会社 株式", 11), "株式 会社…");
        assert_eq!(fit_words("x", 0), "");
    }

    #[test]
    fn an_adjusted_series_is_told_from_the_raw_one() {
        let raw = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
        let adjusted = SeriesKey {
            adjusted: true,
            ..raw.clone()
        };
        assert_eq!(
            [interval(&raw), interval(&adjusted)],
            ["daily", "daily adj"]
        );
    }

    #[test]
    fn long_texts_break_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("a=1&bc=2&d", 7), ["a=1&", "bc=2&d"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("  \"a\": 1", 9), ["  \"a\": 1"]);
        assert_eq!(wrap("  one two", 6), ["  one", "  two"]);
    }

    #[test]
    fn ages_and_times_left_are_short() {
        let now = at("2026-11-20T12:00:00Z");
        for (then, text) in [
            ("2026-11-20T12:00:05Z", "now"),
            ("2026-11-20T11:59:48Z", "12 s ago"),
            ("2026-11-20T11:58:00Z", "2 min ago"),
            ("2026-11-20T02:00:00Z", "10 h ago"),
            ("2026-11-10T12:00:00Z", "10 d ago"),
        ] {
            assert_eq!(ago(at(then), now), text);
        }
        assert_eq!(countdown(TimeDelta::milliseconds(9_667_001)), "02:41:08");
        assert_eq!(countdown(TimeDelta::seconds(-5)), "00:00:00");
        assert_eq!(countdown(TimeDelta::seconds(90_061)), "1 d 01:01:01");
        assert_eq!(short_countdown(TimeDelta::milliseconds(40_100)), "0:41");
        assert_eq!(
            [400, 64_200, 3_720_000].map(|ms| took(TimeDelta::milliseconds(ms))),
            ["0.4", "1:04.2", "1 h 02 min"]
        );
        assert_eq!(
            [12, 400, 64_200].map(|ms| step(TimeDelta::milliseconds(ms))),
            ["12 ms", "0.4 s", "1:04.2"]
        );
    }

    #[test]
    fn near_instants_leave_out_what_is_understood() {
        let (now, zone) = (at("2026-11-20T18:00:00Z"), Tz::America__New_York);
        assert_eq!(near(at("2026-11-20T21:20:00Z"), now, zone), "16:20");
        assert_eq!(near(at("2026-11-23T21:20:00Z"), now, zone), "Mon 16:20");
        assert_eq!(near(at("2026-12-23T21:20:00Z"), now, zone), "12-23 16:20");
    }

    #[test]
    fn the_renewal_is_told_by_both_clocks_where_they_differ() {
        let (winter, summer) = (at("2026-11-21T05:00:00Z"), at("2026-07-02T04:00:00Z"));
        for (at, local, long, brief) in [
            (winter, Tz::America__New_York, "00:00 ET", "00:00 ET"),
            (winter, Tz::America__Toronto, "00:00 ET", "00:00 EST"),
            (winter, Tz::UTC, "00:00 ET, 05:00 UTC", "05:00 UTC"),
            (
                winter,
                Tz::Europe__Berlin,
                "00:00 ET, 06:00 your time (CET)",
                "06:00 CET",
            ),
            (
                summer,
                Tz::Europe__Berlin,
                "00:00 ET, 06:00 your time (CEST)",
                "06:00 CEST",
            ),
            (
                winter,
                Tz::America__Sao_Paulo,
                "00:00 ET, 02:00 your time (UTC-03)",
                "02:00 UTC-03",
            ),
            (
                winter,
                Tz::America__Los_Angeles,
                "00:00 ET, 21:00 your time (PST)",
                "21:00 PST",
            ),
        ] {
            assert_eq!(renewal(at, local), long);
            assert_eq!(renewal_briefly(at, local), brief);
        }
    }

    #[test]
    fn sizes_have_three_digits_and_a_unit() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (74_994, "74.9 kB"),
            (12_345_678, "12.3 MB"),
            (999_999_999, "999.9 MB"),
            (1_000_000_000, "1.0 GB"),
            (u64::MAX, "18,446,744.0 TB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn prices_are_rounded_and_changes_signed() {
        let p = |text: &str| Price::parse(text).unwrap().0;
        assert_eq!(price(p("283.5699"), 2), "283.57");
        assert_eq!(price(p("600000"), 4), "600,000.0000");
        assert_eq!(price(p("0.00000001"), 8), "0.00000001");
        assert_eq!(price(p("99.995"), 2), "100.00");
        assert_eq!(price(p("12.5"), 0), "13");
        assert_eq!(change(p("100"), p("100.42")).as_deref(), Some("+0.42"));
        assert_eq!(change(p("100"), p("99.89")).as_deref(), Some("-0.11"));
        assert_eq!(change(p("100"), p("100")).as_deref(), Some("0.00"));
        assert_eq!(decimals([p("1.5"), p("1.2345")]), 4);
        assert_eq!(decimals([p("1"), p("2")]), 2);
    }

    #[test]
    fn counts_have_their_noun() {
        assert_eq!(count(1, "request"), "1 request");
        assert_eq!(count(1_200, "bar"), "1,200 bars");
        assert_eq!(count(3, "series"), "3 series");
    }
}
