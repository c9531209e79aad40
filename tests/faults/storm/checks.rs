//! What must hold whatever went wrong, by the provider's journal and the database alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::DateTime;
use pipeline_tui::simulate::{JournalEntry, Options, Plan, Server};
use pipeline_tui::time::Clock;
use serde_json::Value;

use super::plan::Side;
use super::world::{SEED, World};
use crate::engines::{LATE, late};
use crate::support::canary::assert_no_secret;
use crate::support::cluster::PASSWORD;
use crate::support::program::{CANARY, holds};
use crate::support::{oracle, sources};

/// Seconds by which an answer may be older than its entry in the journal.
const SLACK: i64 = 5;
/// What a plan allows: a source, so many requests, in so many milliseconds.
const ALLOWED: [(&str, usize, i64); 7] = [
    ("alpha_vantage", 1, 800),
    ("alpha_vantage", 5, 1_000),
    ("alpha_vantage", 75, 60_000),
    ("coinbase", 6, 1_000),
    ("binance", 10, 1_000),
    ("alpaca", 50, 3_350),
    ("alpaca", 1_000, 60_000),
];
/// What the providers take at most, by their own clock.
const TAKEN: [(&str, usize, i64); 3] = [
    ("alpha_vantage", 5, 1_000),
    ("alpha_vantage", 75, 60_000),
    ("coinbase", 15, 1_000),
];

/// A bar: source and symbol, interval, and its start in epoch seconds.
type Bar = (String, String, i64);

/// Bars in a store, and whether each is final.
type Stored = BTreeMap<Bar, (bool, sources::Values)>;

/// A request as the ledger has it.
struct Asked {
    source: String,
    is_stored: bool,
    reserved_ms: i64,
    /// What the answer brings: a series and its interval each.
    series: BTreeSet<(String, String)>,
}

impl Asked {
    /// The interval of the bars in the answer. What is coarser rides along.
    fn interval(&self) -> Option<&str> {
        let intervals = self.series.iter().map(|(_, interval)| interval.as_str());
        intervals.min_by_key(|interval| seconds(interval))
    }
}

/// How long a bar is.
fn seconds(interval: &str) -> i64 {
    let minutes = interval.trim_end_matches("min").parse::<u32>();
    i64::from(minutes.unwrap()) * 60
}

/// What a storm has brought.
pub struct Brought {
    /// Requests that the provider has seen.
    pub requests: usize,
    /// Of these, with an answer that is stored.
    pub stored: usize,
    /// Bars in the store.
    pub bars: usize,
    /// Messages about alerts that were taken.
    pub messages: usize,
    /// Of these, taken again.
    pub again: usize,
}

/// Checks an installation whose processes have ended.
pub async fn check(world: &World) -> Brought {
    let seen = seen(world);
    let ledger = ledger(world);
    check_requests(&seen, &ledger);
    check_limits(&seen, &ledger);
    let bars = check_bars(world, &seen, &ledger).await;
    check_words(world);
    check_runs(world);
    let messages = world.told.taken();
    let once: BTreeSet<&String> = messages.iter().collect();
    Brought {
        requests: seen.len(),
        stored: ledger.values().filter(|asked| asked.is_stored).count(),
        bars,
        messages: messages.len(),
        again: messages.len() - once.len(),
    }
}

/// What the provider has seen of requests for data, from its journal on disk.
fn seen(world: &World) -> Vec<JournalEntry> {
    let journal = std::fs::read_to_string(&world.journal).unwrap();
    let entries = journal.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        JournalEntry {
            at: text("at").unwrap().parse().unwrap(),
            dialect: text("dialect").map(|word| word.parse().unwrap()),
            path: text("path").unwrap(),
            request_id: text("request_id"),
            query: serde_json::from_value(line["query"].clone()).unwrap(),
            outcome: text("outcome").unwrap(),
            bytes: line["bytes"].as_u64().unwrap(),
            served: None,
        }
    });
    // `doctor` only looks whether somebody is there.
    entries.filter(|entry| entry.request_id.is_some()).collect()
}

fn ledger(world: &World) -> BTreeMap<String, Asked> {
    let millis = match world.side {
        Side::Postgres => "CAST(extract(epoch FROM reserved_at) * 1000 AS bigint)",
        Side::Sqlite => "CAST(round((julianday(reserved_at) - 2440587.5) * 86400000) AS integer)",
    };
    let sql = format!(
        "SELECT CAST(attempt_id AS text) || '|' || q.source || '|' || state || '|' || CAST({millis} AS text) || '|' || \
                coalesce(s.source || ':' || s.symbol, '') || '|' || coalesce(s.interval, '') \
         FROM requests q LEFT JOIN request_series s ON s.request_id = q.id WHERE state <> 'not_sent'"
    );
    let mut ledger: BTreeMap<String, Asked> = BTreeMap::new();
    for row in world.rows(&sql) {
        let cells: Vec<&str> = row.split('|').collect();
        let asked = ledger.entry(cells[0].to_owned()).or_insert_with(|| Asked {
            source: cells[1].to_owned(),
            is_stored: cells[2] == "stored",
            reserved_ms: cells[3].parse().unwrap(),
            series: BTreeSet::new(),
        });
        if !cells[5].is_empty() {
            asked
                .series
                .insert((cells[4].to_owned(), cells[5].to_owned()));
        }
    }
    ledger
}

