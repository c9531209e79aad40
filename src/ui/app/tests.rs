//! What keys do, as values: no terminal, no engine.

mod edits;
mod first;
mod keys;
mod palette;
mod tasks;

use super::*;
use crate::model::WatchEdit;
use crate::model::{Interval, RunId, SourceId};
use crate::pipeline::command::{Anchor, Command, Priced};
use crate::pipeline::snapshot::BarsPage;
use crate::ui::keymap::BoundKey;
use crate::ui::keymap::binding::{Binding, Need};
use crate::ui::sample;

fn app() -> App {
    let mut app = App::new(sample::shared(sample::normal()));
    let snapshot = app.shared.snapshot.clone().unwrap();
    app.observe(snapshot);
    app
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    keys.split(' ')
        .flat_map(|key| app.press(key.parse().unwrap(), sample::now()))
        .collect()
}

fn sent(effects: &[Effect]) -> Vec<&Command> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(command) => Some(command),
            _ => None,
        })
        .collect()
}

fn ibm() -> crate::model::SeriesKey {
    sample::series("IBM", Interval::Daily)
}

#[test]
fn esc_leads_out_one_level_and_never_ends_the_program() {
    let mut app = app();
    press(&mut app, "2 ? a esc");
    assert!(app.overlay.is_none() && app.view == ViewId::Bars);
    for _ in 0..9 {
        let effects = press(&mut app, "esc");
        assert!(!effects.contains(&Effect::Quit) && !app.is_leaving);
    }
    assert_eq!(app.view, ViewId::Overview);
}

#[test]
fn esc_and_a_key_that_follow_at_once_are_both_taken() {
    let mut app = app();
    press(&mut app, "2 alt-5");
    assert_eq!(app.view, ViewId::Runs);
}

#[test]
fn the_last_requests_of_a_day_are_not_spent_without_asking() {
    let mut snapshot = sample::normal();
    snapshot.sources[0].quota.used = 22;
    let mut app = App::new(sample::shared(snapshot));
    assert_eq!(press(&mut app, "f"), []);
    assert!(matches!(app.overlay, Some(Overlay::Confirm(_))));
    // Neither Enter nor the key that opened the question is a yes.
    assert_eq!(press(&mut app, "enter f"), []);
    assert!(app.overlay.is_some());
    let effects = press(&mut app, "y");
    assert!(matches!(sent(&effects).as_slice(), [Command::Fetch(_)]));
    press(&mut app, "f");
    assert_eq!(press(&mut app, "n"), []);
    assert!(app.overlay.is_none());
}

#[test]
fn what_cannot_be_done_says_why_and_does_nothing() {
    let mut snapshot = sample::normal();
    snapshot.read_only = true;
    let mut app = App::new(sample::shared(snapshot));
    for key in ["f", "F", "a", "x", "p", "S", "K"] {
        assert_eq!(press(&mut app, key), [], "{key}");
        let said = app.messages.current(sample::now()).unwrap();
        assert!(said.text.contains("read-only"), "{key}: {}", said.text);
    }
    let mut snapshot = sample::normal();
    (
        snapshot.sources[0].quota.used,
        snapshot.sources[0].quota.spent_until,
    ) = (25, Some(sample::now() + chrono::TimeDelta::hours(10)));
    let mut app = App::new(sample::shared(snapshot));
    assert_eq!(press(&mut app, "f"), []);
    let said = app.messages.current(sample::now()).unwrap();
    assert!(said.text.contains("more from 23:38 ET"), "{}", said.text);
}

#[test]
fn the_selection_follows_its_series_when_the_order_changes() {
    let mut app = app();
    press(&mut app, "down down");
    assert_eq!(
        app.views
            .overview
            .selected
            .as_ref()
            .unwrap()
            .symbol
            .as_str(),
        "MSFT"
    );
    press(&mut app, "s s");
    assert_eq!(
        app.views
            .overview
            .selected
            .as_ref()
            .unwrap()
            .symbol
            .as_str(),
        "MSFT"
    );
    let mut snapshot = sample::normal();
    let mut series = snapshot.series.to_vec();
    series.rotate_left(2);
    snapshot.series = series.into();
    app.observe(Arc::new(snapshot));
    assert_eq!(
        app.views
            .overview
            .selected
            .as_ref()
            .unwrap()
            .symbol
            .as_str(),
        "MSFT"
    );
}

