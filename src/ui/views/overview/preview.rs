//! The selected series at a glance, in the room that a short table leaves: its closes as a picture,
//! what is stored, and its last log lines.

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::columns::price;
use crate::model::moment;
use crate::pipeline::snapshot::WatchedSeries;
use crate::ui::draw::{line, put, rule, split_left, split_top, upright};
use crate::ui::log_lines::role;
use crate::ui::shared::Shared;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets::trend::area as picture;

/// With fewer lines it is not shown.
pub(super) const LEAST: u16 = 7;
/// More lines would show nothing more.
pub(super) const MOST: u16 = 18;
/// Columns that the picture takes before facts are shown beside it.
const LEAST_PICTURE: u16 = 30;

/// Draws it.
pub(super) fn draw(
    status: &WatchedSeries,
    shared: &Shared,
    now: DateTime<Utc>,
    area: Rect,
    buf: &mut Buffer,
) {
    let (head, body) = split_top(area, 1);
    rule(buf, head, &title(status), false, shared.theme);
    let facts = (area.width * 2 / 5).clamp(30, 70);
    let (left, right) = if area.width >= LEAST_PICTURE + facts {
        split_left(body, area.width - facts)
    } else {
        (body, Rect::default())
    };
    closes(status, shared, left, buf);
    if right.width > 0 {
        upright(buf, right, shared.theme);
        let (_, inner) = split_left(right, 2);
        told(status, shared, now, inner, buf);
    }
}

/// What the picture shows.
fn title(status: &WatchedSeries) -> String {
    let key = &status.key;
    let closes = status.trend.len();
    match &status.last_bar {
        None => format!("{key}: no bars yet"),
        Some(bar) if key.interval.is_intraday() => {
            format!("{key}: closes of {}", bar.trading_date.format("%a %m-%d"))
        }
        Some(_) => format!("{key}: last {}", text::count(closes, "close")),
    }
}

fn closes(status: &WatchedSeries, shared: &Shared, area: Rect, buf: &mut Buffer) {
    let theme = shared.theme;
    let (Some(low), Some(high)) = (status.trend.iter().min(), status.trend.iter().max()) else {
        return;
    };
    let labels = [*high, *low].map(price);
    let cells = labels.iter().map(String::len).max().unwrap_or(0);
    let axis = u16::try_from(cells + 2).unwrap_or(u16::MAX);
    let width = area.width.saturating_sub(axis + 1);
    let has_risen = status.trend.last() >= status.trend.first();
    let role = if has_risen { Role::Up } else { Role::Down };
    let rows = picture(&status.trend, width.into(), area.height.into(), theme.ascii);
    for (row, text) in (0..).zip(rows) {
        if let Some(place) = line(area, row) {
            put(buf, place, 1, &text, theme.style(role));
        }
    }
    let [high, low] = labels;
    for (row, label) in [(0, high), (area.height.saturating_sub(1), low)] {
        if let Some(place) = line(area, row) {
            put(
                buf,
                place,
                width + 2,
                &text::right(&label, cells),
                theme.style(Role::Muted),
            );
        }
    }
}

