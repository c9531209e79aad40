//! The panel in its container, on PostgreSQL: `docker-compose run --rm pipeline-tui`, read back with `psql`.
//!
//! Only `.ci/container` has an image and a project for it. It says which with `CONTAINER_IMAGE`,
//! `CONTAINER_PROJECT` and `CONTAINER_FILES`, and runs these tests in the project's folder, one at a
//! time. Without them they are skipped, in CI too: there they run in a later step of the gate.

mod first_minute;
mod week;

use std::process::{Command, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

use crate::support::cluster::notice;
use crate::support::program::{CANARY, holds};
use crate::support::terminal::Terminal;
use crate::support::{assert_restored, tabs};

const WIDE: (u16, u16) = (36, 120);
const NARROW: (u16, u16) = (24, 80);
/// Cells between the tabs of both widths.
const GAP: usize = 2;
const WATCHED: [&str; 4] = ["IBM", "AAPL", "MSFT", "GOOGL"];
const INTERVAL: &str = "5min";
/// The schedule's shortest step, twice; then what a run takes.
const NEXT_RUN: Duration = Duration::from_secs(150);
/// What Compose and Docker may take.
const LIMIT: Duration = Duration::from_secs(90);

/// A Compose project.
struct Project {
    name: String,
    files: String,
    /// What its files take from the environment.
    values: Vec<(String, String)>,
}

/// A project of its own, with empty volumes; it is removed when this is dropped.
struct Beside {
    project: Project,
}

impl Drop for Beside {
    fn drop(&mut self) {
        let mut down = self.project.compose(&["down", "-v", "-t", "5"]);
        let _ = down.stderr(Stdio::null()).status();
    }
}

impl Project {
    /// The one that was given.
    fn given() -> Option<Self> {
        let given = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let project = given("CONTAINER_PROJECT")
            .zip(given("CONTAINER_FILES"))
            .map(|(name, files)| Self {
                name,
                files,
                values: vec![],
            });
        if project.is_none() {
            static TOLD: Once = Once::new();
            TOLD.call_once(|| notice("skipped: the panel in its container; .ci/container runs it"));
        }
        project
    }

    /// Another project with the image of this one and a file more.
    fn beside(&self, name: &str, file: &str, values: &[(&str, &str)]) -> Beside {
        let image = std::env::var("CONTAINER_IMAGE").expect("the image is named");
        let own = [
            ("CONTAINER_IMAGE", image.as_str()),
            // Any free port.
            ("POSTGRES_PUBLISH_PORT", "0"),
        ];
        let values = own.iter().chain(values);
        Beside {
            project: Self {
                name: format!("{}{name}", self.name),
                files: format!("docker-compose.yml:docker-compose.simulate.yml:{file}"),
                values: values
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            },
        }
    }

    /// `docker-compose` with only what it needs of the caller's environment to reach Docker.
    fn compose(&self, arguments: &[&str]) -> Command {
        let is_needed = |name: &str| {
            ["PATH", "HOME", "POSTGRES_PUBLISH_PORT"].contains(&name) || name.starts_with("DOCKER_")
        };
        let mut command = Command::new("docker-compose");
        command
            .args(arguments)
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| is_needed(name)))
            .envs(self.values.iter().cloned())
            .env("COMPOSE_PROJECT_NAME", &self.name)
            .env("COMPOSE_FILE", &self.files)
            .current_dir(std::env::current_dir().unwrap())
            .stdin(Stdio::null());
        command
    }

    /// What it printed to stdout.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.compose(arguments).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    /// Rows as `psql` reads them, columns joined by `|`.
    #[track_caller]
    fn psql(&self, sql: &str) -> String {
        let psql = ["exec", "-T", "postgres", "psql", "-U", "postgres"];
        self.run(&[&psql[..], &["-d", "stock_data", "-XAtc", sql]].concat())
    }

    /// A shell's word about the volumes.
    #[track_caller]
    fn shell(&self, script: &str) -> String {
        let shell = ["run", "--rm", "-T", "--no-deps", "--entrypoint", "sh"];
        self.run(&[&shell[..], &["pipeline-tui", "-euc", script]].concat())
    }

    /// The panel as the documentation starts it.
    fn panel(&self, size: (u16, u16)) -> Terminal {
        Terminal::start(size, &self.compose(&["run", "--rm", "pipeline-tui"]))
    }
}

/// The line of a series of the Overview.
fn row(screen: &vt100::Screen, symbol: &str) -> String {
    let contents = screen.contents();
    let row = contents.lines().find(|line| {
        let mut words = line.trim_start_matches('▌').split_whitespace();
        words.next() == Some(symbol) && words.next() == Some(INTERVAL)
    });
    row.unwrap_or_default().to_owned()
}

fn is(screen: &vt100::Screen, symbol: &str, state: &str) -> bool {
    row(screen, symbol)
        .split_whitespace()
        .any(|word| word == state)
}

