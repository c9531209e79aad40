//! The rig itself: that it sees what a terminal sees, and that what must be caught is caught.

use std::process::Command;
use std::time::Duration;

use crate::support::SIZE;
use crate::support::terminal::{Life, Terminal};

fn sh(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script])
        .env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command
}

/// Does nothing until a signal comes. Not `read`: if the signal came just before it, the trap would
/// wait for a line.
const FOR_EVER: &str = "while :; do sleep 0.1; done";

/// What a script leaves behind.
fn damage(script: &str) -> Vec<String> {
    let terminal = Terminal::start(SIZE, &sh(script));
    assert_eq!(terminal.wait(), 0, "{}", terminal.contents());
    terminal.damage()
}

#[test]
fn a_clean_exit_is_clean() {
    assert!(damage("echo hello").is_empty());
    assert!(damage(r"printf '\033[?1049h\033[?25l\033[1mx\033[m\033[?25h\033[?1049l'").is_empty());
    assert!(damage("before=$(stty -g); stty raw -echo; stty \"$before\"").is_empty());
}

#[test]
fn a_dirty_exit_is_caught() {
    let left = damage(r"printf '\033[?1049h\033[?1000h\033[?25l\033[31m'");
    for what in [
        "alternate screen (1049)",
        "mouse (1000)",
        "no cursor (25)",
        "style: foreground",
    ] {
        assert!(left.iter().any(|left| left == what), "{what} in {left:?}");
    }
    let left = damage("stty raw");
    assert!(
        left.len() == 1 && left[0].starts_with("line discipline"),
        "{left:?}"
    );
    let left = damage("stty intr ^X");
    assert!(
        left.len() == 1 && left[0].starts_with("line discipline"),
        "{left:?}"
    );
    assert_eq!(
        damage(r"printf '\033]52;c;'"),
        ["a sequence that has no end"]
    );
}

#[test]
fn what_is_not_on_the_list_is_caught() {
    let terminal = Terminal::start(SIZE, &sh(r"printf '\033]0;gotcha\007\033[1mfine\033[m'"));
    terminal.wait();
    assert_eq!(
        terminal.foreign(),
        [r#"Osc("0;gotcha") on the normal screen"#]
    );
}

#[test]
fn what_is_typed_arrives_and_what_is_written_is_seen() {
    let terminal = Terminal::start(
        SIZE,
        &sh("read -r line; echo \"got <$line>\"; read -r line; exit 7"),
    );
    terminal.type_text("hello");
    terminal.until(|screen| screen.cursor_position() == (0, 5));
    terminal.press("enter");
    terminal.until_written("got <hello>\r\n");
    let mark = terminal.mark();
    terminal.idle(Duration::from_millis(50));
    assert!(terminal.bytes_since(mark).is_empty());
    terminal.press("enter");
    assert_eq!(terminal.wait(), 7);
    assert_eq!(terminal.contents(), "hello\ngot <hello>");
}

#[test]
fn the_name_of_the_terminal_is_given_and_can_be_withheld() {
    let script = "echo \"<${TERM-unset}>\"";
    for (set, seen) in [
        (None, "<xterm-256color>"),
        (Some("dumb"), "<dumb>"),
        (Some(""), "<unset>"),
    ] {
        let mut command = sh(script);
        command.envs(set.map(|set| ("TERM", set)));
        Terminal::start(SIZE, &command).see(seen);
    }
}

#[test]
fn a_paste_is_in_brackets() {
    let terminal = Terminal::start(
        SIZE,
        &sh("stty raw -echo; printf ready; head -c 15 | od -An -c; stty sane"),
    );
    terminal.see("ready");
    terminal.paste("abc");
    terminal.see("033   [   2   0   0   ~   a   b   c 033   [   2   0   1   ~");
}

#[test]
fn sizes_reach_the_program() {
    for size in [(0, 0), (1, 1), SIZE, (500, 200)] {
        let script = format!("trap 'stty size; exit 0' WINCH; stty size; {FOR_EVER}");
        let terminal = Terminal::start(size, &sh(&script));
        terminal.until_written(&format!("{} {}\r\n", size.0, size.1));
        terminal.resize(12, 34);
        terminal.see("12 34");
        assert_eq!(terminal.wait(), 0);
    }
}

#[test]
fn the_far_end_is_silent_unless_told_to_answer() {
    let ask = r"stty raw -echo min 0 time 2; printf 'ab\033[6n'";
    let silent = Terminal::start(
        SIZE,
        &sh(&format!("{ask}; od -An -c; stty sane; echo nothing")),
    );
    silent.see("nothing");
    assert_eq!(silent.wait(), 0);
    assert_eq!(silent.foreign().len(), 1, "a query is not on the list");
    let script = format!("{ask}; stty min 1; head -c 6 | od -An -c; stty sane");
    let answering = Terminal::start_answering(SIZE, &sh(&script));
    answering.see("033   [   1   ;   3   R");
}

#[test]
fn an_end_by_a_signal_is_no_exit_code() {
    let terminal = Terminal::start(SIZE, &sh("read -r line"));
    terminal.signal("TERM");
    assert_eq!(terminal.wait(), -15);
    let terminal = Terminal::start(
        SIZE,
        &sh(&format!("trap 'exit 143' TERM; echo ready; {FOR_EVER}")),
    );
    terminal.see("ready");
    terminal.signal("TERM");
    assert_eq!(terminal.wait(), 143);
}

#[test]
fn a_process_is_stopped_and_goes_on() {
    let terminal = Terminal::start(SIZE, &sh("read -r line; echo \"got <$line>\""));
    terminal.stop();
    terminal.type_text("x\n");
    terminal.cont();
    terminal.see("got <x>");
    assert_eq!(terminal.wait(), 0);
    terminal.until_it_is(Life::Ended(0));
}

#[test]
fn a_shell_takes_over_while_its_command_is_suspended() {
    let script = "echo ready; read -r line; echo \"got <$line>\"; exit 3";
    for by_key in [true, false] {
        let terminal = Terminal::start_under_shell(SIZE, &sh(script));
        terminal.see("ready");
        if by_key {
            terminal.press("ctrl-z");
        } else {
            terminal.signal("TSTP");
        }
        terminal.see("[shell: 1");
        assert!(terminal.damage().is_empty());
        terminal.type_text("fg\n");
        terminal.type_text("x\n");
        terminal.see("got <x>");
        terminal.see("[shell: 3]");
        terminal.type_text("exit 5\n");
        assert_eq!(terminal.wait(), 5);
    }
}

#[test]
#[should_panic(
    expected = "waited in vain for \"never\" on the screen; Ended(0); 80 columns, 24 rows"
)]
fn a_wait_in_vain_ends_with_the_process_and_shows_the_screen() {
    Terminal::start(SIZE, &sh("echo something else")).see("never");
}

#[test]
#[should_panic(expected = "waited in vain for \"never\" on the screen; Running")]
fn a_wait_in_vain_ends_with_its_limit() {
    Terminal::start(SIZE, &sh("read -r line")).see_within(Duration::from_millis(20), "never");
}
