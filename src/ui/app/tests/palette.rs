//! The palette, and letters that mean one thing.

use super::tasks::at_work;
use super::*;

#[test]
fn every_letter_means_one_thing_in_every_view() {
    use std::collections::BTreeMap;
    let one = |action: Action| match action {
        // The newest bar is the first line of the view, and the end of the log its newest.
        Action::Newest => Action::First,
        Action::Oldest | Action::Follow => Action::Last,
        other => other,
    };
    let mut meanings: BTreeMap<&str, Action> = BTreeMap::new();
    let keymap = crate::ui::views::keymap();
    let rows = keymap.rows().iter().map(|row| row.binding);
    for row in rows.filter(|row| !row.context.is_overlay()) {
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

/// The first lines that a word finds in an overlay.
fn found(view: ViewId, opens: &str, word: &str) -> String {
    let mut app = at_work();
    app.view = view;
    let letters: Vec<String> = word.chars().map(String::from).collect();
    press(&mut app, &format!("{opens} {}", letters.join(" ")));
    let Some(Overlay::Choose(list)) = &app.overlay else {
        panic!("no list");
    };
    let lines = list.lines().take(6).map(|line| line.text.as_str());
    lines.collect::<Vec<_>>().join("; ")
}

#[test]
fn what_is_missing_is_found_by_its_names_in_every_view() {
    let (fills, shows) = ("Fetch what is missing", "Go to Coverage");
    for view in ViewId::all() {
        let has_key = [ViewId::Overview, ViewId::Bars, ViewId::Coverage].contains(&view);
        for word in ["backfill", "gaps", "holes"] {
            let (palette, help) = (found(view, ":", word), found(view, "?", word));
            assert!(
                palette.contains(fills) && palette.contains(shows),
                "{view:?} {word}: {palette}"
            );
            assert_eq!(help.contains(fills), has_key, "{view:?} {word}: {help}");
            assert!(help.contains(shows), "{view:?} {word}: {help}");
        }
        for opens in [":", "?"] {
            let lines = found(view, opens, "coverage");
            assert!(lines.contains(shows), "{view:?} {opens}: {lines}");
        }
    }
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
