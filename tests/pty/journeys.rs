//! What a person does in the panel, and what the panel must withstand, with a simulated provider.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipeline_tui::time::Clock;
use pipeline_tui::ui::view_id::ViewId;

use crate::support::gate::Gate;
use crate::support::program::{Desk, holds, signal};
use crate::support::terminal::Terminal;
use crate::support::{SIZE, assert_restored, desk, has_left, leave, panel, provider, until_drawn};

const ESC: &str = "\x1b";

/// The row of IBM in the table of the Overview, up to its reason.
fn row(screen: &vt100::Screen) -> String {
    let contents = screen.contents();
    let row = contents
        .lines()
        .find(|line| line.contains("IBM") && line.contains("daily"));
    row.unwrap_or_default().to_owned()
}

#[test]
fn a_fetch_is_seen_from_its_key_to_its_bars() {
    let server = provider(&[]);
    let gate = Gate::before(&server);
    let desk = desk(&server).with("ALPHA_VANTAGE_BASE_URL", &gate.base_url());
    let terminal = panel(&desk);
    // The first start on a store fetches by itself.
    terminal.until(|screen| row(screen).contains("fresh"));
    gate.close();
    // It is fresh: a request that can bring nothing new is sent after a question.
    terminal.press("f");
    terminal.see("Fetch anyway");
    terminal.press("y");
    terminal.until(|screen| row(screen).contains("fetching"));
    gate.open();
    terminal.until(|screen| row(screen).contains("fresh"));
    terminal.until(|screen| {
        let contents = screen.contents();
        contents
            .lines()
            .any(|line| line.contains("IBM daily") && line.contains("received"))
    });
    terminal.press("enter");
    terminal.see("VOLUME");
    terminal.press("esc");
    terminal.see("SYMBOL");
    leave(&terminal);
    assert_eq!(server.journal().len(), 2);
}

#[test]
fn each_view_and_overlay_opens_and_closes() {
    let server = provider(&[]);
    let desk = desk(&server);
    let terminal = panel(&desk);
    for view in ViewId::all() {
        terminal.press(&view.number().to_string());
        terminal.until(|screen| is_active(screen, view));
    }
    for (key, word) in [
        ("2", "VOLUME"),
        ("5", "TRIGGER"),
        ("7", "fingerprint"),
        ("1", "SYMBOL"),
        ("6", "Log"),
    ] {
        terminal.press(key);
        terminal.see(word);
    }
    terminal.until(|screen| !screen.contents().contains("SYMBOL"));
    terminal.press("1");
    until_drawn(&terminal);
    let overview = terminal.contents();
    for (key, typed, word) in [("?", "", "global keys"), (":", "susp", "suspend")] {
        terminal.press(key);
        terminal.type_text(typed);
        terminal.until(|screen| screen.contents().to_lowercase().contains(word));
        assert_ne!(terminal.contents(), overview);
        terminal.press("esc");
        terminal.until(|screen| !screen.contents().to_lowercase().contains(word));
        until_drawn(&terminal);
    }
    // Back from the first view does nothing; it does not quit.
    terminal.press("esc");
    terminal.resize(SIZE.0 + 6, SIZE.1);
    terminal.until(|screen| screen.contents().lines().count() > usize::from(SIZE.0));
    until_drawn(&terminal);
    leave(&terminal);
}

/// Whether a view's tab in the second line is underlined.
fn is_active(screen: &vt100::Screen, view: ViewId) -> bool {
    let tab = format!("{} {}", view.number(), view.title());
    let tabs = screen.rows(0, SIZE.1).nth(1).unwrap();
    let at = tabs.find(&tab).map(|at| u16::try_from(at).unwrap());
    let cell = at.and_then(|at| screen.cell(1, at));
    cell.is_some_and(vt100::Cell::underline)
}