/// Waits for the Overview in a size. The keys stand in its last line: what is left of a larger window has
/// none there.
#[track_caller]
fn until_drawn(terminal: &Terminal, size: (u16, u16)) {
    let tabs = tabs(GAP);
    terminal.until_within(LIMIT, |screen| {
        let is_there = |symbol| !row(screen, symbol).is_empty();
        let mut lines = screen.rows(0, size.1).skip(usize::from(size.0) - 1);
        screen.alternate_screen()
            && lines.next().is_some_and(|line| line.contains("? help"))
            && screen.contents().contains(&tabs)
            && screen.contents().contains("│ Schedule") == (size == WIDE)
            && WATCHED.into_iter().all(is_there)
    });
}

/// Waits until series are fresh. While the market trades, one may have to wait for the next run.
#[track_caller]
fn until_fresh(terminal: &Terminal, symbols: &[&str]) {
    terminal.until_within(NEXT_RUN, |screen| {
        symbols.iter().all(|symbol| is(screen, symbol, "fresh"))
    });
}

/// Lets runs start every minute.
#[track_caller]
fn schedule_each_minute(terminal: &Terminal) {
    terminal.press("S");
    terminal.see("Schedule");
    terminal.press("ctrl-u");
    terminal.type_text("every 1");
    terminal.press("enter");
    terminal.see("runs start every minute");
}

/// Fetches the selected series by key, and follows it from request to answer. The provider is stopped
/// until the request was shown: all of its container except the first process, which is not part of it.
#[track_caller]
fn fetch_selected(project: &Project, terminal: &Terminal) {
    let signal = |name| {
        let order = format!("kill -{name} -1");
        project.run(&["exec", "-T", "simulate", "sh", "-c", &order]);
    };
    signal("STOP");
    terminal.press("f");
    terminal.until(|screen| is(screen, "IBM", "fetching"));
    signal("CONT");
    until_fresh(terminal, &["IBM"]);
}

#[track_caller]
fn add(terminal: &Terminal, symbol: &str) {
    terminal.press("a");
    terminal.see("Add series");
    terminal.type_text(&format!("{symbol} {INTERVAL}"));
    terminal.press("enter");
    terminal.until(|screen| !row(screen, symbol).is_empty());
}

#[track_caller]
fn has_left(terminal: &Terminal) {
    assert_eq!(terminal.wait(), 0, "{}", terminal.contents());
    assert_restored(terminal);
    let contents = terminal.contents();
    let last = contents.lines().rfind(|line| !line.trim().is_empty());
    assert!(
        last.is_some_and(
            |last| last.starts_with("Stopped.") && last.contains("docker compose up -d")
        ),
        "{contents}"
    );
}

/// Time, close and volume of the newest bar in the table of the Bars.
fn newest_shown(terminal: &Terminal) -> Option<(String, f64, u64)> {
    let contents = terminal.contents();
    let row = contents.lines().find_map(|line| line.strip_prefix('▌'))?;
    let words: Vec<&str> = row.split('│').next()?.split_whitespace().collect();
    let [date, time, _, _, _, close, volume] = words[..] else {
        return None;
    };
    let plain = |number: &str| number.replace(',', "");
    let (close, volume) = (plain(close).parse().ok()?, plain(volume).parse().ok()?);
    Some((format!("{date} {time}"), close, volume))
}

fn newest_stored(project: &Project) -> Option<(String, f64, u64)> {
    let row = project.psql(
        "SELECT to_char(timestamp AT TIME ZONE 'America/New_York', 'YYYY-MM-DD HH24:MI'), close_price, volume \
         FROM stock_data WHERE symbol = 'IBM' AND interval = '5min' ORDER BY timestamp DESC LIMIT 1",
    );
    let columns: Vec<&str> = row.split('|').collect();
    let [label, close, volume] = columns[..] else {
        return None;
    };
    Some((label.to_owned(), close.parse().ok()?, volume.parse().ok()?))
}

/// Checks again until this is true: each check takes the time of a `docker-compose`.
#[track_caller]
fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_true() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
    }
}

/// No two processes answered one instant of the schedule.
#[track_caller]
fn assert_no_instant_was_fetched_twice(project: &Project) {
    let doubles = project.psql(
        "SELECT date_trunc('minute', started_at), count(*) FROM runs WHERE trigger = 'schedule' \
         GROUP BY 1 HAVING count(*) > 1",
    );
    assert_eq!(doubles, "");
    let bars = project.psql(
        "SELECT symbol, interval, timestamp, count(*) FROM stock_data \
         GROUP BY source, symbol, interval, adjusted, timestamp HAVING count(*) > 1",
    );
    assert_eq!(bars, "");
}

