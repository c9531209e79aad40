//! Enforces the import table of `docs/architecture.md`, the size of files, and that files which use
//! each other are few and lie together.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a check that cannot read the sources must fail loudly"
)]

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/names.rs"]
mod names;
#[path = "architecture/uses.rs"]
mod uses;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pipeline_tui::pipeline::sources::SETTINGS;

/// What a module may use of this crate, and which external crates it must never name.
struct Rule {
    module: &'static str,
    may_use: &'static [&'static str],
    never: &'static [&'static str],
}

const SCREEN: [&str; 2] = ["ratatui", "crossterm"];

const RULES: &[Rule] = &[
    Rule {
        module: "model",
        may_use: &["model"],
        never: &["tokio", "sqlx", "reqwest", "hyper", "ratatui"],
    },
    Rule {
        module: "time",
        may_use: &["time", "model"],
        never: &["tokio", "sqlx", "reqwest", "hyper", "ratatui"],
    },
    Rule {
        module: "config",
        may_use: &["config", "model"],
        never: &["tokio", "sqlx", "reqwest", "hyper", "ratatui"],
    },
    Rule {
        module: "telemetry",
        may_use: &["telemetry", "config", "model"],
        never: &["sqlx", "reqwest", "hyper"],
    },
    Rule {
        module: "db",
        may_use: &["db", "model", "config"],
        never: &["reqwest", "hyper", "ratatui", "crossterm"],
    },
    Rule {
        module: "pipeline",
        may_use: &["pipeline", "model", "config", "time", "db"],
        never: &["sqlx", "hyper", "ratatui", "crossterm"],
    },
    Rule {
        module: "monitor",
        may_use: &["monitor", "model", "time", "db", "pipeline"],
        never: &["sqlx", "reqwest", "ratatui", "crossterm"],
    },
    Rule {
        module: "ui",
        may_use: &["ui", "model", "config", "time", "pipeline", "telemetry"],
        never: &["sqlx", "reqwest", "hyper"],
    },
    Rule {
        module: "simulate",
        may_use: &["simulate", "model", "time"],
        never: &["sqlx", "reqwest", "csv", "ratatui"],
    },
];

const MAX_LINES: usize = 600;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The source without comments, strings kept: names in comments are no imports.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The first path segments that follow `prefix`, also inside one brace group.
fn segments(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let group = if let Some(group) = rest.strip_prefix('{') {
            group
                .split('}')
                .next()
                .unwrap_or_default()
                .split(',')
                .map(str::trim)
                .collect()
        } else {
            vec![rest]
        };
        for path in group {
            let name: String = path
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            found.insert(name);
        }
    }
    found.remove("");
    found
}

fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        !code[..at]
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).unwrap();
    let first = relative
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy()
        .into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn breaches(module: &str, code: &str) -> Vec<String> {
    let Some(rule) = RULES.iter().find(|rule| rule.module == module) else {
        return vec![];
    };
    let mut breaches = vec![];
    for used in segments(code, "crate::") {
        if !rule.may_use.contains(&used.as_str()) {
            breaches.push(format!("{module} must not use crate::{used}"));
        }
    }
    for external in rule
        .never
        .iter()
        .chain(SCREEN.iter().filter(|_| module != "ui"))
    {
        if names_crate(code, external) {
            breaches.push(format!("{module} must not use {external}"));
        }
    }
    breaches
}

