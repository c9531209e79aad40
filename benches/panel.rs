//! What a person waits for: the real program in a real terminal, on a store of 1,000,000 bars.
//!
//! Starting, keys, paging, a load of 2,000,000 bars, and what the program uses while idle. Times are
//! wall times from a key to the text on the screen, including the terminal's own work; on a busy
//! machine trust the medians. The argument `store`, `many`, `first`, `fetch` or `load` runs only that part.

#![expect(clippy::print_stdout, reason = "the table is the output")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a bench that cannot go on must fail loudly, and so must the terminal that it uses"
)]

#[path = "../tests/pty/support/allowed.rs"]
#[expect(unused, reason = "it carries its own tests")]
mod allowed;
#[path = "../tests/suite/support/cluster.rs"]
mod cluster;
#[path = "support/gauge.rs"]
mod gauge;
#[path = "../tests/pty/support/keys.rs"]
mod keys;
#[path = "support/large.rs"]
mod large;
#[path = "support/many.rs"]
mod many;
#[path = "../tests/pty/support/modes.rs"]
#[expect(unused, reason = "it carries its own tests")]
mod modes;
#[path = "support/month.rs"]
#[expect(dead_code, reason = "only the answer is needed here")]
mod month;
#[path = "support/percentile.rs"]
mod percentile;
#[path = "../tests/suite/support/program.rs"]
#[expect(dead_code, reason = "only the desk is needed here")]
mod program;
#[path = "../tests/pty/support/record.rs"]
mod record;
#[path = "../tests/pty/support/terminal.rs"]
#[expect(dead_code, reason = "tests need more of it")]
mod terminal;
#[path = "../tests/pty/support/tokens.rs"]
#[expect(unused, reason = "it carries its own tests")]
mod tokens;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;
use tokio::runtime::Runtime;

use self::large::{newest, oldest};
use self::many::{DAILY, Many};
use self::percentile::percentile;
use self::program::Desk;
use self::terminal::Terminal;

/// Rows and columns.
const SIZE: (u16, u16) = (36, 120);
const STARTS: usize = 21;
const FETCHES: usize = 21;
/// Jumps to the newest bar, the oldest, or a place anywhere; and pages after each.
const JUMPS: usize = 40;
const PAGES: usize = 6;
const IDLE: Duration = Duration::from_secs(20);
/// Bars of each of the thousand series: more than a summary reads.
const BARS_OF_MANY: usize = 300;
/// By then the pool and the first check for other processes' work are done after a start.
const SETTLED: Duration = Duration::from_secs(12);
/// This many months of 19,000 bars are 2,000,000.
const MONTHS: usize = 106;

fn main() {
    let runtime = Runtime::new().unwrap();
    println!("{:<58} {:>9} {:>9} {:>9}", "", "p50", "p99", "most");
    if is_wanted("store") {
        for (name, desk) in desks() {
            println!("{name}, 1,000,000 bars");
            large_store(&runtime, desk);
        }
    }
    if is_wanted("many") {
        for (name, desk) in desks() {
            println!("{name}, 1,000 series");
            many_series(&runtime, &desk);
        }
    }
    if is_wanted("first") {
        println!("SQLite, a first start");
        first_bars(&runtime);
    }
    if is_wanted("fetch") {
        println!("SQLite, a small store");
        fetches(&runtime);
    }
    if is_wanted("load") {
        println!("SQLite, loading 2,000,000 bars");
        load(&runtime);
    }
}

/// One for each database that is there.
fn desks() -> Vec<(&'static str, Desk)> {
    let mut desks = vec![("SQLite", Desk::new())];
    if let Some(url) = cluster::new_database() {
        desks.push(("PostgreSQL", Desk::new().with("DATABASE_URL", &url)));
    }
    desks
}

/// Whether a part is named on the command line, or none is.
fn is_wanted(part: &str) -> bool {
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'))
        .collect();
    named.is_empty() || named.iter().any(|name| name == part)
}

/// Times in milliseconds.
fn say(what: &str, times: &[f64]) {
    let [half, most, last] = [0.5, 0.99, 1.0].map(|share| percentile(times, share));
    let what = format!("{what}, ms ({})", times.len());
    println!("  {what:<56} {half:>9.1} {most:>9.1} {last:>9.1}");
}

