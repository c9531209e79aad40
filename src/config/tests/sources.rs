//! What follows from the rows that a source declares.

use super::rows::{FIRST, SECOND};
use super::*;
use crate::model::SourceId;

fn second(settings: &Settings) -> &SourceAccess {
    settings.others.first().unwrap()
}

fn pair() -> Place {
    Place::new()
        .var("SECOND_KEY_ID", "canary-id-5521")
        .var("SECOND_SECRET_KEY", "canary-secret-5521")
}

#[test]
fn names_and_keys_are_unique_and_everything_is_explained() {
    let all: Vec<_> = Table::new(SOURCES).settings().collect();
    for (at, one) in all.iter().enumerate() {
        assert!(!one.help.is_empty(), "{}", one.name);
        for other in &all[at + 1..] {
            assert_ne!(one.name, other.name);
            assert!(one.key.is_none() || one.key != other.key, "{:?}", one.key);
        }
    }
    let table = Table::new(SOURCES);
    assert!(table.by_variable("store.answers_limit").is_none());
    assert!(table.by_key("store.answers_limit").is_some());
    let (plan, key) = table.by_key("first.plan").unwrap();
    assert_eq!((plan.name, key), ("FIRST_PLAN", "first.plan"));
}

#[test]
fn a_key_may_be_several_values_each_of_them_secret() {
    let place = pair();
    let settings = place.load();
    let access = second(&settings);
    let values: Vec<_> = access.key.values.iter().map(Secret::expose).collect();
    assert_eq!(values, ["canary-id-5521", "canary-secret-5521"]);
    assert!(access.key.is_own);
    let shown = format!("{settings:?} {:?}", place.inputs);
    assert!(!shown.contains("canary"), "{shown}");
    for name in ["SECOND_KEY_ID", "SECOND_SECRET_KEY"] {
        assert_eq!(place.row(name), ("***".into(), "environment".into()));
    }
    for value in ["canary-id-5521", "canary-secret-5521"] {
        assert_eq!(secret::redact(value), "***");
    }

    let without = Place::new().load();
    assert_eq!(second(&without).key.values, []);
    assert!(!second(&without).key.is_own);
    assert_eq!(
        Place::new().row("SECOND_KEY_ID"),
        (String::new(), "default".into())
    );
    let half = Place::new().var("SECOND_KEY_ID", "canary-id-5521");
    assert_problems([(half, ["SECOND_SECRET_KEY: is missing", "set all of it"])]);
}

#[test]
fn the_second_sources_addresses_and_plan_follow_from_its_rows() {
    let place = Place::new().var("SECOND_TRADING_URL", "http://127.0.0.1:9/x");
    let settings = place.load();
    let access = second(&settings);
    let addresses: Vec<_> = access.addresses.iter().map(Url::as_str).collect();
    assert_eq!(
        addresses,
        ["https://data.second.example/", "http://127.0.0.1:9/x"]
    );
    assert_eq!(
        (access.plan.name, access.plan.quota.per_day()),
        ("basic", None)
    );
    assert_eq!(place.row("SECOND_TRADING_URL").0, "http://127.0.0.1:9/x");
    assert_problems([
        (
            Place::new().var("SECOND_BASE_URL", "http://far.example/"),
            ["SECOND_BASE_URL: ", "SECOND_ALLOW_HTTP=1"],
        ),
        (
            Place::new().toml("[sources.second]\nkeyid = 'canary'"),
            [
                "config.toml:2: sources.second.keyid: ",
                "did you mean sources.second.key_id?",
            ],
        ),
        (
            Place::new().toml("[sources.secnd]\nkey_id = 'canary'"),
            [
                "config.toml:1: sources.secnd: ",
                "did you mean sources.second?",
            ],
        ),
        (
            Place::new().toml("[sources.of_tomorrow]\nkey = 'canary'"),
            [
                "sources.of_tomorrow: ",
                "this version does not know the source of_tomorrow",
            ],
        ),
    ]);
    let typo = Place::new().var("SECOND_KEY_IDS", "canary").load().warnings;
    assert!(typo[0].contains("did you mean SECOND_KEY_ID?"), "{typo:?}");
}

#[test]
fn a_section_of_earlier_versions_is_still_read() {
    let place = Place::new().toml("[first]\nplan = 75\napi_key = 'key-of-before'\n");
    let settings = place.load();
    assert_eq!(settings.usual.plan.name, "75");
    assert_eq!(key_of(&settings), "key-of-before");
    assert_eq!(
        place.row("FIRST_PLAN"),
        ("75".into(), "config.toml line 2".into())
    );
    assert_problems([(
        Place::new().toml("[first]\nplan = 7\n"),
        ["config.toml:2: first.plan: ", "use free, 75 or unlimited"],
    )]);
}

