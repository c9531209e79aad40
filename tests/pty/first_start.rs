//! The first start, as a new user meets it: no key, an empty store, three ways with one key press each.

use pipeline_tui::simulate::Server;

use crate::support::program::Desk;
use crate::support::terminal::Terminal;
use crate::support::{SIZE, assert_restored, has_left, provider};

/// A larger terminal.
const LARGE: (u16, u16) = (36, 120);

/// A fresh machine: nothing is set but where the providers are.
fn fresh(server: &Server) -> Desk {
    let coinbase = server.base_url_of("coinbase").unwrap();
    Desk::new()
        .with("ALPHA_VANTAGE_API_KEY", "")
        .with("ALPHA_VANTAGE_PLAN", "")
        .with("COINBASE_BASE_URL", &coinbase)
        .asking(server)
}

/// The panel of a fresh machine with the three ways on its screen.
#[track_caller]
fn first(desk: &Desk, size: (u16, u16)) -> Terminal {
    let terminal = Terminal::start(size, &desk.command(&[]));
    terminal.until(|screen| {
        let text = screen.contents();
        [
            "Three ways to begin",
            "1  real bars now, without a key",
            "2  a free key",
            "3  the demo",
        ]
        .iter()
        .all(|words| text.contains(words))
    });
    terminal.until_it_reads_keys();
    terminal
}

#[test]
fn real_bars_without_a_key_are_one_key_press_away() {
    for size in [SIZE, LARGE] {
        let server = provider(&[]);
        let desk = fresh(&server);
        let terminal = first(&desk, size);
        terminal.press("1");
        terminal.until(|screen| {
            let contents = screen.contents();
            let has_bars = |symbol: &str| {
                let mut lines = contents.lines();
                lines.any(|line| {
                    line.contains(symbol) && line.contains("5min") && line.contains("fresh")
                })
            };
            has_bars("BTC-USD") && has_bars("ETH-USD")
        });
        terminal.press("q");
        has_left(&terminal);
        assert_eq!(
            desk.sql("SELECT DISTINCT source FROM stock_data"),
            ["coinbase"]
        );
        let asked = server.journal();
        assert!(
            asked
                .iter()
                .all(|entry| entry.query.iter().all(|(_, value)| value != "demo")),
            "the provider's own key is not used: {asked:?}"
        );
    }
}

#[test]
fn a_free_key_is_pasted_and_brings_bars() {
    for size in [SIZE, LARGE] {
        let server = provider(&[]);
        let desk = fresh(&server);
        let terminal = first(&desk, size);
        terminal.press("2");
        terminal.see("Key of which source");
        terminal.see("https://www.alphavantage.co/support/#api-key");
        terminal.press("enter");
        terminal.see("Alpha Vantage key");
        terminal.see("Terms: ");
        terminal.type_text("kQ7ZvW4pLmT8rJ2d6Yc0");
        terminal.see("•••");
        terminal.press("enter");
        terminal.until(|screen| {
            let contents = screen.contents();
            let fresh = contents.lines().filter(|line| line.contains("fresh"));
            fresh.count() >= 4
        });
        terminal.press("q");
        has_left(&terminal);
        assert_eq!(
            desk.sql("SELECT count(DISTINCT symbol) FROM stock_data"),
            ["4"]
        );
    }
}

#[test]
fn the_demo_replaces_the_panel() {
    for size in [SIZE, LARGE] {
        let server = provider(&[]);
        let desk = fresh(&server);
        let terminal = first(&desk, size);
        terminal.press("3");
        terminal.until(|screen| {
            let contents = screen.contents();
            contents.contains("DEMO") && contents.contains("q quit")
        });
        terminal.until_it_reads_keys();
        terminal.press("q");
        assert_eq!(terminal.wait(), 0, "{}", terminal.contents());
        assert_restored(&terminal);
        assert_eq!(server.journal().len(), 0, "nothing was asked of a provider");
    }
}

#[test]
fn esc_leaves_the_list_empty_and_the_palette_brings_the_ways_back() {
    let server = provider(&[]);
    let desk = fresh(&server);
    let terminal = first(&desk, SIZE);
    let close = || {
        terminal.press("esc");
        terminal.until(|screen| !screen.contents().contains("3  the demo"));
        terminal.see("The watch list is empty");
    };
    close();
    terminal.press(":");
    terminal.type_text("three ways");
    terminal.press("enter");
    terminal.see("1  real bars now");
    close();
    terminal.press("q");
    has_left(&terminal);
    assert_eq!(server.journal().len(), 0);
}