#[test]
fn the_path_of_the_store_is_found_by_what_people_call_it_and_copied() {
    let server = provider(&[]);
    let desk = desk(&server);
    let terminal = panel(&desk);
    terminal.press(":");
    terminal.type_text("where the data");
    terminal.see(": where the data is");
    terminal.press("enter");
    let path = desk.database().display().to_string();
    terminal.see(" kB");
    terminal.see(&path);
    // Below the name of the database.
    terminal.press("down");
    terminal.press("y");
    terminal.until_written(&format!("\x1b]52;c;{}", STANDARD.encode(&path)));
    terminal.press("esc");
    terminal.see("SYMBOL");
    leave(&terminal);
}

/// The files that hold copied text.
fn copied(desk: &Desk) -> Vec<String> {
    let files = std::fs::read_dir(desk.folder()).unwrap().flatten();
    files
        .filter(|file| file.file_name().to_string_lossy().starts_with("copied-"))
        .map(|file| std::fs::read_to_string(file.path()).unwrap())
        .collect()
}

#[test]
fn what_the_terminal_may_not_have_taken_is_saved_when_it_is_copied_again() {
    let server = provider(&[]);
    let desk = desk(&server);
    let terminal = panel(&desk);
    terminal.press("7");
    terminal.see("Alpha Vantage");
    terminal.press("y");
    terminal.see("sent source to the terminal's clipboard (13 bytes); repeat to save it");
    assert!(copied(&desk).is_empty());
    terminal.press("y");
    terminal.see("saved as ");
    assert_eq!(copied(&desk), ["alpha_vantage"]);
    leave(&terminal);
}

#[test]
fn a_console_without_a_clipboard_gets_a_file_and_no_sequence() {
    let server = provider(&[]);
    let desk = desk(&server).with("TERM", "linux");
    let terminal = panel(&desk);
    terminal.press("7");
    terminal.see("Alpha Vantage");
    terminal.press("y");
    terminal.see("saved as ");
    assert_eq!(copied(&desk), ["alpha_vantage"]);
    assert!(!holds(&terminal.bytes_since(0), "\x1b]52;"));
    leave(&terminal);
}

#[test]
fn hostile_text_of_the_provider_is_shown_and_not_obeyed() {
    let server = provider(&["escape"]);
    let desk = desk(&server);
    let terminal = panel(&desk);
    terminal.press("f");
    terminal.until(|screen| {
        ["failed", "parked", "retrying"]
            .iter()
            .any(|state| row(screen).contains(state))
    });
    // The first failure shows it; the waits before the last are long. So is the line: the log wraps it.
    terminal.press("6");
    terminal.see("following");
    terminal.press("W");
    terminal.see("gotcha");
    leave(&terminal);
}

#[test]
fn a_storm_of_sizes_is_borne() {
    let server = provider(&[]);
    let desk = desk(&server);
    let terminal = panel(&desk);
    let mut random = fastrand::Rng::with_seed(1);
    for turn in 0..1000 {
        let (rows, columns) = match turn % 10 {
            0 => (1, 1),
            1 => (200, 500),
            _ => (random.u16(1..=200), random.u16(1..=500)),
        };
        terminal.resize(rows, columns);
        if turn % 20 == 0 {
            terminal.idle(Duration::from_millis(20));
        }
    }
    terminal.resize(SIZE.0, SIZE.1);
    until_drawn(&terminal);
    leave(&terminal);
}

#[test]
fn a_terminal_without_a_size_is_drawn_when_it_has_one() {
    let server = provider(&[]);
    let desk = desk(&server);
    let terminal = Terminal::start((0, 0), &desk.command(&[]));
    terminal.until(vt100::Screen::alternate_screen);
    terminal.resize(SIZE.0, SIZE.1);
    until_drawn(&terminal);
    leave(&terminal);
}

