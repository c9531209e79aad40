//! Draws the overview.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use log::Level;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Widget;
use tui_logger::{ExtLogRecord, LogFormatter, TuiLoggerWidget};
use unicode_width::UnicodeWidthStr;

use super::advice::advice;
use super::columns::{self, SeriesColumn};
use super::{Overview, Pane, preview};
use crate::model::text::thousands;
use crate::pipeline::snapshot::{Snapshot, WatchedSeries};
use crate::ui::draw::{line, put, rule, split_bottom, split_left, split_top, upright};
use crate::ui::keymap::binding::KeyContext;
use crate::ui::log_lines::shown_record;
use crate::ui::market;
use crate::ui::regions::Regions;
use crate::ui::shared::{Boot, Shared};
use crate::ui::text::{self, left, right};
use crate::ui::theme::{Role, Theme};
use crate::ui::view_id::ViewId;
use crate::ui::widgets::header::WIDE;
use crate::ui::widgets::list;

/// Lines that the log has before the selected series is shown at a glance.
const LOG: u16 = 10;

/// How the height is shared out.
struct Layout {
    table: Rect,
    preview: Rect,
    strip: Rect,
    log: Rect,
    side: Rect,
}

/// Panes are dropped in this order when there is no room: the strip, then the log.
fn layout(area: Rect, rows: usize) -> Layout {
    let (main, side) = if area.width >= WIDE {
        split_left(area, area.width - 21)
    } else {
        (area, Rect::default())
    };
    let rows = u16::try_from(rows).unwrap_or(u16::MAX).max(1);
    let room = main.height;
    let strip = match room {
        18.. => 4,
        16.. => 3,
        _ => 0,
    };
    let log_least = if room >= 11 { 4 } else { 0 };
    let table = (rows + 1).min(room.saturating_sub(strip + log_least)).max(
        // At least half of the screen is the table's when there are series to fill it.
        (rows + 1).min(room / 2),
    );
    let table = if strip + log_least == 0 {
        room
    } else {
        table.min(room)
    };
    let strip = strip.min(room.saturating_sub(table));
    let (table, rest) = split_top(main, table);
    let spare = rest.height.saturating_sub(strip + LOG);
    let preview = if spare >= preview::LEAST { spare } else { 0 };
    let (preview, rest) = split_top(rest, preview.min(preview::MOST));
    let (strip, log) = split_top(rest, strip);
    Layout {
        table,
        preview,
        strip,
        log,
        side,
    }
}

/// Draws the overview.
pub(super) fn draw(
    view: &Overview,
    shared: &Shared,
    now: DateTime<Utc>,
    area: Rect,
    buf: &mut Buffer,
    regions: &mut Regions,
) {
    let rows = view.rows(shared);
    let (area, filter) = split_bottom(area, u16::from(!view.filter.is_empty()));
    let places = layout(area, rows.len());
    let is_low = area.height < 16;
    regions.page = usize::from(places.table.height.saturating_sub(1));
    table(view, shared, now, &rows, is_low, places.table, buf, regions);
    if let Some(status) = view.selected_status(shared) {
        preview::draw(status, shared, now, places.preview, buf);
    }
    strip(view, shared, now, places.strip, buf);
    log(view, shared, now, places.log, buf);
    if let Some(snapshot) = &shared.snapshot {
        side(snapshot, shared, now, places.side, buf);
    }
    let hidden = shared.series().len() - rows.len();
    let shown = format!(" / {}   {hidden} hidden, Esc clears", view.filter);
    put(buf, filter, 0, &shown, shared.theme.style(Role::Warn));
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is a plain value of this one frame"
)]
fn table(
    view: &Overview,
    shared: &Shared,
    now: DateTime<Utc>,
    rows: &[&WatchedSeries],
    is_low: bool,
    area: Rect,
    buf: &mut Buffer,
    regions: &mut Regions,
) {
    let theme = shared.theme;
    let has_source = shared.watched_sources().len() > 1;
    let columns = columns::fitting(area.width, is_low, has_source, rows);
    if let Some(head) = line(area, 0) {
        let mut x = 1;
        for (column, width) in &columns {
            let arrow = columns::arrow(*column, view.sort, view.reverse, theme);
            let title = format!("{}{arrow}", column.head());
            x = put(
                buf,
                head,
                x,
                &aligned(*column, &title, *width),
                theme.style(Role::Head),
            ) + 1;
        }
    }
    let (_, body) = split_top(area, 1);
    if rows.is_empty() {
        empty(view, shared, body, buf);
        return;
    }
    let mut cursor = view.cursor;
    cursor.at = rows
        .iter()
        .position(|row| Some(&row.key) == view.selected.as_ref())
        .unwrap_or(cursor.at);
    let is_old = shared
        .snapshot
        .as_ref()
        .is_some_and(|snapshot| snapshot.store.lost.is_some());
    let look = (theme, view.pane == Pane::Table);
    let shown = list::draw(rows, cursor, look, body, buf, |status, place, buf| {
        if view.marks.contains(&status.key) {
            put(buf, place, 0, "*", theme.style(Role::Accent));
        }
        let mut x = 1;
        for (column, width) in &columns {
            let (text, role) = columns::cell((*column, *width), status, shared, now);
            let role = if is_old { Role::Dim } else { role };
            let text = aligned(*column, &text, *width);
            x = put(buf, place, x, &text, theme.style(role)) + 1;
        }
    });
    regions.rows(body, shown);
    more(shown, body, theme, buf);
}

