//! Draws the plan: its sources in words, then a line for each series, then the selected one in full.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::{PlanView, plan, why};
use crate::model::text::thousands;
use crate::pipeline::snapshot::{FetchPlan, PlannedFetch};
use crate::ui::draw::{line, put, rule, split_bottom, split_top};
use crate::ui::regions::Regions;
use crate::ui::shared::Shared;
use crate::ui::text::{self, NONE, left, right};
use crate::ui::theme::Role;
use crate::ui::widgets::list;

/// Lines of the selected series: a rule and its reason.
const FOOT: u16 = 3;
/// Lower areas have no lines to spare for the selected series.
const ROOMY: u16 = 14;
/// Cells of an instant.
const INSTANT: usize = 11;
/// From this width on, there is room for everything but the reason in full.
const WIDE: u16 = 70;

/// Draws the view.
pub(super) fn draw(
    view: &PlanView,
    shared: &Shared,
    now: DateTime<Utc>,
    area: Rect,
    buf: &mut Buffer,
    regions: &mut Regions,
) {
    let theme = shared.theme;
    let (area, filter) = split_bottom(area, u16::from(!view.filter.is_empty()));
    let Some(plan) = plan(shared).filter(|plan| !plan.lines.is_empty()) else {
        nothing(shared, area, buf);
        return;
    };
    let lines = view.shown(shared);
    let area = sources(plan, shared, now, area, buf);
    let foot = if area.height >= ROOMY { FOOT } else { 0 };
    let (area, foot) = split_bottom(area, foot);
    let (head, body) = split_top(area, 1);
    let columns = Columns::of(&lines, area.width);
    put(buf, head, 1, &columns.head(), theme.style(Role::Head));
    regions.page = usize::from(body.height);
    let shown = list::draw(
        &lines,
        view.cursor,
        (theme, true),
        body,
        buf,
        |line, place, buf| {
            let mut x = 1;
            for (text, role) in columns.cells(line, shared, now) {
                x = put(buf, place, x, &text, theme.style(role)) + 1;
            }
        },
    );
    regions.rows(body, shown);
    if let Some(selected) = view.selected_line(shared) {
        in_full(selected, shared, now, foot, buf);
    }
    if lines.is_empty() {
        let said = "No series matches; Esc clears the filter.";
        put(buf, split_top(body, 1).0, 1, said, theme.style(Role::Muted));
    }
    let hidden = plan.lines.len() - lines.len();
    let shown = format!(" / {}   {hidden} hidden, Esc clears", view.filter);
    put(buf, filter, 0, &shown, theme.style(Role::Warn));
}

fn nothing(shared: &Shared, area: Rect, buf: &mut Buffer) {
    let said = match &shared.snapshot {
        Some(snapshot) if snapshot.is_listed => "No series to plan yet: a adds one.",
        _ => "Reading the watch list…",
    };
    if let Some(place) = line(area, 1) {
        put(buf, place, 1, said, shared.theme.style(Role::Muted));
    }
}

/// What each source is asked, in at most half of the area; returns the rest.
fn sources(
    plan: &FetchPlan,
    shared: &Shared,
    now: DateTime<Utc>,
    area: Rect,
    buf: &mut Buffer,
) -> Rect {
    let clock = |at| text::near(at, now, shared.zone);
    let width = usize::from(area.width.saturating_sub(2));
    let lines = plan.lanes.iter().flat_map(|lane| {
        let role = if lane.loses > 0 {
            Role::Err
        } else {
            Role::Text
        };
        let words = lane.words(shared.source_name(&lane.source), &clock);
        let wrapped = text::wrap(&words, width).into_iter();
        wrapped.map(move |text| (text, role))
    });
    let lines: Vec<(String, Role)> = lines.take(usize::from(area.height / 2)).collect();
    let (top, rest) = split_top(area, u16::try_from(lines.len()).unwrap_or(0));
    for (row, (text, role)) in (0..).zip(lines) {
        if let Some(place) = line(top, row) {
            put(buf, place, 1, &text, shared.theme.style(role));
        }
    }
    rest
}

/// Which columns there are, and how wide each is.
struct Columns {
    series: usize,
    is_wide: bool,
    why: usize,
}

impl Columns {
    fn of(lines: &[&PlannedFetch], width: u16) -> Self {
        let widest = lines.iter().map(|line| line.series.to_string().width());
        let room = usize::from(width.saturating_sub(2));
        let series = widest.max().unwrap_or(0).max(6).min(room / 3);
        let is_wide = width >= WIDE;
        let others = if is_wide {
            2 * (INSTANT + 1) + series + 1 + 8 + 1
        } else {
            INSTANT + 1 + series + 1
        };
        Self {
            series,
            is_wide,
            why: room.saturating_sub(others),
        }
    }

    fn head(&self) -> String {
        let (when, series) = (left("WHEN", INSTANT), left("SERIES", self.series));
        if self.is_wide {
            let safe = left("SAFE UNTIL", INSTANT);
            format!("{when} {series} REQUESTS {safe} WHY")
        } else {
            format!("{when} {series} WHY")
        }
    }

    fn cells(
        &self,
        line: &PlannedFetch,
        shared: &Shared,
        now: DateTime<Utc>,
    ) -> Vec<(String, Role)> {
        let clock = |at| text::near(at, now, shared.zone);
        let when = match line.at {
            Some(at) if at <= now => "now".to_owned(),
            Some(at) => clock(at),
            None => NONE.to_owned(),
        };
        let series = line.series.to_string();
        let is_late = line.loses();
        let mut cells = vec![
            (left(&when, INSTANT), Role::Text),
            (left(&series, self.series), Role::Text),
        ];
        if self.is_wide {
            let price = thousands(u64::from(line.price));
            let (safe, role) = match line.safe_until {
                _ if line.is_refused() => (NONE.to_owned(), Role::Muted),
                Some(safe) if is_late => (clock(safe), Role::Err),
                Some(safe) => (clock(safe), Role::Text),
                None => ("always".to_owned(), Role::Muted),
            };
            cells.push((right(&price, 8), Role::Text));
            cells.push((left(&safe, INSTANT), role));
        }
        let role = if is_late { Role::Err } else { Role::Text };
        cells.push((text::fit_words(&why(line, shared, now), self.why), role));
        cells
    }
}

/// The reason of the selected series, without a cut where it fits.
fn in_full(
    selected: &PlannedFetch,
    shared: &Shared,
    now: DateTime<Utc>,
    area: Rect,
    buf: &mut Buffer,
) {
    let theme = shared.theme;
    let (head, body) = split_top(area, 1);
    if body.height == 0 {
        return;
    }
    rule(buf, head, &selected.series.to_string(), false, theme);
    let width = usize::from(body.width.saturating_sub(2));
    let lines = text::wrap(&why(selected, shared, now), width);
    for (row, text) in (0..).zip(lines) {
        if let Some(place) = line(body, row) {
            put(buf, place, 1, &text, theme.style(Role::Text));
        }
    }
}
