//! The rules of the configuration, from files and variables to settings.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use percent_encoding::percent_decode_str;
use url::Url;

use super::table::Table;
use super::*;
use crate::model::{Instrument, Interval, Symbol};
use rows::SOURCES;

mod panel;
pub(crate) mod rows;
mod secret_files;
mod sources;
mod watch;

/// A temporary folder, and inputs that know nothing else.
struct Place {
    dir: TempDir,
    inputs: Inputs,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let inputs = Inputs::isolated(dir.path(), SOURCES);
        Self { dir, inputs }
    }

    fn var(mut self, name: &str, value: &str) -> Self {
        self.inputs
            .environment
            .insert(name.to_owned(), value.to_owned());
        self
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        mode(&path, 0o600);
        self
    }

    fn dotenv(self, text: &str) -> Self {
        self.file(".env", text)
    }

    fn toml(self, text: &str) -> Self {
        self.file("config/config.toml", text)
    }

    fn load(&self) -> Settings {
        load(&self.inputs).unwrap_or_else(|error| panic!("{error}"))
    }

    fn error(&self) -> String {
        load(&self.inputs).unwrap_err().to_string()
    }

    fn row(&self, name: &str) -> (String, String) {
        let rows = self.load().report;
        let row = rows.into_iter().find(|row| row.name == name).unwrap();
        (row.value, row.source)
    }
}

#[cfg(unix)]
fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn mode(_path: &Path, _mode: u32) {}

fn names(symbols: &[Instrument]) -> Vec<&str> {
    let symbols = symbols.iter().map(|instrument| &instrument.symbol);
    symbols.map(Symbol::as_str).collect()
}

/// The key of the usual source.
fn key_of(settings: &Settings) -> &str {
    settings.usual.key.values.first().unwrap().expose()
}

#[test]
fn nothing_set_gives_the_defaults() {
    let place = Place::new();
    let settings = place.load();
    assert!(!settings.usual.key.is_own);
    assert_eq!(key_of(&settings), "demo");
    assert_eq!(
        settings.usual.addresses.first().unwrap().as_str(),
        "https://first.example/query"
    );
    assert_eq!(settings.usual.plan.name, "free");
    let path = place.dir.path().join("data/pipeline.db");
    assert_eq!(settings.database, Database::Sqlite { path });
    assert_eq!((settings.symbols, settings.interval), (None, None));
    assert_eq!(
        names(&settings.defaults.symbols),
        ["IBM", "AAPL", "MSFT", "GOOGL"]
    );
    assert_eq!(settings.defaults.interval, Interval::Daily);
    assert_eq!(settings.answers_limit, 256 << 20);
    assert_eq!(settings.config_file, default_config_path(&place.inputs));
    assert_eq!(settings.warnings, Vec::<String>::new());
    assert_eq!(check(&place.inputs), []);
}

#[test]
fn each_layer_wins_over_those_below_it() {
    let toml = "[sources.first]\napi_key = 'key-in-toml'\n";
    let mut place = Place::new().toml(toml);
    assert_eq!(key_of(&place.load()), "key-in-toml");
    assert_eq!(
        place.row("FIRST_API_KEY"),
        ("***".into(), "config.toml line 2".into())
    );
    place = place.dotenv("\u{feff}# mine\r\n\r\nexport FIRST_API_KEY=\"key-in-dotenv\"\r\n");
    assert_eq!(key_of(&place.load()), "key-in-dotenv");
    assert_eq!(place.row("FIRST_API_KEY").1, ".env line 3");
    place = place.var("FIRST_API_KEY", "key-in-environment");
    assert_eq!(key_of(&place.load()), "key-in-environment");
    assert_eq!(place.row("FIRST_API_KEY").1, "environment");
    place.inputs.flags.api_key = vec!["key-in-flag".into()];
    assert_eq!(key_of(&place.load()), "key-in-flag");
    assert_eq!(place.row("FIRST_API_KEY").1, "flag --api-key");
    let warnings = place.load().warnings;
    assert!(
        warnings.len() == 1 && warnings[0].contains("use --api-key-file"),
        "{warnings:?}"
    );
}

#[test]
fn an_empty_variable_is_unset_and_the_placeholder_is_demo() {
    let place = Place::new()
        .dotenv("FIRST_API_KEY=key-below\n")
        .var("FIRST_API_KEY", "");
    assert_eq!(key_of(&place.load()), "key-below");
    for value in ["your_api_key_here", "demo"] {
        let place = Place::new().var("FIRST_API_KEY", value);
        assert!(!place.load().usual.key.is_own);
        assert_eq!(place.row("FIRST_API_KEY").0, "demo");
    }
}