/// Says that there are lines below.
fn more(shown: usize, area: Rect, theme: Theme, buf: &mut Buffer) {
    let below = shown.saturating_sub(usize::from(area.height));
    if below == 0 || area.height == 0 {
        return;
    }
    let text = format!(" {below} more {} ", theme.glyph("↓", "v"));
    let width = u16::try_from(text.width()).unwrap_or(0);
    if let Some(last) = line(area, area.height - 1) {
        let x = last.width.saturating_sub(width);
        put(buf, last, x, &text, theme.style(Role::Muted));
    }
}

fn aligned(column: SeriesColumn, text: &str, width: usize) -> String {
    if column.is_number() {
        right(text, width)
    } else {
        left(text, width)
    }
}

fn empty(view: &Overview, shared: &Shared, area: Rect, buf: &mut Buffer) {
    let key = |action| {
        shared
            .keymap
            .key_of(KeyContext::View(ViewId::Overview), action)
    };
    let text = match (&shared.snapshot, &shared.boot) {
        (None, Boot::Waiting { .. }) => "The store does not answer yet; retrying.".to_owned(),
        (None, _) => "Opening the store…".to_owned(),
        (Some(snapshot), _) if !snapshot.is_listed => "Reading the watch list…".to_owned(),
        (Some(_), _) if view.filter == super::order::NEEDS => {
            "No series needs you; Esc shows all of them.".to_owned()
        }
        (Some(_), _) if !view.filter.is_empty() => {
            "No series matches the filter; Esc clears it.".to_owned()
        }
        (Some(_), _) => format!(
            "The watch list is empty: {} adds a series.",
            key(crate::ui::action::Action::Add)
        ),
    };
    put(buf, area, 1, &text, shared.theme.style(Role::Muted));
}

fn strip(view: &Overview, shared: &Shared, now: DateTime<Utc>, area: Rect, buf: &mut Buffer) {
    let theme = shared.theme;
    let Some(status) = view.selected_status(shared) else {
        return;
    };
    if let Some(head) = line(area, 0) {
        let closed_on = status.truth.closed_on(&status.grid);
        let market = market::supposed(&status.grid.calendar, closed_on, now, shared.zone);
        let title = match view.marks.len() {
            0 => format!("{}   {market}", status.key),
            count => format!("{}   {market}   {count} marked", status.key),
        };
        rule(buf, head, &title, false, theme);
    }
    let advice = advice(status, shared, now);
    let steps = advice.keyed(&shared.keymap);
    let (_, body) = split_top(area, 1);
    let width = usize::from(body.width.saturating_sub(2));
    let room = usize::from(body.height).saturating_sub(usize::from(!steps.is_empty()));
    let mut lines = text::wrap(&advice.text, width);
    if lines.len() > room && room > 0 {
        lines = vec![text::fit(&advice.text, width * room)];
        lines = lines
            .iter()
            .flat_map(|line| text::wrap(line, width))
            .take(room)
            .collect();
    }
    for (row, text) in (0..).zip(lines) {
        if let Some(place) = line(body, row) {
            put(buf, place, 1, &text, theme.style(Role::Text));
        }
    }
    if let Some(last) = body.height.checked_sub(1).and_then(|row| line(body, row)) {
        let mut x = 1;
        for (key, label, _) in steps {
            x = put(buf, last, x, &key, theme.style(Role::Accent));
            x = put(
                buf,
                last,
                x,
                &format!(" {label}     "),
                theme.style(Role::Text),
            );
        }
    }
}

