//! No commit of the repository, however old, holds something that looks like a real secret.

use std::io::Write as _;
use std::process::{Command, Stdio};

use memchr::memmem::find_iter;

use super::{git, root};

/// What precedes a key of the provider, in URLs, files and the provider's own refusals.
const BEFORE: [&str; 4] = ["apikey=", "API_KEY=", "api_key = \"", "API key as "];
/// The length of a provider's key, which is all capitals and digits.
const LENGTH: usize = 16;
/// Prefixes of other secrets, each in two pieces, or this file would match.
const OTHERS: [(&str, &str); 6] = [
    ("PRIVATE ", "KEY-----"),
    ("AKIA", "IOSF"),
    ("gh", "p_"),
    ("github", "_pat_"),
    ("xox", "b-"),
    ("sk-", "ant-"),
];

/// Something in these bytes that looks like a secret.
fn secret(bytes: &[u8]) -> Option<String> {
    for before in BEFORE {
        for at in find_iter(bytes, before) {
            let word: Vec<u8> = bytes[at + before.len()..]
                .iter()
                .copied()
                .take_while(u8::is_ascii_alphanumeric)
                .collect();
            let is_key = word.len() == LENGTH
                && word
                    .iter()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
                && word.iter().any(u8::is_ascii_digit);
            let word = String::from_utf8(word).unwrap();
            // What tests look for says so.
            if is_key && !word.contains("CANARY") {
                return Some(format!("{before}{word}"));
            }
        }
    }
    OTHERS.iter().find_map(|(first, second)| {
        let word = format!("{first}{second}");
        find_iter(bytes, &word).next().map(|_| word)
    })
}

#[test]
fn no_commit_holds_a_secret() {
    let Some(objects) = git(&["rev-list", "--objects", "--all", "--no-object-names"]) else {
        return;
    };
    let mut reader = Command::new("git")
        .arg("-C")
        .arg(root())
        .args(["cat-file", "--batch", "--buffer"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = reader.stdin.take().unwrap();
    let names = objects.clone();
    let writing = std::thread::spawn(move || input.write_all(&names).unwrap());
    let contents = reader.wait_with_output().unwrap().stdout;
    writing.join().unwrap();
    let count = objects.split(|byte| *byte == b'\n').count();
    assert!(count > 100 && contents.len() > 1_000_000, "{count} objects");
    assert_eq!(secret(&contents), None);
}

#[test]
fn a_secret_in_a_commit_would_be_found() {
    let key = format!("{}{}", "A1B2C3D4", "E5F6G7H8");
    for text in [
        format!("GET /query?symbol=IBM&apikey={key} HTTP/1.1"),
        format!("ALPHA_VANTAGE_API_KEY={key}\n"),
        format!("We have detected your API key as {key} and"),
        format!("-----BEGIN RSA PRIVATE {}", "KEY-----"),
    ] {
        assert!(secret(text.as_bytes()).is_some(), "{text}");
    }
    for text in [
        "apikey=demo",
        "API_KEY=your_api_key_here",
        "apikey=ABCDEFGH",
    ] {
        assert_eq!(secret(text.as_bytes()), None, "{text}");
    }
}
