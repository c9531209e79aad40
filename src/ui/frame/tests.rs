//! Whole frames: what they look like in every state and size, and what must hold for all of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Once};

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::model::ErrorClass;
use crate::pipeline::narrate::Severity;
use crate::pipeline::snapshot::{RunProgress, SeriesState, Snapshot};
use crate::ui::action::Action;
use crate::ui::keymap::chord::Chord;
use crate::ui::log_lines::LogLine;
use crate::ui::regions::ClickTarget;
use crate::ui::sample;
use crate::ui::shared::Boot;
use crate::ui::theme::{Preset, Theme};
use crate::ui::view_id::ViewId;
use crate::ui::views::system::Section;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (60, 18)];
const STATES: [&str; 5] = ["normal", "empty", "loading", "error", "long"];

const LINES: [(Severity, &str); 3] = [
    (
        Severity::Info,
        "IBM daily: 100 received, 1 new, 99 unchanged",
    ),
    (
        Severity::Warn,
        "AAPL daily: provider asks to slow down; attempt 2 in 1.2 s",
    ),
    (Severity::Error, "run 41 partial: 2 of 4 series, 3 requests"),
];

/// The overview's log pane shows this process's records: they are made once, before any picture.
fn log_lines() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tui_logger::set_default_level(log::LevelFilter::Trace);
        for (severity, text) in LINES {
            let level = match severity {
                Severity::Info => log::Level::Info,
                Severity::Warn => log::Level::Warn,
                Severity::Error => log::Level::Error,
            };
            tui_logger::Drain::new().log(
                &log::Record::builder()
                    .level(level)
                    .target("pipeline-tui")
                    .args(format_args!("1795199772 {level:<5} {text}"))
                    .build(),
            );
        }
        tui_logger::move_events();
    });
}

fn app(state: &str) -> App {
    let snapshot = sample::normal();
    let mut app = match state {
        "loading" => App::new(sample::blank()),
        "empty" => App::new(sample::shared(Snapshot {
            series: Arc::new([]),
            runs: Arc::new([]),
            bars: None,
            opened: None,
            coverage: None,
            plan: Arc::default(),
            ..snapshot
        })),
        "error" => App::new(sample::shared(broken(snapshot))),
        "long" => App::new(sample::shared(long(snapshot))),
        _ => App::new(sample::shared(snapshot)),
    };
    if state != "loading" && state != "empty" {
        for (severity, text) in LINES {
            app.log(LogLine {
                at: sample::now(),
                severity,
                text: text.to_owned(),
            });
        }
        app.views.bars.series = Some(sample::series("IBM", crate::model::Interval::Min5));
        let snapshot = app.shared.snapshot.clone().unwrap();
        app.observe(snapshot);
    }
    if state == "error" {
        app.engine_stopped("internal error; please report it".to_owned());
    }
    app
}

fn broken(mut snapshot: Snapshot) -> Snapshot {
    let mut series = snapshot.series.to_vec();
    for status in &mut series {
        status.state = SeriesState::Failed;
        status.problem = Some((
            ErrorClass::Network,
            "the provider could not be reached; check the network".to_owned(),
        ));
    }
    snapshot.series = series.into();
    snapshot.store.lost = Some((
        sample::now() - chrono::TimeDelta::seconds(12),
        "connection refused \\u{1b}[2J".to_owned(),
    ));
    snapshot.sources[0].quota.used = 25;
    snapshot.schedule.paused = true;
    (snapshot.schedule.is_owner, snapshot.schedule.no_engine) = (false, true);
    snapshot
}

fn long(mut snapshot: Snapshot) -> Snapshot {
    let mut series = snapshot.series.to_vec();
    for (number, status) in series.iter_mut().enumerate() {
        status.key.symbol = format!("{}{number}", "LONGSYMBOLNAME".repeat(2))
            .parse()
            .unwrap();
        status.bars = 1_234_567_890;
        if let Some((_, text)) = &mut status.problem {
            *text = "株式 a reason that goes on and on, ".repeat(20);
        }
        if let Some(bar) = &mut status.last_bar {
            bar.close = sample::price("89999999999.99999999");
        }
    }
    snapshot.series = series.into();
    snapshot.store.location =
        "a-very-long-host-name.example.org:5432/a_very_long_database_name".to_owned();
    snapshot.run = Some(RunProgress {
        id: Some(crate::model::RunId(i64::MAX)),
        trigger: "schedule",
        started_at: sample::now(),
        done: 123_456,
        total: 999_999,
    });
    snapshot
}

