//! The scenes of the demo in a terminal, each within ten seconds of its own clock's thirtyfold time.

use crate::support::program::Desk;
use crate::support::terminal::Terminal;

/// Rows and columns.
const SIZE: (u16, u16) = (36, 120);

/// Starts a scene, waits until the screen shows all of some words, and quits.
fn shows(scene: &str, words: &[&str]) {
    let desk = Desk::new();
    let terminal = Terminal::start(SIZE, &desk.command(&["demo", "--scene", scene]));
    terminal.see("DEMO");
    terminal.until(|screen| {
        let contents = screen.contents();
        words.iter().all(|word| contents.contains(word))
    });
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn holes_are_there_at_the_start_and_nothing_closes_them() {
    shows("holes", &["PAUSED", "QUIET", "AAPL"]);
}

#[test]
fn a_split_restates_bars_that_are_stored() {
    let desk = Desk::new();
    let terminal = Terminal::start(SIZE, &desk.command(&["demo", "--scene", "split"]));
    // The first run brings bars before the split, the next one after it: yesterday's have changed.
    terminal.until(|screen| {
        let contents = screen.contents();
        contents
            .lines()
            .filter_map(|line| line.split_once("IBM 5min adjusted: 100 received"))
            .filter_map(|(_, counts)| counts.split(' ').nth(3)?.parse::<u32>().ok())
            .any(|changed| changed > 20)
    });
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn a_half_day_ends_early_and_the_next_session_is_on_monday() {
    shows("half-day", &["Fri 11-27", "NYSE closed, opens Mon 09:30"]);
}

#[test]
fn a_provider_that_is_behind_has_nothing_of_today() {
    shows("behind", &["11-19", "11-20"]);
}

#[test]
fn an_outage_follows_a_run_that_worked() {
    shows("outage", &["run 1 succeeded", "503"]);
}
