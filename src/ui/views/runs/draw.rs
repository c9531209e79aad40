//! Draws the runs.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::report::outcome;
use super::{Runs, Tab, headline, requests_of, timeline};
use crate::model::text::thousands;
use crate::model::{RunStatus, RunSummary, SeriesReport, SeriesStatus};
use crate::pipeline::narrate;
use crate::pipeline::snapshot::{RequestRow, RunDetail};
use crate::ui::app::Shared;
use crate::ui::draw::{line, put, rule, split_bottom, split_top};
use crate::ui::frame::Regions;
use crate::ui::text::{self, left, right};
use crate::ui::theme::{Role, Theme};
use crate::ui::widgets::list;

/// From this height on the list stays above an opened run.
const TALL: u16 = 28;
/// Lines of the list above an opened run.
const LIST: u16 = 8;

/// Draws the view.
pub fn draw(
    view: &Runs,
    shared: &Shared,
    now: DateTime<Utc>,
    area: Rect,
    buf: &mut Buffer,
    regions: &mut Regions,
) {
    let theme = shared.theme;
    let (area, filter) = split_bottom(area, u16::from(!view.filter.is_empty()));
    let hidden = shared
        .snapshot
        .as_ref()
        .map_or(0, |snapshot| snapshot.runs.len())
        - view.rows(shared).len();
    let shown = format!(" / {}   {hidden} hidden, Esc clears", view.filter);
    put(buf, filter, 0, &shown, theme.style(Role::Warn));
    let Some(opened) = view.opened else {
        regions.page = list(view, shared, now, area, buf);
        regions.rows(split_top(area, 2).1, view.rows(shared).len());
        return;
    };
    let above = if area.height >= TALL { LIST } else { 0 };
    let (top, rest) = split_top(area, above);
    if above > 0 {
        list(view, shared, now, top, buf);
    }
    let (head, body) = split_top(rest, 1);
    let Some(detail) = view.detail(shared) else {
        rule(buf, head, &format!("run {opened}: reading…"), true, theme);
        return;
    };
    let run = &detail.summary;
    let title = format!(
        "run {}  {}  trigger {}  {} {}",
        run.id,
        run.status,
        run.trigger,
        run.started_at
            .with_timezone(&shared.zone)
            .format("%a %m-%d %H:%M:%S"),
        text::zone_name(shared.zone)
    );
    rule(buf, head, &title, true, theme);
    let wanted = u16::try_from(detail.series.len())
        .unwrap_or(u16::MAX)
        .max(1);
    let (series, lower) = split_top(body, wanted.min(body.height / 2).max(1));
    regions.page = usize::from(series.height);
    series_bars(view, detail, now, theme, series, buf);
    regions.rows(series, detail.series.len());
    regions.lower = lower_part(view, detail, shared, lower, buf);
}

const HEADS: [(&str, usize, bool); 9] = [
    ("RUN", 6, false),
    ("STARTED", 15, false),
    ("TRIGGER", 8, false),
    ("STATUS", 11, false),
    ("SERIES", 8, true),
    ("NEW", 8, true),
    ("CHANGED", 7, true),
    ("REQUESTS", 8, true),
    ("TOOK", 7, true),
];

/// Draws the list; returns how many runs fit.
fn list(view: &Runs, shared: &Shared, now: DateTime<Utc>, area: Rect, buf: &mut Buffer) -> usize {
    let theme = shared.theme;
    let (title, rest) = split_top(area, 1);
    let runs = shared
        .snapshot
        .as_ref()
        .map_or(&[][..], |snapshot| &snapshot.runs);
    put(
        buf,
        title,
        1,
        &headline(runs, now),
        theme.style(Role::Muted),
    );
    let (head, body) = split_top(rest, 1);
    let columns = columns(area.width);
    let mut x = 1;
    for (name, width, is_number) in &columns {
        x = put(
            buf,
            head,
            x,
            &aligned(name, *width, *is_number),
            theme.style(Role::Head),
        ) + 1;
    }
    let rows = view.rows(shared);
    if rows.is_empty() {
        let text = if view.filter.is_empty() {
            "Nothing was run yet: f or F in the overview starts a run, so does the schedule."
        } else {
            "No run matches the filter; Esc clears it."
        };
        put(buf, body, 1, text, theme.style(Role::Muted));
        return usize::from(body.height);
    }
    list::draw(
        &rows,
        view.cursor,
        (theme, true),
        body,
        buf,
        |run, place, buf| {
            let mut x = 1;
            for (name, width, is_number) in &columns {
                let (text, role) = cell(name, run, now, shared);
                let text = aligned(&text, *width, *is_number);
                x = put(buf, place, x, &text, theme.style(role)) + 1;
            }
        },
    );
    usize::from(body.height)
}