/// Each request was reserved, and came at most once; what is stored came.
fn check_requests(seen: &[JournalEntry], ledger: &BTreeMap<String, Asked>) {
    let mut came = BTreeSet::new();
    for entry in seen {
        let id = entry.request_id.clone().unwrap();
        assert!(ledger.contains_key(&id), "never reserved: {entry:?}");
        assert!(came.insert(id), "sent twice: {entry:?}");
    }
    for (id, asked) in ledger {
        let is_there = came.contains(id);
        assert!(
            !asked.is_stored || is_there,
            "{id} is stored and never came"
        );
    }
}

/// No window had more requests than a plan allows, neither by the database's clock nor at the provider,
/// which refused none by itself.
fn check_limits(seen: &[JournalEntry], ledger: &BTreeMap<String, Asked>) {
    for (source, most, span) in ALLOWED {
        let of_it = ledger.values().filter(|asked| asked.source == source);
        let least = tightest(of_it.map(|asked| asked.reserved_ms).collect(), most);
        // The times are whole milliseconds.
        assert!(
            least + 1 >= span,
            "{source}: {most} and one more in {least} ms"
        );
    }
    for (source, most, span) in TAKEN {
        let of_it = seen.iter().filter(|entry| {
            entry
                .dialect
                .is_some_and(|dialect| dialect.as_str() == source)
        });
        let least = tightest(
            of_it.map(|entry| entry.at.timestamp_millis()).collect(),
            most,
        );
        assert!(
            least >= span,
            "{source} got {most} and one more in {least} ms"
        );
    }
    let refused = seen
        .iter()
        .find(|entry| entry.outcome != "data" && !entry.outcome.starts_with("fault:"));
    assert!(refused.is_none(), "{refused:?}");
}

/// The shortest time in which so many requests came, and one more.
fn tightest(mut times: Vec<i64>, requests: usize) -> i64 {
    times.sort_unstable();
    let spans = times.windows(requests + 1);
    spans
        .map(|some| some[requests] - some[0])
        .min()
        .unwrap_or(i64::MAX - 1)
}

/// Asks the same market at the same times again: every bar in the store was sent, a final one as it is,
/// and every bar of every answer that is stored is there. Returns how many.
async fn check_bars(
    world: &World,
    seen: &[JournalEntry],
    ledger: &BTreeMap<String, Asked>,
) -> usize {
    let now = Arc::new(AtomicI64::new(0));
    let told = Arc::clone(&now);
    let again = Server::start(Options {
        plan: Plan::Unlimited,
        seed: SEED,
        clock: Clock::from_fn(move || {
            DateTime::from_timestamp_millis(told.load(Ordering::SeqCst)).unwrap_or_default()
        }),
        ..Options::default()
    });
    let again = again.await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (mut sent, mut whole) = (BTreeMap::new(), BTreeSet::new());
    for entry in seen {
        let Some(asked) = ledger.get(entry.request_id.as_ref().unwrap()) else {
            continue;
        };
        let Some(interval) = asked.interval().filter(|_| asked.is_stored) else {
            continue;
        };
        now.store(entry.at.timestamp_millis(), Ordering::SeqCst);
        let body = sources::ask_again(&client, &again, entry).await;
        let length = seconds(interval);
        let mut over = vec![];
        for ((series, at), values) in bars(entry, asked, interval, &body) {
            let bar = (series, interval.to_owned(), at);
            if at + length <= entry.at.timestamp() - SLACK {
                over.push(bar.clone());
            }
            sent.insert(bar, values);
        }
        let riders = asked.series.iter().filter(|one| one.1 != interval);
        for (series, coarser) in riders {
            whole.extend(added_up(&over, length, series, coarser));
        }
        whole.extend(over);
    }
    let stored = stored(world);
    let wrong = wrong_bars(&sent, &whole, &stored);
    let some = &wrong[..wrong.len().min(5)];
    assert!(
        wrong.is_empty(),
        "{} bars are wrong: {some:#?}",
        wrong.len()
    );
    stored.len()
}

