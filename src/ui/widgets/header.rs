//! The header: whose data it is, the next run, the requests left, and the views.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::text::thousands;
use crate::pipeline::snapshot::{ExportProgress, QuotaStatus, SourceStatus, StoreStatus};
use crate::ui::draw::{line, put, put_all, width};
use crate::ui::regions::{ClickTarget, Regions};
use crate::ui::shared::{Boot, RESERVE, Shared};
use crate::ui::theme::{Role, Theme};
use crate::ui::view_id::ViewId;
use crate::ui::{alerts, sources, text};

/// From this width on, everything is written in full.
pub const WIDE: u16 = 118;
/// Below this width the shortest words are used.
const NARROW: u16 = 72;
/// Below this width the program's name is dropped.
const NAMELESS: u16 = 52;

/// From this width on, the tabs leave room beside them.
const ROOMY: u16 = 60;
/// From this width on, tabs stand further apart.
const AIRY: u16 = 130;
/// The cells of the shortest words about the next run: `next in 02:41:07`.
const LEAST_NEXT: u16 = 16;

/// How long the words are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Short,
    Usual,
    Full,
}

type Pieces = Vec<(String, Style)>;

/// The lines that the header takes.
#[must_use]
pub const fn height(area: Rect) -> u16 {
    match area.height {
        0..=3 => 0,
        4..=6 => 1,
        _ => 2,
    }
}

/// Draws the header.
pub fn draw(
    shared: &Shared,
    source: Option<&SourceStatus>,
    view: ViewId,
    now: DateTime<Utc>,
    area: Rect,
    buf: &mut Buffer,
    regions: &mut Regions,
) {
    let length = match area.width {
        WIDE.. => Length::Full,
        NARROW.. => Length::Usual,
        _ => Length::Short,
    };
    let is_wide = length == Length::Full;
    // The tabs leave room for something beside them.
    let has_second = area.height > 1 && area.width >= ROOMY;
    let who = who(shared, source, area.width);
    if let Some(first) = line(area, 0) {
        let taken = width(&who);
        if is_wide {
            let quota = fitting(
                quota(shared, source, now),
                area.width.saturating_sub(taken + 3),
            );
            spread(buf, first, &who, &vec![], &quota);
        } else {
            let right = if has_second {
                clock(shared, now)
            } else {
                quota(shared, source, now)
            };
            let right = fitting(right, area.width.saturating_sub(taken + 2 + LEAST_NEXT));
            let room = area.width.saturating_sub(taken + width(&right) + 3);
            let said = [length, Length::Short].map(|length| next(shared, now, length));
            spread(buf, first, &who, &fitting(said.into(), room), &right);
        }
    }
    if let Some(second) = line(area, 1) {
        let x = tabs(shared.theme, view, second, buf, regions);
        let rest = Rect {
            x: second.x + x,
            width: second.width.saturating_sub(x),
            ..second
        };
        let (left, right) = if is_wide {
            let clock = clock(shared, now);
            let least = clock.last().map_or(0, |pieces| width(pieces));
            let room = rest.width.saturating_sub(least + 5);
            let said = [Length::Full, Length::Usual, Length::Short];
            let said = said.map(|length| next(shared, now, length));
            let mut left = vec![("   ".to_owned(), Style::new())];
            left.extend(fitting(said.into(), room));
            (left, clock)
        } else {
            (vec![], quota(shared, source, now))
        };
        let right = fitting(right, rest.width.saturating_sub(width(&left) + 1));
        spread(buf, rest, &left, &vec![], &right);
    }
}

/// The first of several wordings that takes no more than this many cells.
fn fitting(ways: Vec<Pieces>, room: u16) -> Pieces {
    let mut ways = ways.into_iter();
    ways.find(|pieces| width(pieces) <= room)
        .unwrap_or_default()
}