#[test]
fn marked_series_are_fetched_together() {
    let mut app = app();
    press(&mut app, "space down down space f");
    assert!(
        !app.views.overview.marks.is_empty(),
        "IBM is fresh: a question is open"
    );
    let effects = press(&mut app, "y");
    let wanted = vec![ibm(), sample::series("GOOGL", Interval::Daily)];
    assert_eq!(sent(&effects), [&Command::Fetch(wanted)]);
    press(&mut app, "esc *");
    assert_eq!(app.views.overview.marks.len(), 4);
    press(&mut app, "*");
    assert!(app.views.overview.marks.is_empty());
}

#[test]
fn a_fetch_that_can_bring_nothing_asks_first_where_a_day_has_a_limit() {
    let mut app = app();
    assert_eq!(press(&mut app, "f"), []);
    let Some(Overlay::Confirm(confirm)) = &app.overlay else {
        panic!("no question");
    };
    assert_eq!(
        confirm.question,
        "Fetch anyway, 1 request of 21 left today?"
    );
    assert!(confirm.detail.starts_with("IBM daily cannot have new bars"));
    assert_eq!(sent(&press(&mut app, "y")), [&Command::Fetch(vec![ibm()])]);
    let mut snapshot = sample::normal();
    snapshot.sources[0].quota.limit = None;
    let mut app = App::new(sample::shared(snapshot));
    assert_eq!(sent(&press(&mut app, "f")), [&Command::Fetch(vec![ibm()])]);
}

#[test]
fn only_what_needs_a_person_is_shown_and_all_of_it_again() {
    let mut app = app();
    press(&mut app, "!");
    let shown = |app: &App| app.views.overview.rows(&app.shared).len();
    assert_eq!(
        (shown(&app), app.views.overview.filter.as_str()),
        (1, "needs:you")
    );
    press(&mut app, "!");
    assert_eq!((shown(&app), app.views.overview.filter.as_str()), (4, ""));
    press(&mut app, "/ i b m enter !");
    assert_eq!(app.views.overview.filter, "ibm needs:you");
    press(&mut app, "5 !");
    assert_eq!(app.views.runs.rows(&app.shared).len(), 2);
}

#[test]
fn scrolling_asks_for_the_next_window_before_the_edge_and_once() {
    let mut app = app();
    app.views.bars.series = Some(sample::series("IBM", Interval::Min5));
    app.view = ViewId::Bars;
    app.laid_out(&Regions {
        page: 20,
        columns: 60,
        ..Regions::default()
    });
    let mut asked = vec![];
    for _ in 0..18 {
        asked.extend(press(&mut app, "pagedown"));
    }
    let windows: Vec<_> = sent(&asked);
    assert!(
        matches!(windows.as_slice(), [Command::ShowBars(window)] if matches!(window.anchor, Anchor::At(_))),
        "{windows:?}"
    );
    let selected = app.views.bars.selected(&app.shared).unwrap().timestamp;
    let mut next = sample::normal();
    let mut page = sample::bars_page(800);
    if let [Command::ShowBars(window)] = windows.as_slice() {
        page.window = window.clone();
    }
    next.bars = Some(Arc::new(page));
    app.observe(Arc::new(next));
    assert_eq!(
        app.views.bars.selected(&app.shared).unwrap().timestamp,
        selected
    );
}

