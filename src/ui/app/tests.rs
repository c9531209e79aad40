//! What keys do, as values: no terminal, no engine.

use super::*;
use crate::model::WatchEdit;
use crate::model::{Interval, RunId};
use crate::pipeline::command::{Anchor, Command};
use crate::pipeline::snapshot::BarsPage;
use crate::ui::keymap::TABLE;
use crate::ui::keymap::tasks::{Step, TASKS, Task};
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

/// The list that a search answers with, and a page of bars of the selected series.
fn at_work() -> App {
    let mut snapshot = sample::normal();
    let mut page = sample::bars_page(400);
    page.window.series = ibm();
    snapshot.bars = Some(Arc::new(page));
    let mut app = App::new(sample::shared(snapshot.clone()));
    app.observe(Arc::new(snapshot));
    app
}

/// What the engine would answer to a search.
fn answered(app: &mut App, text: &str) {
    let mut snapshot = (**app.shared.snapshot.as_ref().unwrap()).clone();
    snapshot.search = Some(Arc::new(crate::pipeline::snapshot::SearchView {
        text: text.to_owned(),
        matches: [("AAPL", "Apple Inc"), ("TSLA", "Tesla Inc")]
            .into_iter()
            .filter(|(symbol, name)| text == *symbol || name.to_lowercase().starts_with(text))
            .map(|(symbol, name)| crate::model::Listing {
                symbol: symbol.parse().unwrap(),
                name: name.into(),
                exchange: "NASDAQ".into(),
                kind: "Stock".into(),
            })
            .collect(),
        from_provider: false,
        listed: 13_400,
        listed_at: Some(sample::now()),
        busy: false,
        problem: None,
    }));
    app.observe(Arc::new(snapshot));
}

/// Presses the keys of a task; typed text is followed by the answer of a search.
fn carry_through(app: &mut App, steps: &[Step]) -> Vec<Effect> {
    let mut effects = vec![];
    for step in steps {
        match step {
            Step::Key(key) => {
                let chord: Chord = key.parse().unwrap();
                let context = app.context();
                let action = app.shared.keymap.action(context, chord);
                let is_listed =
                    action.is_some_and(|action| TABLE.iter().any(|row| row.action == action));
                assert!(is_listed || context.takes_text(), "{key} is in no list");
                effects.extend(app.press(chord, sample::now()));
            }
            Step::Type(text) => {
                let text = text.replace("your key", "CANARYKEY1234567");
                for letter in text.chars() {
                    let key = if letter == ' ' {
                        "space".to_owned()
                    } else {
                        letter.to_string()
                    };
                    effects.extend(app.press(key.parse().unwrap(), sample::now()));
                }
                answered(app, &text);
            }
        }
    }
    effects
}