fn drawn(app: &App, width: u16, height: u16) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    render(app, sample::now(), &mut buffer);
    buffer
}

/// The frame as text, then its styles as runs of cells: a moved highlight must show.
fn picture(buffer: &Buffer) -> String {
    let mut text = String::new();
    let width = usize::from(buffer.area.width.max(1));
    for row in buffer.content.chunks(width) {
        let mut skip = 0;
        let mut line = String::new();
        for cell in row {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push_str("---\n");
    for (y, row) in buffer.content.chunks(width).enumerate() {
        let mut runs: Vec<(usize, usize, String)> = vec![];
        for (x, cell) in row.iter().enumerate() {
            let look = look(cell);
            match runs.last_mut() {
                Some((_, end, last)) if *last == look => *end = x,
                _ => runs.push((x, x, look)),
            }
        }
        let runs: Vec<String> = runs
            .into_iter()
            .filter(|(_, _, look)| !look.is_empty())
            .map(|(from, to, look)| format!("{from}-{to} {look}"))
            .collect();
        if !runs.is_empty() {
            let _ = writeln!(text, "{y}: {}", runs.join(", "));
        }
    }
    text
}

fn look(cell: &Cell) -> String {
    let mut words = vec![];
    if cell.fg != Color::Reset {
        words.push(cell.fg.to_string().to_lowercase());
    }
    if cell.bg != Color::Reset {
        words.push(format!("on {}", cell.bg.to_string().to_lowercase()));
    }
    for (modifier, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
    ] {
        if cell.modifier.contains(modifier) {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

fn snapshot(name: &str, buffer: &Buffer) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, picture(buffer));
    });
}

fn name(view: ViewId, state: &str, (width, height): (u16, u16)) -> String {
    format!("{}-{state}-{width}x{height}", view.title().to_lowercase())
}

/// Overlays over the overview, by the keys that open them.
const OVERLAYS: [(&str, &[&str]); 7] = [
    ("help", &["?"]),
    ("palette", &[":", "s", "c", "h"]),
    ("remove", &["x"]),
    ("add", &["a", "t", "s"]),
    ("schedule", &["S"]),
    ("key", &["K", "s", "3"]),
    ("filter", &["/", "a", "a"]),
];

#[test]
fn every_view_in_every_state_and_size_looks_as_it_did() {
    log_lines();
    for state in STATES {
        let mut app = app(state);
        for view in ViewId::all() {
            app.view = view;
            for size in SIZES {
                snapshot(&name(view, state, size), &drawn(&app, size.0, size.1));
            }
        }
    }
}

#[test]
fn holidays_and_half_days_are_said_under_the_watch_list_and_in_the_system_view() {
    for (now, market) in [
        // Thanksgiving at 10:00, the half day after it at noon and at 14:30, Christmas.
        (
            "2026-11-26T15:00:00Z",
            "NYSE closed: Thanksgiving, opens Fri 09:30 ET",
        ),
        (
            "2026-11-27T17:00:00Z",
            "NYSE open, closes 13:00 ET (half day)",
        ),
        ("2026-11-27T19:30:00Z", "NYSE closed, opens Mon 09:30 ET"),
        (
            "2026-12-25T15:00:00Z",
            "NYSE closed: Christmas, opens Mon 09:30 ET",
        ),
    ] {
        for view in [ViewId::Overview, ViewId::System] {
            for (width, height) in [(80, 24), (120, 36)] {
                let mut app = app("normal");
                app.view = view;
                if view == ViewId::System {
                    app.views.system.go(Section::Engine, &app.shared);
                }
                let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
                render(&app, now.parse().unwrap(), &mut buffer);
                let picture = picture(&buffer);
                assert!(picture.contains(market), "{now} {width}: {picture}");
            }
        }
    }
}

#[test]
fn an_opened_run_and_every_overlay_look_as_they_did() {
    log_lines();
    let mut app = app("normal");
    app.view = ViewId::Runs;
    app.views.runs.opened = Some(crate::model::RunId(1042));
    app.views.runs.series.at = 2;
    snapshot("run-80x24", &drawn(&app, 80, 24));
    snapshot("run-120x40", &drawn(&app, 120, 40));
    for (name, keys) in OVERLAYS {
        let mut app = self::app("normal");
        press(&mut app, keys);
        snapshot(&format!("overlay-{name}-80x24"), &drawn(&app, 80, 24));
    }
}

#[test]
fn a_month_and_a_hole_between_bars_look_as_they_did() {
    log_lines();
    let mut snapshot_with_both = sample::normal();
    snapshot_with_both.ranges = Some(Arc::new(sample::ranges()));
    let mut page = sample::bars_page(400);
    page.holes = vec![sample::hole_before(&page.bars[3])];
    snapshot_with_both.bars = Some(Arc::new(page));
    for (width, height) in [(80, 24), (120, 36)] {
        let mut app = app("normal");
        app.observe(Arc::new(snapshot_with_both.clone()));
        app.view = ViewId::Bars;
        snapshot(
            &format!("hole-{width}x{height}"),
            &drawn(&app, width, height),
        );
        press(&mut app, &["3", "down"]);
        press(&mut app, &["left"; 20]);
        snapshot(
            &format!("months-{width}x{height}"),
            &drawn(&app, width, height),
        );
        press(&mut app, &["enter"]);
        snapshot(
            &format!("month-{width}x{height}"),
            &drawn(&app, width, height),
        );
    }
}

fn press(app: &mut App, keys: &[&str]) {
    for key in keys {
        let chord: Chord = key.parse().unwrap();
        app.press(chord, sample::now());
    }
}

#[test]
fn no_picture_is_left_over() {
    let mut wanted: BTreeSet<String> = STATES
        .into_iter()
        .flat_map(|state| {
            ViewId::all().map(move |view| SIZES.map(move |size| name(view, state, size)))
        })
        .flatten()
        .collect();
    wanted.extend(["run-80x24".to_owned(), "run-120x40".to_owned()]);
    for name in ["hole", "month", "months"] {
        wanted.extend(["80x24", "120x36"].map(|size| format!("{name}-{size}")));
    }
    wanted.extend(OVERLAYS.map(|(name, _)| format!("overlay-{name}-80x24")));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ui/frame/snapshots");
    let there: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .filter_map(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            name.strip_suffix(".snap").map(str::to_owned)
        })
        .collect();
    assert_eq!(there, wanted);
}

