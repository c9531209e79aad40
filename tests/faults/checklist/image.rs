//! The Dockerfile, and what is sent to its build.

use pipeline_tui::simulate::Plan;

use super::text;
use crate::support::program::{Desk, provider};

/// An instruction of a Dockerfile: its word and the rest, on one line.
fn instructions(text: &str) -> Vec<(String, String)> {
    let mut found = vec![];
    let mut whole = String::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        if let Some(part) = line.strip_suffix('\\') {
            whole.push_str(part);
            continue;
        }
        whole.push_str(line);
        let (word, rest) = whole.split_once(char::is_whitespace).unwrap();
        found.push((word.to_uppercase(), rest.trim().to_owned()));
        whole.clear();
    }
    found
}

/// The instructions of the last stage.
fn last_stage(all: &[(String, String)]) -> &[(String, String)] {
    let from = all.iter().rposition(|(word, _)| word == "FROM").unwrap();
    &all[from..]
}

fn values<'a>(stage: &'a [(String, String)], word: &str) -> Vec<&'a str> {
    stage
        .iter()
        .filter(|(other, _)| other == word)
        .map(|(_, rest)| rest.as_str())
        .collect()
}

#[test]
fn two_stages_of_which_the_last_holds_the_program_and_runs_it_as_nobody() {
    let all = instructions(&text("Dockerfile"));
    let stage = last_stage(&all);
    assert_eq!(
        values(&all, "FROM"),
        ["rust:1-slim-bookworm AS build", "debian:bookworm-slim"]
    );
    assert_eq!(
        values(stage, "COPY"),
        ["--from=build /build/target/dist/pipeline-tui /usr/local/bin/pipeline-tui"]
    );
    let users = values(stage, "USER");
    let numbers: Vec<u32> = users[0].split(':').map(|id| id.parse().unwrap()).collect();
    assert!(users.len() == 1 && numbers.len() == 2, "{users:?}");
    assert!(numbers.iter().all(|id| *id >= 1_000), "{numbers:?}");
    // Nothing is installed or changed after that.
    let user = stage.iter().position(|(word, _)| word == "USER").unwrap();
    assert!(
        stage[user..]
            .iter()
            .all(|(word, _)| word != "RUN" && word != "COPY")
    );
    let built: String = values(&all, "RUN").concat();
    assert!(
        built.contains("chmod 0555 target/dist/pipeline-tui"),
        "{built}"
    );
    assert!(
        built.contains("--no-install-recommends ca-certificates"),
        "{built}"
    );
}

#[test]
fn it_is_started_stopped_and_asked_without_a_shell() {
    let all = instructions(&text("Dockerfile"));
    let stage = last_stage(&all);
    assert_eq!(values(stage, "ENTRYPOINT"), [r#"["pipeline-tui"]"#]);
    assert_eq!(values(stage, "CMD"), Vec::<&str>::new());
    assert_eq!(values(stage, "STOPSIGNAL"), ["SIGTERM"]);
    let health = values(stage, "HEALTHCHECK");
    let (options, command) = health[0].split_once("CMD ").unwrap();
    let command: Vec<String> = serde_json::from_str(command).unwrap();
    assert!(options.contains("--timeout="), "{options}");
    assert_eq!(command, ["pipeline-tui", "doctor", "--store"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_check_asks_the_store_and_no_provider() {
    let server = provider(Plan::Unlimited, &[]).await;
    for desk in Desk::on_each_database() {
        let desk = desk.asking(&server);
        assert_eq!(desk.run(&["runs"]).code, 0);
        let healthy = desk.run(&["doctor", "--store"]);
        assert!(
            healthy.code == 0 && healthy.stdout.starts_with("ok "),
            "{healthy:?}"
        );
    }
    let desk = Desk::new().with("DATABASE_URL", "postgres://me@127.0.0.1:1/bars");
    let ill = desk.run(&["doctor", "--store"]);
    assert!(
        ill.code == 1 && ill.stdout.contains("cannot be reached"),
        "{ill:?}"
    );
    assert_eq!(server.journal().len(), 0);
}

#[test]
fn every_engine_can_build_it_and_nothing_secret_is_asked_for() {
    let dockerfile = text("Dockerfile");
    let all = instructions(&dockerfile);
    let built = values(&all, "RUN").concat();
    assert!(!built.contains("--mount"), "the classic builder");
    let first = dockerfile.lines().next().unwrap().to_lowercase();
    assert!(!first.contains("syntax="), "the classic builder");
    assert_eq!(values(&all, "ADD"), Vec::<&str>::new());
    for word in ["ARG", "ENV"] {
        for value in values(&all, word) {
            assert_eq!(secret_name(value), None, "{word} {value}");
        }
    }
    let labels = values(last_stage(&all), "LABEL").concat();
    for label in ["title", "description", "licenses", "version", "revision"] {
        let name = format!("org.opencontainers.image.{label}=");
        assert!(labels.contains(&name), "{name}");
    }
}

/// A name that stands for a secret.
fn secret_name(text: &str) -> Option<&'static str> {
    let text = text.to_uppercase();
    ["PASSWORD", "SECRET", "TOKEN", "KEY"]
        .into_iter()
        .find(|word| text.contains(word))
}

#[test]
fn what_is_sent_to_the_build_is_a_list_of_what_it_needs() {
    let text = text(".dockerignore");
    let mut lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    assert_eq!(lines.next(), Some("*"), "everything is excluded");
    let (in_again, out): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with('!'));
    assert_eq!(
        in_again,
        [
            "!Cargo.toml",
            "!Cargo.lock",
            "!build.rs",
            "!src",
            "!migrations",
            "!config"
        ]
    );
    for name in ["**/.env", "**/api_key", "**/*.key", "**/*.db", "**/*.db-*"] {
        assert!(out.contains(&name), "{name}");
    }
    // The last line that matches counts: exceptions come last.
    let first_out = text.find("\n**/").unwrap();
    assert!(text.rfind("\n!").unwrap() < first_out);
}

#[test]
fn a_fault_in_a_dockerfile_would_be_found() {
    let all =
        instructions("FROM a\n# no\nRUN one \\\n # between\n two\nARG api_key=x\nUSER root\n");
    assert_eq!(values(&all, "RUN"), ["one two"]);
    assert_eq!(secret_name(values(&all, "ARG")[0]), Some("KEY"));
    assert!(values(&all, "USER")[0].parse::<u32>().is_err());
}