#[test]
fn twenty_tasks_take_three_keys_and_never_more_than_eight() {
    let mut counts: Vec<usize> = TASKS.iter().map(Task::keys).collect();
    counts.sort_unstable();
    assert!(
        counts[TASKS.len() / 2] <= 3 && *counts.last().unwrap() <= 8,
        "{counts:?}"
    );
    for task in TASKS {
        let mut app = at_work();
        if matches!(task.want, "fetch one series") {
            press(&mut app, "down down down");
        }
        let effects = carry_through(&mut app, task.steps);
        let commands = sent(&effects);
        let series = |symbol| sample::series(symbol, Interval::Daily);
        let is_done = match task.want {
            "fetch one series" => commands == [&Command::Fetch(vec![series("GOOGL")])],
            "fetch all that is due" => commands == [&Command::FetchDue],
            // The sample watches Apple's daily bars already.
            "add a series by its company's name" => {
                matches!(&app.overlay, Some(Overlay::Prompt(prompt)) if prompt.error.as_deref() == Some("AAPL daily is on the watch list already"))
            }
            "add five at once" => matches!(
                commands.last(),
                Some(Command::EditList(WatchEdit::Add(series))) if series.len() == 5
            ),
            "remove one, and undo that" => matches!(
                commands.as_slice(),
                [Command::EditList(WatchEdit::Remove(_)), Command::EditList(WatchEdit::PutBack { put, .. })]
                    if *put == [(0, ibm())]
            ),
            "see the bars of a series" => {
                app.view == ViewId::Bars && app.bars.series == Some(ibm())
            }
            "go to a date" => matches!(
                commands.last(),
                Some(Command::ShowBars(window)) if matches!(
                    window.anchor,
                    Anchor::At(at) if at.to_rfc3339() == "2026-01-01T04:59:59+00:00"
                )
            ),
            "read a value and its time in the chart" => {
                app.bars.arrange == crate::ui::views::bars::Arrange::Chart
            }
            "see why a series is not fetched" => matches!(&app.overlay, Some(Overlay::Choose(_))),
            "copy the request as a curl line" => matches!(
                effects.last(),
                Some(Effect::Copy { text, .. }) if text.starts_with("curl") && text.contains("symbol=IBM")
            ),
            "see what the provider answered" => {
                matches!(commands.last(), Some(Command::ShowAnswer(_)))
            }
            "pause the schedule" => commands == [&Command::Pause],
            "change the schedule" => {
                matches!(commands.as_slice(), [Command::SetSchedule(schedule)] if schedule.to_string() == "every 15")
            }
            // Three of the four are daily already.
            "change the whole list to daily" => matches!(
                commands.last(),
                Some(Command::EditList(WatchEdit::Replace(pairs)))
                    if *pairs == [(sample::series("MSFT", Interval::Min5), series("MSFT"))]
            ),
            "export three series" => {
                let names = commands.iter().filter_map(|command| match command {
                    Command::Export { name, .. } => Some(name.as_str()),
                    _ => None,
                });
                names.collect::<std::collections::HashSet<_>>().len() == 3
            }
            "enter a key of your own" => matches!(commands.last(), Some(Command::SetKey(_))),
            "run what failed again" => matches!(commands.last(), Some(Command::Fetch(_))),
            "see only errors" => app.log.level == crate::ui::views::log::Level::Errors,
            "see where the data is" | "see the requests left, and when they renew" => {
                app.view.number() == 7
            }
            other => panic!("{other} is not judged"),
        };
        assert!(is_done, "{}: {effects:?}", task.want);
    }
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
    snapshot.quota.used = 22;
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
    (snapshot.quota.used, snapshot.quota.spent_until) =
        (25, Some(sample::now() + chrono::TimeDelta::hours(10)));
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
        app.overview.selected.as_ref().unwrap().symbol.as_str(),
        "MSFT"
    );
    press(&mut app, "s s");
    assert_eq!(
        app.overview.selected.as_ref().unwrap().symbol.as_str(),
        "MSFT"
    );
    let mut snapshot = sample::normal();
    let mut series = snapshot.series.to_vec();
    series.rotate_left(2);
    snapshot.series = series.into();
    app.observe(Arc::new(snapshot));
    assert_eq!(
        app.overview.selected.as_ref().unwrap().symbol.as_str(),
        "MSFT"
    );
}

#[test]
fn marked_series_are_fetched_together() {
    let mut app = app();
    press(&mut app, "space space f");
    assert!(
        !app.overview.marks.is_empty(),
        "IBM is fresh: a question is open"
    );
    let effects = press(&mut app, "y");
    let wanted = vec![ibm(), sample::series("AAPL", Interval::Daily)];
    assert_eq!(sent(&effects), [&Command::Fetch(wanted)]);
    press(&mut app, "esc *");
    assert_eq!(app.overview.marks.len(), 4);
    press(&mut app, "*");
    assert!(app.overview.marks.is_empty());
}

#[test]
fn a_blocked_series_is_switched_by_what_is_offered_and_back_by_undo() {
    let mut app = app();
    press(&mut app, "down down");
    let effects = press(&mut app, ".");
    let (from, to) = (
        sample::series("MSFT", Interval::Min5),
        sample::series("MSFT", Interval::Daily),
    );
    assert_eq!(
        sent(&effects),
        [
            &Command::EditList(WatchEdit::Replace(vec![(from.clone(), to.clone())])),
            &Command::Fetch(vec![to.clone()])
        ]
    );
    let effects = press(&mut app, "u");
    let [Command::EditList(back)] = sent(&effects)[..] else {
        panic!("{effects:?}");
    };
    let list = |keys: [&str; 4]| -> Vec<_> {
        let interval = |key: &str| {
            if key == "MSFT 5min" {
                Interval::Min5
            } else {
                Interval::Daily
            }
        };
        let series = |key: &&str| sample::series(key.split(' ').next().unwrap(), interval(key));
        keys.iter().map(series).collect()
    };
    let switched = list(["IBM", "AAPL", "MSFT", "GOOGL"]);
    assert_eq!(
        back.apply(&switched).list,
        list(["IBM", "AAPL", "MSFT 5min", "GOOGL"])
    );
}

