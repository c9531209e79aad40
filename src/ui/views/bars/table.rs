//! The table of bars, with a line between two of them where something is to be known.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Bars;
use super::draw::TableLayout;
use crate::model::adjustment::{Ratio, Unknown};
use crate::model::ranges;
use crate::pipeline::snapshot::BarsPage;
use crate::ui::draw::{line, put, split_top};
use crate::ui::regions::{ClickTarget, Regions};
use crate::ui::shared::Shared;
use crate::ui::text::{self, right};
use crate::ui::theme::Role;

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    /// A bar of the window.
    Bar(usize),
    /// What is to be known between the bar above and the bar below.
    Mark(String),
}

/// What is to be known between a bar and the newer one above it.
fn mark(view: &Bars, page: &BarsPage, at: usize) -> Option<String> {
    let bar = page.bars.get(at)?;
    let newer = at.checked_sub(1).and_then(|above| page.bars.get(above));
    let adjustments = &page.scaled.adjustments;
    let mut marks = newer
        .into_iter()
        .flat_map(|newer| adjustments.marks(bar.trading_date, newer.trading_date));
    if let Some((_, unknown)) = marks.next() {
        let asked = page.known.splits.map_or_else(
            || "splits never asked for".to_owned(),
            |date| format!("splits asked for {date}"),
        );
        return Some(match unknown {
            Unknown::LooksLikeSplit(_) => format!("{} · {asked}, : fetches them", unknown.words()),
            _ => unknown.words(),
        });
    }
    let is_raw = !view.is_adjusted && !page.window.series.is_stored_adjusted();
    let newer = newer.filter(|_| is_raw);
    let split =
        newer.and_then(|newer| adjustments.split_between(bar.trading_date, newer.trading_date));
    if let Some(split) = split {
        let ratio = Ratio::of_split(split).map(|ratio| ratio.to_string());
        let ratio = ratio.unwrap_or_else(|| format!("{}:1", split.to_decimal().normalize()));
        return Some(format!("split {ratio} · A shows adjusted prices"));
    }
    // At the top of what cannot be adjusted; further down the line of the bar itself says why.
    let is_known = |at: usize| view.shown(page, at).close.is_some();
    let begins = !is_known(at) && at.checked_sub(1).is_none_or(is_known);
    let gap = adjustments.gap(bar.trading_date).filter(|_| begins)?;
    Some(gap.words())
}

/// What is to be fetched between a bar and the older one below it, or beside one of them.
fn holes(page: &BarsPage, at: usize) -> impl Iterator<Item = String> {
    let label = page.bars.get(at).map(|bar| bar.timestamp);
    let later = page.holes.partition_point(|hole| Some(hole.before) > label);
    let here = page.holes.iter().skip(later);
    here.take_while(move |hole| Some(hole.before) == label)
        .map(|hole| format!("{} · b fetches them", hole.words(&page.grid)))
}

/// The lines that fit, the selected bar among them: marks above it may push the first ones out.
fn lines(view: &Bars, page: &BarsPage, height: usize) -> Vec<Line> {
    let mut cursor = view.cursor;
    cursor.keep_in_sight(page.bars.len(), height);
    let mut lines = Vec::with_capacity(height);
    let mut selected = 0;
    for at in cursor.top..page.bars.len() {
        if lines.len() >= height && at > cursor.at {
            break;
        }
        lines.extend(mark(view, page, at).map(Line::Mark));
        lines.push(Line::Bar(at));
        if at == cursor.at {
            selected = lines.len();
        }
        lines.extend(ranges::extra(&page.grid, &page.bars, at).map(Line::Mark));
        lines.extend(holes(page, at).map(Line::Mark));
    }
    lines.drain(..selected.saturating_sub(height));
    lines.truncate(height);
    lines
}

/// Draws the table.
pub(super) fn draw(
    view: &Bars,
    page: &BarsPage,
    shape: &TableLayout,
    shared: &Shared,
    area: Rect,
    buf: &mut Buffer,
    regions: &mut Regions,
) {
    let (head, body) = split_top(area, 1);
    heads(page, shape, shared, head, buf);
    let theme = shared.theme;
    let lines = lines(view, page, usize::from(body.height));
    for (row, shown) in (0..).zip(lines) {
        let Some(place) = line(body, row) else { break };
        match shown {
            Line::Mark(words) => {
                let rule = theme.glyph("──", "--");
                let words = format!("{rule} {words} {rule}");
                put(buf, place, 1, &words, theme.style(Role::Warn));
            }
            Line::Bar(at) => {
                let is_selected = at == view.cursor.at;
                if is_selected {
                    put(
                        buf,
                        place,
                        0,
                        theme.glyph("▌", ">"),
                        theme.style(Role::Accent),
                    );
                }
                bar(view, page, at, (shape, shared), place, buf);
                if is_selected {
                    buf.set_style(place, theme.style(Role::Selection));
                }
                let target = ClickTarget::Row(at.saturating_sub(view.cursor.top));
                if at >= view.cursor.top {
                    regions.targets.push((place, target));
                }
            }
        }
    }
}