#[test]
fn every_view_can_be_drawn_at_every_size_and_twice_alike() {
    log_lines();
    for state in STATES {
        for view in ViewId::all() {
            let mut app = app(state);
            app.view = view;
            if view == ViewId::Runs && state == "normal" {
                app.views.runs.opened = Some(crate::model::RunId(1042));
            }
            for width in 0..=40 {
                for height in 0..=15 {
                    assert_eq!(drawn(&app, width, height), drawn(&app, width, height));
                }
            }
            drawn(&app, 500, 200);
        }
    }
}

#[test]
fn overlays_can_be_drawn_at_every_size() {
    log_lines();
    for (_, keys) in OVERLAYS {
        let mut app = app("normal");
        press(&mut app, keys);
        for width in 0..=40 {
            for height in 0..=15 {
                drawn(&app, width, height);
            }
        }
    }
}

#[test]
fn a_second_later_only_times_are_drawn_anew() {
    log_lines();
    let mut app = app("normal");
    for view in ViewId::all() {
        app.view = view;
        let before = drawn(&app, 120, 36);
        let mut after = Buffer::empty(before.area);
        render(
            &app,
            sample::now() + chrono::TimeDelta::seconds(1),
            &mut after,
        );
        let changed = before.diff(&after);
        // The countdown in the header, and in the overview the wait before a retry, also in its strip.
        assert!((1..=6).contains(&changed.len()), "{view:?}: {changed:?}");
        let is_time =
            |cell: &&(u16, u16, &Cell)| cell.2.symbol().chars().all(|c| c.is_ascii_digit());
        assert!(
            changed.iter().all(|cell| is_time(&cell)),
            "{view:?}: {changed:?}"
        );
    }
}

