//! Changes of the watch list: many at once, and undone.

use super::tasks::carry_through;
use super::*;
use crate::ui::keymap::tasks::Step;

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
        "undone: IBM daily is back on the watch list; 1 more change can be undone"
    );
    let effects = press(&mut app, "u");
    assert!(matches!(
        sent(&effects).as_slice(),
        [Command::EditList(WatchEdit::PutBack { put, .. })] if put[0].0 == 1
    ));
    assert_eq!(press(&mut app, "u"), []);
}

#[test]
fn a_removed_series_says_what_filled_its_gaps_and_stays() {
    let mut app = app();
    let mut snapshot = sample::normal();
    let mut series = snapshot.series.to_vec();
    let other = SourceId::known("other");
    let mut filling = series[1].clone();
    filling.key = filling.key.at(&other);
    filling.declared.fills = Some(series[1].key.source.clone());
    series.push(filling);
    snapshot.series = series.into();
    app.observe(Arc::new(snapshot));
    press(&mut app, "down x y");
    let said = &app.messages.current(sample::now()).unwrap().text;
    assert_eq!(
        said,
        "AAPL daily removed; other:AAPL daily filled its gaps and stays; u undoes this"
    );
}

#[test]
fn a_renamed_symbol_is_followed_by_one_key_and_undone_by_one() {
    let mut app = app();
    let mut snapshot = sample::normal();
    let mut series = snapshot.series.to_vec();
    let renamed = crate::model::NameChange {
        from: series[0].key.symbol.clone(),
        to: "META".parse().unwrap(),
        date: "2022-06-09".parse().unwrap(),
    };
    let [before, _] = renamed.listings();
    series[0].listing = Some(before.into());
    snapshot.series = series.into();
    app.observe(Arc::new(snapshot));
    let effects = press(&mut app, ".");
    let [ibm, meta] = ["IBM", "META"].map(|symbol| sample::series(symbol, Interval::Daily));
    let pairs = vec![(ibm.clone(), meta.clone())];
    assert_eq!(
        sent(&effects),
        [&Command::EditList(WatchEdit::Replace(pairs))]
    );
    let undone = WatchEdit::PutBack {
        remove: vec![meta],
        put: vec![(0, ibm)],
    };
    assert_eq!(sent(&press(&mut app, "u")), [&Command::EditList(undone)]);
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
    series.push(crate::pipeline::snapshot::WatchedSeries {
        key: tsla.clone(),
        ..series[3].clone()
    });
    snapshot.series = series.into();
    app.observe(Arc::new(snapshot));
    assert_eq!(app.views.overview.selected, Some(tsla));
    assert_eq!(app.views.overview.filter, "", "a filter would hide it");
}

#[test]
fn a_pasted_list_is_counted_first_and_added_as_a_whole() {
    let mut app = app();
    press(&mut app, "a");
    let list: Vec<String> = (0..300).map(|number| format!("S{number}")).collect();
    assert_eq!(
        app.paste(&format!("{}\nIBM\n", list.join("\n")), sample::now()),
        []
    );
    let Some(Overlay::Confirm(confirm)) = &app.overlay else {
        panic!("no question");
    };
    assert_eq!(confirm.question, "Add 300 series to the watch list?");
    assert!(
        confirm
            .detail
            .contains("S2 daily and 297 more. 1 more is already on it")
            && confirm.detail.contains("300 requests")
    );
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
fn a_file_of_series_is_counted_first_and_a_wrong_line_adds_nothing() {
    let mut app = app();
    let done = |app: &mut App, bytes: &[u8]| {
        let outcome = EffectOutcome::Imported("mine.csv".into(), bytes.to_vec());
        app.done(outcome, sample::now());
    };
    done(&mut app, b"symbol,interval\r\nTSLA,5min\r\nIBM,daily\r\n");
    let effects = press(&mut app, "y");
    assert!(matches!(
        sent(&effects).as_slice(),
        [Command::EditList(WatchEdit::Add(series))] if series[0].to_string() == "TSLA 5min" && series.len() == 1
    ));
    for (bytes, say) in [
        (&b"TSLA,5min\nNVDA,hourly\nX,y\n"[..], "line 2"),
        (b"\xff\xfeT\0S\0", "UTF-16"),
        (b"IBM daily\n", "already on the watch list"),
        (b"\n# none\n", "it names no series"),
    ] {
        done(&mut app, bytes);
        assert!(app.overlay.is_none());
        let said = &app.messages.current(sample::now()).unwrap().text;
        assert!(
            said.starts_with("mine.csv: nothing was added: ") && said.contains(say),
            "{said}"
        );
    }
}