#[test]
fn ten_megabytes_of_pasted_text_are_text() {
    let server = provider(&[]);
    let desk = desk(&server);
    let terminal = panel(&desk);
    terminal.until(|screen| row(screen).contains("fresh"));
    let paste = "q\x03f\r\n\t\x1b[A\x1b[6n\u{202e}é".repeat((10 << 20) / 18);
    // First where nothing takes text, then into a filter. No other key follows an Esc at once: both
    // together would be one key.
    terminal.paste(&paste);
    terminal.until_taken();
    terminal.press("enter");
    terminal.see("VOLUME");
    terminal.press("esc");
    terminal.see("SYMBOL");
    terminal.press("/");
    terminal.paste(&paste);
    terminal.until_taken();
    terminal.press("enter");
    terminal.press("ctrl-c");
    has_left(&terminal);
    assert_eq!(server.journal().len(), 1, "a pasted f is no key");
}

#[test]
fn a_process_that_was_stopped_from_outside_draws_again() {
    let server = provider(&[]);
    let desk = desk(&server);
    let terminal = panel(&desk);
    terminal.stop();
    terminal.resize(30, 100);
    terminal.cont();
    terminal.until(|screen| screen.contents().lines().count() > usize::from(SIZE.0));
    until_drawn(&terminal);
    leave(&terminal);
}

/// Between two looks of the program its window may be another and the same again.
#[test]
fn a_window_that_was_small_for_a_moment_is_drawn_again() {
    let server = provider(&[]);
    let desk = desk(&server);
    let terminal = panel(&desk);
    terminal.see("SYMBOL");
    terminal.resize(2, 10);
    terminal.resize(SIZE.0, SIZE.1);
    terminal.see("SYMBOL");
    until_drawn(&terminal);
    leave(&terminal);
}

#[test]
fn of_two_panels_on_one_store_the_second_says_who_fetches() {
    let server = provider(&[]);
    let desk = desk(&server);
    let first = panel(&desk);
    let second = panel(&desk);
    second.see("another process");
    leave(&first);
    second.see("this process fetches");
    leave(&second);
}

#[test]
fn a_terminal_that_can_do_nothing_gets_plain_words() {
    let server = provider(&[]);
    let desk = desk(&server);
    // An empty one counts as none.
    for term in ["dumb", ""] {
        let mut command = desk.command(&[]);
        command.env("TERM", term);
        let terminal = Terminal::start(SIZE, &command);
        // It prints the reason before it listens to signals.
        terminal.see("engine started");
        terminal.signal("TERM");
        assert_eq!(terminal.wait(), 0, "{}", terminal.contents());
        assert_untouched(&terminal);
    }
}

#[test]
fn without_a_terminal_it_is_run_and_says_so_in_one_line() {
    let server = provider(&[]);
    let desk = desk(&server);
    let mut command = desk.command(&[]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let opening = lines.next().unwrap().unwrap();
    signal("TERM", &child);
    assert!(opening.contains("engine started"), "{opening}");
    assert!(lines.all(|line| !line.unwrap().contains(ESC)));
    let mut narration = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut narration)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{narration}");
    assert_eq!(
        narration
            .lines()
            .filter(|line| line.contains("terminal"))
            .count(),
        1,
        "{narration}"
    );
    assert!(!narration.contains(ESC), "{narration}");
}

#[test]
fn half_a_terminal_is_none() {
    let server = provider(&[]);
    let desk = desk(&server);
    let program = desk.command(&[]);
    for (script, code) in [
        (r#"exec "$0" </dev/null"#, 130),
        (
            r#"trap '' INT; "$0" | while read -r line; do echo "$line"; done"#,
            0,
        ),
    ] {
        let mut shell = desk.command_of("/bin/sh".as_ref(), &["-c", script]);
        shell.arg(program.get_program());
        let terminal = Terminal::start(SIZE, &shell);
        terminal.see("terminal");
        terminal.see("engine started");
        // The line discipline turns it into a signal, because nothing reads keys.
        terminal.press("ctrl-c");
        assert_eq!(terminal.wait(), code, "{}", terminal.contents());
        assert_untouched(&terminal);
    }
}

/// The address of a PostgreSQL that accepts every login, and then never answers.
fn silent_store() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut guests = vec![];
        for mut guest in listener.incoming().flatten() {
            let _ = guest.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I");
            guests.push(guest);
        }
    });
    format!("postgres://me@{address}/bars?sslmode=disable")
}

