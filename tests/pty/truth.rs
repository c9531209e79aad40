//! What is true of a series is what the program says of it: at set times, from the command line and in
//! the panel.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use pipeline_tui::simulate::{Options, Plan, Server};
use pipeline_tui::time::Clock;

use crate::support::program::{Desk, Done, signal};
use crate::support::terminal::Terminal;
use crate::support::wall::Wall;
use crate::support::{leave, market};

/// Rows and columns.
const SIZES: [(u16, u16); 2] = [(24, 80), (36, 120)];

/// A provider and a desk on which it is some time of some day. The store is an SQLite file: nobody sets
/// the clock of a server.
struct World {
    desk: Desk,
    wall: Wall,
    server: Server,
    hands: Arc<Mutex<Clock>>,
}

impl World {
    /// IBM with this interval is watched, and it is a time of some day.
    fn new(interval: &str, plan: Plan, plants: &[&str], now: &str) -> Option<Self> {
        let hands = Arc::new(Mutex::new(Clock::running_from(now.parse().unwrap(), 1)));
        let clock = {
            let hands = Arc::clone(&hands);
            Clock::from_fn(move || hands.lock().unwrap().now())
        };
        let server = market(Options {
            plan,
            clock,
            plants: plants.iter().map(|plant| plant.parse().unwrap()).collect(),
            ..Options::default()
        });
        let desk = Desk::new()
            .asking(&server)
            .with("PIPELINE_SYMBOLS", "IBM")
            .with("PIPELINE_INTERVAL", interval);
        let desk = match plan {
            Plan::Free => desk.with("ALPHA_VANTAGE_PLAN", "free"),
            _ => desk,
        };
        let wall = Wall::new(desk.folder())?;
        let world = Self {
            desk,
            wall,
            server,
            hands,
        };
        world.at(now);
        Some(world)
    }

    /// It is another time.
    fn at(&self, now: &str) {
        let now: DateTime<Utc> = now.parse().unwrap();
        *self.hands.lock().unwrap() = Clock::running_from(now, 1);
        self.wall.show(now);
    }

    fn run(&self, arguments: &[&str]) -> Done {
        let mut command = self.wall.over(self.desk.command(arguments));
        Done::from(command.output().unwrap())
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> Done {
        let done = self.run(arguments);
        assert_eq!(done.code, 0, "{done:?}");
        done
    }

    /// Requests so far.
    fn sent(&self) -> usize {
        self.server.journal().len()
    }

    /// How `status` says that the series stand, and its exit code.
    fn status(&self) -> (String, i32) {
        let done = self.run(&["status"]);
        let of_series = |part: &&str| !part.contains("engine") && !part.contains("request");
        let parts: Vec<&str> = done.stdout.trim().split(" · ").filter(of_series).collect();
        (parts.join(" · "), done.code)
    }

    /// The engine without a screen.
    fn engine(&self) -> Engine {
        let mut command = self.wall.over(self.desk.command(&["run"]));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Engine {
            child,
            lines: lines.into(),
        }
    }

    fn panel(&self, size: (u16, u16)) -> Terminal {
        let terminal = Terminal::start(size, &self.wall.over(self.desk.command(&[])));
        terminal.see("IBM");
        terminal.until_it_reads_keys();
        terminal
    }

    /// The panel shows all of these words, at each size.
    #[track_caller]
    fn panel_says(&self, words: &[&str]) {
        for size in SIZES {
            let terminal = self.panel(size);
            for word in words {
                terminal.see(word);
            }
            leave(&terminal);
        }
    }

    /// Nothing is fetched by itself from now on.
    fn pause(&self) {
        self.desk.sql(
            "INSERT INTO lanes (source, last_tick) VALUES ('alpha_vantage', '2026-11-20T16:00:00+00:00')",
        );
        let pause = "INSERT INTO settings (name, value) VALUES ('paused', 'true')";
        self.desk.sql(pause);
    }

    /// The schedule is as on a store that no engine has opened.
    fn resume(&self) {
        self.desk.sql("DELETE FROM settings");
        self.desk.sql("DELETE FROM lanes");
    }
}

/// A process that fetches on schedule, and what it says.
struct Engine {
    child: Child,
    lines: RefCell<Lines<BufReader<ChildStdout>>>,
}

impl Engine {
    /// Waits until it says this.
    #[track_caller]
    fn until(&self, said: &str) {
        let mut lines = self.lines.borrow_mut();
        let is_it = |line: std::io::Result<String>| line.unwrap().contains(said);
        assert!(lines.by_ref().any(is_it), "it never said {said:?}");
    }

