//! The first minute in the container: no key, empty volumes.

use super::Project;
use crate::support::terminal::Terminal;

const SIZES: [(u16, u16); 2] = [(24, 80), (36, 120)];

/// The panel with the three ways on its screen.
#[track_caller]
fn first(project: &Project, size: (u16, u16)) -> Terminal {
    let terminal = project.panel(size);
    terminal.until_within(super::LIMIT, |screen| {
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
fn without_a_key_bars_are_one_key_press_away_and_a_key_two() {
    let Some(given) = Project::given() else {
        return;
    };
    for size in SIZES {
        let beside = given.beside("first", "tests/pty/container/first_minute.yml", &[]);
        let project = &beside.project;
        let terminal = first(project, size);
        terminal.press("2");
        terminal.see("Key of which source");
        terminal.see("https://www.alphavantage.co/support/#api-key");
        terminal.press("esc");
        // Esc and the next key in one read would be one key with Alt.
        terminal.until(|screen| !screen.contents().contains("Key of which source"));
        terminal.see("The watch list is empty");
        terminal.press(":");
        terminal.type_text("three ways");
        terminal.press("enter");
        terminal.see("1  real bars now");
        terminal.press("1");
        super::until_fresh(&terminal, &["BTC-USD", "ETH-USD"]);
        terminal.press("q");
        super::has_left(&terminal);
        let stored = project
            .psql("SELECT DISTINCT source, symbol, interval FROM stock_data ORDER BY symbol");
        assert_eq!(stored, "coinbase|BTC-USD|5min\ncoinbase|ETH-USD|5min");
    }
}
