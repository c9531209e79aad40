//! What concerns the panel: its own settings, a faulty file that it tolerates, and the key it saves.

use super::rows::FIRST;
use super::*;

#[test]
fn the_panels_words_carry_their_lines_and_have_defaults() {
    let ui = Place::new().load().ui;
    assert_eq!(
        (ui.theme.as_str(), ui.theme_line, ui.ascii, ui.mouse),
        ("terminal", None, false, false)
    );
    assert_eq!(
        (ui.time_zone.as_str(), ui.time_zone_line),
        ("exchange", None)
    );
    let place = Place::new().toml(
        "[ui]\ntheme = 'drak'\nascii = true\nmouse = true\ntime_zone = 'utc'\n[keys]\nquit = 'ctrl-q'\n",
    );
    let settings = place.load();
    assert_eq!(
        settings.ui,
        UiSettings {
            theme: "drak".into(),
            theme_line: Some(2),
            ascii: true,
            mouse: true,
            time_zone: "utc".into(),
            time_zone_line: Some(5),
        }
    );
    let quit = KeyBinding {
        action: "quit".into(),
        chords: vec!["ctrl-q".into()],
        line: 7,
    };
    assert_eq!(settings.keys, [quit]);
    assert_eq!(
        place.row("ui.theme"),
        ("drak".into(), "config.toml line 2".into())
    );
}

#[test]
fn the_log_is_kept_unless_the_file_says_otherwise() {
    assert!(Place::new().load().keep_log);
    let off = Place::new().toml("[log]\nkeep = false\n");
    assert!(!off.load().keep_log);
    assert_eq!(off.row("log.keep").0, "false");
    let wrong = Place::new().toml("[log]\nkeep = 'perhaps'\n");
    assert_eq!(check(&wrong.inputs).len(), 1);
}

#[test]
fn ascii_is_what_the_file_says_or_else_the_locale() {
    let without_utf8 = Locale::of(&[("LC_ALL".to_owned(), "C".to_owned())].into());
    for (toml, source) in [
        (None, "LC_ALL=C"),
        (Some(true), "config.toml line 2"),
        (Some(false), "config.toml line 2"),
    ] {
        let mut place = Place::new();
        if let Some(ascii) = toml {
            place = place.toml(&format!("[ui]\nascii = {ascii}\n"));
        }
        assert_eq!(place.load().ui.ascii, toml.unwrap_or(false));
        place.inputs.locale = without_utf8.clone();
        let ascii = toml.unwrap_or(true);
        assert_eq!(place.load().ui.ascii, ascii);
        assert_eq!(
            place.row("ui.ascii"),
            (ascii.to_string(), source.to_owned())
        );
    }
    let silent = Place::new().row("ui.ascii");
    assert_eq!(silent, ("false".to_owned(), "default".to_owned()));
}

#[test]
fn a_faulty_file_is_told_and_the_rest_of_it_counts() {
    let place = Place::new().toml(
        "interval = '7min'\nsymbols = ['IBM']\n[sources.first]\npaln = 75\nplan = 'gold'\napi_key = 12\n\
         [ui]\ntheme = 'dark'\n[keys]\nquit = 1\n",
    );
    let (settings, problems) = load_leniently(&place.inputs).unwrap();
    assert_eq!(names(&settings.defaults.symbols), ["IBM"]);
    assert_eq!(settings.defaults.interval, Interval::Daily);
    assert_eq!(settings.usual.plan.name, "free");
    assert_eq!(settings.ui.theme, "dark");
    let places: Vec<_> = problems.iter().map(ConfigError::place).collect();
    for (key, line) in [
        ("interval", 1),
        ("sources.first.paln", 4),
        ("sources.first.plan", 5),
        ("sources.first.api_key", 6),
        ("keys.quit", 10),
    ] {
        let end = format!("config.toml:{line}: {key}");
        assert!(
            places.iter().any(|place| place.ends_with(&end)),
            "{places:?}"
        );
    }
    assert_eq!(problems.len(), 5);
    let plan = settings.report.iter().find(|row| row.name == "FIRST_PLAN");
    let plan = plan.map(|row| (row.value.as_str(), row.source.as_str()));
    assert_eq!(plan, Some(("free", "default")));
    assert!(load(&place.inputs).is_err(), "elsewhere it is an error");

    let broken = Place::new().toml("[ui\ntheme = 'dark'");
    let (settings, problems) = load_leniently(&broken.inputs).unwrap();
    assert_eq!(
        (settings.ui.theme.as_str(), problems.len()),
        ("terminal", 1)
    );
    let twins = Place::new().toml("[sources.first]\napi_key = 'a-key-1'\napi_key_file = 'none'\n");
    let (settings, problems) = load_leniently(&twins.inputs).unwrap();
    assert!(!settings.usual.key.is_own);
    assert_eq!(problems.len(), 2, "{problems:?}");
    let fine = Place::new().toml("interval = 'daily'\n");
    assert_eq!(load_leniently(&fine.inputs).unwrap(), (fine.load(), vec![]));
}