#[test]
fn twins_exclude_each_other_within_a_layer_only() {
    let place = Place::new()
        .file("key", "key-in-file\r\n")
        .var("FIRST_API_KEY_FILE", "key");
    assert_eq!(key_of(&place.load()), "key-in-file");
    assert_eq!(
        place.row("FIRST_API_KEY"),
        ("***".into(), "FIRST_API_KEY_FILE, environment".into())
    );
    let place = place.dotenv("FIRST_API_KEY=key-below");
    assert_eq!(key_of(&place.load()), "key-in-file");
    let place = place.var("FIRST_API_KEY", "canary-twin");
    let error = place.error();
    assert!(error.contains("FIRST_API_KEY_FILE are both set"), "{error}");
    assert!(!error.contains("canary"), "{error}");
    let toml = "[database]\npassword = 'canary-a'\npassword_file = 'x'\n";
    let error = Place::new().toml(toml).error();
    assert!(
        error.contains("config.toml:2: database.password: "),
        "{error}"
    );
}

#[test]
fn a_secret_file_must_hold_something_and_loses_its_last_newline_only() {
    let place = Place::new()
        .file("pw", " two words \n")
        .var("POSTGRES_HOST", "db")
        .var("POSTGRES_PASSWORD_FILE", "pw");
    let Database::Postgres(server) = place.load().database else {
        panic!("not a server")
    };
    assert!(server.url.expose().contains(":%20two%20words%20@db:5432/"));
    for (name, text, reason) in [
        ("none", None, "no such file"),
        ("empty", Some("\n"), "it is empty"),
        (".", None, "a folder"),
    ] {
        let mut place = Place::new().var("FIRST_API_KEY_FILE", name);
        if let Some(text) = text {
            place = place.file(name, text);
        }
        let error = place.error();
        assert!(
            error.starts_with("FIRST_API_KEY_FILE: ") && error.contains(reason),
            "{error}"
        );
    }
}