/// Puts pieces at the left, in the middle and at the right; what does not fit is dropped.
fn spread(buf: &mut Buffer, area: Rect, left: &Pieces, centre: &Pieces, right: &Pieces) {
    let (l, c, r) = (width(left), width(centre), width(right));
    let used = put_all(buf, area, 0, left);
    let right_at = area.width.saturating_sub(r + 1);
    let has_right = r > 0 && l + r < area.width;
    let end = if has_right { right_at } else { area.width };
    if c > 0 && used + c < end {
        let middle = (area.width.saturating_sub(c) / 2).clamp(used + 1, end.saturating_sub(c));
        put_all(buf, area, middle, centre);
    }
    if has_right {
        put_all(buf, area, right_at, right);
    }
}

fn tabs(theme: Theme, shown: ViewId, area: Rect, buf: &mut Buffer, regions: &mut Regions) -> u16 {
    let gap = if area.width >= AIRY { "   " } else { "  " };
    let mut x = put(buf, area, 0, " ", Style::new());
    for view in ViewId::all() {
        let is_active = view == shown;
        let style = if is_active {
            theme
                .style(Role::Accent)
                .add_modifier(ratatui::style::Modifier::BOLD | ratatui::style::Modifier::UNDERLINED)
        } else {
            theme.style(Role::Muted)
        };
        let from = x;
        x = put(
            buf,
            area,
            x,
            &format!("{} {}", view.number(), view.title()),
            style,
        );
        let tab = Rect {
            x: area.x + from,
            width: x - from,
            ..area
        };
        regions.targets.push((tab, ClickTarget::View(view)));
        x = put(buf, area, x, gap, Style::new());
    }
    x.saturating_sub(u16::try_from(gap.len()).unwrap_or(0))
}

/// The program, the key, the store, and what is special about this session.
fn who(shared: &Shared, source: Option<&SourceStatus>, width: u16) -> Pieces {
    let theme = shared.theme;
    let plain = Style::new();
    let name = if width < NAMELESS {
        ""
    } else {
        " pipeline-tui"
    };
    let mut pieces = vec![(name.to_owned(), theme.style(Role::Head))];
    let mut word = |text: &str, role: Role| pieces.push((format!("  {text}"), theme.style(role)));
    if shared.is_demo {
        word(&demo(shared.speed), Role::Warn);
    }
    if shared.is_read_only() {
        word("READ-ONLY", Role::Warn);
    }
    if shared.has_no_engine() {
        word("NO ENGINE", Role::Err);
    }
    if let Some(count) = alerts::count(shared) {
        word(&count, Role::Warn);
    }
    let Some(snapshot) = &shared.snapshot else {
        pieces.push(("  opening the store…".to_owned(), plain));
        return pieces;
    };
    let plan_words = source.map_or("", |source| &source.plan);
    if width >= WIDE {
        if let Some(source) = source {
            let name = if shared.is_demo {
                "simulated"
            } else {
                shared.source_name(&source.id)
            };
            pieces.push((format!("   {name}, {plan_words}"), plain));
        }
        let bars = thousands(snapshot.store.bars);
        pieces.push((
            format!("   {}, {bars} bars", store_name(&snapshot.store)),
            plain,
        ));
    } else {
        pieces.push((format!("  {plan_words}"), plain));
    }
    pieces
}

/// That this is the demo, and how fast its clock runs.
fn demo(speed: i32) -> String {
    match speed {
        ..=1 => "DEMO".to_owned(),
        _ => format!("DEMO, clock {speed}x"),
    }
}

/// A store's name without the folders of its file.
fn store_name(store: &StoreStatus) -> String {
    let location = &store.location;
    let last = location.rsplit_once('/').map(|(_, last)| last);
    format!("{} {}", store.backend, last.unwrap_or(location))
}

/// How far the current export is.
fn exporting(export: ExportProgress, length: Length) -> String {
    let files = match (export.total, length) {
        (1, Length::Short) => return format!("export: {} bars", thousands(export.bars)),
        (1, _) => return format!("exporting, {} bars written", thousands(export.bars)),
        (total, _) => format!("{} of {total}", export.done),
    };
    match length {
        Length::Short => format!("export: {files}"),
        _ => format!("exporting, {files} files done"),
    }
}

