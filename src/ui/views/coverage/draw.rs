//! Draws the coverage: a cell for each month of each series, or the ranges of a month.

use chrono::{Datelike as _, NaiveDate};
use chrono_tz::Tz;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::{HeatMap, longest, map};
use crate::model::text::thousands;
use crate::model::{Grid, SeriesKey, Span};
use crate::pipeline::snapshot::{CoverageMap, CoverageRow, MonthState, Stretch, There};
use crate::ui::cursor::Cursor;
use crate::ui::draw::{line, put, rule, split_bottom, split_top};
use crate::ui::regions::Regions;
use crate::ui::shared::Shared;
use crate::ui::text;
use crate::ui::theme::{Role, Theme};
use crate::ui::widgets::list;

/// What the letters mean, the shortest form for narrow screens.
const LEGENDS: [&str; 3] = [
    "# asked for, bars there   + partly   . none at the provider   ? never asked   x refused   - closed or not due",
    "# there  + partly  . none at provider  ? never asked  x refused  - not due",
    "# there + partly . none ? never x refused - not due",
];

/// Draws the view.
pub fn draw(view: &HeatMap, shared: &Shared, area: Rect, buf: &mut Buffer, regions: &mut Regions) {
    let theme = shared.theme;
    if let Some((series, within)) = &view.opened {
        month(view, (series, *within), shared, area, buf, regions);
        return;
    }
    let (area, filter) = split_bottom(area, u16::from(!view.filter.is_empty()));
    let Some(map) = map(shared).filter(|map| !map.rows.is_empty()) else {
        nothing(shared, area, buf);
        return;
    };
    let rows = view.shown(map);
    let (body, foot) = split_bottom(area, if area.height > 5 { 3 } else { 0 });
    heat(view, map, &rows, theme, body, buf, regions);
    let legend = LEGENDS
        .into_iter()
        .find(|legend| legend.width() + 1 < usize::from(foot.width));
    if let Some(place) = line(foot, 1) {
        let legend = legend.unwrap_or_default();
        put(buf, place, 1, legend, theme.style(Role::Muted));
    }
    if let (Some(place), Some(cell)) = (line(foot, 2), view.cell(shared)) {
        let month = cell.month.format("%Y-%m");
        let state = cell.state.map_or("not wanted", MonthState::as_str);
        let said = format!("{} {month}: {state}", cell.row.series);
        put(buf, place, 1, &said, theme.style(Role::Text));
    }
    if rows.is_empty() {
        let said = "No series matches; Esc clears the filter.";
        put(buf, split_top(body, 1).0, 1, said, theme.style(Role::Muted));
    }
    let hidden = map.rows.len() - rows.len();
    let shown = format!(" / {}   {hidden} hidden, Esc clears", view.filter);
    put(buf, filter, 0, &shown, theme.style(Role::Warn));
}

fn nothing(shared: &Shared, area: Rect, buf: &mut Buffer) {
    let said = match &shared.snapshot {
        Some(snapshot) if snapshot.is_listed && snapshot.series.is_empty() => {
            "No series to show yet: a adds one."
        }
        _ => "Reading what was asked for…",
    };
    if let Some(place) = line(area, 1) {
        put(buf, place, 1, said, shared.theme.style(Role::Muted));
    }
}

/// Columns of the names of series.
fn names(rows: &[&CoverageRow], width: u16) -> u16 {
    let widest = rows.iter().map(|row| row.series.to_string().width()).max();
    let widest = u16::try_from(widest.unwrap_or(0)).unwrap_or(width);
    widest.saturating_add(2).min(width / 2)
}

fn heat(
    view: &HeatMap,
    map: &CoverageMap,
    rows: &[&CoverageRow],
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
    regions: &mut Regions,
) {
    let (head, body) = split_top(area, 1);
    let left = names(rows, area.width).saturating_add(1);
    let room = usize::from(area.width.saturating_sub(left.saturating_add(1)));
    let months = longest(map);
    regions.page = usize::from(body.height);
    regions.columns = u16::try_from(room).unwrap_or(u16::MAX);
    let mut months_shown = view.months;
    months_shown.keep_in_sight(months, room);
    let columns = Columns {
        left,
        first: months_shown.top,
        count: room.min(months - months_shown.top),
    };
    years(map, columns, theme, head, buf);
    let mut cursor = view.rows;
    cursor.keep_in_sight(rows.len(), regions.page);
    let shown = list::draw(
        rows,
        cursor,
        (theme, false),
        body,
        buf,
        |row, place, buf| {
            let name = text::fit(&row.series.to_string(), usize::from(left.saturating_sub(2)));
            put(buf, place, 1, &name, theme.style(Role::Text));
            for (back, x) in columns.each() {
                if let Some(state) = row.months.get(back) {
                    put(buf, place, x, state.letter(), theme.style(role(*state)));
                }
            }
        },
    );
    regions.rows(body, shown);
    mark(cursor, months_shown.at, columns, theme, body, buf);
}

