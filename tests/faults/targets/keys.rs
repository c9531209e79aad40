//! Keys: their spelling, and what a person may press, paste and see in any order.

use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use pipeline_tui::config::{KeyBinding, SourceSettings};
use pipeline_tui::model::calendar::Calendars;
use pipeline_tui::pipeline::command::Command;
use pipeline_tui::ui::action::{Action, Effect};
use pipeline_tui::ui::app::App;
use pipeline_tui::ui::frame;
use pipeline_tui::ui::keymap::chord::{self, Chord, KeyCap};
use pipeline_tui::ui::log_lines::LogLines;
use pipeline_tui::ui::shared::{Boot, Shared};
use pipeline_tui::ui::theme::{Preset, Theme};
use pipeline_tui::ui::views;
use pipeline_tui::ui::{About, AboutSource};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::harmless::assert_harmless;
use super::panel;

/// Texts that are chords or nearly: a chord is shown as it is read, and is harmless to show.
pub fn chords(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match text.parse::<Chord>() {
        Ok(chord) => {
            assert_eq!(chord.to_string().parse(), Ok(chord), "{text:?}");
            assert_harmless(&chord.to_string(), 30);
            assert_harmless(&chord::shown(chord), 30);
            assert!(
                !(chord.shift && matches!(chord.key, KeyCap::Char(_))),
                "{text:?}"
            );
        }
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains("write for example"), "{error}");
            assert_harmless(&error, 700);
        }
    }
    let (action, chords) = text.split_once('=').unwrap_or(("fetch", text));
    let binding = KeyBinding {
        action: action.to_owned(),
        chords: chords.split(' ').map(str::to_owned).collect(),
        line: 1,
    };
    let (keymap, problems) = views::keymap().rebound(&[binding]);
    for context in keymap.rows().iter().map(|row| row.binding.context) {
        let way_out = keymap.action(context, "ctrl-c".parse().unwrap());
        assert_eq!(way_out, Some(Action::Quit), "{text:?} in {context}");
    }
    assert!(problems.len() <= 1);
}

/// What a person may do with the panel: nothing panics, nothing hostile is drawn, nothing is spent
/// where only reading is allowed.
pub fn keys(data: &[u8]) {
    let _ = try_keys(&mut Unstructured::new(data));
}

fn try_keys(u: &mut Unstructured<'_>) -> Result<()> {
    let mut now = panel::now();
    let mut app = App::new(shared(u)?);
    // What an engine may do is fixed when it starts.
    let read_only = u.ratio(1, 4)?;
    observe(u, &mut app, read_only)?;
    for _ in 0..u.int_in_range(1..=40)? {
        if u.is_empty() {
            break;
        }
        let effects = match u.int_in_range(0..=19)? {
            0 => app.paste(&pasted(u)?, now),
            1 => {
                observe(u, &mut app, read_only)?;
                vec![]
            }
            2 => {
                draw(
                    &mut app,
                    now,
                    u.int_in_range(0..=130)?,
                    u.int_in_range(0..=45)?,
                );
                vec![]
            }
            3 => {
                now += TimeDelta::milliseconds(u.int_in_range(-90_000_000..=90_000_000)?);
                vec![]
            }
            4 => app.press(any_chord(u)?, now),
            _ => app.press(usual_chord(u)?, now),
        };
        judge(&app, &effects);
    }
    draw(&mut app, now, 80, 24);
    Ok(())
}

/// A text of some bytes.
fn pasted(u: &mut Unstructured<'_>) -> Result<String> {
    let length = u.int_in_range(0..=40)?.min(u.len());
    Ok(String::from_utf8_lossy(u.bytes(length)?).into_owned())
}

/// A key of the table, or one that types a letter.
fn usual_chord(u: &mut Unstructured<'_>) -> Result<Chord> {
    let text = if u.ratio(1, 4)? {
        *u.choose(&[
            "a", "i", "b", "m", "1", "2", "5", "-", "space", "enter", "esc",
        ])?
    } else {
        let keymap = views::keymap();
        let rows = keymap.rows().iter().map(|row| row.binding.chords);
        let rows: Vec<&str> = rows.flatten().copied().collect();
        rows[u.choose_index(rows.len())?]
    };
    Ok(text.parse().unwrap())
}

fn any_chord(u: &mut Unstructured<'_>) -> Result<Chord> {
    let c = u.arbitrary::<char>()?;
    Ok(Chord {
        ctrl: u.arbitrary()?,
        alt: u.arbitrary()?,
        ..Chord::plain(KeyCap::Char(c))
    })
}

fn shared(u: &mut Unstructured<'_>) -> Result<Shared> {
    Ok(Shared {
        snapshot: None,
        boot: if u.arbitrary()? {
            Boot::Ready
        } else {
            Boot::Opening
        },
        calendars: Calendars::default(),
        zone: New_York,
        zones: vec![New_York, chrono_tz::UTC],
        local: New_York,
        theme: Theme::new(*u.choose(Preset::ALL)?, false, u.arbitrary()?),
        keymap: views::keymap(),
        mouse: u.arbitrary()?,
        rings: u.arbitrary()?,
        is_demo: u.arbitrary()?,
        speed: 1,
        interval: pipeline_tui::model::Interval::Daily,
        sources: pipeline_tui::model::Sources::default(),
        about: about(),
        exports_warning: None,
        log: LogLines::default(),
        undos: vec![],
        entered: vec![],
        stopped: None,
    })
}

fn observe(u: &mut Unstructured<'_>, app: &mut App, read_only: bool) -> Result<()> {
    let snapshot = panel::snapshot(u, read_only)?;
    app.shared.boot = Boot::Ready;
    let effects = app.observe(Arc::new(snapshot));
    judge(app, &effects);
    Ok(())
}

fn judge(app: &App, effects: &[Effect]) {
    let reads_only = app.shared.is_read_only();
    for effect in effects {
        if let Effect::Send(command) = effect {
            let is_reading = matches!(
                command,
                Command::ShowBars(_)
                    | Command::ShowRun(_)
                    | Command::ShowAnswer(_)
                    | Command::ShowSystem
                    | Command::ShowCoverage
                    | Command::ShowRanges(..)
                    | Command::Price(_)
                    | Command::Export(_)
                    | Command::CancelExport
                    | Command::Shutdown
                    | Command::Search {
                        from_provider: false,
                        ..
                    }
            );
            assert!(
                is_reading || !reads_only,
                "{command:?} from a read-only panel"
            );
        }
    }
}

fn draw(app: &mut App, now: DateTime<Utc>, width: u16, height: u16) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let regions = frame::render(app, now, &mut buffer);
    for cell in buffer.content() {
        assert_harmless(cell.symbol(), 16);
    }
    let effects: Vec<Effect> = app.laid_out(&regions).into_iter().collect();
    judge(app, &effects);
}

/// The known sources, none with a key.
fn about() -> About {
    let source = |settings: &&'static SourceSettings| AboutSource {
        settings,
        addresses: vec![],
        key_origin: String::new(),
        key_is_set: false,
    };
    About {
        sources: pipeline_tui::pipeline::sources::SETTINGS
            .iter()
            .map(source)
            .collect(),
        ..About::default()
    }
}
