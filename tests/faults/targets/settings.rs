//! Configuration file, `.env` and variables: mistakes are reported, secrets are not.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use arbitrary::{Result, Unstructured};
use pipeline_tui::config::{self, Inputs, Kind, Secrecy, Setting, Table};
use pipeline_tui::pipeline::sources;

use super::harmless::assert_harmless;
use super::sheet::{rest, short};

/// Part of every secret here; it must appear nowhere.
const CANARY: &str = "CANARY9f2c7b";
/// What surrounds it.
const AROUND: &[&str] = &[
    "", "p@ss", "a b", "#", "'", "\"", "\\", "://", "%40", "?", "\n", "é",
];
/// Values of other settings.
const VALUES: &[&str] = &[
    "demo",
    "75",
    "unlimited",
    "true",
    "maybe",
    "https://www.alphavantage.co/query",
    "http://example.org/",
    "ftp://x",
    "postgres://u@localhost/db",
    "sqlite://bars.db",
    "localhost",
    "[::1]",
    "65536",
    "5432",
    "require",
    "IBM,AAPL",
    "IBM,,\u{1b}[2J",
    "5min",
    "weekly",
    "2GiB",
    "99999999999999999999TiB",
    "dark",
    "exchange",
    "\u{202e}",
    "",
];

/// A folder with a configuration file and a `.env`, and variables.
pub fn settings(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let _ = try_settings(&mut Unstructured::new(data), folder.path());
}

fn try_settings(u: &mut Unstructured<'_>, folder: &Path) -> Result<()> {
    let mut inputs = Inputs::isolated(folder, sources::SETTINGS);
    for _ in 0..u.int_in_range(0..=4)? {
        let setting = one(u)?;
        inputs
            .environment
            .insert(setting.name.to_owned(), value(u, setting)?);
    }
    let mut dotenv = String::new();
    for _ in 0..u.int_in_range(0..=4)? {
        dotenv.push_str(&dotenv_line(u)?);
        dotenv.push('\n');
    }
    let mut toml = String::new();
    for _ in 0..u.int_in_range(0..=5)? {
        toml.push_str(&toml_line(u)?);
        toml.push('\n');
    }
    toml.push_str(&rest(u)?);
    write(&folder.join(".env"), &dotenv);
    fs::create_dir(folder.join("config")).unwrap();
    write(&folder.join("config/config.toml"), &toml);
    judge(&inputs);
    Ok(())
}

fn write(path: &Path, text: &str) {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

fn one(u: &mut Unstructured<'_>) -> Result<&'static Setting> {
    let all: Vec<_> = Table::new(sources::SETTINGS).settings().collect();
    u.choose(&all).copied()
}

fn value(u: &mut Unstructured<'_>, setting: &Setting) -> Result<String> {
    let hidden = format!("{}{CANARY}{}", u.choose(AROUND)?, u.choose(AROUND)?);
    Ok(match setting.name {
        "DATABASE_URL" => format!("postgres://u:{hidden}@localhost/db"),
        _ if setting.secrecy != Secrecy::Open => hidden,
        _ if u.ratio(1, 8)? => short(u)?,
        _ => (*u.choose(VALUES)?).to_owned(),
    })
}

fn dotenv_line(u: &mut Unstructured<'_>) -> Result<String> {
    let setting = one(u)?;
    let value = value(u, setting)?;
    Ok(match u.int_in_range(0..=6)? {
        0 => format!("{}='{value}'", setting.name),
        1 => format!("{}=\"{value}\"", setting.name),
        2 => format!("{}=\"{value}", setting.name),
        3 => format!("export {}={value} # why", setting.name),
        4 => format!("# {value}"),
        5 => short(u)?,
        _ => format!("{}={value}", setting.name),
    })
}

fn toml_line(u: &mut Unstructured<'_>) -> Result<String> {
    let setting = one(u)?;
    let former = setting
        .former_key
        .filter(|_| u.ratio(1, 4).unwrap_or(false));
    let key = former.or(setting.key).unwrap_or("keys.fetch");
    let value = value(u, setting)?;
    let quoted = serde_json::Value::from(value.as_str());
    Ok(match u.int_in_range(0..=7)? {
        0 => format!("{key} = {value}"),
        1 => format!("{key} = [{quoted}]"),
        2 => format!("[{key}]"),
        3 => format!("{key} = '{value}"),
        4 if setting.kind == Kind::Switch => format!("{key} = true"),
        5 => short(u)?,
        _ => format!("{key} = {quoted}"),
    })
}

fn judge(inputs: &Inputs) {
    let shown = |text: &str| {
        assert!(!text.contains(CANARY), "{text}");
        // A place and a reason of 1,024 characters each.
        assert_harmless(text, 2_100);
    };
    let problems = config::check(inputs);
    for problem in &problems {
        shown(&problem.to_string());
    }
    let loaded = config::load(inputs);
    assert_eq!(loaded.is_ok(), problems.is_empty(), "{problems:?}");
    if let Ok(settings) = &loaded {
        for warning in &settings.warnings {
            shown(warning);
        }
        assert!(!format!("{settings:?}").contains(CANARY));
        for row in &settings.report {
            shown(&row.value);
            shown(&row.source);
        }
    }
    match config::load_leniently(inputs) {
        Ok((settings, told)) => {
            for problem in &told {
                shown(&problem.to_string());
            }
            if let Ok(loaded) = loaded {
                assert_eq!((settings, told), (loaded, vec![]));
            }
        }
        Err(problem) => {
            shown(&problem.to_string());
            assert!(loaded.is_err(), "what loads strictly must load leniently");
        }
    }
}