    fn stop(mut self) {
        signal("TERM", &self.child);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_month_of_the_past_is_not_fresh_and_the_engine_fetches_what_came_since() {
    let Some(world) = World::new("5min", Plan::Unlimited, &[], "2026-11-20T17:00:00Z") else {
        return;
    };
    world.done(&["fetch", "--month", "2026-05"]);
    assert_eq!(world.status(), ("1 with holes".to_owned(), 1));
    let gaps = world.run(&["gaps"]);
    let summer = "IBM 5min  2026-06-01 09:30  2026-11-19 15:55";
    assert!(gaps.code == 1 && gaps.stdout.contains(summer), "{gaps:?}");
    world.pause();
    world.panel_says(&[
        "holes",
        "never asked for, in 1 hole, oldest 2026-06-01.",
        ". fetch them, 6 requests",
    ]);
    assert_eq!(world.sent(), 1);
    world.resume();
    let engine = world.engine();
    engine.until("run 2 succeeded");
    engine.stop();
    assert_eq!(world.sent(), 1 + 6, "June to November");
    assert_eq!(world.status(), ("1 fresh".to_owned(), 0));
    assert_eq!(world.run(&["gaps"]).code, 0);
}

#[test]
fn half_a_year_away_is_made_up_for_by_the_next_fetch() {
    let Some(world) = World::new("5min", Plan::Unlimited, &[], "2026-05-20T16:00:00Z") else {
        return;
    };
    world.done(&["fetch"]);
    assert_eq!(world.status(), ("1 fresh".to_owned(), 0));
    world.at("2026-11-20T17:00:00Z");
    assert_eq!(world.status(), ("1 with holes".to_owned(), 1));
    world.done(&["fetch"]);
    assert_eq!(world.sent(), 1 + 7, "May to November");
    assert_eq!(world.status(), ("1 fresh".to_owned(), 0));
    assert_eq!(world.run(&["gaps"]).code, 0);
    world.pause();
    world.panel_says(&["fresh", "Up to date: "]);
}

#[test]
fn half_a_year_away_leaves_a_hole_where_the_plan_has_the_newest_bars_only() {
    let Some(world) = World::new("daily", Plan::Free, &[], "2026-05-20T21:00:00Z") else {
        return;
    };
    world.done(&["fetch"]);
    world.at("2026-11-20T21:30:00Z");
    world.done(&["fetch"]);
    assert_eq!(world.status(), ("1 with holes".to_owned(), 1));
    let gaps = world.run(&["gaps"]);
    let hole = "IBM daily  2026-05-21  2026-07-01    28  no: needs a paid Alpha Vantage plan";
    assert!(gaps.code == 1 && gaps.stdout.contains(hole), "{gaps:?}");
    assert!(
        gaps.stderr.contains("none of them can be fetched"),
        "{gaps:?}"
    );
    let bars = world.done(&["bars", "IBM", "--limit", "110"]);
    let mark = "never asked: 28 bars, 05-21 … 07-01";
    assert!(bars.stdout.contains(mark), "{bars:?}");
    // Whatever asks, nothing can bring them, and nothing is spent on them.
    let filled = world.run(&["backfill"]);
    let why = "what is before 2026-07-07 needs a paid Alpha Vantage plan";
    assert!(
        filled.code == 4 && filled.stdout.contains(why),
        "{filled:?}"
    );
    world.panel_says(&[
        "holes",
        "28 bars never asked for, in 1 hole, oldest 2026-05-21.",
        "2026-07-07 needs a paid",
    ]);
    assert_eq!(world.sent(), 2);
}

const SPLIT: &str = "split:4:1@2026-11-20 09:34,symbol=IBM";

/// The most that a price changes from one of these bars to the next.
fn worst_change(prices: impl IntoIterator<Item = f64>) -> f64 {
    let prices: Vec<f64> = prices.into_iter().collect();
    assert!(prices.len() > 6_000, "{}", prices.len());
    let changes = prices.windows(2).map(|pair| pair[0] / pair[1]);
    changes
        .map(|change| change.max(1.0 / change))
        .fold(1.0, f64::max)
}

#[test]
fn a_split_leaves_adjusted_prices_on_one_scale() {
    let Some(world) = World::new("daily", Plan::Unlimited, &[SPLIT], "2026-11-19T22:00:00Z") else {
        return;
    };
    world.done(&["fetch", "--adjusted"]);
    // Prices are on the new scale, and the provider does not know yet that there was a split.
    world.at("2026-11-20T14:32:00Z");
    world.done(&["fetch", "--adjusted"]);
    let days = "SELECT trading_date FROM stock_data_adjusted WHERE close_price IS NOT NULL";
    assert_eq!(world.desk.sql(days), ["2026-11-20"]);
    world.at("2026-11-20T22:00:00Z");
    world.done(&["fetch", "--adjusted"]);
    let column = |sql: &str| {
        let prices = world.desk.sql(sql).into_iter();
        worst_change(prices.map(|price| price.parse().unwrap()))
    };
    // The provider's own are restated as far back as its last answer, and no further.
    assert!(column("SELECT adjusted_close FROM stock_data ORDER BY timestamp") > 3.5);
    assert!(column("SELECT close_price FROM stock_data_adjusted ORDER BY timestamp") < 1.5);
    let csv = [
        "bars",
        "IBM",
        "--interval",
        "daily",
        "--adjusted",
        "--format",
        "csv",
    ];
    let csv = world.done(&[&csv[..], &["--limit", "10000"]].concat());
    let mut lines = csv
        .stdout
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let close = head.iter().position(|name| *name == "close_price").unwrap();
    let closes = lines.map(|fields| fields[close].parse().unwrap());
    assert!(worst_change(closes) < 1.5);
    assert_eq!(world.status(), ("1 fresh".to_owned(), 0));

    for size in SIZES {
        let terminal = world.panel(size);
        terminal.press("enter");
        terminal.see("VOLUME");
        terminal.until(|screen| closes_of(screen, "2026-11-19") == Some(22.34));
        terminal.see("split 4:1 · A shows adjusted prices");
        terminal.press("A");
        terminal.until(|screen| closes_of(screen, "2026-11-19") == Some(5.585));
        assert!(!terminal.contents().contains("split 4:1"));
        leave(&terminal);
    }
}

/// The close in the row of a day.
fn closes_of(screen: &vt100::Screen, day: &str) -> Option<f64> {
    let contents = screen.contents();
    let is_row = |line: &&str| line.trim_start_matches('▌').trim_start().starts_with(day);
    let row = contents.lines().find(is_row)?;
    row.trim_start_matches('▌')
        .split_whitespace()
        .nth(4)?
        .parse()
        .ok()
}

#[test]
fn nothing_is_due_on_thanksgiving_and_the_engine_waits_for_friday() {
    let Some(world) = World::new("5min", Plan::Unlimited, &[], "2026-11-25T21:30:00Z") else {
        return;
    };
    world.done(&["fetch"]);
    // Ten o'clock, and after the hours of any other Thursday.
    for now in ["2026-11-26T15:00:00Z", "2026-11-26T21:30:00Z"] {
        world.at(now);
        assert_eq!(world.status(), ("1 fresh".to_owned(), 0), "{now}");
        world.panel_says(&["fresh", "NYSE closed: Thanksgiving, opens Fri 09:30 ET"]);
    }
    world.at("2026-11-26T15:00:00Z");
    let engine = world.engine();
    engine.until("next Fri 2026-11-27 09:35 ET");
    engine.until("this process fetches on schedule");
    assert_eq!(world.sent(), 1);
    world.at("2026-11-27T14:36:00Z");
    engine.until("run 2 succeeded");
    engine.stop();
    let days = world
        .desk
        .sql("SELECT substr(started_at, 1, 10) FROM runs ORDER BY id");
    assert_eq!(days, ["2026-11-25", "2026-11-27"]);
}

#[test]
fn after_a_half_day_its_bar_is_due_at_once_and_the_next_on_monday() {
    let Some(world) = World::new("daily", Plan::Free, &[], "2026-11-25T21:30:00Z") else {
        return;
    };
    world.done(&["fetch"]);
    world.at("2026-11-27T17:55:00Z");
    assert_eq!(world.status(), ("1 fresh".to_owned(), 0));
    world.pause();
    world.panel_says(&["fresh", "NYSE open, closes 13:00 ET (half day)"]);
    world.at("2026-11-27T19:30:00Z");
    assert_eq!(world.status(), ("1 due".to_owned(), 0));
    world.panel_says(&[
        "due",
        "1 session behind; asked Wed 16:30.",
        "NYSE closed, opens Mon 09:30 ET",
    ]);
    assert_eq!(world.sent(), 1);
    world.resume();
    let engine = world.engine();
    engine.until("next Mon 2026-11-30 16:20 ET");
    engine.until("run 2 succeeded");
    engine.stop();
    assert_eq!(world.status(), ("1 fresh".to_owned(), 0));
    world.panel_says(&["fresh", "Next bar due Mon 16:00 ET."]);
    assert_eq!(world.sent(), 2);
}

#[test]
fn nothing_is_due_on_christmas_after_the_half_day_before_it() {
    let Some(world) = World::new("5min", Plan::Unlimited, &[], "2026-12-24T22:05:00Z") else {
        return;
    };
    world.done(&["fetch"]);
    world.at("2026-12-25T15:00:00Z");
    assert_eq!(world.status(), ("1 fresh".to_owned(), 0));
    world.panel_says(&["fresh", "NYSE closed: Christmas, opens Mon 09:30 ET"]);
    let engine = world.engine();
    engine.until("next Mon 2026-12-28 09:35 ET");
    engine.until("this process fetches on schedule");
    engine.stop();
    assert_eq!(world.sent(), 1);
}