#[test]
fn changes_are_undone_one_by_one_and_the_cursor_returns() {
    let mut app = app();
    press(&mut app, "down x y up x y");
    let said = &app.messages.current(sample::now()).unwrap().text;
    assert_eq!(
        said,
        "IBM daily removed; bars stay in the store; u undoes this"
    );
    press(&mut app, "u");
    let said = &app.messages.current(sample::now()).unwrap().text;
    assert_eq!(
        said,
        "undone: IBM daily is back on the watch list; 1 change more can be undone"
    );
    let effects = press(&mut app, "u");
    assert!(matches!(
        sent(&effects).as_slice(),
        [Command::EditList(WatchEdit::PutBack { put, .. })] if put[0].0 == 1
    ));
    assert_eq!(press(&mut app, "u"), []);
}

#[test]
fn the_cursor_waits_for_the_row_that_was_added() {
    let mut app = app();
    press(&mut app, "/ i b m enter");
    carry_through(
        &mut app,
        &[Step::Key("a"), Step::Type("TSLA"), Step::Key("enter")],
    );
    app.observe(Arc::new(sample::normal()));
    let mut snapshot = sample::normal();
    let mut series = snapshot.series.to_vec();
    let tsla = sample::series("TSLA", Interval::Daily);
    series.push(crate::pipeline::snapshot::SeriesStatus {
        key: tsla.clone(),
        ..series[3].clone()
    });
    snapshot.series = series.into();
    app.observe(Arc::new(snapshot));
    assert_eq!(app.overview.selected, Some(tsla));
    assert_eq!(app.overview.filter, "", "a filter would hide it");
}

#[test]
fn a_pasted_list_is_counted_first_and_added_as_a_whole() {
    let mut app = app();
    press(&mut app, "a");
    let list: String = (0..300).map(|number| format!("S{number}\n")).collect();
    assert_eq!(app.paste(&format!("{list}IBM\n"), sample::now()), []);
    let Some(Overlay::Confirm(confirm)) = &app.overlay else {
        panic!("no question");
    };
    assert_eq!(confirm.question, "Add 300 series to the watch list?");
    assert!(confirm.detail.contains("1 of the list") && confirm.detail.contains("300 requests"));
    let effects = press(&mut app, "y");
    assert!(matches!(
        sent(&effects).as_slice(),
        [Command::EditList(WatchEdit::Add(series))] if series.len() == 300
    ));
    press(&mut app, "a");
    for wrong in ["AAA\nB`B\nCCC\n", "AAA\nBBB 5m\n", "\u{1b}[31m\nAAA"] {
        assert_eq!(app.paste(wrong, sample::now()), []);
        let Some(Overlay::Prompt(prompt)) = &app.overlay else {
            panic!("{wrong:?} was accepted");
        };
        let error = prompt.error.as_deref().unwrap();
        assert!(error.starts_with("nothing was added: line "), "{error}");
    }
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
    snapshot.quota.limit = None;
    let mut app = App::new(sample::shared(snapshot));
    assert_eq!(sent(&press(&mut app, "f")), [&Command::Fetch(vec![ibm()])]);
}

#[test]
fn only_what_needs_a_person_is_shown_and_all_of_it_again() {
    let mut app = app();
    press(&mut app, "!");
    let shown = |app: &App| app.overview.rows(&app.shared).len();
    assert_eq!(
        (shown(&app), app.overview.filter.as_str()),
        (1, "needs:you")
    );
    press(&mut app, "!");
    assert_eq!((shown(&app), app.overview.filter.as_str()), (4, ""));
    press(&mut app, "/ i b m enter !");
    assert_eq!(app.overview.filter, "ibm needs:you");
    press(&mut app, "5 !");
    assert_eq!(app.runs.rows(&app.shared).len(), 2);
}