fn say_value(what: &str, value: f64) {
    println!("  {what:<56} {value:>9.2}");
}

fn since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn id(terminal: &Terminal) -> i32 {
    terminal.process.as_raw_nonzero().get()
}

fn leave(terminal: &Terminal) {
    terminal.press("q");
    assert_eq!(terminal.wait(), 0, "{}", terminal.contents());
}

/// Starts the panel and waits for what a person wants to see.
fn start(desk: &Desk, is_there: impl Fn(&vt100::Screen) -> bool) -> (Terminal, [f64; 3]) {
    let start = Instant::now();
    let terminal = Terminal::start(SIZE, &desk.command(&[]));
    terminal.until_written("\x1b");
    let byte = since(start);
    terminal.until_written("\x1b[?2026l");
    let frame = since(start);
    terminal.until(is_there);
    (terminal, [byte, frame, since(start)])
}

/// Starts the panel often, and says how long a person waits.
fn starts(desk: &Desk, is_there: impl Fn(&vt100::Screen) -> bool) {
    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..STARTS {
        let (terminal, taken) = start(desk, &is_there);
        for (times, taken) in times.iter_mut().zip(taken) {
            times.push(taken);
        }
        leave(&terminal);
    }
    let names = ["first byte", "first frame", "first data"];
    for (what, times) in names.iter().zip(times) {
        say(&format!("{what}, from exec"), &times);
    }
}

fn has_large_series(screen: &vt100::Screen) -> bool {
    let text = screen.contents();
    text.contains("1,000,000 bars") && text.lines().any(is_row_with_bars)
}

/// Whether it is the row of IBM with the day of its newest bar.
fn is_row_with_bars(line: &str) -> bool {
    line.contains("IBM") && line.contains("1min") && line.contains("05-15")
}