/// Each place has one problem; its text contains both parts and no secret.
fn assert_problems(cases: impl IntoIterator<Item = (Place, [&'static str; 2])>) {
    for (place, parts) in cases {
        let error = place.error();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        let shown = format!("{error} {:?}", load(&place.inputs));
        assert!(
            !shown.contains("canary") && !shown.contains(char::is_control),
            "{shown}"
        );
        assert_eq!(check(&place.inputs).len(), 1, "{:?}", check(&place.inputs));
    }
}

#[test]
fn a_problem_in_a_file_names_its_line_and_the_way_out() {
    let folder = Place::new();
    fs::create_dir(folder.dir.path().join(".env")).unwrap();
    assert_problems([
        (
            Place::new().var("FIRST_PLAN", "gold\u{1b}[2J"),
            ["FIRST_PLAN: gold\\u{1b}", "use free"],
        ),
        (
            Place::new().dotenv("\nFIRST_PLAN=gold"),
            [".env:2: FIRST_PLAN: ", "use free"],
        ),
        (
            Place::new().toml("interval = 'daily'\n[sources.first]\nplam = 75"),
            [
                "config.toml:3: sources.first.plam: ",
                "did you mean sources.first.plan?",
            ],
        ),
        (
            Place::new().toml("[database]\nport = true"),
            ["config.toml:2: database.port: ", "whole number"],
        ),
        (
            Place::new().toml("[store]\nanswers_limit = 'much'"),
            ["config.toml:2: store.answers_limit: ", "256MiB"],
        ),
        (
            Place::new().dotenv("\n\nPOSTGRES_PASSWORD='canary"),
            [".env:3: POSTGRES_PASSWORD: ", "never closed"],
        ),
        (folder, [".env: cannot be read", "a folder"]),
        (
            Place::new().var("PIPELINE_CONFIG", "none.toml"),
            ["PIPELINE_CONFIG: cannot read", "no such file"],
        ),
    ]);
}

#[test]
fn a_problem_in_a_variable_names_it_and_the_way_out() {
    assert_problems([
        (
            Place::new().var("FIRST_BASE_URL", "http://far.example/query"),
            ["FIRST_BASE_URL: ", "FIRST_ALLOW_HTTP=1"],
        ),
        (
            Place::new().var("FIRST_BASE_URL", "https://canary:canary@far.example/"),
            ["FIRST_BASE_URL: ", "before the @"],
        ),
        (
            Place::new().var("FIRST_ALLOW_HTTP", "maybe"),
            ["FIRST_ALLOW_HTTP: ", "must be 1 or 0"],
        ),
        (
            Place::new().var("FIRST_API_KEY", "canary canary"),
            ["FIRST_API_KEY: ", "copy it again"],
        ),
        (
            Place::new().var("DATABASE_URL", "mysql://u:canary@h/d"),
            ["DATABASE_URL: ", "must begin with postgres://"],
        ),
        (
            Place::new().var("DATABASE_URL", "postgres://u:canary/x@h/d"),
            ["DATABASE_URL: ", "POSTGRES_PASSWORD instead"],
        ),
        (
            Place::new().var("DATABASE_URL", "sqlite::memory:"),
            ["DATABASE_URL: ", "lose every bar"],
        ),
        (
            Place::new().var("POSTGRES_HOST", "db:5432"),
            ["POSTGRES_HOST: ", "the port in POSTGRES_PORT"],
        ),
        (
            Place::new()
                .var("POSTGRES_HOST", "db")
                .var("POSTGRES_PORT", "tcp://10.0.0.1:5432"),
            ["POSTGRES_PORT: ", "5432"],
        ),
        (
            Place::new()
                .var("POSTGRES_HOST", "db")
                .var("POSTGRES_SSLMODE", "on"),
            ["POSTGRES_SSLMODE: ", "verify-full"],
        ),
        (
            Place::new().var("PIPELINE_SYMBOLS", "IBM,,MSFT"),
            ["PIPELINE_SYMBOLS: ", "a symbol is empty"],
        ),
        (
            Place::new().var("PIPELINE_INTERVAL", "7min"),
            ["PIPELINE_INTERVAL: ", "use 1min"],
        ),
        (
            Place::new().var("POSTGRES_PASSWORD", "canary\u{fffd}"),
            ["POSTGRES_PASSWORD: ", "UTF-8"],
        ),
    ]);
}

#[test]
fn check_tells_all_problems_at_once() {
    let place = Place::new()
        .dotenv("what\nFIRST_PLAN=gold\n")
        .toml("colour = 1\nport = 2\n")
        .var("PIPELINE_INTERVAL", "7min")
        .var("DATABASE_URL", "x");
    assert_eq!(check(&place.inputs).len(), 6, "{:?}", check(&place.inputs));
}

#[test]
fn the_database_is_a_url_or_its_pieces() {
    let place = Place::new().var("DATABASE_URL", "sqlite://bars/mine.db");
    let path = place.dir.path().join("bars/mine.db");
    assert_eq!(place.load().database, Database::Sqlite { path });

    let password = "p@s/s:w%r d#?";
    let place = Place::new()
        .var("POSTGRES_HOST", "db.example.com")
        .var("POSTGRES_PASSWORD", password);
    let Database::Postgres(Server {
        url,
        shown,
        sslmode,
        ..
    }) = place.load().database
    else {
        panic!("not a server")
    };
    assert_eq!(shown, "postgres://postgres@db.example.com:5432/stock_data");
    assert_eq!(sslmode, SslMode::VerifyFull);
    let parsed = url::Url::parse(url.expose()).unwrap();
    assert_eq!(parsed.host_str(), Some("db.example.com"));
    let spelled = parsed.password().unwrap();
    let decoded = percent_decode_str(spelled).decode_utf8().unwrap();
    assert_eq!(decoded, password);
    for form in [password, spelled, url.expose()] {
        assert_eq!(secret::redact(form), "***");
    }

    let place = place.var("POSTGRES_SSLMODE", "require").var(
        "DATABASE_URL",
        "postgres://me:other-pw@far.example.com/x?sslmode=disable",
    );
    assert_eq!(
        place.row("POSTGRES_SSLMODE"),
        ("disable".into(), "environment".into())
    );
    assert_eq!(
        place.row("DATABASE_URL").0,
        "postgres://me@far.example.com:5432/x"
    );
}

#[test]
fn symbols_of_a_variable_are_for_this_process_and_those_of_the_file_fill_the_list() {
    let place = Place::new()
        .toml("symbols = ['TSLA', 'TSLA', 'BRK-B']\ninterval = 'weekly'\n")
        .var("PIPELINE_SYMBOLS", "MSFT, IBM,MSFT")
        .var("PIPELINE_INTERVAL", "daily");
    let settings = place.load();
    assert_eq!(names(&settings.symbols.unwrap()), ["MSFT", "IBM"]);
    assert_eq!(settings.interval, Some(Interval::Daily));
    assert_eq!(names(&settings.defaults.symbols), ["TSLA", "BRK-B"]);
    assert_eq!(settings.defaults.interval, Interval::Weekly);
}

#[test]
fn other_places_for_the_file_and_the_data() {
    let place = Place::new()
        .file("mine.toml", "[sources.first]\nplan = 75\n")
        .dotenv("PIPELINE_CONFIG=mine.toml\nNO_COLOR=1\nRUST_LOG=trace\n")
        .var("PIPELINE_DATA_DIR", "elsewhere");
    let settings = place.load();
    assert_eq!(settings.usual.plan.name, "75");
    assert_eq!(settings.data_dir, place.dir.path().join("elsewhere"));
    assert_eq!(place.row("FIRST_PLAN").1, "mine.toml line 2");
    // These two are read from the environment only.
    assert_eq!((settings.no_color, settings.rust_log), (false, None));
    let settings = place.var("NO_COLOR", "1").var("RUST_LOG", "trace").load();
    assert_eq!(
        (settings.no_color, settings.rust_log.as_deref()),
        (true, Some("trace"))
    );
}

#[test]
fn a_typo_in_a_variable_of_ours_is_told() {
    let place = Place::new()
        .dotenv("OTHER=1\nFIRST_APIKEY=canary-typo\n")
        .var("PIPELINE_SYMBOL", "IBM");
    let warnings = place.load().warnings.join("\n");
    assert!(warnings.contains("(in .env line 2); did you mean FIRST_API_KEY?"));
    assert!(warnings.contains("did you mean PIPELINE_SYMBOLS?"));
    assert!(!warnings.contains("canary") && !warnings.contains("OTHER"));
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_may_read_is_told() {
    for (place, wide) in [
        (Place::new().dotenv("FIRST_API_KEY=abcd-1111"), ".env"),
        (
            Place::new().toml("[database]\nurl = 'postgres://u:abcd-2@h/d'"),
            "config/config.toml",
        ),
        (
            Place::new()
                .file("key", "abcd-3333")
                .var("FIRST_API_KEY_FILE", "key"),
            "key",
        ),
    ] {
        assert_eq!(place.load().warnings, Vec::<String>::new());
        mode(&place.dir.path().join(wide), 0o640);
        let warnings = place.load().warnings;
        assert!(
            warnings.len() == 1 && warnings[0].contains("chmod 600") && warnings[0].contains(wide),
            "{warnings:?}"
        );
    }
    // Nothing in it is secret.
    let place = Place::new().dotenv("FIRST_API_KEY=your_api_key_here\nPIPELINE_SYMBOLS=A");
    mode(&place.dir.path().join(".env"), 0o644);
    assert_eq!(place.load().warnings, Vec::<String>::new());
}

#[test]
fn a_password_on_the_command_line_works_and_is_told() {
    let mut place = Place::new();
    place.inputs.flags.database_url = Some("postgres://u:seen-by-ps@h/d".into());
    let warnings = place.load().warnings;
    assert!(
        warnings.len() == 1 && warnings[0].contains("--database-url"),
        "{warnings:?}"
    );
    place.inputs.flags.database_url = Some("postgres://u@h/d".into());
    assert_eq!(place.load().warnings, Vec::<String>::new());
}

#[test]
fn no_secret_is_ever_printed() {
    let mut place = Place::new()
        .dotenv("POSTGRES_PASSWORD=canary-dotenv\nPOSTGRES_HOST=db\n")
        .toml("[database]\nurl = 'postgres://u:canary%2Dtoml@h/d?password=canary-query'\n")
        .var("FIRST_API_KEY", "canary-environment");
    place.inputs.flags.api_key = vec!["canary-flag".into()];
    let shown = format!("{:?} {:?}", place.inputs, load(&place.inputs).unwrap());
    assert!(!shown.contains("canary"), "{shown}");
    for secret in [
        "canary-dotenv",
        "canary-toml",
        "canary%2Dtoml",
        "canary-query",
        "canary-environment",
        "canary-flag",
    ] {
        assert_eq!(secret::redact(secret), "***", "{secret}");
    }
}

/// Also run by the next test, in a process whose environment is hostile.
#[test]
fn settings_come_from_inputs_alone() {
    let settings = Place::new().load();
    assert!(!settings.usual.key.is_own);
    assert_eq!(settings.usual.plan.name, "free");
    assert!(matches!(settings.database, Database::Sqlite { .. }));
    assert_eq!((settings.symbols, settings.rust_log), (None, None));
    assert!(!settings.no_color);
}

#[test]
fn load_is_deaf_to_the_environment_of_the_process() {
    let place = Place::new()
        .dotenv("FIRST_API_KEY=not-asked\nFIRST_PLAN=gold\n")
        .file("home/.config/pipeline-tui/config.toml", "broken");
    let home = place.dir.path().join("home");
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "config::tests::settings_come_from_inputs_alone"])
        .current_dir(place.dir.path())
        .env("HOME", &home)
        .env("XDG_CONFIG_HOME", home.join(".config"));
    for setting in Table::new(SOURCES).settings() {
        child.env(setting.name, "hostile");
    }
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}