#[test]
fn leaving_waits_for_what_is_being_written_and_the_second_wish_does_not() {
    let mut app = app();
    assert_eq!(press(&mut app, "q"), [Effect::Quit]);
    assert_eq!(press(&mut app, "q"), [Effect::ForceQuit]);
    let mut snapshot = sample::normal();
    snapshot.run = Some(crate::pipeline::snapshot::RunProgress {
        id: Some(RunId(7)),
        trigger: "fetch",
        started_at: sample::now(),
        done: 3,
        total: 4,
    });
    let mut app = App::new(sample::shared(snapshot));
    assert_eq!(press(&mut app, "ctrl-c"), [Effect::Quit]);
    let said = &app.messages.current(sample::now()).unwrap().text;
    assert!(
        said.starts_with("stopping after the request in flight; what is stored is safe; q again"),
        "{said}"
    );
}

#[test]
fn a_key_that_is_entered_reaches_the_engine_and_nothing_else() {
    let mut app = app();
    press(&mut app, "K");
    app.paste("CANARYKEY1234567", sample::now());
    let effects = press(&mut app, "enter");
    assert!(matches!(sent(&effects).as_slice(), [Command::SetKey(_)]));
    let shown = format!("{:?} {:?}", app.messages, effects);
    assert!(!shown.contains("CANARY"), "{shown}");
}

#[test]
fn a_saved_key_is_announced_with_what_the_next_start_uses() {
    let said = |key_is_set| {
        let mut app = app();
        let source = &mut app.shared.about.sources[0];
        source.key_origin = "saved words say nothing".to_owned();
        source.key_is_set = key_is_set;
        let saved = EffectOutcome::KeySaved(SourceId::DEFAULT, "api_key".into());
        app.done(saved, sample::now());
        let message = app.messages.current(sample::now()).unwrap();
        (message.severity, message.text.clone())
    };
    let (severity, text) = said(false);
    assert_eq!(severity, Severity::Info, "{text}");
    let (severity, text) = said(true);
    assert!(severity == Severity::Warn && text.contains("remove that"));
}

#[test]
fn pasting_outside_of_a_line_presses_no_key() {
    let mut app = app();
    assert_eq!(app.paste("qqqqfFxy", sample::now()), []);
    assert!(!app.is_leaving && app.overlay.is_none());
}

/// Between asking for a window and its arrival other things may become true.
#[test]
fn a_snapshot_with_the_window_before_leaves_the_wanted_place_alone() {
    let mut app = app();
    app.views.bars.series = Some(sample::series("IBM", Interval::Min5));
    app.view = ViewId::Bars;
    let effects = press(&mut app, "G");
    let commands = sent(&effects);
    let [Command::ShowBars(window)] = commands.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(window.anchor, Anchor::Oldest);
    app.observe(Arc::new(sample::normal()));
    let mut next = sample::normal();
    let mut page = sample::bars_page(800);
    page.window = (*window).clone();
    page.oldest = page.bars.last().map(|bar| bar.timestamp);
    let oldest = page.oldest;
    next.bars = Some(Arc::new(page));
    app.views.bars.at = oldest;
    app.observe(Arc::new(next));
    assert_eq!(
        app.views
            .bars
            .selected(&app.shared)
            .map(|bar| bar.timestamp),
        oldest
    );
}

/// A correction changes bars and adds none: only the run shows that the page is old.
#[test]
fn bars_are_read_again_after_each_run() {
    let mut app = app();
    app.view = ViewId::Bars;
    let mut snapshot = sample::normal();
    let mut page = sample::bars_page(800);
    let status = Arc::make_mut(&mut snapshot.series).first_mut().unwrap();
    (status.bars, page.total) = (800, 800);
    page.newest = status.last_bar.map(|bar| bar.timestamp);
    page.window.series = status.key.clone();
    app.views.bars.series = Some(status.key.clone());
    let observe = |app: &mut App, snapshot: &Snapshot, page: &mut BarsPage| {
        let mut snapshot = snapshot.clone();
        snapshot.bars = Some(Arc::new(page.clone()));
        let effects = app.observe(Arc::new(snapshot));
        let asked = sent(&effects)
            .into_iter()
            .find_map(|command| match command {
                Command::ShowBars(window) => Some(window.clone()),
                _ => None,
            });
        page.window = asked.clone().unwrap_or_else(|| page.window.clone());
        asked.is_some()
    };
    while observe(&mut app, &snapshot, &mut page) {}
    assert!(!observe(&mut app, &snapshot, &mut page));
    let mut newest = snapshot.runs.first().unwrap().clone();
    newest.id = RunId(newest.id.0 + 1);
    snapshot.runs = [vec![newest], snapshot.runs.to_vec()].concat().into();
    assert!(observe(&mut app, &snapshot, &mut page));
    assert!(!observe(&mut app, &snapshot, &mut page));
    assert!(!observe(&mut app, &snapshot, &mut page));
}