fn large_store(runtime: &Runtime, desk: Desk) {
    let server = runtime.block_on(program::provider(Plan::Unlimited, &[]));
    let desk = desk.with("ALPHA_VANTAGE_PLAN", "free").asking(&server);
    let watched = [
        ("IBM", "1min"),
        ("AAPL", "daily"),
        ("MSFT", "daily"),
        ("GOOGL", "daily"),
    ];
    let watched = watched.map(|(symbol, interval)| (symbol.to_owned(), interval));
    runtime.block_on(large::prepare(&desk, &watched, false));
    large::fill(&desk);
    starts(&desk, has_large_series);
    let (terminal, _) = start(&desk, has_large_series);
    gauge::pause(SETTLED);
    memory(&terminal, "after the start");
    idle("the panel", id(&terminal));
    paging(&terminal);
    memory(&terminal, "after paging");
    leave(&terminal);
    let mut engine = desk
        .command(&["run"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    gauge::pause(SETTLED);
    let process = i32::try_from(engine.id()).unwrap();
    idle("run", process);
    program::signal("TERM", &engine);
    engine.wait().unwrap();
    assert!(server.journal().is_empty(), "nothing is spent here");
}

/// A watch list of 1,000 daily series, 100 of them with holes.
fn many_series(runtime: &Runtime, desk: &Desk) {
    let many = Many {
        bars: BARS_OF_MANY,
        ..DAILY
    };
    let keys = many.keys();
    let watched = keys.iter().map(|key| (key.symbol.to_string(), "daily"));
    runtime.block_on(large::prepare(desk, &watched.collect::<Vec<_>>(), true));
    runtime.block_on(async {
        let store = large::open(desk).await;
        many.fill(&store, Clock::system().now()).await;
        store.close().await;
    });
    if let Some(url) = desk.postgres() {
        cluster::psql(url, "ANALYZE");
    }
    starts(desk, has_states);
    let (terminal, _) = start(desk, has_states);
    gauge::pause(SETTLED);
    memory(&terminal, "after the start");
    idle("the panel", id(&terminal));
    leave(&terminal);
}

/// Whether the rows on the screen have their states.
fn has_states(screen: &vt100::Screen) -> bool {
    let text = screen.contents();
    let is_row = |line: &&str| line.contains(" daily ") && line.contains("SYM0");
    let has_state = |line: &&str| line.contains(" holes ") || line.contains(" fresh ");
    text.lines().filter(is_row).filter(has_state).count() > 20
}

fn memory(terminal: &Terminal, when: &str) {
    let [all, share] = gauge::resident(id(terminal));
    say_value(&format!("resident {when}, MiB"), all);
    say_value("  of it with shared pages in shares, MiB", share);
    say_value("  at most so far, MiB", gauge::most_resident(id(terminal)));
}

fn idle(what: &str, process: i32) {
    let rate = gauge::rate(process, IDLE);
    say_value(&format!("{what}, idle: CPU ms a second"), rate.cpu_ms);
    say_value(&format!("{what}, idle: wake-ups a second"), rate.wakes);
}

/// The label of the selected bar.
fn selected(screen: &vt100::Screen) -> Option<String> {
    let row = marked(screen)?;
    let columns = screen.size().1.get();
    let line = screen.rows(0, columns).nth(usize::from(row))?;
    Some(line.chars().skip(1).take(16).collect())
}

/// The row that is marked as selected.
fn marked(screen: &vt100::Screen) -> Option<u16> {
    (0..SIZE.0).find(|row| {
        screen
            .cell(*row, 0)
            .is_some_and(|cell| cell.contents() == "▌")
    })
}

fn label(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// Presses a key, at the earliest after the repeat interval of a held key, and waits until the
/// bar of an instant is selected.
fn shows(terminal: &Terminal, key: &str, at: DateTime<Utc>) -> f64 {
    let label = label(at);
    gauge::pause(Duration::from_millis(fastrand::u64(30..60)));
    let start = Instant::now();
    terminal.press(key);
    terminal.until(|screen| selected(screen).as_ref() == Some(&label));
    since(start)
}

/// Goes to the ends and to random places, and pages there.
fn paging(terminal: &Terminal) {
    terminal.press("enter");
    terminal.see("TIME (ET)");
    terminal.press("z");
    terminal.see("TIME (UTC)");
    terminal.until(|screen| selected(screen) == Some(label(newest())));
    // The head, the title and the names of the columns above; the keys below.
    let page = TimeDelta::minutes(i64::from(SIZE.0) - 5);
    let mut random = fastrand::Rng::with_seed(1);
    let (mut pages, mut ends, mut places) = (vec![], vec![], vec![]);
    for jump in 0..JUMPS {
        let (mut at, key, by) = match jump % 4 {
            0 => (oldest(), "pageup", page),
            2 => (newest(), "pagedown", -page),
            _ => {
                let minutes = random.i64(20_000..large::BARS - 20_000);
                let is_up = random.bool();
                let by = if is_up { page } else { -page };
                let key = if is_up { "pageup" } else { "pagedown" };
                (oldest() + TimeDelta::minutes(minutes), key, by)
            }
        };
        if jump % 2 == 0 {
            let to = if jump % 4 == 0 { "G" } else { "g" };
            ends.push(shows(terminal, to, at));
        } else {
            let typed = at.format("%Y-%m-%d %H:%M").to_string();
            terminal.press("t");
            terminal.see("Go to");
            terminal.type_text(&typed);
            terminal.see(&typed);
            places.push(shows(terminal, "enter", at));
        }
        for _ in 0..PAGES {
            at += by;
            pages.push(shows(terminal, key, at));
        }
    }
    say("a page up or down", &pages);
    say("to the newest or the oldest bar", &ends);
    say("to an instant anywhere", &places);
}

/// When the provider read its clock: first when a request came, last when its answer left.
#[derive(Clone, Default)]
struct Looks(Arc<Mutex<Vec<Instant>>>);

impl Looks {
    fn clock(&self) -> Clock {
        let (looks, system) = (self.clone(), Clock::system());
        Clock::from_fn(move || {
            looks.0.lock().unwrap().push(Instant::now());
            system.now()
        })
    }

    fn take(&self) -> Vec<Instant> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Fetches one series after the other that has no bars yet, in the view of bars.
fn fetches(runtime: &Runtime) {
    let looks = Looks::default();
    let options = Options {
        plan: Plan::Unlimited,
        clock: looks.clock(),
        ..Options::default()
    };
    let server = runtime.block_on(Server::start(options)).unwrap();
    let desk = Desk::new().asking(&server);
    let watched: Vec<_> = (0..=FETCHES)
        .map(|number| (format!("SYM{number}"), "daily"))
        .collect();
    runtime.block_on(large::prepare(&desk, &watched, true));
    let terminal = Terminal::start(SIZE, &desk.command(&[]));
    terminal.see("SYM1 ");
    terminal.press("2");
    let (mut asked, mut seen) = (vec![], vec![]);
    for (symbol, _) in watched.iter().take(FETCHES) {
        terminal.see(&format!("No bars of {symbol} daily"));
        looks.take();
        let start = Instant::now();
        terminal.press("f");
        terminal.until(|screen| {
            let text = screen.contents();
            text.contains("100 bars") && !text.contains("No bars") && selected(screen).is_some()
        });
        let end = Instant::now();
        let looks = looks.take();
        let (first, last) = (*looks.first().unwrap(), *looks.last().unwrap());
        asked.push((first - start).as_secs_f64() * 1e3);
        seen.push((end - last).as_secs_f64() * 1e3);
        terminal.press("]");
    }
    say("from the key to the request at the provider", &asked);
    say("from the answer to its rows on the screen", &seen);
    memory(&terminal, "after fetching");
    leave(&terminal);
}

/// Begins without a key, each time on a fresh machine: from the key press to the row of a series with its
/// newest bar, including what the simulator takes for its answers.
fn first_bars(runtime: &Runtime) {
    let server = runtime.block_on(program::provider(Plan::Unlimited, &[]));
    let coinbase = server.base_url_of("coinbase").unwrap();
    let mut times = vec![];
    for _ in 0..STARTS {
        let desk = Desk::new()
            .with("ALPHA_VANTAGE_API_KEY", "")
            .with("ALPHA_VANTAGE_PLAN", "")
            .with("COINBASE_BASE_URL", &coinbase);
        let terminal = Terminal::start(SIZE, &desk.command(&[]));
        terminal.see("1  real bars now, without a key");
        terminal.until_it_reads_keys();
        let start = Instant::now();
        terminal.press("1");
        terminal.until(|screen| {
            let text = screen.contents();
            let is_there = |line: &str| line.contains("BTC-USD") && line.contains(" fresh ");
            text.lines().any(is_there)
        });
        times.push(since(start));
        leave(&terminal);
    }
    say("from the key to the first bars, without a key", &times);
}

/// Moves the selection up and down while the panel's own engine stores months.
fn load(runtime: &Runtime) {
    let desk = Desk::new().with("ALPHA_VANTAGE_BASE_URL", &large::serve_months());
    let watched: Vec<_> = (0..MONTHS)
        .map(|number| (format!("SYM{number}"), "1min"))
        .collect();
    runtime.block_on(large::prepare(&desk, &watched, true));
    let terminal = Terminal::start(SIZE, &desk.command(&[]));
    terminal.see("SYM1 ");
    let start = Instant::now();
    let waited = gauge::waited(id(&terminal));
    terminal.press("F");
    terminal.see(" running, ");
    let top = Mutex::new(None);
    terminal.until(|screen| {
        *top.lock().unwrap() = marked(screen);
        marked(screen).is_some()
    });
    let top = top.into_inner().unwrap().unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let mut echoes = vec![];
    let is_over = || !terminal.contents().contains(" running, ");
    for (key, row) in [("down", top + 1), ("up", top)].iter().cycle() {
        if is_over() && *row == top + 1 {
            break;
        }
        gauge::pause(Duration::from_millis(random.u64(20..80)));
        let pressed = Instant::now();
        terminal.press(key);
        terminal.until(|screen| marked(screen) == Some(*row));
        echoes.push(since(pressed));
    }
    let seconds = start.elapsed().as_secs_f64();
    terminal.see("2,014,000 bars");
    say("from a key to its echo, during the load", &echoes);
    say_value("the load, seconds", seconds);
    let waited = gauge::waited(id(&terminal)) - waited;
    say_value(
        "  of them its screen's thread waited for a processor",
        waited,
    );
    memory(&terminal, "after the load");
    leave(&terminal);
}