#[test]
fn every_module_keeps_to_the_import_table() {
    let mut found = vec![];
    for path in rust_files(&root().join("src")) {
        for breach in breaches(&module_of(&path), &code(&path)) {
            found.push(format!("{}: {breach}", path.display()));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// The parts of the panel that touch the world. All others are functions of values, new ones too.
const WORLDLY: [&str; 8] = [
    "ui.rs",
    "ui/event_loop",
    "ui/fault",
    "ui/files",
    "ui/options",
    "ui/pace",
    "ui/screen",
    "ui/terminal",
];
const WORLD: [&str; 5] = ["tokio", "crossterm", "std::env", "std::fs", "std::io"];
/// What the panel may see of the pipeline.
const SEEN: [&str; 6] = [
    "command", "snapshot", "notice", "schedule", "narrate", "engine",
];

fn breaches_of_the_panel(path: &str, code: &str) -> Vec<String> {
    let mut breaches = vec![];
    let is_of_the_panel = path.starts_with("ui");
    if is_of_the_panel && !WORLDLY.iter().any(|part| path.starts_with(part)) {
        let world = WORLD.iter().filter(|name| names_crate(code, name));
        breaches.extend(world.map(|name| format!("{path} must not use {name}")));
    }
    if is_of_the_panel {
        let used = segments(code, "crate::pipeline::");
        let unseen = used.iter().filter(|used| !SEEN.contains(&used.as_str()));
        breaches.extend(unseen.map(|used| format!("{path} must not use pipeline::{used}")));
    }
    breaches
}

#[test]
fn what_is_drawn_touches_nothing_of_the_world() {
    let mut found = vec![];
    for path in rust_files(&root().join("src")) {
        let relative = path
            .strip_prefix(root().join("src"))
            .unwrap()
            .to_string_lossy();
        // Tests read pictures from files.
        if !relative.ends_with("tests.rs") {
            found.extend(breaches_of_the_panel(&relative, &code(&path)));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    assert_eq!(
        breaches_of_the_panel(
            "ui/views/x.rs",
            "tokio::spawn(x); crate::pipeline::job::Job"
        ),
        [
            "ui/views/x.rs must not use tokio",
            "ui/views/x.rs must not use pipeline::job"
        ]
    );
}

#[test]
fn a_breach_would_be_found() {
    assert_eq!(
        breaches("model", "use crate::db::Store;"),
        ["model must not use crate::db"]
    );
    assert_eq!(
        breaches("simulate", "use crate::{pipeline::job, model::Bar};"),
        ["simulate must not use crate::pipeline"]
    );
    assert_eq!(
        breaches("pipeline", "let q = sqlx::query(sql);"),
        ["pipeline must not use sqlx"]
    );
    assert!(
        breaches(
            "pipeline",
            "use crate::db::Store; tokio::spawn(x); my_sqlx::y()"
        )
        .is_empty()
    );
}

#[test]
fn every_module_of_the_library_is_in_the_table() {
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for line in library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "))
    {
        let module = line.trim_end_matches(';');
        let known = module == "cli" || RULES.iter().any(|rule| rule.module == module);
        assert!(
            known,
            "add {module} to the table in tests/architecture.rs and docs/architecture.md"
        );
    }
}

/// Where a source may be named: its folder and the table, the provider that stands in for it, and the
/// word that old stores mean.
const SOURCES: [&str; 4] = [
    "src/pipeline/sources",
    "src/simulate",
    "src/model/source.rs",
    "src/ui/sample",
];

/// Whether code names a source of the table, in any of its spellings.
fn names_a_source(code: &str) -> bool {
    let letters = |text: &str| {
        let text = text.chars().filter(|c| !matches!(c, '_' | ' ' | '-'));
        text.collect::<String>().to_ascii_lowercase()
    };
    let code = letters(code);
    SETTINGS
        .iter()
        .any(|source| code.contains(&letters(source.id.as_str())))
}

#[test]
fn a_source_is_named_by_its_folder_and_the_table_of_sources_only() {
    let mut naming = BTreeSet::new();
    for path in rust_files(&root().join("src")) {
        let place = path
            .strip_prefix(root())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let is_test = place.ends_with("/tests.rs") || place.contains("/tests/");
        if is_test || SOURCES.iter().any(|allowed| place.starts_with(allowed)) {
            continue;
        }
        let code = code(&path);
        let product = code.split("#[cfg(test)]").next().unwrap_or_default();
        if names_a_source(product) {
            naming.insert(place);
        }
    }
    assert!(
        naming.is_empty(),
        "only a source's own folder may name it; words come from its settings: {naming:?}"
    );
}

#[test]
fn every_spelling_of_a_source_is_seen() {
    for code in [
        "use alpha_vantage::X;",
        "AlphaVantage::new()",
        "\"Alpha Vantage\"",
        "ALPHA_VANTAGE_KEY",
        "www.alphavantage.co",
    ] {
        assert!(names_a_source(code), "{code}");
    }
    assert!(!names_a_source("let alpha = vantage();"));
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let mut long = vec![];
    for folder in ["src", "tests", "benches"] {
        for path in rust_files(&root().join(folder)) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            if lines > MAX_LINES {
                long.push(format!("{} has {lines} lines", path.display()));
            }
        }
    }
    assert!(
        long.is_empty(),
        "more than {MAX_LINES} lines:\n{}",
        long.join("\n")
    );
}

#[test]
fn the_documented_table_names_the_same_modules() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for rule in RULES {
        assert!(
            page.contains(&format!("| `{}` |", rule.module)),
            "docs/architecture.md lacks {}",
            rule.module
        );
    }
}

/// The files that a page names and that are not in this checkout. A name is enough, with as much of the
/// path as the page gives; `*` stands for either back end.
fn missing_files<'a>(page: &'a str, files: &BTreeSet<String>) -> BTreeSet<&'a str> {
    let is_apart = |c: char| !(c.is_ascii_alphanumeric() || "_-./*".contains(c));
    let exists = |name: &str| {
        let end = format!("/{name}");
        files.iter().any(|file| file.ends_with(&end))
    };
    page.split(is_apart)
        .filter(|word| word.strip_suffix(".rs").is_some() && !EXAMPLES.contains(word))
        .filter(|word| {
            !["postgres", "sqlite"]
                .iter()
                .all(|back_end| exists(&word.replace('*', back_end)))
        })
        .collect()
}

/// Names that stand for any file.
const EXAMPLES: [&str; 3] = ["name.rs", "mod.rs", "name/tests.rs"];

#[test]
fn every_file_that_the_pages_name_is_there() {
    let root = root();
    let place = |path: PathBuf| format!("/{}", path.strip_prefix(&root).unwrap().display());
    let files: BTreeSet<String> = ["src", "tests", "benches"]
        .iter()
        .flat_map(|folder| rust_files(&root.join(folder)))
        .map(place)
        .collect();
    for page in ["docs/architecture.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root.join(page)).unwrap();
        let missing = missing_files(&text, &files);
        assert!(missing.is_empty(), "{page} names {missing:?}");
    }
    let gone = missing_files(
        "`db/store.rs`, `*/apply.rs`, `*/pool.rs` and gone.rs",
        &files,
    );
    assert_eq!(gone, BTreeSet::from(["*/pool.rs", "gone.rs"]));
}

/// The files under `src` by their place in it.
fn sources() -> BTreeMap<String, String> {
    let root = root().join("src");
    rust_files(&root)
        .into_iter()
        .map(|path| {
            let place = path.strip_prefix(&root).unwrap().to_string_lossy();
            (place.into_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn a_type_that_other_files_see_has_a_name_of_its_own() {
    let files = sources();
    let shared = names::shared(&files);
    assert!(shared.is_empty(), "one name, one meaning: {shared:#?}");
}

#[test]
fn files_that_use_each_other_are_few_and_in_one_folder() {
    let files = sources();
    let circles = circles::circles(&uses::uses(&files));
    let found: Vec<String> = circles
        .iter()
        .map(|circle| {
            let uses = circle.uses.join("\n  ");
            format!("{} files:\n  {uses}", circle.files.len())
        })
        .collect();
    assert!(
        found.is_empty(),
        "these use each other in a circle; give what two of them need a file of its own:\n{}",
        found.join("\n")
    );
}