#[test]
fn alt_and_a_letter_in_a_line_neither_close_it_nor_spend() {
    let mut app = app();
    press(&mut app, "a i");
    assert_eq!(press(&mut app, "alt-f"), []);
    assert!(matches!(&app.overlay, Some(Overlay::Prompt(prompt)) if prompt.input.text() == "i"));
}

#[test]
fn a_filter_that_is_given_up_is_again_what_it_was() {
    let mut app = app();
    press(&mut app, "/ i b m enter");
    assert_eq!(app.views.overview.filter, "ibm");
    press(&mut app, "/ x esc");
    assert_eq!(app.views.overview.filter, "ibm");
    press(&mut app, "esc");
    assert_eq!(app.views.overview.filter, "");
}

#[test]
fn a_click_on_a_tab_closes_a_question() {
    let mut app = app();
    press(&mut app, "x");
    app.click(ClickTarget::View(ViewId::Runs), sample::now());
    assert!(app.overlay.is_none() && app.view == ViewId::Runs);
}

#[test]
fn a_blocked_series_is_not_asked_for_again_and_its_explanation_offers_keys_that_work() {
    let mut app = app();
    press(&mut app, "down down");
    assert_eq!(press(&mut app, "f"), []);
    let said = &app.messages.current(sample::now()).unwrap().text;
    assert!(said.contains("MSFT 5min is blocked"), "{said}");
    press(&mut app, "w");
    let effects = press(&mut app, ".");
    assert!(app.overlay.is_none());
    assert!(matches!(
        sent(&effects).as_slice(),
        [Command::EditList(WatchEdit::Replace(_)), Command::Fetch(_)]
    ));
}

#[test]
fn a_long_answer_is_scrolled_and_the_series_stays() {
    let mut snapshot = sample::normal();
    snapshot.answer = Some(Arc::new(crate::pipeline::snapshot::AnswerView {
        request: crate::model::RequestId(1),
        status: 200,
        content_type: None,
        received_at: sample::now(),
        elapsed_ms: 1,
        lines: (0..500).map(|number| format!("line {number}")).collect(),
        cut: false,
    }));
    let mut app = App::new(sample::shared(snapshot));
    app.view = ViewId::Runs;
    press(&mut app, "enter tab");
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
    let regions = crate::ui::frame::render(&app, sample::now(), &mut buffer);
    app.laid_out(&regions);
    press(&mut app, "end");
    assert_eq!(
        (app.views.runs.series.at, app.views.runs.scroll),
        (0, 501 - app.views.runs.lower.0)
    );
    press(&mut app, "home pagedown");
    assert_eq!(app.views.runs.scroll, app.views.runs.lower.0);
}

#[test]
fn a_series_in_the_current_run_is_not_fetched_twice() {
    let mut app = app();
    press(&mut app, "down");
    assert_eq!(press(&mut app, "f"), []);
    let said = &app.messages.current(sample::now()).unwrap().text;
    assert_eq!(said, "AAPL daily is in the current run already");
}

/// The rows of every view and of all views, each with the view in which it is tried.
fn rows() -> Vec<(ViewId, Binding)> {
    let place = |row: &BoundKey| match row.binding.context {
        KeyContext::View(view) => Some((view, row.binding)),
        KeyContext::Global => Some((ViewId::Overview, row.binding)),
        _ => None,
    };
    let keymap = crate::ui::views::keymap();
    keymap.rows().iter().filter_map(place).collect()
}