fn log(view: &Overview, shared: &Shared, now: DateTime<Utc>, area: Rect, buf: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    let (theme, zone) = (shared.theme, shared.zone);
    let is_focused = view.pane == Pane::Log;
    let opens = if is_focused { "  Enter opens it" } else { "" };
    let title = format!("Log  INFO  following  {}{opens}", text::zone_name(zone));
    let (head, body) = split_top(area, 1);
    rule(buf, head, &title, is_focused, theme);
    TuiLoggerWidget::default()
        .formatter(Box::new(PaneFormat { theme, now, zone }))
        .render(body, buf);
}

/// Lines come with their time and their level in them; what does not fit is cut.
struct PaneFormat {
    theme: Theme,
    now: DateTime<Utc>,
    zone: Tz,
}

impl LogFormatter for PaneFormat {
    fn min_width(&self) -> u16 {
        4
    }

    fn format(&self, width: usize, record: &ExtLogRecord) -> Vec<Line<'_>> {
        let role = match record.level {
            Level::Error => Role::Err,
            Level::Warn => Role::Warn,
            _ => Role::Text,
        };
        let shown = shown_record(record.msg(), self.now, self.zone);
        let text = text::fit_words(&format!(" {shown}"), width);
        vec![Line::styled(text, self.theme.style(role))]
    }
}

fn side(snapshot: &Snapshot, shared: &Shared, now: DateTime<Utc>, area: Rect, buf: &mut Buffer) {
    if area.width == 0 {
        return;
    }
    let theme = shared.theme;
    upright(buf, area, theme);
    let schedule = &snapshot.schedule;
    let head = |text: &str| (text.to_owned(), Role::Head);
    let plain = |text: String| (text, Role::Text);
    let mut lines = vec![head("Schedule")];
    lines.extend(
        text::wrap(&schedule.schedule.words(), 19)
            .into_iter()
            .map(plain),
    );
    lines.push(plain(if schedule.paused {
        "paused".to_owned()
    } else if schedule.is_owner {
        "run by this process".to_owned()
    } else if schedule.no_engine {
        "run by nobody".to_owned()
    } else {
        "run by another".to_owned()
    }));
    lines.push(plain(format!("missed {}", schedule.missed)));
    lines.push(plain(String::new()));
    lines.push(head("Today"));
    let watched = shared.watched_sources();
    let shown = match watched.as_slice() {
        [] => shared.chosen_sources(),
        _ => watched,
    };
    if shown.is_empty() {
        lines.push(plain("no source chosen".to_owned()));
    }
    for source in &snapshot.sources {
        if !shown.contains(&&source.id) {
            continue;
        }
        if shown.len() > 1 {
            lines.push(plain(text::fit(shared.source_name(&source.id), 19)));
        }
        lines.push(plain(match source.quota.limit {
            Some(limit) => format!("{} of {limit} requests", source.quota.used),
            None => text::count(source.quota.used as usize, "request"),
        }));
        let paused = source.pause.as_ref().map(|(until, _)| *until);
        let until = source.quota.spent_until.or(paused);
        if let Some(until) = until.filter(|until| *until > now) {
            let near = text::near(until, now, shared.zone);
            lines.push(plain(format!("more {near}")));
        }
    }
    lines.push(plain(String::new()));
    if let Some(run) = snapshot.last_run() {
        lines.push(head(&format!("Last run {}", run.id)));
        lines.push(plain(format!(
            "{} {} of {}",
            run.status, run.succeeded, run.series
        )));
        lines.push(plain(format!("{} new bars", thousands(run.inserted))));
        lines.push(plain(text::ago(
            run.finished_at.unwrap_or(run.started_at),
            now,
        )));
    }
    for (row, (text, role)) in (0..).zip(lines) {
        if let Some(place) = line(area, row) {
            put(buf, place, 2, &text, theme.style(role));
        }
    }
}