/// The current run, export, or next run.
fn next(shared: &Shared, now: DateTime<Utc>, length: Length) -> Pieces {
    let theme = shared.theme;
    let Some(snapshot) = &shared.snapshot else {
        return vec![];
    };
    if let Some(run) = &snapshot.run {
        let name = run
            .id
            .map_or_else(|| "run".to_owned(), |id| format!("run {id}"));
        let text = match length {
            Length::Short => format!("{name}: {} of {}", run.done, run.total),
            _ => format!("{name} running, {} of {} done", run.done, run.total),
        };
        return vec![(text, theme.style(Role::Accent))];
    }
    if let Some(export) = snapshot.export {
        return vec![(exporting(export, length), theme.style(Role::Accent))];
    }
    let schedule = &snapshot.schedule;
    if schedule.paused {
        let paused = theme
            .style(Role::Warn)
            .add_modifier(ratatui::style::Modifier::BOLD);
        let how = if length == Length::Short {
            ""
        } else {
            "  p resumes"
        };
        return vec![
            ("PAUSED".to_owned(), paused),
            (how.to_owned(), Style::new()),
        ];
    }
    let Some(at) = schedule.next_at else {
        return vec![("no run scheduled".to_owned(), Style::new())];
    };
    let when = match length {
        Length::Short => "next in ".to_owned(),
        _ => format!(
            "next {} {} in ",
            text::near(at, now, shared.zone),
            text::zone_name(shared.zone)
        ),
    };
    let mut pieces = vec![
        (when, Style::new()),
        (text::countdown(at - now), theme.style(Role::Head)),
    ];
    if length == Length::Full {
        let requests = schedule.sendable_next;
        pieces.push((
            format!(", {}", text::count(requests, "request")),
            Style::new(),
        ));
    }
    if !schedule.is_owner && !schedule.no_engine {
        let by = match length {
            Length::Full => "  another process fetches",
            Length::Usual => "  elsewhere",
            Length::Short => " elsewhere",
        };
        pieces.push((by.to_owned(), theme.style(Role::Muted)));
    }
    pieces
}

/// The requests that a source has left and when they renew, the fullest form first.
fn quota(shared: &Shared, source: Option<&SourceStatus>, now: DateTime<Utc>) -> Vec<Pieces> {
    let Some(source) = source else {
        return vec![];
    };
    let theme = shared.theme;
    if let Some((until, _)) = source.pause.as_ref().filter(|(until, _)| *until > now) {
        let style = theme.style(Role::Warn);
        let at = text::near(*until, now, shared.zone);
        let zone = text::zone_name(shared.zone);
        return vec![
            vec![(format!("asks for a pause until {at} {zone}"), style)],
            vec![(format!("paused until {at}"), style)],
        ];
    }
    let QuotaStatus {
        used,
        limit,
        renews_at,
        ..
    } = source.quota;
    let (Some(limit), Some(still), Some(renews_at)) = (limit, source.quota.left(), renews_at)
    else {
        let muted = theme.style(Role::Muted);
        let today = format!("{} today", text::count(used as usize, "request"));
        let Some(window) = sources::widest(&source.quota) else {
            let brief = format!("{used} today");
            return vec![vec![(today, muted)], vec![(brief, muted)]];
        };
        let left = sources::left_now(window);
        let style = match window.left() {
            0 => theme.style(Role::Warn),
            _ => theme.style(Role::Text),
        };
        return vec![
            vec![(left.clone(), style), (format!(", {today}"), muted)],
            vec![(left, style)],
            vec![(format!("{} left", window.left()), style)],
        ];
    };
    let role = match still {
        0 => Role::Err,
        1..=RESERVE => Role::Warn,
        _ => Role::Text,
    };
    let style = theme.style(role);
    let left = (format!("{still} of {limit} left"), style);
    let meter = (format!(" {}", meter(still, limit, theme)), style);
    let renews = |when: String| (format!(", renews {when}"), theme.style(Role::Muted));
    let long = renews(text::renewal(renews_at, shared.local));
    let brief = renews(text::renewal_briefly(renews_at, shared.local));
    vec![
        vec![left.clone(), meter.clone(), long.clone()],
        vec![left.clone(), long],
        vec![left.clone(), meter, brief.clone()],
        vec![left.clone(), brief],
        vec![left],
        vec![(format!("{still} left"), style)],
    ]
}