/// The bars of a coarser series, of which bars of an answer are each part.
fn added_up(finer: &[Bar], length: i64, series: &str, interval: &str) -> BTreeSet<Bar> {
    let coarse = seconds(interval);
    let parts: BTreeSet<i64> = finer
        .iter()
        .filter(|bar| bar.0 == series)
        .map(|bar| bar.2)
        .collect();
    let starts = parts.iter().map(|at| at - at.rem_euclid(coarse));
    let is_all = |start: &i64| {
        let mut times = (*start..*start + coarse).step_by(usize::try_from(length).unwrap());
        times.all(|at| parts.contains(&at))
    };
    let bar = |start| (series.to_owned(), interval.to_owned(), start);
    starts.filter(is_all).map(bar).collect()
}

/// What the final bars of a minute add up to in the time of a coarser bar.
fn sum(bar: &Bar, stored: &Stored) -> Option<sources::Values> {
    let minute = |at| (bar.0.clone(), "1min".to_owned(), at);
    let time = minute(bar.2)..minute(bar.2 + seconds(&bar.1));
    let mut minutes = stored.range(time).filter(|(minute, _)| *minute != bar);
    let (_, &(mut is_final, mut sum)) = minutes.next()?;
    for (_, (also, values)) in minutes {
        is_final &= also;
        sum = [
            sum[0],
            sum[1].max(values[1]),
            sum[2].min(values[2]),
            values[3],
            sum[4] + values[4],
        ];
    }
    is_final.then_some(sum)
}

/// What is wrong with the bars in a store, given what was sent last and which of it was over then.
fn wrong_bars(
    sent: &BTreeMap<Bar, sources::Values>,
    whole: &BTreeSet<Bar>,
    stored: &Stored,
) -> Vec<String> {
    let mut wrong = vec![];
    for bar in whole {
        match stored.get(bar) {
            None => wrong.push(format!("lost: {bar:?}")),
            Some((false, _)) => wrong.push(format!("not final: {bar:?}")),
            Some((true, _)) => {}
        }
    }
    for (bar, (is_final, values)) in stored {
        let is_sum = || *is_final && sum(bar, stored).as_ref() == Some(values);
        match sent.get(bar) {
            None if !is_sum() => wrong.push(format!("never sent: {bar:?}")),
            Some(was) if *is_final && was != values && !is_sum() => {
                wrong.push(format!("{bar:?} is {values:?}, sent was {was:?}"));
            }
            _ => {}
        }
    }
    wrong
}

/// The bars of an answer, read without the program's parsers.
fn bars(
    entry: &JournalEntry,
    asked: &Asked,
    interval: &str,
    body: &str,
) -> Vec<(sources::Key, sources::Values)> {
    if asked.source != "alpha_vantage" {
        return sources::read(entry, body).bars;
    }
    let (series, _) = asked.series.first().unwrap();
    let (_, symbol) = series.split_once(':').unwrap();
    let bars = oracle::bars(symbol, interval, body).into_iter();
    bars.map(|((_, _, at), values)| {
        let [open, high, low, close] = values.prices;
        let values = [open, high, low, close, values.volume * 100_000_000];
        ((series.clone(), at), values)
    })
    .collect()
}

/// The bars in the store, and whether each is final.
fn stored(world: &World) -> Stored {
    let sql = match world.side {
        Side::Sqlite => {
            "SELECT source || ':' || symbol || '|' || interval || '|' || unixepoch(timestamp) || '|' || final || '|' || \
                    open_price || '|' || high_price || '|' || low_price || '|' || close_price || '|' || \
                    (volume * 100000000 + volume_fraction) \
             FROM bars JOIN series_totals s ON s.id = series_id"
        }
        Side::Postgres => {
            "SELECT source || ':' || symbol || '|' || interval || '|' || CAST(extract(epoch FROM timestamp) AS bigint) \
                    || '|' || CAST(final AS integer) || '|' || CAST(open_price * 100000000 AS bigint) || '|' || \
                    CAST(high_price * 100000000 AS bigint) || '|' || CAST(low_price * 100000000 AS bigint) || '|' || \
                    CAST(close_price * 100000000 AS bigint) || '|' || CAST(volume * 100000000 AS bigint) \
             FROM stock_data"
        }
    };
    let mut stored = BTreeMap::new();
    for row in world.rows(sql) {
        let cells: Vec<&str> = row.split('|').collect();
        let number = |cell: usize| -> i64 { cells[cell].parse().unwrap() };
        let bar = (cells[0].to_owned(), cells[1].to_owned(), number(2));
        let values = [4, 5, 6, 7, 8].map(number);
        let other = stored.insert(bar, (cells[3] == "1", values));
        assert_eq!(other, None, "twice: {row}");
    }
    stored
}

