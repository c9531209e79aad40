//! What a new user comes for, and the keys for it.

use super::*;
use crate::ui::keymap::tasks::{Step, TASKS, Task};

/// The list that a search answers with, and a page of bars of the selected series.
pub(super) fn at_work() -> App {
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
            .map(|(symbol, name)| crate::model::Offer {
                source: crate::model::SourceId::DEFAULT,
                listing: crate::model::Listing {
                    name: name.into(),
                    exchange: "NASDAQ".into(),
                    kind: "Stock".into(),
                    ..crate::model::Listing::of(symbol.parse().unwrap())
                },
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
pub(super) fn carry_through(app: &mut App, steps: &[Step]) -> Vec<Effect> {
    let mut effects = vec![];
    for step in steps {
        match step {
            Step::Key(key) => {
                let chord: Chord = key.parse().unwrap();
                let context = app.context();
                let action = app.shared.keymap.action(context, chord);
                let is_listed =
                    action.is_some_and(|action| app.shared.keymap.row(context, action).is_some());
                assert!(is_listed || context.takes_text(), "{key} is in no list");
                effects.extend(app.press(chord, sample::now()));
                // The engine answers with what was to be read.
                let snapshot = app.shared.snapshot.clone().unwrap();
                effects.extend(app.observe(snapshot));
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
        match task.want {
            "fetch one series" => {
                press(&mut app, "down down down");
            }
            "export three series" => {
                let mut snapshot = (**app.shared.snapshot.as_ref().unwrap()).clone();
                Arc::make_mut(&mut snapshot.series)[2].bars = 5;
                app.observe(Arc::new(snapshot));
            }
            "rerun what failed" => {
                let mut snapshot = (**app.shared.snapshot.as_ref().unwrap()).clone();
                let msft = &mut Arc::make_mut(&mut snapshot.series)[2];
                msft.state = crate::pipeline::snapshot::SeriesState::Failed;
                app.observe(Arc::new(snapshot));
            }
            _ => {}
        }
        let effects = carry_through(&mut app, task.steps);
        let commands = sent(&effects);
        let series = |symbol| sample::series(symbol, Interval::Daily);
        let is_done = match task.want {
            "fetch one series" => commands == [&Command::Fetch(vec![series("GOOGL")])],
            "fetch all that is due" => commands == [&Command::FetchDue],
            // The sample watches Apple's daily bars already.
            "add a series by its company's name" => {
                matches!(&app.overlay, Some(Overlay::Prompt(prompt)) if prompt.error.as_deref() == Some("AAPL daily is already on the watch list"))
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
                app.view == ViewId::Bars && app.views.bars.series == Some(ibm())
            }
            "go to a date" => matches!(
                commands.last(),
                Some(Command::ShowBars(window)) if matches!(
                    window.anchor,
                    Anchor::At(at) if at.to_rfc3339() == "2026-01-01T04:59:59+00:00"
                )
            ),
            "read a value and its time in the chart" => {
                app.views.bars.arrange == crate::ui::views::bars::Arrange::Chart
            }
            "see why a series is not fetched" => matches!(&app.overlay, Some(Overlay::Choose(_))),
            "copy the request as a curl command" => matches!(
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
                matches!(commands.as_slice(), [Command::Export(files)] if files.len() == 3)
            }
            "enter your own key" => matches!(commands.last(), Some(Command::SetKey(_))),
            "rerun what failed" => matches!(commands.last(), Some(Command::Fetch(_))),
            "see only errors" => app.views.log.level == crate::ui::views::log::LogLevel::Errors,
            "see where the data is" | "see the requests left, and when they renew" => {
                app.view.number() == 7
            }
            other => panic!("{other} is not judged"),
        };
        assert!(is_done, "{}: {effects:?}", task.want);
    }
}