#[test]
fn a_setting_under_both_keys_is_an_error_that_says_which_to_remove() {
    let (today, former) = ("[sources.first]\nplan = 75\n", "[first]\nplan = 'free'\n");
    for (text, line) in [
        (format!("{former}{today}"), 2),
        (format!("{today}{former}"), 4),
    ] {
        let place = Place::new().toml(&text);
        let error = place.error();
        let expected = format!(
            "config.toml:{line}: first.plan: sources.first.plan is set too; remove this one"
        );
        assert!(error.ends_with(&expected), "{error}");
        let (settings, problems) = load_leniently(&place.inputs).unwrap();
        assert_eq!(
            (settings.usual.plan.name, problems.len()),
            ("75", 1),
            "today's key wins"
        );
    }
}

#[test]
fn each_source_has_a_file_for_its_saved_key() {
    let place = Place::new();
    let file = default_config_path(&place.inputs);
    let pair = ["saved-id-12", "saved-secret-12"].map(Secret::new);
    let path = save_key(&file, &SECOND, &pair).unwrap();
    assert_eq!(path, file.with_file_name("second.key"));
    save_key(&file, &FIRST, &[Secret::new("saved-key-12")]).unwrap();
    let settings = place.load();
    assert_eq!(second(&settings).key.values, pair);
    assert_eq!(second(&settings).saved_key, Some(path.clone()));
    assert_eq!(key_of(&settings), "saved-key-12");
    assert!(
        place
            .row("SECOND_SECRET_KEY")
            .1
            .ends_with("config/second.key")
    );

    fs::write(&path, "saved-id-12\n").unwrap();
    let warnings = place.load().warnings;
    assert!(
        warnings[0].contains("1 lines, but the key has 2 values"),
        "{warnings:?}"
    );
}

#[test]
fn the_file_of_earlier_versions_is_read_until_a_key_is_saved() {
    let place = Place::new().file("config/api_key", "key-of-before\n");
    let file = default_config_path(&place.inputs);
    assert_eq!(key_of(&place.load()), "key-of-before");
    save_key(&file, &FIRST, &[Secret::new("key-of-today")]).unwrap();
    assert_eq!(key_of(&place.load()), "key-of-today");
    assert!(!file.with_file_name("api_key").exists());
}

#[test]
fn the_source_of_symbols_that_name_none_is_a_setting() {
    let place = Place::new().toml("symbols = ['ibm', 'first:MSFT', 'first:FRA:IQQE']\n");
    let names = |place: &Place| {
        let symbols = place.load().defaults.symbols;
        let names = symbols.iter().map(ToString::to_string);
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&place), "first:IBM first:MSFT first:FRA:IQQE");
    assert_eq!(
        place.row("PIPELINE_SOURCE"),
        ("first".into(), "default".into())
    );
    let place = place.var("PIPELINE_SOURCE", "second");
    assert_eq!(names(&place), "second:IBM first:MSFT first:FRA:IQQE");
    let settings = place.load();
    assert_eq!(settings.usual.settings.words.name, "Second");
    assert_eq!(settings.others[0].settings.words.name, "First");
    let preference: Vec<_> = ["second", "first"].map(SourceId::known).to_vec();
    assert_eq!(settings.preference, Some(preference));
    let mut place = place;
    place.inputs.flags.source = Some("first".into());
    assert_eq!(
        place.row("PIPELINE_SOURCE"),
        ("first".into(), "flag --source".into())
    );
    assert_eq!(place.load().preference, None, "it is for one command");
    assert_problems([
        (
            Place::new().var("PIPELINE_SOURCE", "secnod"),
            [
                "PIPELINE_SOURCE: this version does not know the source secnod",
                "did you mean second?",
            ],
        ),
        (
            Place::new().toml("source = 'elsewhere'"),
            ["config.toml:1: source: ", "use first or second"],
        ),
    ]);
}

#[test]
fn the_panel_starts_with_the_first_source_where_the_file_names_an_unknown_one() {
    let place = Place::new().toml("source = 'of_tomorrow'\nsymbols = ['ibm']\n");
    let (settings, problems) = load_leniently(&place.inputs).unwrap();
    assert_eq!(settings.sources.usual.as_str(), "first");
    assert_eq!(names(&settings.defaults.symbols), ["IBM"]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    let kept = fs::read_to_string(place.dir.path().join("config/config.toml")).unwrap();
    assert!(kept.contains("of_tomorrow"), "the file stays as it is");
}

#[test]
fn one_symbol_in_two_spellings_is_one() {
    let place = Place::new().var("PIPELINE_SYMBOLS", "ibm,IBM,first:Ibm,second:ibm");
    let symbols = place.load().symbols.unwrap();
    let names: Vec<_> = symbols.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["first:IBM", "second:IBM"]);
}