fn meter(left: u32, limit: u32, theme: Theme) -> String {
    const CELLS: u32 = 8;
    let full = (left.min(limit) * CELLS).div_ceil(limit.max(1)).min(CELLS) as usize;
    let (on, off) = (theme.glyph("▓", "#"), theme.glyph("░", "."));
    format!("{}{}", on.repeat(full), off.repeat(CELLS as usize - full))
}

/// How many series need attention, and the time; without room, only the first.
fn clock(shared: &Shared, now: DateTime<Utc>) -> Vec<Pieces> {
    let theme = shared.theme;
    let needs = match shared.need_person() {
        0 => vec![],
        1 => vec![("1 needs you".to_owned(), theme.style(Role::Warn))],
        many => vec![(format!("{many} need you"), theme.style(Role::Warn))],
    };
    let gap = if needs.is_empty() { "" } else { "   " };
    let time = now.with_timezone(&shared.zone).format("%H:%M");
    let time = format!("{gap}{time} {}", text::zone_name(shared.zone));
    let mut both = needs.clone();
    both.push((time, theme.style(Role::Muted)));
    vec![both, needs]
}

/// The problem that affects everything, if there is one.
#[must_use]
pub fn alarm(shared: &Shared, now: DateTime<Utc>) -> Option<String> {
    if let Some(reason) = &shared.stopped {
        return Some(format!(
            "The engine has stopped: {reason}. What is stored is safe; q quits."
        ));
    }
    if let Boot::Waiting { reason, again_at } = &shared.boot {
        let left = ((*again_at - now).num_milliseconds().max(0) + 999) / 1000;
        return Some(format!("{reason}. Trying again in {left} s; q quits."));
    }
    let snapshot = shared.snapshot.as_ref()?;
    if let Some((since, reason)) = &snapshot.store.lost {
        // What is safe comes before the reason: a narrow screen cuts the end off.
        let kept = match snapshot.store.spooled {
            0 => String::new(),
            1 => " One answer is safe on disk.".to_owned(),
            more => format!(" {more} answers are safe on disk."),
        };
        return Some(format!(
            "No answer from the store for {} s. The data shown is at least that old; no requests are being sent.{kept} {reason}",
            text::took(now - *since)
        ));
    }
    None
}

/// The problem, wrapped into the lines that it needs; three at most.
#[must_use]
pub fn alarm_lines(shared: &Shared, now: DateTime<Utc>, width: u16) -> Vec<String> {
    let width = usize::from(width.saturating_sub(4)).max(1);
    let lines = alarm(shared, now).map_or_else(Vec::new, |text| text::wrap(&text, width));
    lines.into_iter().take(3).collect()
}

