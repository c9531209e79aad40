//! The first start: three ways to begin, one key press each.

use super::*;
use crate::config::tests::rows::SECOND;
use crate::pipeline::snapshot::KeyUse;
use crate::ui::about::AboutSource;
use crate::ui::sample::sources::{KEYLESS, USUAL};

/// The panel of a first start: no key, nothing watched, every source known.
fn first() -> App {
    let mut snapshot = sample::normal();
    snapshot.series = Arc::new([]);
    snapshot.sources[0].key = KeyUse::Public;
    let mut app = App::new(sample::shared(snapshot));
    app.shared.about.is_blank = true;
    app.shared.about.sources = [&USUAL, &SECOND, &KEYLESS]
        .into_iter()
        .map(|settings| AboutSource {
            settings,
            addresses: vec![],
            key_origin: String::new(),
            key_is_set: false,
        })
        .collect();
    let snapshot = app.shared.snapshot.clone().unwrap();
    app.observe(snapshot);
    app
}

fn offered(app: &App) -> String {
    match &app.overlay {
        Some(Overlay::Choose(list)) => {
            let lines = list
                .lines()
                .map(|line| format!("{} {}", line.lead, line.text));
            lines.collect::<Vec<_>>().join("\n")
        }
        other => panic!("{other:?}"),
    }
}

/// What was added to the watch list, and what is fetched at once.
fn begun(effects: &[Effect]) -> (Vec<String>, Vec<String>) {
    let names = |series: &[SeriesKey]| series.iter().map(ToString::to_string).collect();
    let (mut added, mut fetched) = (vec![], vec![]);
    for command in sent(effects) {
        match command {
            Command::EditList(WatchEdit::Add(series)) => added = names(series),
            Command::Fetch(series) => fetched = names(series),
            _ => {}
        }
    }
    (added, fetched)
}

#[test]
fn one_key_brings_real_bars_without_a_key() {
    let mut app = first();
    let said = offered(&app);
    assert!(
        said.contains("1 real bars now, without a key: BTC-USD, ETH-USD of Keyless"),
        "{said}"
    );
    assert!(said.contains("Keyless: no redistribution"), "{said}");
    let effects = press(&mut app, "1");
    let series = ["keyless:BTC-USD 5min", "keyless:ETH-USD 5min"].map(str::to_owned);
    assert_eq!(begun(&effects), (series.to_vec(), series.to_vec()));
    assert!(app.overlay.is_none());
}

#[test]
fn a_key_that_is_pasted_brings_what_its_source_suggests() {
    let mut app = first();
    press(&mut app, "2");
    let Some(Overlay::Prompt(prompt)) = &app.overlay else {
        panic!("{:?}", app.overlay);
    };
    let notes: Vec<String> = prompt
        .suggestions(&app.shared)
        .into_iter()
        .map(|one| format!("{} {}", one.value, one.note))
        .collect();
    let says = |text: &str| notes.iter().any(|note| note.contains(text));
    assert!(
        says("https://www.alphavantage.co/support/#api-key"),
        "{notes:?}"
    );
    assert!(says("second https://"), "{notes:?}");
    assert!(!says("keyless"), "{notes:?}");
    app.paste("alpha_vantage", sample::now());
    press(&mut app, "enter");
    app.paste("CANARYKEY1234567", sample::now());
    let effects = press(&mut app, "enter");
    assert!(
        matches!(sent(&effects)[..], [Command::SetKey(_), ..]),
        "the key comes first"
    );
    let series = ["IBM daily", "AAPL daily", "MSFT daily", "GOOGL daily"].map(str::to_owned);
    assert_eq!(begun(&effects), (series.to_vec(), series.to_vec()));
}

#[test]
fn the_demo_is_one_key_away_and_leaves_this_panel() {
    let mut app = first();
    assert_eq!(press(&mut app, "3"), [Effect::Quit]);
    assert!(app.is_leaving && app.goes_to_demo);
}

#[test]
fn the_ways_are_shown_once_and_only_where_nothing_is_set() {
    let mut app = first();
    press(&mut app, "esc");
    let snapshot = app.shared.snapshot.clone().unwrap();
    app.observe(Arc::clone(&snapshot));
    assert!(app.overlay.is_none(), "Esc was pressed");
    app.act(Action::Ways, sample::now());
    assert!(offered(&app).contains("3 the demo"));

    let mut named = App::new(sample::shared((*snapshot).clone()));
    named.observe(Arc::clone(&snapshot));
    assert!(named.overlay.is_none(), "a key or a symbol is set");
    let mut watched = App::new(sample::shared(sample::normal()));
    watched.shared.about.is_blank = true;
    let normal = watched.shared.snapshot.clone().unwrap();
    watched.observe(normal);
    assert!(watched.overlay.is_none(), "something is watched");
}
