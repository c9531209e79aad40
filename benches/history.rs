//! A year of daily series on a plan with 75 requests a minute: what the bookkeeping takes after each quarter, and how
//! long forgetting takes. Bars and answers are not in it: bars are kept for ever, answers up to a number of bytes. A
//! file is in memory, as the server of the tests does not wait for the disk either.

#![expect(clippy::print_stdout, reason = "the table is the output")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that cannot reach its database should stop"
)]

#[path = "../tests/suite/support/bookkeeping.rs"]
mod bookkeeping;
#[path = "../tests/suite/support/cluster.rs"]
mod cluster;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bookkeeping::Year;
use chrono::TimeDelta;
use pipeline_tui::config::Secret;
use pipeline_tui::db::{Access, PgTarget, Store, open_postgres, open_sqlite};
use pipeline_tui::model::alert::AlertChanges;
use pipeline_tui::model::text::{size, thousands};
use pipeline_tui::model::{BoundedBy, Retention, StoreTable, TableSize};
use pipeline_tui::time::Clock;

/// As the program deletes: rows of a table that one transaction takes, and transactions of one go.
const PIECE: u32 = 1_000;
const PIECES: u32 = 200;
const SESSIONS: u32 = 250;
/// Series where no number is given: ten thousand take four times as long, and as much room.
const SERIES: u32 = 2_500;
/// The runs that are kept at least.
const RUNS: u32 = 100;
/// Sessions after which a fifth of the rows is dead, and the server would vacuum by itself. A year that goes by in
/// minutes leaves it no time for that.
const VACUUM: u32 = RUNS / 5;

enum Place {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Place {
    async fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(path) => open_sqlite(path, Access::ReadWrite).await.unwrap(),
            Self::Postgres(url) => {
                let target = PgTarget {
                    url: Secret::new(url.clone()),
                    shown: "bench".to_owned(),
                };
                open_postgres(target, Access::ReadWrite).await.unwrap()
            }
        }
    }

    /// Does what the server does by itself in a year.
    fn vacuum(&self) {
        if let Self::Postgres(url) = self {
            cluster::psql(url, "VACUUM (ANALYZE)");
        }
    }

    /// Runs statements in one transaction, by another client.
    fn all(&self, statements: &[String]) {
        let text = format!("BEGIN;\n{};\nCOMMIT;", statements.join(";\n"));
        match self {
            Self::Sqlite(path) => {
                let file = rusqlite::Connection::open(path).unwrap();
                // In memory until the end: a page is written once.
                file.pragma_update(None, "cache_size", -400_000).unwrap();
                file.execute_batch(&text).unwrap();
            }
            Self::Postgres(url) => {
                cluster::psql(url, &text);
            }
        }
    }
}

/// The longest times of a year.
#[derive(Default)]
struct Longest {
    piece: Duration,
    search: Duration,
    go: Duration,
}

/// Deletes as whoever looks after the store does after a run.
async fn prune(store: &Arc<dyn Store>, kept: Retention, longest: &mut Longest) {
    let began = Instant::now();
    let upto = store.forgettable(kept).await.unwrap();
    longest.search = longest.search.max(began.elapsed());
    for _ in 0..PIECES {
        let piece = Instant::now();
        let gone = store.forget(upto, PIECE).await.unwrap();
        longest.piece = longest.piece.max(piece.elapsed());
        if gone == 0 {
            break;
        }
    }
    longest.go = longest.go.max(began.elapsed());
}

async fn year(name: &str, place: Place, series: u32) {
    let store = place.open().await;
    let kept = Retention {
        rows: series * RUNS,
        ..Retention::USUAL
    };
    let year = Year {
        is_postgres: matches!(place, Place::Postgres(_)),
        sessions: SESSIONS,
        series,
    };
    let (mut longest, mut quarters) = (Longest::default(), vec![]);
    let began = Instant::now();
    for session in 1..=SESSIONS {
        place.all(&year.session(session));
        prune(&store, kept, &mut longest).await;
        if session % VACUUM == 0 {
            place.vacuum();
        }
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a year")]
        let ago = TimeDelta::seconds((year.days_ago(session) * 86_400.0) as i64);
        // As the next change of an alert does.
        let changed =
            store.change_alerts(AlertChanges::default(), vec![], Clock::system().now() - ago);
        changed.await.unwrap();
        if session % (SESSIONS / 4) == 0 && quarters.len() < 4 {
            let read = Instant::now();
            let tables = store.tables().await.unwrap();
            let whole = store.size().await.unwrap().bytes.unwrap_or(0);
            quarters.push((tables, whole, read.elapsed()));
        }
    }
    println!(
        "\n{name}: {} daily series, {SESSIONS} sessions, in {} s\n",
        thousands(series),
        began.elapsed().as_secs()
    );
    print(kept, &quarters, &longest);
    let after = |quarter: usize| quarters.get(quarter - 1).unwrap().1;
    let (half, all) = (after(2), after(4));
    assert!(all * 100 <= half * 115, "{half} bytes, then {all}");
    assert!(
        longest.piece < Duration::from_secs(1),
        "{:?}",
        longest.piece
    );
}

fn print(kept: Retention, quarters: &[(Vec<TableSize>, u64, Duration)], longest: &Longest) {
    println!("| table | kept | 3 months | 6 months | 9 months | 12 months |");
    println!("|---|---|--:|--:|--:|--:|");
    for table in StoreTable::ALL
        .iter()
        .filter(|table| table.bounded_by() != BoundedBy::Nothing)
    {
        let cells = quarters.iter().filter_map(|(tables, ..)| {
            let one = tables.iter().find(|one| one.table == *table)?;
            (one.rows > 0 && table.grows())
                .then(|| format!("{}, {}", thousands(one.rows), size(one.bytes)))
        });
        let cells: Vec<String> = cells.collect();
        if cells.len() == quarters.len() {
            let rule = table.kept(kept);
            println!("| `{table}` | {rule} | {} |", cells.join(" | "));
        }
    }
    let whole: Vec<String> = quarters.iter().map(|(_, bytes, _)| size(*bytes)).collect();
    println!("| the store | | {} |", whole.join(" | "));
    let read = quarters
        .iter()
        .map(|(.., read)| *read)
        .max()
        .unwrap_or_default();
    println!(
        "\nLongest: a piece {} ms, looking up to where {} ms, a go {} ms; the sizes by table {} ms.",
        longest.piece.as_millis(),
        longest.search.as_millis(),
        longest.go.as_millis(),
        read.as_millis()
    );
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let series = words.iter().find_map(|word| word.parse().ok());
    let series = series.unwrap_or(SERIES);
    let named = |name: &str| words.iter().any(|word| word == name);
    let both = !named("sqlite") && !named("postgres");
    if both || named("sqlite") {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        let folder = folder.unwrap();
        let place = Place::Sqlite(folder.path().join("bars.db"));
        year("SQLite", place, series).await;
    }
    if (both || named("postgres"))
        && let Some(url) = cluster::new_database()
    {
        year("PostgreSQL", Place::Postgres(url), series).await;
    }
}