/// Draws the problem over the full width.
pub fn draw_alarm(lines: &[String], theme: Theme, area: Rect, buf: &mut Buffer) {
    let style = theme
        .style(Role::Err)
        .add_modifier(ratatui::style::Modifier::REVERSED);
    for (row, text) in (0..).zip(lines) {
        let Some(place) = line(area, row) else { break };
        let mark = if row == 0 { " ! " } else { "   " };
        let width = usize::from(place.width);
        put(
            buf,
            place,
            0,
            &text::left(&format!("{mark}{text}"), width),
            style,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::snapshot::{RunProgress, Snapshot};
    use crate::ui::sample;

    /// The header at a width, one line per row.
    fn head(change: impl FnOnce(&mut Snapshot), width: u16) -> String {
        let mut snapshot = sample::normal();
        change(&mut snapshot);
        let shared = sample::shared(snapshot);
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 2));
        let area = buf.area;
        draw(
            &shared,
            shared
                .snapshot
                .as_ref()
                .and_then(|snapshot| snapshot.sources.first()),
            ViewId::Overview,
            sample::now(),
            area,
            &mut buf,
            &mut Regions::default(),
        );
        let rows = buf.content.chunks(usize::from(width));
        let text =
            |row: &[ratatui::buffer::Cell]| row.iter().map(ratatui::buffer::Cell::symbol).collect();
        let rows: Vec<String> = rows.map(text).collect();
        rows.join("\n")
    }

    #[test]
    fn an_export_shows_how_far_it_is_until_a_run_begins() {
        let export = |done, total| {
            move |snapshot: &mut Snapshot| {
                snapshot.export = Some(ExportProgress {
                    done,
                    total,
                    bars: 70_000,
                });
            }
        };
        assert!(head(export(3, 12), 120).contains("exporting, 3 of 12 files done"));
        assert!(head(export(0, 1), 120).contains("exporting, 70,000 bars written"));
        assert!(head(export(3, 12), 60).contains("export: 3 of 12"));
        let run = |snapshot: &mut Snapshot| {
            export(3, 12)(snapshot);
            snapshot.run = Some(RunProgress {
                id: None,
                trigger: "fetch",
                started_at: sample::now(),
                done: 1,
                total: 2,
            });
        };
        assert!(head(run, 120).contains("run running, 1 of 2 done"));
    }

    /// Cells of the tabs with a gap between them.
    fn tabs_take(gap: usize) -> u16 {
        let tab = |view: ViewId| view.number().to_string().len() + 1 + view.title().len();
        let cells: usize = ViewId::all().map(|view| gap + tab(view)).sum();
        u16::try_from(1 + cells - gap).unwrap()
    }

    #[test]
    fn what_is_left_and_when_it_renews_is_told_as_fully_as_there_is_room() {
        for (width, told) in [
            (
                200,
                "21 of 25 left ▓▓▓▓▓▓▓░, renews 00:00 ET, 06:00 your time (CET)",
            ),
            (120, "21 of 25 left ▓▓▓▓▓▓▓░, renews 06:00 CET"),
            (tabs_take(2) + 36, "21 of 25 left, renews 06:00 CET"),
            (tabs_take(2) + 16, "21 of 25 left"),
            (40, "21 left"),
        ] {
            let head = head(|_| {}, width);
            let line = head.lines().find(|line| line.contains(" left")).unwrap();
            assert!(line.trim_end().ends_with(told), "{width}: {line:?}");
        }
        let refused = head(
            |snapshot| snapshot.sources[0].quota.spent_until = snapshot.sources[0].quota.renews_at,
            tabs_take(2) + 36,
        );
        assert!(refused.contains("0 of 25 left, renews"), "{refused}");
        for (width, told) in [(tabs_take(2) + 18, "4 requests today"), (80, "4 today")] {
            let unlimited = head(|snapshot| snapshot.sources[0].quota.limit = None, width);
            assert!(unlimited.contains(told) && !unlimited.contains("renews"));
        }
    }

    #[test]
    fn what_waits_for_a_person_is_counted_and_no_market_is_named() {
        for width in [80, tabs_take(3) + 72, 200] {
            let one = head(|_| {}, width);
            assert!(one.contains("1 needs you   13:38 ET"), "{one}");
            assert!(!one.contains("NYSE"), "{one}");
            let more = head(
                |snapshot| {
                    let mut series = snapshot.series.to_vec();
                    for status in &mut series {
                        status.state = crate::pipeline::snapshot::SeriesState::Blocked;
                    }
                    snapshot.series = series.into();
                },
                width,
            );
            assert!(more.contains("4 need you"), "{more}");
            let none = head(|snapshot| snapshot.series = std::sync::Arc::new([]), width);
            assert!(
                none.contains("13:38 ET") && !none.contains("need"),
                "{none}"
            );
        }
    }
}