/// Narrow screens leave columns out, the least telling first.
fn columns(width: u16) -> Vec<(&'static str, usize, bool)> {
    let mut columns = HEADS.to_vec();
    for dropped in ["CHANGED", "TRIGGER", "TOOK", "REQUESTS", "NEW", "STARTED"] {
        let needed: usize = columns.iter().map(|(_, width, _)| width + 1).sum();
        if needed < usize::from(width) {
            break;
        }
        columns.retain(|(name, _, _)| *name != dropped);
    }
    columns
}

fn aligned(text: &str, width: usize, is_number: bool) -> String {
    if is_number {
        right(text, width)
    } else {
        left(text, width)
    }
}

fn cell(name: &str, run: &RunSummary, now: DateTime<Utc>, shared: &Shared) -> (String, Role) {
    let plain = |text: String| (text, Role::Text);
    match name {
        "RUN" => plain(run.id.to_string()),
        "STARTED" => {
            let local = run.started_at.with_timezone(&shared.zone);
            plain(local.format("%a %m-%d %H:%M").to_string())
        }
        "TRIGGER" => plain(run.trigger.clone()),
        "STATUS" => (run.status.to_string(), status_role(run.status)),
        "SERIES" => plain(format!("{} of {}", run.succeeded, run.series)),
        "NEW" => plain(thousands(run.inserted)),
        "CHANGED" => plain(thousands(run.changed)),
        "REQUESTS" => plain(run.requests.to_string()),
        _ => match run.finished_at {
            Some(end) => plain(text::took(end - run.started_at)),
            None if run.status == RunStatus::Running => {
                (text::took(now - run.started_at), Role::Accent)
            }
            None => plain(text::NONE.to_owned()),
        },
    }
}

const fn status_role(status: RunStatus) -> Role {
    match status {
        RunStatus::Succeeded => Role::Ok,
        RunStatus::Running => Role::Accent,
        RunStatus::Partial | RunStatus::Cancelled | RunStatus::Interrupted => Role::Warn,
        RunStatus::Failed => Role::Err,
    }
}

/// A line for each series: its bar over the run's time, how long it took, what became of it.
fn series_bars(
    view: &Runs,
    detail: &RunDetail,
    now: DateTime<Utc>,
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let run = &detail.summary;
    let end = run.finished_at.unwrap_or(now).max(run.started_at);
    let bar_cells = usize::from(area.width / 3).min(36);
    list::draw(
        &detail.series,
        view.series,
        (theme, true),
        area,
        buf,
        |report, place, buf| {
            let name = format!(
                "{} {} ",
                left(report.series.symbol.as_str(), 8),
                left(report.series.interval.as_str(), 7)
            );
            let mut x = put(buf, place, 1, &name, Style::new());
            let sent: Vec<&RequestRow> = requests_of(detail, &report.series).collect();
            // Where nothing took time, the reason gets the room.
            if let (Some(first), Some(last)) = (sent.first(), sent.last()) {
                let pieces = timeline::bar(
                    sent.iter().copied(),
                    run.started_at,
                    end,
                    bar_cells,
                    theme.ascii,
                );
                for piece in pieces {
                    let cells = piece.glyph.repeat(piece.cells);
                    x = put(buf, place, x, &cells, theme.style(piece.role));
                }
                let time = text::step(last.ended_at.unwrap_or(end) - first.reserved_at);
                x = put(
                    buf,
                    place,
                    x,
                    &format!(" {}  ", right(&time, 8)),
                    Style::new(),
                );
            }
            put(
                buf,
                place,
                x,
                &outcome(report),
                theme.style(report_role(report)),
            );
        },
    );
}

const fn report_role(report: &SeriesReport) -> Role {
    match report.status {
        SeriesStatus::Succeeded => Role::Ok,
        SeriesStatus::Skipped | SeriesStatus::Refused => Role::Muted,
        SeriesStatus::Running => Role::Accent,
        SeriesStatus::Failed => Role::Err,
        SeriesStatus::Cancelled | SeriesStatus::Interrupted => Role::Warn,
    }
}