#[test]
fn a_key_is_entered_whole_or_not_at_all() {
    let settings = Place::new().load();
    let read = |source, texts: &[&str]| EnteredKey::read(source, texts);
    let first = read(&FIRST, &["entered-key-1"]).unwrap();
    let rekeyed = settings.clone().rekeyed(&first);
    assert_eq!(
        rekeyed.usual.key,
        Key::own(vec![Secret::new("entered-key-1")])
    );
    assert_eq!(
        second(&rekeyed),
        second(&settings),
        "the other keeps its own"
    );

    let pair = read(&SECOND, &["PKENTERED0001", "entered-secret-1"]).unwrap();
    let rekeyed = rekeyed.rekeyed(&pair);
    let values: Vec<_> = second(&rekeyed)
        .key
        .values
        .iter()
        .map(Secret::expose)
        .collect();
    assert_eq!(values, ["PKENTERED0001", "entered-secret-1"]);
    assert_eq!(key_of(&rekeyed), "entered-key-1");
    assert!(!format!("{pair:?}").contains("ENTERED"));

    for (texts, said) in [
        (
            &["PKENTERED0001"][..],
            "has 2 values; give its values for each, in this order: key ID, secret key",
        ),
        (&["PKENTERED0001", ""], "the secret key is missing"),
        (&["  ", "entered-secret-1"], "the key ID is missing"),
        (
            &["PKENTERED0001", "two words here"],
            "the secret key: a key is 8 to 256",
        ),
        (
            &["PKENTERED0001", "your_api_key_here"],
            "the secret key: that is not a personal key",
        ),
        (
            &["entered-secret-1", "AKENTERED0001"],
            "are swapped: the key ID begins with PK or AK",
        ),
        (&["PKENTERED0001", "PKENTERED0001"], "are the same text"),
    ] {
        let why = read(&SECOND, texts).unwrap_err();
        assert!(why.contains(said), "{why}");
        assert!(
            !texts
                .iter()
                .any(|text| text.len() > 8 && why.contains(text))
                || why.contains("your"),
            "{why}"
        );
    }
    let why = read(&FIRST, &["short"]).unwrap_err();
    assert!(why.starts_with("a key is 8 to 256"), "{why}");
}

#[test]
fn swapped_values_are_refused_wherever_they_are_given() {
    let swapped = Place::new()
        .var("SECOND_KEY_ID", "canary-secret-5521")
        .var("SECOND_SECRET_KEY", "PKCANARY5521");
    assert_problems([(
        swapped,
        ["SECOND_KEY_ID and SECOND_SECRET_KEY: ", "are swapped"],
    )]);
    let place = Place::new();
    let file = default_config_path(&place.inputs);
    let pair = ["saved-secret-12", "PKSAVED0012"].map(Secret::new);
    save_key(&file, &SECOND, &pair).unwrap();
    let settings = place.load();
    assert!(
        settings.warnings[0].contains("are swapped"),
        "{:?}",
        settings.warnings
    );
    assert_eq!(second(&settings).key.values, []);
}

#[test]
fn the_flag_of_a_key_is_that_of_the_named_source_once_for_each_value() {
    let mut place = Place::new();
    place.inputs.flags.source = Some("second".into());
    place.inputs.flags.api_key = vec!["PKCANARYFLAG1".into(), "canary-flag-2".into()];
    let settings = place.load();
    let values: Vec<_> = settings
        .usual
        .key
        .values
        .iter()
        .map(Secret::expose)
        .collect();
    assert_eq!(values, ["PKCANARYFLAG1", "canary-flag-2"]);
    assert_eq!(settings.warnings.len(), 1, "{:?}", settings.warnings);
    assert_eq!(place.row("SECOND_SECRET_KEY").1, "flag --api-key");
    assert!(!settings.others[0].key.is_own, "the other has none");

    place.inputs.flags.source = None;
    let told = [
        "--api-key: the key of First is one value",
        "give --api-key once",
    ];
    place.inputs.flags.api_key = vec!["canary-flag-1".into(), "canary-flag-2".into()];
    assert_problems([(place, told)]);
    let mut half = Place::new().var("PIPELINE_SOURCE", "second");
    half.inputs.flags.api_key = vec!["PKCANARYFLAG1".into()];
    assert_problems([(
        half,
        [
            "--api-key: the key of Second has 2 values",
            "key ID, secret key",
        ],
    )]);

    let place = Place::new()
        .file("id", "PKCANARYFILE1\n")
        .file("secret", "canary-file-2\n");
    let files = ["id", "secret"].map(|name| place.dir.path().join(name));
    let mut place = place.var("PIPELINE_SOURCE", "second");
    place.inputs.flags.api_key_file = files.to_vec();
    let settings = place.load();
    let values: Vec<_> = settings
        .usual
        .key
        .values
        .iter()
        .map(Secret::expose)
        .collect();
    assert_eq!(values, ["PKCANARYFILE1", "canary-file-2"]);
}
