//! However the panel ends, the terminal is restored, the exit code says why, and the last message
//! is on the normal screen.
//!
//! `DEATHS` is how often each end is tried (20). The faults come from inside the panel: in a build
//! with `debug_assertions`, F12 causes the one that `PANEL_TEST_FAULT` names.

use crate::support::program::Desk;
#[cfg(debug_assertions)]
use crate::support::program::find;
use crate::support::terminal::Terminal;
use crate::support::{SIZE, assert_restored, desk, panel, provider, until_drawn};

/// What the message of every provoked fault contains.
const FAULT: &str = "test fault";
/// What the hook prints for every panic.
const PANIC: &str = "after an internal error";
/// What restores the normal screen.
#[cfg(debug_assertions)]
const LEAVES: &str = "\x1b[?1049l";
/// How the last line begins if all went well.
const STOPPED: &str = "Stopped.";

fn rounds() -> u32 {
    std::env::var("DEATHS").map_or(20, |number| number.parse().unwrap())
}

/// Ends on one store, many times.
fn each_round(fault: &str, die: impl Fn(&Desk)) {
    let server = provider(&[]);
    let desk = desk(&server).with("PANEL_TEST_FAULT", fault);
    for _ in 0..rounds() {
        die(&desk);
    }
}

/// Ends by this cause, with this exit code and these words.
fn dies(fault: &str, strike: impl Fn(&Terminal), code: i32, words: &[&str]) {
    each_round(fault, |desk| {
        let terminal = panel(desk);
        strike(&terminal);
        assert_eq!(terminal.wait(), code, "{}", terminal.contents());
        assert_restored(&terminal);
        for word in words {
            terminal.see(word);
        }
    });
}

#[test]
fn by_the_key_q() {
    dies("", |terminal| terminal.press("q"), 0, &[STOPPED]);
}

#[test]
fn by_the_key_ctrl_c() {
    dies("", |terminal| terminal.press("ctrl-c"), 0, &[STOPPED]);
}

#[test]
fn by_the_signal_term() {
    dies("", |terminal| terminal.signal("TERM"), 0, &[STOPPED]);
}

#[test]
fn by_the_signal_int() {
    dies("", |terminal| terminal.signal("INT"), 130, &[]);
}

#[test]
fn by_the_signal_hup() {
    dies("", |terminal| terminal.signal("HUP"), 129, &[]);
}

#[test]
fn by_the_signal_quit() {
    dies("", |terminal| terminal.signal("QUIT"), 131, &[]);
}

#[test]
fn by_the_key_ctrl_z_and_back() {
    each_round("", |desk| {
        suspends(desk, |terminal| terminal.press("ctrl-z"));
    });
}

#[test]
fn by_the_signal_tstp_and_back() {
    each_round("", |desk| {
        suspends(desk, |terminal| terminal.signal("TSTP"));
    });
}

/// Suspends on a restored terminal, and redraws everything when it resumes.
fn suspends(desk: &Desk, strike: impl Fn(&Terminal)) {
    let terminal = Terminal::start_under_shell(SIZE, &desk.command(&[]));
    until_drawn(&terminal);
    strike(&terminal);
    // 128 plus the number of the signal that stopped it, which depends on the system.
    terminal.see("[shell: 1");
    assert_restored(&terminal);
    terminal.type_text("fg\n");
    until_drawn(&terminal);
    terminal.press("q");
    terminal.see("[shell: 0]");
    assert_restored(&terminal);
    terminal.see(STOPPED);
    terminal.type_text("exit\n");
    assert_eq!(terminal.wait(), 0);
}

#[cfg(debug_assertions)]
#[test]
fn by_a_panic_while_drawing() {
    dies(
        "panic-draw",
        |terminal| terminal.press("f12"),
        101,
        &[PANIC, FAULT],
    );
}

#[cfg(debug_assertions)]
#[test]
fn by_an_error() {
    dies("error", |terminal| terminal.press("f12"), 1, &[FAULT]);
}

/// Not an end of the panel: it continues, says so, and quits normally.
#[cfg(debug_assertions)]
#[test]
fn a_panic_in_a_task_is_told_and_not_drawn() {
    each_round("panic-task", |desk| {
        let terminal = panel(desk);
        terminal.press("f12");
        terminal.until(|screen| screen.contents().to_lowercase().contains("engine stopped"));
        until_drawn(&terminal);
        terminal.press("q");
        let code = terminal.wait();
        assert!([0, 1].contains(&code), "{code}: {}", terminal.contents());
        assert_restored(&terminal);
        // A panic after the screen is restored is printed there, as it should be.
        let bytes = terminal.bytes_since(0);
        let left = find(&bytes, LEAVES).expect("the panel leaves the alternate screen");
        assert!(
            find(&bytes[..left], PANIC).is_none(),
            "drawn raw: {}",
            terminal.contents()
        );
    });
}