/// No run is left open, no instant undecided, and no engine stored an answer after its lane was another's.
fn check_runs(world: &World) {
    let open = "SELECT CAST(id AS text) FROM runs WHERE status = 'running' UNION ALL \
                SELECT source || ' ' || outcome FROM ticks WHERE outcome = 'due'";
    assert_eq!(world.rows(open), [""; 0]);
    let twice = "SELECT kind || ' ' || subject FROM alerts WHERE recovered_at IS NULL \
                 GROUP BY kind, subject HAVING count(*) > 1";
    assert_eq!(world.rows(twice), [""; 0]);
    if world.side == Side::Postgres {
        assert_eq!(late(&world.rows(LATE), &world.said()), [""; 0]);
    }
}

/// No process has panicked, and no file that the program wrote holds a key or a password.
fn check_words(world: &World) {
    let said = world.said();
    let panicked = said.lines().find(|line| line.contains("panicked"));
    assert_eq!(panicked, None);
    for desk in world.desks() {
        let said = std::fs::read(desk.folder().join("said")).unwrap_or_default();
        look("what it said", &said);
        for entry in std::fs::read_dir(desk.folder().join("data"))
            .into_iter()
            .flatten()
        {
            let path = entry.unwrap().path();
            if path.is_file() {
                look(&path.display().to_string(), &std::fs::read(&path).unwrap());
            }
        }
    }
}

#[track_caller]
fn look(sink: &str, bytes: &[u8]) {
    assert_no_secret(sink, bytes);
    for secret in [CANARY, PASSWORD] {
        assert!(!holds(bytes, secret), "{sink} holds a secret");
    }
}

#[test]
fn a_lost_an_open_a_changed_and_an_invented_bar_are_found() {
    let bar = |at| ("coinbase:BTC-USD".to_owned(), "1min".to_owned(), at);
    let sent = BTreeMap::from([(bar(0), [1; 5]), (bar(60), [2; 5]), (bar(120), [3; 5])]);
    let whole = BTreeSet::from([bar(0), bar(60)]);
    let good = BTreeMap::from([
        (bar(0), (true, [1; 5])),
        (bar(60), (true, [2; 5])),
        // It went on trading after it was sent.
        (bar(120), (false, [9; 5])),
    ]);
    assert!(wrong_bars(&sent, &whole, &good).is_empty());
    let found = |change: &dyn Fn(&mut Stored)| {
        let mut stored = good.clone();
        change(&mut stored);
        wrong_bars(&sent, &whole, &stored).concat()
    };
    let lost = found(&|stored| {
        stored.remove(&bar(60));
    });
    assert!(lost.starts_with("lost"), "{lost}");
    let open = found(&|stored| {
        stored.insert(bar(60), (false, [2; 5]));
    });
    assert!(open.starts_with("not final"), "{open}");
    let changed = found(&|stored| {
        stored.insert(bar(60), (true, [7; 5]));
    });
    assert!(changed.contains("sent was [2, 2, 2, 2, 2]"), "{changed}");
    let invented = found(&|stored| {
        stored.insert(bar(180), (true, [4; 5]));
    });
    assert!(invented.starts_with("never sent"), "{invented}");
}

#[test]
fn a_coarser_bar_is_what_its_minutes_add_up_to() {
    let bar = |interval: &str, at| ("coinbase:BTC-USD".to_owned(), interval.to_owned(), at);
    let minutes: Vec<Bar> = (5..11).map(|minute| bar("1min", minute * 60)).collect();
    let five = bar("5min", 300);
    let whole = added_up(&minutes, 60, &five.0, "5min");
    assert_eq!(whole, BTreeSet::from([five.clone()]), "10:10 is not over");
    let values = |at| [at, 10 + at, 5 - at, at + 1, 2];
    let stored = minutes
        .iter()
        .zip(0..)
        .map(|(bar, at)| (bar.clone(), (true, values(at))));
    let stored: Stored = stored.collect();
    let added = [0, 14, 1, 5, 10];
    assert_eq!(sum(&five, &stored), Some(added));
    let sent: BTreeMap<Bar, sources::Values> = minutes
        .iter()
        .zip(0..)
        .map(|(bar, at)| (bar.clone(), values(at)))
        .collect();
    let wrong = |bar: &Bar, is_final, values| {
        let mut stored = stored.clone();
        stored.insert(bar.clone(), (is_final, values));
        wrong_bars(&sent, &whole, &stored).concat()
    };
    assert_eq!(wrong(&five, true, added), "");
    assert!(wrong(&five, true, [0, 14, 1, 5, 9]).starts_with("never sent"));
    assert!(wrong(&five, false, added).starts_with("not final"));
    assert!(wrong(&bar("5min", 0), true, added).starts_with("lost"));
}

#[test]
fn too_many_requests_in_a_window_are_found() {
    let times = vec![0, 5_000, 900, 400, 1_300];
    assert_eq!(tightest(times.clone(), 1), 400);
    assert_eq!(tightest(times.clone(), 2), 900);
    assert!(tightest(times, 5) > 60_000, "there are no six");
}
