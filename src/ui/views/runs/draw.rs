//! Draws the runs.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::report::outcome;
use super::{Runs, Tab, list, requests_of, timeline, what};
use crate::model::text::thousands;
use crate::model::{RunSummary, SeriesReport, SeriesStatus};
use crate::pipeline::narrate;
use crate::pipeline::snapshot::{RequestRow, RunDetail};
use crate::ui::cursor::Cursor;
use crate::ui::draw::{line, put, rule, split_bottom, split_top};
use crate::ui::regions::Regions;
use crate::ui::shared::Shared;
use crate::ui::text::{self, left, right};
use crate::ui::theme::{Role, Theme};
use crate::ui::widgets;

/// Cells of a series' bar, at most.
const MOST_BAR: usize = 72;
/// From this height on the list stays above an opened run.
const TALL: u16 = 28;
/// Lines of the list above an opened run, at most.
const LIST: u16 = 8;
/// With this many lines below a short list, its selected run is shown there.
const GLANCE: u16 = 10;
/// With this many lines below the bars, one is for their legend.
const LEGEND: u16 = 3;

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
    let runs = u16::try_from(view.rows(shared).len()).unwrap_or(u16::MAX);
    let rows = runs.max(1).saturating_add(list::HEAD);
    let Some(opened) = view.opened else {
        let has_room = runs > 0 && area.height >= rows.saturating_add(GLANCE).max(TALL);
        let (top, rest) = split_top(area, if has_room { rows } else { area.height });
        regions.page = list::draw(view, shared, now, top, buf);
        regions.rows(split_top(top, list::HEAD).1, runs.into());
        regions.has_glance = has_room;
        if let (true, Some(run)) = (has_room, view.selected_run(shared)) {
            glance(run, shared, now, rest, buf);
        }
        return;
    };
    let above = if area.height >= TALL {
        rows.min(LIST)
    } else {
        0
    };
    let (top, rest) = split_top(area, above);
    if above > 0 {
        list::draw(view, shared, now, top, buf);
    }
    let (head, body) = split_top(rest, 1);
    let Some(detail) = view.detail(shared) else {
        rule(buf, head, &format!("run {opened}: reading…"), true, theme);
        return;
    };
    rule(buf, head, &title(detail, shared), true, theme);
    let (series, rest) = series_lines(detail, body);
    regions.page = usize::from(series.height);
    let bars_at = series_bars(detail, view.series, true, now, theme, series, buf);
    regions.rows(series, detail.series.len());
    let lower = legend(detail, bars_at, theme, rest, buf);
    regions.lower = lower_part(view, detail, shared, lower, buf);
}

/// The selected run below the list, before it is opened.
fn glance(run: &RunSummary, shared: &Shared, now: DateTime<Utc>, area: Rect, buf: &mut Buffer) {
    let theme = shared.theme;
    let (head, body) = split_top(area, 1);
    let opened = shared
        .snapshot
        .as_ref()
        .and_then(|snapshot| snapshot.opened.as_deref());
    let Some(detail) = opened.filter(|detail| detail.summary.id == run.id) else {
        rule(
            buf,
            head,
            &format!("run {}: reading…", run.id),
            false,
            theme,
        );
        return;
    };
    rule(buf, head, &title(detail, shared), false, theme);
    if detail.series.is_empty() {
        let sent = detail.requests.iter().flat_map(|sent| told(sent, shared));
        for (row, (text, role)) in (0..).zip(sent) {
            let Some(place) = line(body, row) else { break };
            put(buf, place, 1, &text, theme.style(role));
        }
        return;
    }
    let lines = u16::try_from(detail.series.len()).unwrap_or(u16::MAX);
    let (series, rest) = split_top(body, lines.min(body.height.saturating_sub(1)));
    let none = Cursor::default();
    let bars_at = series_bars(detail, none, false, now, theme, series, buf);
    legend(detail, bars_at, theme, rest, buf);
}

/// What a run was and when it started.
fn title(detail: &RunDetail, shared: &Shared) -> String {
    let run = &detail.summary;
    let trigger = if run.is_about_symbols() {
        what(run).to_owned()
    } else {
        format!("trigger {}", what(run))
    };
    format!(
        "run {}  {}  {trigger}  {} {}",
        run.id,
        run.status,
        run.started_at
            .with_timezone(&shared.zone)
            .format("%a %m-%d %H:%M:%S"),
        text::zone_name(shared.zone)
    )
}

