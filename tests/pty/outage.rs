//! The panel while its database is away: it answers keys, says what is safe, and carries on by itself.

use std::time::Duration;

use crate::support::cluster::{Server, notice};
use crate::support::{assert_restored, desk, panel, provider};

/// A key is answered as ever: drawing waits for no database.
const AS_EVER: Duration = Duration::from_millis(500);

#[test]
fn a_panel_without_its_database_says_what_is_safe_and_carries_on() {
    if std::env::var_os("TEST_DATABASE_URL").is_some() {
        notice("skipped: the server of TEST_DATABASE_URL is not stopped by tests");
        return;
    }
    let Some(server) = Server::start("-c fsync=off -c shared_buffers=32MB") else {
        return;
    };
    let source = provider(&["slow:1500"]);
    let desk = desk(&source).with("DATABASE_URL", &format!("{}/postgres", server.base_url()));
    let terminal = panel(&desk);
    // The first start on a store fetches by itself.
    terminal.see("fresh");
    terminal.press("f");
    terminal.see("fetching");
    server.pg_ctl(&["-s", "-w", "-m", "immediate", "stop"]);
    terminal.until(|screen| {
        let contents = screen.contents();
        contents.contains("The store does not answer") && contents.contains("safe on disk")
    });
    for (key, word) in [
        ("?", "type to search"),
        ("esc", "SYMBOL"),
        ("3", "TRIGGER"),
        ("1", "SYMBOL"),
    ] {
        terminal.press(key);
        terminal.see_within(AS_EVER, word);
    }
    server.begin();
    terminal.until(|screen| {
        let contents = screen.contents();
        contents.contains("fresh") && !contents.contains("The store does not answer")
    });
    terminal.press("q");
    assert_eq!(terminal.wait(), 0, "{}", terminal.contents());
    assert_restored(&terminal);
    let stored = "SELECT count(*) FROM requests WHERE state = 'stored'";
    assert_eq!(desk.sql(stored), ["2"]);
    assert_eq!(source.journal().len(), 2, "nothing is asked for twice");
}
