//! The files that build, start and check the program keep to the security checklist.
//!
//! What can only be seen on a running container is in `.ci/container`.

mod compose;
mod history;
mod image;

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs git here; `None` in a copy without history, which CI never is.
fn git(arguments: &[&str]) -> Option<Vec<u8>> {
    let git = Command::new("git")
        .arg("-C")
        .arg(root())
        .args(arguments)
        .output();
    match git {
        Ok(done) if done.status.success() => Some(done.stdout),
        _ => {
            assert!(
                std::env::var_os("CI").is_none(),
                "CI needs git and the repository: git {arguments:?}"
            );
            crate::support::cluster::notice("skipped: no git repository here");
            None
        }
    }
}

/// The files of the repository: by git, or all that is not built.
fn files() -> Vec<PathBuf> {
    if let Some(names) = git(&["ls-files", "-z"]) {
        let names = String::from_utf8(names).unwrap();
        let names = names.split('\0').filter(|name| !name.is_empty());
        // A moved or removed file is listed until that is committed.
        return names
            .map(|name| root().join(name))
            .filter(|path| path.is_file())
            .collect();
    }
    let mut found = vec![];
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            match entry.file_name().to_str() {
                Some("target" | ".git" | ".env") => {}
                _ if path.is_dir() => folders.push(path),
                _ => found.push(path),
            }
        }
    }
    found
}

/// Common placeholder passwords. Each in two pieces, or this file would match.
const LAZY: [(&str, &str); 8] = [
    ("change", "me"),
    ("let", "mein"),
    ("admin", "123"),
    (":admin", "@"),
    ("password", "123"),
    ("postgres:", "postgres@"),
    ("password: ", "postgres"),
    ("password=", "postgres"),
];

fn lazy_password(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    LAZY.iter()
        .map(|(first, second)| format!("{first}{second}"))
        .find(|word| text.contains(word.as_str()))
}

#[test]
fn no_file_holds_a_default_password() {
    let files = files();
    assert!(files.len() > 200, "{}", files.len());
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let found = lazy_password(&String::from_utf8_lossy(&bytes));
        assert_eq!(found, None, "{}", path.display());
    }
    for planted in [
        ["POSTGRES_PASSWORD=", "Postgres"],
        ["postgres://postgres:", "postgres@db/x"],
    ] {
        let planted = planted.concat();
        assert!(lazy_password(&planted).is_some(), "{planted}");
    }
}

#[test]
fn the_example_environment_sets_nothing_that_works() {
    for line in text(".env.example").lines() {
        if !line.is_empty() && !line.starts_with('#') {
            assert_eq!(line, "ALPHA_VANTAGE_API_KEY=your_api_key_here");
        }
        assert!(
            !line.contains("PASSWORD=") || line.ends_with("PASSWORD="),
            "{line}"
        );
    }
}

#[test]
fn a_private_file_is_neither_tracked_nor_sent_to_a_build() {
    for name in [
        ".env",
        "api_key",
        "config/api_key",
        "config/alpha_vantage.key",
        "pipeline.db",
        "data/pipeline.db-wal",
    ] {
        let Some(tracked) = git(&["ls-files", "--", name]) else {
            return;
        };
        assert_eq!(String::from_utf8_lossy(&tracked), "", "{name} is tracked");
        assert!(
            git(&["check-ignore", "-q", name]).is_some(),
            "{name} is not ignored"
        );
    }
}

/// A line that builds or installs a release.
fn builds(line: &str) -> bool {
    ["cargo build", "cargo install"]
        .iter()
        .any(|words| line.contains(words))
        && !line.trim_start().starts_with(['#', '/'])
}

#[test]
fn what_is_released_is_built_from_the_locked_versions() {
    let mut found = 0;
    for path in [
        "Dockerfile",
        ".ci/run",
        ".ci/deny",
        ".ci/package",
        ".ci/release",
    ] {
        for line in text(path).lines().filter(|line| builds(line)) {
            assert!(line.contains("--locked"), "{path}: {line}");
            found += 1;
        }
    }
    assert!(found >= 6, "{found}");
    assert!(root().join("Cargo.lock").is_file());
}

#[test]
fn the_gate_stops_at_the_first_failure_and_fetches_no_script() {
    for path in [
        ".ci/run",
        ".ci/container",
        ".ci/deny",
        ".ci/package",
        ".ci/release",
    ] {
        let text = text(path);
        assert!(text.starts_with("#!/usr/bin/env bash\n"), "{path}");
        assert!(text.contains("\nset -euo pipefail\n"), "{path}");
        for word in ["curl ", "wget ", "| sh", "| bash", "sudo "] {
            assert!(!text.contains(word), "{path}: {word}");
        }
    }
    let gate = text(".ci/run");
    for step in [
        "cargo test --locked",
        "-D warnings",
        ".ci/deny --install",
        ".ci/container",
    ] {
        assert!(gate.contains(step), "{step}");
    }
}

#[test]
fn the_policy_of_dependencies_is_strict() {
    let policy: toml_edit::DocumentMut = text("deny.toml").parse().unwrap();
    for key in ["unknown-registry", "unknown-git"] {
        assert_eq!(policy["sources"][key].as_str(), Some("deny"), "{key}");
    }
    let banned = policy["bans"]["deny"].as_array().unwrap();
    for name in ["openssl-sys", "native-tls", "ring"] {
        let is_banned = |entry: &toml_edit::Value| {
            entry
                .as_inline_table()
                .and_then(|entry| entry.get("crate")?.as_str())
                == Some(name)
        };
        assert!(banned.iter().any(is_banned), "{name}");
    }
    assert!(
        policy["advisories"]["ignore"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    // The same for the lock file, on machines without cargo-deny.
    let lock: toml_edit::DocumentMut = text("Cargo.lock").parse().unwrap();
    for package in lock["package"].as_array_of_tables().unwrap() {
        let name = package["name"].as_str().unwrap();
        assert!(
            !matches!(name, "openssl" | "openssl-sys" | "native-tls"),
            "{name}"
        );
        let source = package.get("source").and_then(toml_edit::Item::as_str);
        assert!(
            name == "pipeline-tui" || source.is_some_and(|source| source.starts_with("registry+")),
            "{name} comes from {source:?}"
        );
    }
}

#[test]
fn our_own_code_is_checked_where_the_compiler_can() {
    let manifest: toml_edit::DocumentMut = text("Cargo.toml").parse().unwrap();
    assert_eq!(
        manifest["lints"]["rust"]["unsafe_code"].as_str(),
        Some("forbid")
    );
    for lint in [
        "unwrap_used",
        "expect_used",
        "panic",
        "print_stdout",
        "print_stderr",
    ] {
        assert_eq!(
            manifest["lints"]["clippy"][lint].as_str(),
            Some("deny"),
            "{lint}"
        );
    }
    let ours = &manifest["profile"]["release"]["package"]["pipeline-tui"];
    assert_eq!(ours["overflow-checks"].as_bool(), Some(true));
    assert_eq!(
        manifest["profile"]["dist"]["inherits"].as_str(),
        Some("release")
    );
    assert!(
        manifest["profile"]["dist"].get("panic").is_none(),
        "panics unwind"
    );
    for (name, features) in [("reqwest", false), ("sqlx", false), ("clap", true)] {
        let default = &manifest["dependencies"][name];
        assert_eq!(
            default
                .get("default-features")
                .and_then(toml_edit::Item::as_bool)
                != Some(false),
            features,
            "{name}"
        );
    }
}
