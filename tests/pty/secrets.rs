//! No part of a key reaches a terminal, in any spelling, whatever happens (T17).

#[path = "../faults/support/canary.rs"]
mod canary;

use std::path::Path;
use std::time::Duration;

use crate::support::program::Desk;
use crate::support::terminal::Terminal;
use crate::support::{SIZE, desk, panel, provider, until_drawn};

use self::canary::{KEY, assert_no_secret, forms};

/// A desk with the most verbose output.
fn talkative(desk: Desk) -> Desk {
    desk.with("ALPHA_VANTAGE_API_KEY", KEY)
        .with("RUST_LOG", "trace")
        .with("RUST_BACKTRACE", "full")
}

/// Everything that was ever written to the terminal, and all files.
#[track_caller]
fn assert_clean(terminal: &Terminal, desk: &Desk) {
    let stream = terminal.bytes_since(0);
    assert!(stream.len() > 5_000, "{} bytes", stream.len());
    assert_no_secret("the stream", &stream);
    assert_no_secret("the screen", terminal.contents().as_bytes());
    assert_no_files(desk.folder());
}

/// Except the key's own file.
#[track_caller]
fn assert_no_files(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            assert_no_files(&path);
        } else if entry.file_name() != "alpha_vantage.key" {
            assert_no_secret(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

/// Presses keys, each when the effect of the one before is there.
#[track_caller]
fn follow(terminal: &Terminal, keys: &[(&str, &str)]) {
    for (key, word) in keys {
        terminal.press(key);
        terminal.see(word);
    }
}

/// Closes what shows this word: a key that follows Esc at once would be read as one key with it.
#[track_caller]
fn close(terminal: &Terminal, word: &str) {
    terminal.press("esc");
    terminal.until(|screen| !screen.contents().contains(word));
}

#[test]
fn each_view_and_copy_is_without_the_key_that_the_provider_quotes() {
    let server = provider(&["day"]);
    let desk = talkative(desk(&server));
    let terminal = panel(&desk);
    // A run catches up on what was missed while no engine ran, and is refused: the day is over. Then
    // the header names the next run.
    terminal.until(|screen| {
        let contents = screen.contents();
        let header = contents.lines().next().unwrap_or_default();
        contents.contains("0 of 25 left") && header.contains("next ")
    });
    // The complete log: with the ends of its lines.
    follow(&terminal, &[("6", "L level"), (":", "type to search")]);
    terminal.type_text("wrap");
    follow(&terminal, &[("enter", "elapsed_secs=")]);
    follow(&terminal, &[("1", "SYMBOL"), ("2", "No bars of IBM")]);
    follow(&terminal, &[("?", "type to search")]);
    close(&terminal, "type to search");
    terminal.press(":");
    terminal.type_text("past messages");
    follow(&terminal, &[("enter", "Messages, newest")]);
    close(&terminal, "Messages, newest");
    // A run in detail, with its request copied as a command.
    follow(&terminal, &[("5", "TRIGGER"), ("enter", "Events of IBM")]);
    terminal.press("c");
    terminal.until_written("\x1b]52;c;");
    terminal.press("1");
    until_drawn(&terminal);
    terminal.press("q");
    assert_eq!(terminal.wait(), 0, "{}", terminal.contents());
    assert_clean(&terminal, &desk);
}

/// A key as a person may enter one: letters and digits.
const TYPED: &str = "kQ7ZvW4pLmT8rJ2d6Yc0";

#[test]
fn a_key_that_is_typed_and_kept_is_not_seen() {
    let server = provider(&["day"]);
    let desk = talkative(desk(&server)).with("ALPHA_VANTAGE_API_KEY", "");
    let terminal = panel(&desk);
    terminal.press("K");
    terminal.see("Key of which source");
    terminal.press("enter");
    terminal.see("Alpha Vantage key");
    terminal.type_text(TYPED);
    terminal.see("•••");
    terminal.press("enter");
    until_drawn(&terminal);
    terminal.press(":");
    terminal.type_text("save the key");
    terminal.see("Save the key");
    terminal.press("enter");
    terminal.until(|_| kept(&desk).is_some());
    terminal.press("f");
    terminal.idle(Duration::from_millis(200));
    terminal.press("q");
    assert_eq!(terminal.wait(), 0, "{}", terminal.contents());
    assert_eq!(kept(&desk).unwrap().trim_end(), TYPED);
    let searcher = forms(TYPED);
    assert_eq!(searcher.find(&terminal.bytes_since(0)), None);
    let store = std::fs::read(desk.database()).unwrap();
    assert_eq!(searcher.find(&store), None);
}

/// The values of a key as a person may enter them.
const TYPED_ID: &str = "PK4HzVtWq8LmTnRb2Yd6";
const TYPED_SECRET: &str = "Gs5KuXe9JwQp3ZcMf7HaVr1NyBo8TdLi6EtUgCkS";

#[test]
fn both_values_of_a_key_are_typed_and_kept_unseen() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = provider(&["bad-key,dialect=alpaca"]);
    let desk = talkative(desk(&server));
    let desk = desk.with("ALPACA_BASE_URL", &server.base_url_of("alpaca").unwrap());
    let terminal = panel(&desk);
    follow(
        &terminal,
        &[("K", "Key of which source"), ("ctrl-u", "alpaca")],
    );
    terminal.type_text("alpaca");
    follow(&terminal, &[("enter", "Alpaca key ID, 1 of 2")]);
    terminal.type_text(TYPED_ID);
    follow(&terminal, &[("enter", "Alpaca secret key, 2 of 2")]);
    terminal.type_text(TYPED_SECRET);
    terminal.see("•••");
    terminal.press("enter");
    until_drawn(&terminal);
    terminal.press(":");
    terminal.type_text("save the key");
    follow(&terminal, &[("enter", "alpaca.key")]);
    let path = desk.folder().join(".config/pipeline-tui/alpaca.key");
    terminal.until(|_| path.exists());
    terminal.press("q");
    assert_eq!(terminal.wait(), 0, "{}", terminal.contents());
    let kept = std::fs::read_to_string(&path).unwrap();
    assert_eq!(kept.lines().collect::<Vec<_>>(), [TYPED_ID, TYPED_SECRET]);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let store = std::fs::read(desk.database()).unwrap();
    for secret in [TYPED_ID, TYPED_SECRET] {
        let searcher = forms(secret);
        assert_eq!(searcher.find(&terminal.bytes_since(0)), None);
        assert_eq!(searcher.find(&store), None);
    }
    // The provider refuses them, and quotes nothing.
    let refused = desk.run(&["fetch", "--symbols", "alpaca:IBM", "-vv"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    for secret in [TYPED_ID, TYPED_SECRET] {
        let said = [refused.stdout.as_bytes(), refused.stderr.as_bytes()].concat();
        assert_eq!(forms(secret).find(&said), None);
    }
}

/// The key as the panel saves it.
fn kept(desk: &Desk) -> Option<String> {
    std::fs::read_to_string(desk.folder().join(".config/pipeline-tui/alpha_vantage.key")).ok()
}

#[cfg(debug_assertions)]
#[test]
fn a_panic_tells_no_key() {
    for fault in ["panic-draw", "panic-task"] {
        let server = provider(&[]);
        let desk = talkative(desk(&server)).with("PANEL_TEST_FAULT", fault);
        let terminal = panel(&desk);
        terminal.press("f12");
        if fault == "panic-task" {
            terminal.until(|screen| {
                screen
                    .contents()
                    .to_lowercase()
                    .contains("engine has stopped")
            });
            terminal.press("q");
        }
        let code = terminal.wait();
        assert!([0, 1, 101].contains(&code), "{code}");
        assert_clean(&terminal, &desk);
    }
}

/// What a wrong argument quotes is not obeyed.
#[test]
fn a_hostile_argument_is_shown_and_not_obeyed() {
    let server = provider(&[]);
    let desk = desk(&server);
    for text in [
        "A\u{1b}[2J\u{1b}]0;gotcha\u{7}",
        "\u{9b}31m\u{202e}x",
        "\u{1b}[6n\u{1b}c",
    ] {
        for arguments in [&["fetch", "--symbols", text][..], &["bars", text], &[text]] {
            let terminal = Terminal::start(SIZE, &desk.command(arguments));
            assert_eq!(terminal.wait(), 2, "{}", terminal.contents());
            assert!(terminal.foreign().is_empty(), "{:#?}", terminal.foreign());
        }
    }
}