/// Nothing else happens that could wake the panel: no snapshot, no countdown. Each key must.
#[test]
fn keys_are_answered_while_the_store_is_silent() {
    let desk = crate::support::program::Desk::new().with("DATABASE_URL", &silent_store());
    let terminal = Terminal::start(SIZE, &desk.command(&[]));
    terminal.see("Opening the store");
    for (key, word) in [
        ("5", "TRIGGER"),
        ("6", "following"),
        ("7", "address"),
        ("2", "No series"),
        ("?", "Keys in Bars"),
    ] {
        terminal.press(key);
        terminal.see(word);
        terminal.idle(Duration::from_millis(30));
    }
    terminal.press("ctrl-c");
    assert_eq!(terminal.wait(), 0);
    assert_restored(&terminal);
}

/// The series whose rows say that they are fresh.
fn fresh(screen: &vt100::Screen) -> Vec<String> {
    let contents = screen.contents();
    let words = contents.lines().map(|line| {
        let words = line.trim_start_matches('▌').split_whitespace();
        words.take(4).collect::<Vec<_>>()
    });
    words
        .filter(|words| words.get(3) == Some(&"fresh"))
        .map(|words| words[..3].join(" "))
        .collect()
}

/// The number of the newest run of which the log says that it succeeded.
fn newest_success(screen: &vt100::Screen) -> Option<u64> {
    let contents = screen.contents();
    let numbers = contents.lines().filter_map(|line| {
        let (number, rest) = line.split_once(" run ")?.1.split_once(' ')?;
        rest.starts_with("succeeded")
            .then(|| number.parse().ok())
            .flatten()
    });
    numbers.max()
}

/// The first thing that a new user runs: it fetches by itself, and again as its fast clock says.
#[test]
fn the_demo_shows_bars_at_once_and_goes_on_by_itself() {
    let desk = crate::support::program::Desk::new();
    let terminal = Terminal::start(SIZE, &desk.command(&["demo", "--speed", "200"]));
    terminal.see("DEMO");
    // Its clock makes a row due again before the last one is fetched, if the machine is slow.
    let seen = RefCell::new(BTreeSet::new());
    terminal.until(|screen| {
        seen.borrow_mut().extend(fresh(screen));
        seen.borrow().len() == 8
    });
    terminal.until(|screen| newest_success(screen) >= Some(3));
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
    assert_restored(&terminal);
}

/// What happened before a restart is in the log: that is where people look for the cause first.
#[test]
fn the_log_of_the_last_start_is_there_after_a_restart_and_reading_only_writes_none() {
    let server = provider(&[]);
    let desk = desk(&server);
    let log = desk.folder().join("data/log");
    let first = panel(&desk);
    first.see("this process fetches on schedule");
    first.press("q");
    assert_eq!(first.wait(), 0);
    let kept = std::fs::read_to_string(log.join("pipeline-tui.log")).unwrap();
    assert!(
        kept.contains(" INFO this process fetches on schedule from alpha_vantage\n"),
        "{kept}"
    );

    std::fs::write(
        log.join("pipeline-tui.log"),
        format!(
            "{} WARN of the last start\n",
            Clock::system().now().to_rfc3339()
        ),
    )
    .unwrap();
    let reading = Terminal::start(SIZE, &desk.command(&["--read-only"]));
    until_drawn(&reading);
    reading.press("q");
    assert_eq!(reading.wait(), 0);
    let unchanged = std::fs::read_to_string(log.join("pipeline-tui.log")).unwrap();
    assert_eq!(unchanged.lines().count(), 1, "{unchanged}");

    let second = panel(&desk);
    second.press("6");
    second.see("of the last start");
    second.press("q");
    assert_eq!(second.wait(), 0);
}

/// No sequence was written: the output is plain text.
#[track_caller]
fn assert_untouched(terminal: &Terminal) {
    assert_restored(terminal);
    let is_plain = !holds(&terminal.bytes_since(0), ESC);
    assert!(is_plain, "{}", terminal.contents());
}
