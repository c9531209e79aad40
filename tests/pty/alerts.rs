//! What a person should know rings at the terminal, shows in the header, and has a page.

use crate::support::program::Desk;
use crate::support::{assert_restored, desk, leave, panel, provider};

/// What the terminal is sent when IBM fails.
const RINGS: &str = "\x07\x1b]9;IBM daily failed";

fn quiet(desk: Desk) -> Desk {
    let path = desk.folder().join("quiet.toml");
    std::fs::write(&path, "[alerts]\nbell = false\n").unwrap();
    desk.with("PIPELINE_CONFIG", path.to_str().unwrap())
}

#[test]
fn an_alert_rings_and_is_on_the_page_of_alerts() {
    let server = provider(&["invalid"]);
    let desk = desk(&server);
    let terminal = panel(&desk);
    terminal.until_written(RINGS);
    terminal.until_written("\x1b]777;notify;pipeline-tui;IBM daily failed");
    terminal.see("1 alert");
    terminal.press(":");
    terminal.type_text("open alerts");
    terminal.see("Show open alerts");
    terminal.press("enter");
    // The line of messages may say the same.
    terminal.see("─ Alerts ─");
    terminal.see("error: IBM daily failed");
    terminal.press("esc");
    terminal.until(|screen| !screen.contents().contains("─ Alerts ─"));
    leave(&terminal);
    assert_restored(&terminal);
    assert_eq!(terminal.foreign(), Vec::<String>::new());
}

#[test]
fn without_the_bell_an_alert_is_only_shown() {
    let server = provider(&["invalid"]);
    let desk = quiet(desk(&server));
    let terminal = panel(&desk);
    let mark = terminal.mark();
    terminal.see("1 alert");
    leave(&terminal);
    let sent = terminal.bytes_since(mark);
    assert!(!sent.contains(&7), "{}", String::from_utf8_lossy(&sent));
}