/// The lines of the series of an opened run, half of the room at most, and the rest.
fn series_lines(detail: &RunDetail, area: Rect) -> (Rect, Rect) {
    let wanted = u16::try_from(detail.series.len()).unwrap_or(u16::MAX);
    split_top(area, wanted.min((area.height / 2).max(1)))
}

/// Says what the glyphs of the bars stand for, if there are bars and room; returns what is left.
fn legend(detail: &RunDetail, x: u16, theme: Theme, area: Rect, buf: &mut Buffer) -> Rect {
    let has_bars = !detail.series.is_empty() && !detail.requests.is_empty();
    let is_tall = area.height >= LEGEND;
    let (place, rest) = split_top(area, u16::from(has_bars && is_tall));
    let mut x = x;
    for (glyph, word, role) in timeline::legend(theme.ascii) {
        x = put(buf, place, x, glyph, theme.style(role));
        let word = format!(" {word}  ");
        x = put(buf, place, x, &word, theme.style(Role::Muted));
    }
    rest
}

/// A line for each series: its bar over the run's time, how long it took, and its result.
/// Returns the column where the bars begin.
fn series_bars(
    detail: &RunDetail,
    cursor: Cursor,
    is_focused: bool,
    now: DateTime<Utc>,
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
) -> u16 {
    let run = &detail.summary;
    let end = run.finished_at.unwrap_or(now).max(run.started_at);
    let cells = usize::from(area.width / 3).min(MOST_BAR);
    let symbol_of = |report: &SeriesReport| report.series.instrument().to_string();
    let interval_of = |report: &SeriesReport| text::interval(&report.series);
    let symbols = detail
        .series
        .iter()
        .map(|report| symbol_of(report).width())
        .max();
    let symbols = symbols.unwrap_or(0).clamp(8, cells.max(8));
    let intervals = detail
        .series
        .iter()
        .map(|report| interval_of(report).width());
    let intervals = intervals.max().unwrap_or(0).max(7);
    widgets::list::draw(
        &detail.series,
        cursor,
        (theme, is_focused),
        area,
        buf,
        |report, place, buf| {
            let name = format!(
                "{} {} ",
                left(&symbol_of(report), symbols),
                left(&interval_of(report), intervals)
            );
            let mut x = put(buf, place, 1, &name, Style::new());
            let sent: Vec<&RequestRow> = requests_of(detail, &report.series).collect();
            // Where nothing took time, the reason gets the room.
            if let (Some(first), Some(last)) = (sent.first(), sent.last()) {
                let pieces = timeline::bar(
                    sent.iter().copied(),
                    run.started_at,
                    end,
                    cells,
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
            let room = usize::from(place.width.saturating_sub(x));
            put(
                buf,
                place,
                x,
                &text::fit_words(&outcome(report), room),
                theme.style(report_role(report)),
            );
        },
    );
    u16::try_from(symbols + intervals + 3).unwrap_or(u16::MAX)
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

/// Draws the details of the selected series; returns how many lines fit and how many there are.
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
    let name = match view.selected_series(shared) {
        Some(report) => report.series.to_string(),
        None => format!("the {}", what(&detail.summary)),
    };
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

/// What happened to the selected series, according to the ledger and the report.
fn events(view: &Runs, detail: &RunDetail, shared: &Shared) -> Vec<(String, Role)> {
    let Some(report) = view.selected_series(shared) else {
        let sent = detail.requests.iter();
        return sent.flat_map(|sent| told(sent, shared)).collect();
    };
    let mut lines: Vec<(String, Role)> = vec![];
    if let Some(error) = &report.error {
        let spent = match report.requests {
            0 => "no request was spent".to_owned(),
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
    lines.extend(requests_of(detail, &report.series).flat_map(|sent| told(sent, shared)));
    lines
}

/// A request in two lines: how it went, and what was sent.
fn told(request: &RequestRow, shared: &Shared) -> [(String, Role); 2] {
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
    let how = format!(
        "{sent}  attempt {}: {state}{class}{status}{elapsed}{parsed}",
        request.attempt
    );
    [
        (how, Role::Text),
        (format!("              {}", request.query), Role::Muted),
    ]
}

fn answer(view: &Runs, shared: &Shared) -> Vec<(String, Role)> {
    let Some(request) = view.request(shared) else {
        return vec![(
            "No request was sent for this series in this run.".to_owned(),
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