#[test]
fn every_letter_means_one_thing_in_every_view() {
    use std::collections::BTreeMap;
    let one = |action: Action| match action {
        // The newest bar is the first line of the view, and the end of the log its newest.
        Action::Newest => Action::First,
        Action::Oldest => Action::Last,
        Action::Follow => Action::Last,
        other => other,
    };
    let mut meanings: BTreeMap<&str, Action> = BTreeMap::new();
    for row in TABLE.iter().filter(|row| !row.context.is_overlay()) {
        for chord in row.chords {
            let meaning = meanings.entry(chord).or_insert(one(row.action));
            assert_eq!(*meaning, one(row.action), "{chord} in {}", row.context);
        }
    }
}

#[test]
fn the_palette_finds_actions_of_other_views_and_by_other_words_and_goes_there() {
    for (word, view, is_done) in [
        ("csv", ViewId::Overview, "export"),
        ("quota", ViewId::Overview, "system"),
        ("where", ViewId::Overview, "system"),
        ("path", ViewId::Overview, "system"),
        ("key", ViewId::Overview, "key"),
        ("interval", ViewId::Overview, "interval"),
        ("candles", ViewId::Bars, "bars"),
        ("curl", ViewId::Runs, "curl"),
        ("follow", ViewId::Log, "log"),
    ] {
        let mut app = at_work();
        press(&mut app, ":");
        let letters: Vec<String> = word.chars().map(String::from).collect();
        press(&mut app, &letters.join(" "));
        let Some(Overlay::Choose(list)) = &app.overlay else {
            panic!("no palette");
        };
        let lines: Vec<String> = list
            .lines()
            .take(6)
            .map(|line| line.text.to_lowercase())
            .collect();
        assert!(
            lines.iter().any(|line| line.contains(is_done)),
            "{word}: {lines:?}"
        );
        if view != ViewId::Overview && word != "curl" {
            press(&mut app, "enter");
            assert_eq!(app.view, view, "{word}");
        }
    }
}

#[test]
fn scrolling_asks_for_the_next_window_before_the_edge_and_once() {
    let mut app = app();
    app.bars.series = Some(sample::series("IBM", Interval::Min5));
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
    let selected = app.bars.selected(&app.shared).unwrap().timestamp;
    let mut next = sample::normal();
    let mut page = sample::bars_page(800);
    if let [Command::ShowBars(window)] = windows.as_slice() {
        page.window = window.clone();
    }
    next.bars = Some(Arc::new(page));
    app.observe(Arc::new(next));
    assert_eq!(app.bars.selected(&app.shared).unwrap().timestamp, selected);
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
fn the_palette_does_what_it_finds_and_says_why_it_cannot() {
    let mut app = app();
    let effects = press(&mut app, ": p a u s e enter");
    assert_eq!(sent(&effects), [&Command::Pause]);
    press(&mut app, ": u n d o enter");
    let said = &app.messages.current(sample::now()).unwrap().text;
    assert_eq!(said, "there is nothing to undo");
    assert!(app.overlay.is_some());
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
    app.bars.series = Some(sample::series("IBM", Interval::Min5));
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
    app.bars.at = oldest;
    app.observe(Arc::new(next));
    assert_eq!(
        app.bars.selected(&app.shared).map(|bar| bar.timestamp),
        oldest
    );
}

/// A correction changes bars and adds none: nothing but the run tells that the page is old.
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
    app.bars.series = Some(status.key.clone());
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
    assert_eq!(app.overview.filter, "ibm");
    press(&mut app, "/ x esc");
    assert_eq!(app.overview.filter, "ibm");
    press(&mut app, "esc");
    assert_eq!(app.overview.filter, "");
}

#[test]
fn a_click_on_a_tab_closes_a_question() {
    let mut app = app();
    press(&mut app, "x");
    app.click(Target::View(ViewId::Runs), sample::now());
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
        (app.runs.series.at, app.runs.scroll),
        (0, 501 - app.runs.lower.0)
    );
    press(&mut app, "home pagedown");
    assert_eq!(app.runs.scroll, app.runs.lower.0);
}
