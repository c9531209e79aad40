//! The panel while its database is away: it answers keys, says what is safe, and carries on by itself.

use std::time::Duration;

use crate::support::cluster::{Server, notice};
use crate::support::gate::Gate;
use crate::support::terminal::LIMIT;
use crate::support::{assert_restored, desk, panel, provider};

/// A key is answered within this time, as always. Only an idle machine keeps it, which `TIMES` says.
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
    let source = provider(&[]);
    let gate = Gate::before(&source);
    let desk = desk(&source)
        .with("ALPHA_VANTAGE_BASE_URL", &gate.base_url())
        .with("DATABASE_URL", &format!("{}/postgres", server.base_url()));
    let terminal = panel(&desk);
    // The first start on a store fetches by itself.
    terminal.see("fresh");
    gate.close();
    terminal.press("f");
    terminal.see("Fetch anyway");
    terminal.press("y");
    terminal.see("fetching");
    // The ledger has the request by now; the answer comes when the ledger is away.
    gate.until_held();
    server.pg_ctl(&["-s", "-w", "-m", "immediate", "stop"]);
    gate.open();
    terminal.until(|screen| {
        let contents = screen.contents();
        contents.contains("No answer from the store") && contents.contains("safe on disk")
    });
    // The database is still away: an answer to a key proves that drawing does not wait for it.
    let limit = std::env::var_os("TIMES").map_or(LIMIT, |_| AS_EVER);
    for (key, word) in [
        ("?", "type to search"),
        ("esc", "SYMBOL"),
        ("5", "TRIGGER"),
        ("1", "SYMBOL"),
    ] {
        terminal.press(key);
        terminal.see_within(limit, word);
    }
    server.begin();
    terminal.until(|screen| {
        let contents = screen.contents();
        contents.contains("fresh") && !contents.contains("No answer from the store")
    });
    terminal.press("q");
    assert_eq!(terminal.wait(), 0, "{}", terminal.contents());
    assert_restored(&terminal);
    let stored = "SELECT count(*) FROM requests WHERE state = 'stored'";
    assert_eq!(desk.sql(stored), ["2"]);
    assert_eq!(source.journal().len(), 2, "nothing is asked for twice");
}