/// Shows which cell is selected.
fn mark(cursor: Cursor, back: usize, columns: Columns, theme: Theme, body: Rect, buf: &mut Buffer) {
    let row = u16::try_from(cursor.at - cursor.top).unwrap_or(u16::MAX);
    let here = columns.each().find(|(other, _)| *other == back);
    if let (Some(place), Some((_, x))) = (line(body, row), here) {
        let cell = Rect {
            x: place.x.saturating_add(x),
            width: 1,
            ..place
        };
        buf.set_style(cell.intersection(body), theme.style(Role::Selection));
    }
}

/// Which months are on the screen, and where.
#[derive(Clone, Copy)]
struct Columns {
    /// The column of the oldest.
    left: u16,
    /// The newest on the screen, counted back from the newest there is.
    first: usize,
    count: usize,
}

impl Columns {
    /// Each month, counted back from the newest, and its column, from the left.
    fn each(self) -> impl Iterator<Item = (usize, u16)> {
        let backs = (self.first..self.first + self.count).rev();
        backs.zip(self.left..)
    }
}

/// Years over their Januaries, and over the first month where none is near.
fn years(map: &CoverageMap, columns: Columns, theme: Theme, head: Rect, buf: &mut Buffer) {
    let months: Vec<(NaiveDate, u16)> = columns
        .each()
        .map(|(back, x)| (map.month(back), x))
        .collect();
    let is_far = |x: u16| {
        let mut near = months.iter().filter(|(_, other)| *other < x + 5);
        near.all(|(month, _)| month.month() != 1)
    };
    let end = months.last().map_or(0, |(_, x)| x + 1);
    for (month, x) in &months {
        let is_first = *x == columns.left && is_far(*x);
        let has_room = *x + 4 <= end.max(columns.left + 4);
        if (month.month() == 1 || is_first) && has_room {
            let year = month.year().to_string();
            put(buf, head, *x, &year, theme.style(Role::Head));
        }
    }
}

const fn role(state: MonthState) -> Role {
    match state {
        MonthState::Whole => Role::Ok,
        MonthState::Partly | MonthState::Refused => Role::Warn,
        MonthState::Nothing | MonthState::Elsewhere => Role::Muted,
        MonthState::NeverAsked => Role::Err,
        MonthState::Closed => Role::Dim,
    }
}

const fn role_of_range(there: There) -> Role {
    match there {
        There::Held | There::Derived => Role::Ok,
        There::Nothing | There::Elsewhere => Role::Muted,
        There::NotYet | There::Extra => Role::Text,
        There::Refused | There::Restated => Role::Warn,
        There::NeverAsked => Role::Err,
    }
}

/// The ranges of a month.
fn month(
    view: &HeatMap,
    (series, within): (&SeriesKey, Span),
    shared: &Shared,
    area: Rect,
    buf: &mut Buffer,
    regions: &mut Regions,
) {
    let theme = shared.theme;
    let (head, rest) = split_top(area, 1);
    let (columns, body) = split_top(rest, 1);
    regions.page = usize::from(body.height);
    let row = map(shared).and_then(|map| map.rows.iter().find(|row| row.series == *series));
    let Some(row) = row else {
        return;
    };
    let month = within.from.with_timezone(&row.grid.publishing.zone);
    // Minutes are in the panel's zone; dates are as the source has them.
    let zone = if series.interval.is_intraday() {
        format!(" {}", text::zone_name(shared.zone))
    } else {
        String::new()
    };
    let title = format!("{series} {}{zone}", month.format("%Y-%m"));
    rule(buf, head, &title, true, theme);
    let Some(ranges) = view.ranges(shared) else {
        put(
            buf,
            columns,
            1,
            "Reading its ranges…",
            theme.style(Role::Muted),
        );
        return;
    };
    let heads = format!("{:<18}{:<18}{:>9}  STATE", "FROM", "TO", "BARS");
    put(buf, columns, 1, &heads, theme.style(Role::Head));
    let shown = list::draw(
        &ranges.ranges,
        view.range,
        (theme, true),
        body,
        buf,
        |range, place, buf| {
            let style = theme.style(role_of_range(range.state));
            put(
                buf,
                place,
                1,
                &range_line(&row.grid, range, shared.zone),
                style,
            );
        },
    );
    regions.rows(body, shown);
    if ranges.ranges.is_empty() {
        let said = "No bar of this month is due; Esc goes back.";
        put(buf, split_top(body, 1).0, 1, said, theme.style(Role::Muted));
    }
}

fn range_line(grid: &Grid, range: &Stretch, zone: Tz) -> String {
    let [from, to] = grid.labels(range.span, zone);
    let bars = thousands(range.bars);
    format!("{from:<18}{to:<18}{bars:>9}  {}", range.state)
}
