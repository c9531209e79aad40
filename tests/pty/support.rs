//! What the tests in a terminal share: the terminal, the oracles over its stream, a provider.

mod allowed;
#[path = "../suite/support/cluster.rs"]
pub mod cluster;
pub mod gate;
mod keys;
mod modes;
#[path = "../suite/support/program.rs"]
#[expect(dead_code, reason = "these tests need a part of the desk")]
pub mod program;
mod record;
pub mod terminal;
mod tokens;
#[path = "../suite/support/wall.rs"]
pub mod wall;

use std::sync::OnceLock;

use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::ui::view_id::ViewId;
use tokio::runtime::Runtime;

use self::program::Desk;
use self::terminal::Terminal;

/// The most common size.
pub const SIZE: (u16, u16) = (24, 80);
/// What every screen shows below: the keys.
const FOOTER: &str = "q quit";

/// What every screen shows above: the views, this many cells apart.
pub fn tabs(gap: usize) -> String {
    let tab = |view: ViewId| format!("{} {}", view.number(), view.title());
    let tabs: Vec<String> = ViewId::all().map(tab).collect();
    tabs.join(&" ".repeat(gap))
}

/// Runs a provider's tasks in the background, so that a test may block.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    })
}

/// A provider for one test.
pub fn provider(faults: &[&str]) -> Server {
    runtime().block_on(program::provider(Plan::Unlimited, faults))
}

/// A provider whose market, plan and clock the test chooses.
pub fn market(options: Options) -> Server {
    runtime().block_on(Server::start(options)).unwrap()
}

/// A desk with IBM daily on the watch list, and this provider.
///
/// On the free plan the schedule runs once a day, so that only keys spend requests.
pub fn desk(server: &Server) -> Desk {
    Desk::new()
        .with("PIPELINE_SYMBOLS", "IBM")
        .with("PIPELINE_INTERVAL", "daily")
        .with("ALPHA_VANTAGE_PLAN", "free")
        .asking(server)
}

/// The panel, drawn.
pub fn panel(desk: &Desk) -> Terminal {
    let terminal = Terminal::start(SIZE, &desk.command(&[]));
    until_drawn(&terminal);
    terminal
}

/// Waits until the Overview is there: raw mode and the alternate screen on, the first frame drawn.
#[track_caller]
pub fn until_drawn(terminal: &Terminal) {
    let tabs = tabs(2);
    terminal.until(|screen| {
        let text = screen.contents();
        screen.alternate_screen()
            && [&tabs, FOOTER, "IBM"]
                .iter()
                .all(|word| text.contains(word))
    });
    terminal.until_it_reads_keys();
}

/// Asserts that the terminal is as the program found it, and that only known sequences were sent.
#[track_caller]
pub fn assert_restored(terminal: &Terminal) {
    let (damage, foreign) = (terminal.damage(), terminal.foreign());
    assert!(
        damage.is_empty() && foreign.is_empty(),
        "left behind: {damage:#?}, foreign: {foreign:#?}, screen: {}",
        terminal.contents()
    );
}

/// Quits with `q`.
#[track_caller]
pub fn leave(terminal: &Terminal) {
    terminal.press("q");
    has_left(terminal);
}

/// Waits for a normal end.
#[track_caller]
pub fn has_left(terminal: &Terminal) {
    assert_eq!(terminal.wait(), 0, "{}", terminal.contents());
    assert_restored(terminal);
    let contents = terminal.contents();
    let last = contents.lines().rfind(|line| !line.trim().is_empty());
    assert!(
        last.unwrap_or_default().starts_with("Stopped."),
        "{contents}"
    );
}