#[test]
fn what_a_row_needs_and_lacks_is_why_its_key_is_unavailable() {
    let now = sample::now();
    let with = |change: fn(&mut Snapshot)| {
        let mut snapshot = sample::normal();
        change(&mut snapshot);
        App::new(sample::shared(snapshot))
    };
    let closed = App::new(sample::blank());
    let read_only = with(|snapshot| snapshot.read_only = true);
    let spent = with(|snapshot| {
        snapshot.sources[0].quota.spent_until = snapshot.sources[0].quota.renews_at;
    });
    for (app, need, said) in [
        (closed, Need::Engine, "the store is not open yet"),
        (read_only, Need::Writable, "read-only: no requests"),
        (spent, Need::Request, "today's requests are used up"),
    ] {
        let (needing, others): (Vec<_>, Vec<_>) = rows()
            .into_iter()
            .partition(|(_, row)| row.needs.contains(&need));
        assert!(!needing.is_empty(), "{need:?}");
        let why_not = |(view, row): &(ViewId, Binding)| app.why_not(row.action, *view, now);
        for row in &needing {
            assert!(why_not(row).unwrap().starts_with(said), "{}", row.1.title);
        }
        // A suggestion is available if what it suggests is.
        for row in others.iter().filter(|row| row.1.action != Action::Offer) {
            let reason = why_not(row).unwrap_or_default();
            assert!(!reason.starts_with(said), "{}: {reason}", row.1.title);
        }
    }
}

#[test]
fn a_key_with_nothing_to_act_on_says_so_in_the_words_of_its_row() {
    let mut snapshot = sample::normal();
    (snapshot.series, snapshot.runs, snapshot.run) = (Arc::new([]), Arc::new([]), None);
    (snapshot.coverage, snapshot.plan) = (None, Arc::default());
    let app = App::new(sample::shared(snapshot));
    let mut tried = 0;
    for (view, row) in rows() {
        if let Some((_, reason)) = row.acts_on.first() {
            let said = app.why_not(row.action, view, sample::now());
            assert_eq!(said.as_deref(), Some(*reason), "{}", row.title);
            tried += 1;
        }
    }
    assert!(tried > 0);
}

#[test]
fn what_is_missing_is_fetched_after_its_price_was_told_and_agreed_to() {
    let mut snapshot = sample::normal();
    let mut series = snapshot.series.to_vec();
    let day = chrono::TimeDelta::days(1);
    let hole = crate::model::Span::new(sample::now() - day * 90, sample::now() - day * 9);
    series[0].truth.holes = vec![hole];
    snapshot.series = series.into();
    let mut app = App::new(sample::shared(snapshot.clone()));
    app.observe(Arc::new(snapshot.clone()));
    press(&mut app, "down b");
    let said = app.messages.current(sample::now()).unwrap();
    assert_eq!(said.text, "nothing is missing of this series");
    let effects = press(&mut app, "up b");
    let commands = sent(&effects);
    let [Command::Price(question)] = commands.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(question.what, Priced::Missing(ibm(), hole));
    // Before the price is there, yes does nothing.
    assert_eq!(press(&mut app, "y"), []);
    let mut preview = crate::pipeline::snapshot::Preview {
        refused: 0,
        question: question.clone(),
        bars: 60,
        requests: 2,
        refusal: None,
        known_to: None,
        left: None,
    };
    // The answer to an earlier question.
    preview.question.at -= day;
    snapshot.preview = Some(Arc::new(preview.clone()));
    app.observe(Arc::new(snapshot.clone()));
    assert!(matches!(app.overlay, Some(Overlay::Price(_))));
    preview.question.at += day;
    snapshot.preview = Some(Arc::new(preview));
    app.observe(Arc::new(snapshot));
    let effects = press(&mut app, "y");
    assert_eq!(sent(&effects), [&Command::Backfill(ibm(), hole)]);
    assert!(app.overlay.is_none());
}