#[test]
fn a_fault_of_this_start_is_an_error_also_leniently() {
    let faulty = "interval = '7min'\n";
    for place in [
        Place::new().toml(faulty).var("FIRST_PLAN", "gold"),
        Place::new().toml(faulty).dotenv("FIRST_PLAN=gold\n"),
        Place::new()
            .toml(faulty)
            .var("PIPELINE_CONFIG", "none.toml"),
    ] {
        let error = load_leniently(&place.inputs).unwrap_err();
        assert_eq!(error.to_string(), place.error());
    }
}

#[test]
fn a_saved_key_counts_where_no_other_is_configured() {
    let place = Place::new();
    let file = default_config_path(&place.inputs);
    let saved = save_key(&file, &FIRST, &[Secret::new("saved-key-77")]).unwrap();
    assert_eq!(saved, place.dir.path().join("config/first.key"));
    let settings = place.load();
    assert_eq!(key_of(&settings), "saved-key-77");
    assert!(settings.usual.key.is_own);
    assert_eq!(settings.usual.saved_key, Some(saved.clone()));
    assert_eq!(settings.warnings, Vec::<String>::new());
    let (value, source) = place.row("FIRST_API_KEY");
    assert_eq!(value, "***");
    assert!(source.starts_with("saved by the panel in ") && source.ends_with("config/first.key"));

    let place = place.dotenv("FIRST_API_KEY=your_api_key_here\n");
    assert_eq!(key_of(&place.load()), "saved-key-77");
    let place = place.var("FIRST_API_KEY", "demo");
    assert!(!place.load().usual.key.is_own, "demo was requested");
    let place = place.var("FIRST_API_KEY", "key-elsewhere");
    let settings = place.load();
    assert_eq!(key_of(&settings), "key-elsewhere");
    assert_eq!(settings.usual.saved_key, None);
    assert_eq!(place.row("FIRST_API_KEY").1, "environment");
}

#[cfg(unix)]
#[test]
fn a_saved_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let file = default_config_path(&place.inputs);
    let victim = place.dir.path().join("victim");
    fs::write(&victim, "mine").unwrap();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&victim, file.with_file_name("first.key")).unwrap();
    let told = |place: &Place, words: &str| {
        let settings = place.load();
        assert!(!settings.usual.key.is_own);
        let warnings = settings.warnings;
        assert!(
            warnings.len() == 1 && warnings[0].contains(words),
            "{warnings:?}"
        );
    };
    told(&place, "not a plain file");
    let saved = save_key(&file, &FIRST, &[Secret::new("saved-key-78")]).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
    let mode_of = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode_of(&saved), 0o600);
    assert_eq!(key_of(&place.load()), "saved-key-78");
    assert_eq!(
        fs::read_dir(file.parent().unwrap()).unwrap().count(),
        1,
        "nothing temporary is left"
    );
    mode(&saved, 0o640);
    told(&place, "chmod 600");
    mode(&saved, 0o600);
    fs::write(&saved, "two words").unwrap();
    told(&place, "none of them a space");
}