#[test]
fn nothing_but_ascii_is_drawn_where_that_was_asked_for() {
    log_lines();
    for state in STATES {
        let mut app = app(state);
        app.shared.theme = Theme::new(Preset::Terminal, false, true);
        for view in ViewId::all() {
            app.view = view;
            let buffer = drawn(&app, 120, 40);
            assert!(
                buffer.content.iter().all(|cell| cell.symbol().is_ascii()),
                "{view:?} {state}"
            );
        }
    }
}

#[test]
fn without_colour_nothing_is_coloured_and_the_selection_shows() {
    let mut app = app("normal");
    app.shared.theme = Theme::new(Preset::Dark, true, false);
    for view in ViewId::all() {
        app.view = view;
        let buffer = drawn(&app, 120, 40);
        let coloured = |cell: &Cell| cell.fg != Color::Reset || cell.bg != Color::Reset;
        assert!(!buffer.content.iter().any(coloured), "{view:?}");
    }
    app.view = ViewId::Overview;
    let buffer = drawn(&app, 80, 24);
    let reversed = |cell: &Cell| cell.modifier.contains(Modifier::REVERSED);
    assert!(buffer.content.iter().any(reversed));
}

#[test]
fn no_control_character_reaches_a_cell() {
    let mut hostile = sample::normal();
    hostile.store.lost = Some((
        sample::now(),
        crate::model::text::clean("a\u{1b}[2J\u{202e}b\u{7}"),
    ));
    let mut app = App::new(sample::shared(hostile));
    app.observe(app.shared.snapshot.clone().unwrap());
    let text = picture(&drawn(&app, 120, 36));
    assert!(text.contains("\\u{1b}[2J") && !text.contains('\u{1b}') && !text.contains('\u{202e}'));
}

#[test]
fn clicks_hit_tabs_rows_and_hints_and_nothing_outside() {
    let app = app("normal");
    let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
    let regions = render(&app, sample::now(), &mut buffer);
    assert_eq!(regions.hit(2, 1), Some(ClickTarget::View(ViewId::Overview)));
    assert_eq!(regions.hit(20, 3), Some(ClickTarget::Row(0)));
    assert_eq!(regions.hit(1, 23), Some(ClickTarget::Hint(Action::Fetch)));
    assert_eq!(regions.hit(u16::MAX, u16::MAX), None);
}

#[test]
fn the_engine_that_is_not_there_yet_says_so() {
    let mut app = App::new(sample::blank());
    assert!(picture(&drawn(&app, 80, 24)).contains("Opening the store"));
    app.booting(Boot::Waiting {
        reason: "PostgreSQL at localhost:5432 cannot be reached".to_owned(),
        again_at: sample::now() + chrono::TimeDelta::seconds(3),
    });
    let text = picture(&drawn(&app, 80, 24));
    assert!(
        text.contains("cannot be reached. Trying again in 3 s"),
        "{text}"
    );
}

#[test]
fn a_series_of_another_source_says_so_in_every_view_that_shows_it() {
    let source = crate::model::SourceId::known("second");
    let mut snapshot = sample::normal();
    let mut series = snapshot.series.to_vec();
    series[0].key.source = source.clone();
    let mut page = snapshot.bars.as_deref().unwrap().clone();
    page.window.series.source = source.clone();
    let mut run = snapshot.opened.as_deref().unwrap().clone();
    run.series[0].series.source = source;
    let shown = page.window.series.clone();
    snapshot.series = series.into();
    snapshot.bars = Some(Arc::new(page));
    snapshot.opened = Some(Arc::new(run));
    let mut app = App::new(sample::shared(snapshot));
    app.views.bars.series = Some(shown);
    app.views.runs.opened = Some(crate::model::RunId(1042));
    let snapshot = app.shared.snapshot.clone().unwrap();
    app.observe(snapshot);
    for (view, line) in [
        (ViewId::Overview, "▌IBM     second"),
        (ViewId::Bars, " second:IBM 5min"),
        (ViewId::Runs, "▌second:IBM"),
    ] {
        app.view = view;
        let picture = picture(&drawn(&app, 120, 40));
        assert!(picture.contains(line), "{view:?}:\n{picture}");
    }
}
