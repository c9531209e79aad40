//! Entering and saving the keys of several sources.

use super::*;
use crate::config::tests::rows::SECOND;
use crate::ui::about::AboutSource;

fn prompt(app: &App) -> &Prompt {
    match &app.overlay {
        Some(Overlay::Prompt(prompt)) => prompt,
        other => panic!("{other:?}"),
    }
}

/// The panel with a second source, whose key is a pair.
fn two_sources() -> App {
    let mut app = app();
    app.shared.about.sources.push(AboutSource {
        settings: &SECOND,
        addresses: vec![],
        key_origin: String::new(),
        key_is_set: false,
    });
    app
}

#[test]
fn a_key_of_two_values_is_asked_for_by_its_fields_and_sent_whole() {
    let mut app = two_sources();
    press(&mut app, "K");
    assert_eq!(
        prompt(&app).input.text(),
        "alpha_vantage",
        "the source of the selected series"
    );
    assert_eq!(prompt(&app).suggestions(&app.shared).len(), 2);
    press(&mut app, "down");
    press(&mut app, "down");
    press(&mut app, "enter");
    assert_eq!(prompt(&app).title(&app.shared), "Second key ID, 1 of 2");
    let hint = prompt(&app).hint(&app.shared, sample::now());
    for said in [
        "Free: 200 requests",
        "Terms: own use only",
        "https://second.example/keys",
    ] {
        assert!(hint.contains(said), "{hint}");
    }
    assert_eq!(press(&mut app, "enter"), [], "nothing was entered");
    assert!(prompt(&app).error.is_some());
    app.paste("PKCANARYKEY00001", sample::now());
    assert_eq!(press(&mut app, "enter"), []);
    assert_eq!(prompt(&app).title(&app.shared), "Second secret key, 2 of 2");
    app.paste("CANARYSECRET00001", sample::now());
    let effects = press(&mut app, "enter");
    let [Command::SetKey(key)] = sent(&effects)[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(key.source, SECOND.id);
    assert_eq!(key.values.len(), 2);
    let shown = format!("{:?} {:?} {:?}", app.messages, effects, app.shared);
    assert!(!shown.contains("CANARY"), "{shown}");
    assert_eq!(
        app.act(Action::SaveKey, sample::now()),
        [Effect::SaveKey(key.clone())]
    );
    app.done(
        EffectOutcome::KeySaved(SECOND.id.clone(), "second.key".into()),
        sample::now(),
    );
    assert!(app.shared.entered.is_empty());
    assert!(
        app.shared.about.sources[1]
            .key_origin
            .contains("second.key")
    );
    assert_eq!(app.shared.about.sources[0].key_origin, ".env line 3");
}

#[test]
fn swapped_values_of_a_key_reach_nobody() {
    let mut app = two_sources();
    press(&mut app, "K");
    app.paste("second", sample::now());
    press(&mut app, "enter");
    app.paste("CANARYSECRET00001", sample::now());
    press(&mut app, "enter");
    app.paste("PKCANARYKEY00001", sample::now());
    assert_eq!(press(&mut app, "enter"), []);
    let said = prompt(&app).error.clone().unwrap();
    assert!(
        said.contains("are swapped") && !said.contains("CANARY"),
        "{said}"
    );
    assert!(app.shared.entered.is_empty());
}
