//! The example files, and what `config` shows of the settings.

use pipeline_tui::config::{self, Inputs, Secrecy, Setting, Settings, Table};
use pipeline_tui::model::{Interval, SeriesKey};
use pipeline_tui::pipeline::sources;

const TOML: &str = include_str!("../../config/pipeline.example.toml");
const DOTENV: &str = include_str!("../../.env.example");

/// The settings of a configuration file; each `*_file` in it names a file with a secret.
fn of_file(toml: &str) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let inputs = Inputs::isolated(folder.path(), sources::SETTINGS);
    std::fs::create_dir_all(&inputs.folders.config).unwrap();
    std::fs::write(inputs.folders.config.join("config.toml"), toml).unwrap();
    for name in ["api_key", "key_id", "secret_key", "password"] {
        std::fs::write(folder.path().join(name), format!("{name}-4444")).unwrap();
    }
    let hook = "https://hooks.example.com/4444";
    std::fs::write(folder.path().join("webhook"), hook).unwrap();
    assert_eq!(config::check(&inputs), []);
    config::load(&inputs).unwrap()
}

fn settings() -> impl Iterator<Item = &'static Setting> {
    Table::new(sources::SETTINGS).settings()
}

#[test]
fn overruled_days_are_shown_with_their_lines_and_hold_for_each_series() {
    let settings =
        of_file("[calendars.XNYS]\nclosed = ['2027-03-02']\nearly = { '2027-07-02' = '13:00' }\n");
    let shown: Vec<_> = settings
        .report
        .iter()
        .filter(|row| row.name.starts_with("calendars."))
        .map(|row| (row.name.as_ref(), row.value.as_str(), row.source.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("calendars.XNYS.closed", "2027-03-02", "config.toml line 2"),
            (
                "calendars.XNYS.early",
                "2027-07-02 13:00",
                "config.toml line 3"
            ),
        ]
    );
    let session = |symbol: &str, date: &str| {
        let series = SeriesKey::raw(symbol.parse().unwrap(), Interval::Daily);
        let calendar = settings.calendars.of(&series);
        calendar.session(date.parse().unwrap())
    };
    assert_eq!(session("IBM", "2027-03-02"), None);
    assert!(session("IBM", "2027-07-02").unwrap().early);
    assert!(session("TSCO.LON", "2027-03-02").is_some());
    assert!(!session("TSCO.LON", "2027-07-02").unwrap().early);
}

#[test]
fn the_example_file_names_every_key_once_and_loads() {
    let uncommented: Vec<&str> = TOML
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(option) if !option.is_empty() && !option.starts_with(' ') => option,
            _ => line,
        })
        .collect();
    let mut named = vec![];
    // Twins exclude each other, so they are tried in turn.
    for with_files in [false, true] {
        let text: Vec<_> = uncommented
            .iter()
            .copied()
            .filter(|line| {
                let is_file = line.contains("_file = ");
                let secrets = ["key = ", "key_id = ", "password = ", "webhook = "];
                let is_value = secrets.iter().any(|name| line.contains(name));
                if with_files { !is_value } else { !is_file }
            })
            .map(|line| match line.split_once("_file = ") {
                Some((name, _)) => format!("{name}_file = '{name}'"),
                None => line.to_owned(),
            })
            .collect();
        let found = of_file(&text.join("\n"));
        let defaults = of_file("");
        assert_eq!(found.defaults, defaults.defaults);
        assert_eq!(found.sources, defaults.sources);
        assert_eq!(found.answers_limit, defaults.answers_limit);
        assert_eq!(found.usual.plan, defaults.usual.plan);
        assert_eq!(found.usual.addresses, defaults.usual.addresses);
        let of_file = found.report.into_iter();
        let of_file = of_file.filter(|row| row.source.starts_with("config.toml line"));
        named.extend(of_file.filter_map(|row| row.toml_key));
    }
    for key in settings().filter_map(|setting| setting.key) {
        assert!(named.contains(&key), "{key}");
    }
    assert_eq!(of_file(TOML).usual.plan.name, "free");
}

#[test]
fn the_example_environment_names_known_variables_and_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut inputs = Inputs::isolated(folder.path(), sources::SETTINGS);
    let mut named = 0;
    for line in DOTENV.lines() {
        let line = line.strip_prefix('#').unwrap_or(line);
        let Some((name, value)) = line.split_once('=').filter(|(name, _)| !name.contains(' '))
        else {
            continue;
        };
        // Only Compose reads this one.
        if name == "POSTGRES_PUBLISH_PORT" {
            continue;
        }
        let setting = settings().find(|setting| setting.name == name);
        let setting = setting.unwrap_or_else(|| panic!("{name}"));
        let is_open = setting.secrecy == Secrecy::Open;
        assert!(
            is_open || matches!(value, "" | "your_api_key_here"),
            "{name}"
        );
        inputs.environment.insert(name.to_owned(), value.to_owned());
        named += 1;
    }
    assert!(named >= 12, "{named}");
    let settings = config::load(&inputs).unwrap();
    assert_eq!(settings.warnings, Vec::<String>::new());
    assert!(!settings.usual.key.is_own);
}

#[test]
fn the_first_source_is_the_one_where_none_is_named() {
    assert!(sources::SETTINGS.first().unwrap().id.is_default());
}