/// Draws what is said about the selected series; returns how many lines fit and how many there are.
fn lower_part(
    view: &Runs,
    detail: &RunDetail,
    shared: &Shared,
    area: Rect,
    buf: &mut Buffer,
) -> (usize, usize) {
    if area.height < 2 {
        return (0, 0);
    }
    let theme = shared.theme;
    let (head, body) = split_top(area, 1);
    let name = view.selected_series(shared);
    let name = name.map_or_else(String::new, |report| report.series.to_string());
    let (what, lines) = match view.tab {
        Tab::Events => (
            format!("Events of {name}  (Tab: the provider's answer)"),
            events(view, detail, shared),
        ),
        Tab::Answer => (
            format!("Answer about {name}  (Tab: events)"),
            answer(view, shared),
        ),
    };
    let width = usize::from(body.width.saturating_sub(2));
    let lines: Vec<(String, Role)> = lines
        .into_iter()
        .flat_map(|(text, role)| {
            let pieces = text::wrap(&text, width).into_iter();
            pieces.map(move |text| (text, role))
        })
        .collect();
    let fit = usize::from(body.height);
    let first = view.scroll.min(lines.len().saturating_sub(fit));
    let title = if lines.len() > fit {
        format!(
            "{what}  lines {}-{} of {}",
            first + 1,
            first + fit,
            lines.len()
        )
    } else {
        what
    };
    rule(buf, head, &title, false, theme);
    for (row, (text, role)) in (0..body.height).zip(lines.iter().skip(first)) {
        if let Some(place) = line(body, row) {
            put(buf, place, 1, text, theme.style(*role));
        }
    }
    (fit, lines.len())
}

/// What happened to the selected series, as far as the ledger and the report tell.
fn events(view: &Runs, detail: &RunDetail, shared: &Shared) -> Vec<(String, Role)> {
    let Some(report) = view.selected_series(shared) else {
        return vec![];
    };
    let mut lines: Vec<(String, Role)> = vec![];
    if let Some(error) = &report.error {
        let spent = match report.requests {
            0 => "nothing was spent".to_owned(),
            requests => format!("{} spent", text::count(requests as usize, "request")),
        };
        lines.push((
            format!("{}: {}; {spent}.", error.class, error.message),
            report_role(report),
        ));
    } else {
        let counts = report.counts;
        lines.push((
            format!(
                "{}: {} received, {} new, {} changed, {} unchanged, {} rejected, {} rounded{}.",
                report.status,
                thousands(report.received),
                thousands(counts.inserted),
                thousands(counts.changed),
                thousands(counts.unchanged),
                thousands(report.rejected),
                thousands(report.rounded),
                narrate::set_aside(report)
            ),
            report_role(report),
        ));
    }
    for request in requests_of(detail, &report.series) {
        let sent = request
            .reserved_at
            .with_timezone(&shared.zone)
            .format("%H:%M:%S%.3f");
        let status = request
            .http_status
            .map_or_else(String::new, |status| format!(", HTTP {status}"));
        let elapsed = request
            .elapsed_ms
            .map_or_else(String::new, |ms| format!(", {ms} ms"));
        let parsed = request
            .parse_ms
            .map_or_else(String::new, |ms| format!(", read in {ms} ms"));
        let class = request
            .class
            .as_ref()
            .map_or_else(String::new, |class| format!(", {class}"));
        let state = request.state.replace('_', " ");
        lines.push((
            format!(
                "{sent}  attempt {}: {state}{class}{status}{elapsed}{parsed}",
                request.attempt
            ),
            Role::Text,
        ));
        lines.push((format!("              {}", request.query), Role::Muted));
    }
    lines
}

fn answer(view: &Runs, shared: &Shared) -> Vec<(String, Role)> {
    let Some(request) = view.request(shared) else {
        return vec![(
            "This series sent no request in this run.".to_owned(),
            Role::Muted,
        )];
    };
    let answer = shared
        .snapshot
        .as_ref()
        .and_then(|snapshot| snapshot.answer.as_ref());
    let Some(answer) = answer.filter(|answer| answer.request == request.id) else {
        return vec![("Reading…".to_owned(), Role::Muted)];
    };
    let head = format!(
        "HTTP {}, {}, {} ms{}",
        answer.status,
        answer.content_type.as_deref().unwrap_or("no content type"),
        answer.elapsed_ms,
        if answer.cut { ", cut" } else { "" }
    );
    std::iter::once((head, Role::Muted))
        .chain(answer.lines.iter().map(|text| (text.clone(), Role::Text)))
        .collect()
}