/// What is stored of the series, and its last log lines.
fn told(status: &WatchedSeries, shared: &Shared, now: DateTime<Utc>, area: Rect, buf: &mut Buffer) {
    let day = |at: DateTime<Utc>| moment::label_date(at, status.key.interval, New_York).to_string();
    let room = usize::from(area.width);
    let bars = text::count(usize::try_from(status.bars).unwrap_or(usize::MAX), "bar");
    let rolled_up = status.subject.rolled_up();
    let rolled_up = rolled_up.map_or_else(String::new, |words| format!(", {words}"));
    let mut lines = vec![(format!("{bars}{rolled_up}"), Role::Head)];
    if let (Some(oldest), Some(newest)) = (status.oldest, &status.last_bar) {
        lines.push((
            format!("{} … {}", day(oldest), newest.trading_date),
            Role::Text,
        ));
    }
    if let Some(bar) = &status.last_bar {
        let [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map(price);
        let currency = status.subject.currency.as_ref();
        let currency = currency.map_or_else(String::new, |currency| format!(", {currency}"));
        lines.push((
            format!(
                "newest {}{currency}",
                text::last_bar(bar, status.key.interval, now, shared.zone)
            ),
            Role::Text,
        ));
        lines.push((
            format!("O {open}  H {high}  L {low}  C {close}"),
            Role::Text,
        ));
        lines.push((format!("volume {}", bar.volume.grouped()), Role::Text));
    }
    let name = status.key.to_string();
    let said = shared.log.about(&name);
    let left = usize::from(area.height).saturating_sub(lines.len() + 1);
    let said: Vec<_> = said.take(left).collect();
    if !said.is_empty() {
        lines.push(("Last in the log".to_owned(), Role::Head));
    }
    for (at, severity, text) in said {
        let text = format!("{} {text}", text::second(at, now, shared.zone));
        let pieces = text::wrap(&text, room).into_iter();
        lines.extend(pieces.map(|text| (text, role(severity))));
    }
    for (row, (text, role)) in (0..).zip(lines) {
        if let Some(place) = line(area, row) {
            put(
                buf,
                place,
                0,
                &text::fit_words(&text, room),
                shared.theme.style(role),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Interval;
    use crate::pipeline::narrate::Severity;
    use crate::ui::log_lines::LogLine;
    use crate::ui::sample;

    fn drawn(at: usize, shared: &Shared, width: u16) -> String {
        let area = Rect::new(0, 0, width, 10);
        let mut buf = Buffer::empty(area);
        draw(&shared.series()[at], shared, sample::now(), area, &mut buf);
        let rows = buf.content.chunks(usize::from(width));
        let rows = rows.map(|row| {
            row.iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect::<String>()
        });
        rows.map(|row| row.trim_end().to_owned() + "\n").collect()
    }

    #[test]
    fn it_shows_closes_span_and_what_was_said_of_this_series_alone() {
        let mut shared = sample::shared(sample::normal());
        for text in [
            "IBM daily: 1 new",
            "IBM daily adjusted: 9 new",
            "AAPL daily: slow",
        ] {
            shared.log.push(LogLine {
                at: sample::now(),
                severity: Severity::Info,
                text: text.to_owned(),
            });
        }
        let text = drawn(0, &shared, 99);
        for words in [
            "IBM daily: last 7 closes",
            "41,208 bars",
            "1999-11-01 … 2026-11-20",
            "205.40",
            "13:38:53 1 new",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("9 new") && !text.contains("slow"), "{text}");
    }

    #[test]
    fn the_currency_stands_beside_the_prices_where_it_is_known() {
        let mut snapshot = sample::normal();
        let mut series = snapshot.series.to_vec();
        Arc::make_mut(&mut series[0].subject).currency = "GBX".parse().ok();
        let without = drawn(0, &sample::shared(snapshot.clone()), 99);
        assert!(!without.contains("GBX"), "{without}");
        snapshot.series = series.into();
        let text = drawn(0, &sample::shared(snapshot), 99);
        assert!(text.contains("newest Fri 11-20, GBX"), "{text}");
    }

    #[test]
    fn bars_that_are_not_the_sources_own_say_so() {
        let mut snapshot = sample::normal();
        let mut series = snapshot.series.to_vec();
        Arc::make_mut(&mut series[0].subject).derived_from = Some(Interval::Min15);
        snapshot.series = series.into();
        let text = drawn(0, &sample::shared(snapshot), 120);
        assert!(
            text.contains("41,208 bars, rolled up from 15min bars"),
            "{text}"
        );
    }

    #[test]
    fn a_series_without_bars_says_so() {
        let text = drawn(3, &sample::shared(sample::normal()), 60);
        assert!(
            text.contains("GOOGL daily: no bars yet") && !text.contains('█'),
            "{text}"
        );
    }
}