fn heads(page: &BarsPage, shape: &TableLayout, shared: &Shared, area: Rect, buf: &mut Buffer) {
    let style = shared.theme.style(Role::Head);
    let time = if page.window.series.interval.is_intraday() {
        format!("TIME ({})", text::zone_name(shared.zone))
    } else {
        "DATE".to_owned()
    };
    let Some(head) = line(area, 0) else { return };
    let mut x = put(buf, head, 1, &text::left(&time, shape.time), style);
    for column in &shape.columns {
        let name = format!(" {}", right(column.head(), shape.cells));
        x = put(buf, head, x, &name, style);
    }
}

fn bar(
    view: &Bars,
    page: &BarsPage,
    at: usize,
    (shape, shared): (&TableLayout, &Shared),
    place: Rect,
    buf: &mut Buffer,
) {
    let Some(bar) = page.bars.get(at) else { return };
    let theme = shared.theme;
    let is_old = shared
        .snapshot
        .as_ref()
        .is_some_and(|snapshot| snapshot.store.lost.is_some());
    let is_restated = page.restated.contains(bar.timestamp);
    if is_restated && at != view.cursor.at {
        put(buf, place, 0, "~", theme.style(Role::Warn));
    }
    let is_old = is_old || is_restated;
    let style = theme.style(if is_old { Role::Dim } else { Role::Text });
    let interval = page.window.series.interval;
    let label = text::bar_time(bar, interval, shape.with_year, shared.zone);
    let mut x = put(buf, place, 1, &text::left(&label, shape.time), style);
    let both = (view.shown(page, at), view.shown(page, at + 1));
    for column in &shape.columns {
        let (shown, role) = column.of(bar, both, shape.decimals);
        let style = if is_old { style } else { theme.style(role) };
        let cell = format!(" {}", right(&shown, shape.cells));
        x = put(buf, place, x, &cell, style);
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::model::adjustment::{Adjustment, Adjustments};
    use crate::model::{Coverage, Interval, Known, Segment, SeriesKey, Span, ranges};
    use crate::pipeline::snapshot::{Break, Scaled};
    use crate::ui::sample;

    /// Daily bars of IBM, the newest of four days after a jump as by a split.
    fn split() -> BarsPage {
        let mut page = sample::bars_page(8);
        let last: NaiveDate = "2026-11-20".parse().unwrap();
        for (days, bar) in (0..).zip(&mut page.bars) {
            bar.trading_date = last - chrono::TimeDelta::days(days);
            bar.timestamp = bar.trading_date.and_hms_opt(5, 0, 0).unwrap().and_utc();
        }
        page.window.series = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
        let one = Some(rust_decimal::Decimal::ONE);
        let adjustment = |before: NaiveDate, factor, unknown| Adjustment {
            before,
            price: factor,
            volume: factor,
            unknown,
        };
        let looks = Unknown::LooksLikeSplit(Ratio { new: 4, old: 1 });
        let all = vec![
            adjustment(last + chrono::TimeDelta::days(1), one, None),
            adjustment(last - chrono::TimeDelta::days(3), None, Some(looks)),
        ];
        page.scaled = Scaled::of(&page.window.series, &page.bars, Adjustments::new(all));
        page
    }

    fn shown(view: &Bars, page: &BarsPage, height: u16) -> Vec<String> {
        let shared = sample::shared(sample::normal());
        let area = Rect::new(0, 0, 80, height);
        let mut buf = Buffer::empty(area);
        let mut regions = Regions::default();
        let shape = TableLayout::of(view, page);
        draw(view, page, &shape, &shared, area, &mut buf, &mut regions);
        (1..height)
            .map(|y| {
                let cells = (0..area.width).map(|x| buf[(x, y)].symbol());
                cells.collect::<String>().trim_end().to_owned()
            })
            .collect()
    }

    #[test]
    fn a_mark_stands_between_two_rows_and_nothing_on_another_scale_below_it() {
        let page = split();
        let mut view = Bars::default();
        for is_adjusted in [false, true] {
            view.is_adjusted = is_adjusted;
            let rows = shown(&view, &page, 12);
            assert!(rows[3].contains("11-17"), "{rows:?}");
            assert_eq!(
                rows[4], " ── looks like a split 4:1 · splits never asked for, : fetches them ──",
                "{rows:?}"
            );
            assert!(rows[5].contains("11-16"), "{rows:?}");
            assert_eq!(rows[5].contains('–'), is_adjusted, "{rows:?}");
            assert!(rows[3].contains("280.7900"), "{rows:?}");
        }
        let (known, at) = view.charted(&page);
        assert_eq!(
            (known.len(), at),
            (4, 0),
            "the chart has what is on one scale"
        );
    }

    #[test]
    fn the_selected_bar_is_among_the_lines_at_every_height() {
        let page = split();
        for at in 0..8 {
            for height in 2..12 {
                let mut view = Bars::default();
                view.cursor.at = at;
                view.cursor.keep_in_sight(8, usize::from(height) - 1);
                let rows = shown(&view, &page, height);
                assert!(
                    rows.iter().any(|row| row.starts_with('▌')),
                    "{at} {height}: {rows:?}"
                );
            }
        }
    }

    #[test]
    fn a_hole_is_told_below_the_bar_after_it() {
        let mut page = sample::bars_page(6);
        page.holes = vec![sample::hole_before(&page.bars[1])];
        let mut view = Bars::default();
        for (at, row) in [(0, 2), (1, 2), (5, 1)] {
            view.cursor.at = at;
            let rows = shown(&view, &page, 7);
            assert!(rows[row].contains("b fetches them"), "{at}: {rows:?}");
        }
    }

    #[test]
    fn bars_on_an_earlier_scale_are_marked_one_by_one_and_where_they_begin_and_end() {
        let mut page = sample::bars_page(6);
        let (from, to) = (page.bars[4].timestamp, page.bars[1].timestamp);
        let restated = Segment {
            span: Span::new(from, to),
            known: Known::Restated,
        };
        let coverage = Coverage::of([restated], None);
        page.restated = coverage.restated().clone();
        page.holes = ranges::holes(&page.grid, &coverage, &page.bars);
        page.holes.retain(|hole| hole.why == Break::Restated);
        let rows = shown(&Bars::default(), &page, 10);
        let marked: Vec<bool> = rows.iter().map(|row| row.starts_with('~')).collect();
        assert_eq!(
            marked[..8],
            [false, false, false, true, true, true, false, false],
            "{rows:?}"
        );
        for line in [2, 6] {
            assert!(rows[line].contains("restated since: 3 bars"), "{rows:?}");
        }
    }

    #[test]
    fn a_series_without_daily_bars_says_so_where_prices_would_be() {
        let page = sample::bars_page(3);
        let mut view = Bars::default();
        assert!(!shown(&view, &page, 6).concat().contains("──"));
        view.is_adjusted = true;
        let rows = shown(&view, &page, 6);
        assert_eq!(rows[0], " ── not adjusted: no daily bars are stored ──");
    }

    #[test]
    fn a_split_that_is_known_is_marked_between_raw_prices_and_not_between_adjusted_ones() {
        let mut page = split();
        let last = page.bars[0].trading_date;
        let adjustment = |before, price: (i64, u32), volume: i64| Adjustment {
            before,
            price: Some(rust_decimal::Decimal::new(price.0, price.1)),
            volume: Some(volume.into()),
            unknown: None,
        };
        let all = vec![
            adjustment(last + chrono::TimeDelta::days(1), (1, 0), 1),
            // A dividend is no split.
            adjustment(last - chrono::TimeDelta::days(1), (99, 2), 1),
            adjustment(last - chrono::TimeDelta::days(3), (2475, 4), 4),
        ];
        page.scaled = Scaled::of(&page.window.series, &page.bars, Adjustments::new(all));
        let mut view = Bars::default();
        let marked = |view: &Bars| {
            let rows = shown(view, &page, 10);
            let at = rows.iter().position(|row| row.contains("split"));
            (at, at.map(|at| rows[at].clone()))
        };
        let said = " ── split 4:1 · A shows adjusted prices ──";
        assert_eq!(marked(&view), (Some(4), Some(said.to_owned())));
        view.is_adjusted = true;
        assert_eq!(marked(&view), (None, None));
    }
}