#[test]
fn what_the_panel_shows_is_what_psql_reads() {
    let Some(project) = Project::given() else {
        return;
    };
    project.run(&["stop", "pipeline-tui"]);
    let terminal = project.panel(WIDE);
    until_drawn(&terminal, WIDE);
    terminal.see("run by this process");

    schedule_each_minute(&terminal);
    terminal.press("F");
    until_fresh(&terminal, &WATCHED);
    fetch_selected(&project, &terminal);

    terminal.resize(NARROW.0, NARROW.1);
    until_drawn(&terminal, NARROW);
    terminal.resize(WIDE.0, WIDE.1);
    until_drawn(&terminal, WIDE);
    terminal.see("run by this process");

    terminal.press("enter");
    terminal.see("VOLUME");
    until(
        "the newest bar on the screen is the newest in the database",
        || {
            // The year is shown if the window holds bars of more than one.
            let both = newest_shown(&terminal).zip(newest_stored(&project));
            both.is_some_and(|((label, close, volume), stored)| {
                stored.0.ends_with(&label) && (close, volume) == (stored.1, stored.2)
            })
        },
    );
    terminal.press("esc");
    until_drawn(&terminal, WIDE);

    // Nobody could resume it.
    terminal.press("ctrl-z");
    terminal.see("no shell here");
    terminal.press("ctrl-s");
    terminal.see("watch-list-");
    keep_a_key(&terminal);

    let last: u64 = project.psql("SELECT max(id) FROM runs").parse().unwrap();
    add(&terminal, "NVDA");
    terminal.press("5");
    terminal.see("TRIGGER");
    terminal.until_within(NEXT_RUN, |screen| {
        screen.contents().lines().any(|line| {
            let mut words = line.trim_start_matches('▌').split_whitespace();
            let is_new = words.next().and_then(|id| id.parse().ok()) > Some(last);
            is_new
                && ["schedule", "succeeded"]
                    .iter()
                    .all(|word| line.contains(word))
        })
    });
    terminal.press("1");
    until_fresh(&terminal, &["NVDA"]);
    terminal.press("q");
    has_left(&terminal);

    assert!(!holds(&terminal.bytes_since(0), CANARY), "a key was drawn");
    let series =
        "FROM run_series JOIN runs ON runs.id = run_id WHERE run_series.status = 'succeeded'";
    for (symbol, trigger) in [("IBM", "fetch"), ("NVDA", "schedule")] {
        let runs = project.psql(&format!(
            "SELECT count(*) {series} AND symbol = '{symbol}' AND trigger = '{trigger}'"
        ));
        assert_ne!(runs, "0", "{symbol} by {trigger}");
    }
    assert_no_instant_was_fetched_twice(&project);
    let kept = project.shell(
        "stat -c '%a %u %n' /config/pipeline-tui/*; cat /config/pipeline-tui/alpha_vantage.key; cat /exports/watch-list-*",
    );
    let is_saved = |line: &str| line.starts_with("IBM,5min,");
    assert!(
        kept.lines()
            .any(|line| line.starts_with("600 10001 /config/"))
            && kept.lines().any(|line| line == CANARY)
            && kept.lines().any(is_saved),
        "{kept}"
    );
}

/// Enters a key and saves it: the root file system is read-only, `/config` is not.
#[track_caller]
fn keep_a_key(terminal: &Terminal) {
    terminal.press("K");
    terminal.see("Key of which source");
    terminal.press("enter");
    terminal.see("Alpha Vantage key");
    terminal.type_text(CANARY);
    terminal.press("enter");
    terminal.until(|screen| !screen.contents().contains("Alpha Vantage key"));
    terminal.press(":");
    terminal.type_text("save the key");
    terminal.see("Save the key");
    terminal.press("enter");
    terminal.see("saved in /config/");
}

#[test]
fn beside_the_engine_the_panel_says_who_fetches_and_takes_over() {
    let Some(project) = Project::given() else {
        return;
    };
    // A new container, so that its log begins here.
    project.run(&["rm", "-sf", "pipeline-tui"]);
    project.psql(
        "INSERT INTO settings (name, value) VALUES ('schedule', '{\"when\":{\"every\":{\"minutes\":1}},\"missed\":\"once\"}') \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    );
    project.run(&["up", "-d", "--no-build", "pipeline-tui"]);
    until("the engine owns the schedule", || {
        let log = project.run(&["logs", "--no-color", "pipeline-tui"]);
        log.contains("this process fetches on schedule")
    });
    let terminal = project.panel(NARROW);
    until_drawn(&terminal, NARROW);
    terminal.see("another process fetches");
    fetch_selected(&project, &terminal);
    terminal.resize(WIDE.0, WIDE.1);
    until_drawn(&terminal, WIDE);
    terminal.see("run by another");

    // The engine fetches what the panel added, and the panel shows it.
    add(&terminal, "AMZN");
    until_fresh(&terminal, &["AMZN"]);

    project.run(&["stop", "pipeline-tui"]);
    terminal.see("run by this process");
    terminal.press("ctrl-c");
    has_left(&terminal);
    assert_no_instant_was_fetched_twice(&project);
}
