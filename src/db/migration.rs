//! The part of bringing a store up to date that both databases share: the migration that moves the
//! bars, and what it reports while it does.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{AppliedMigration, MigrateError, Migration, Migrator};

use super::work::{Fault, Outcome};
use super::{DbError, DbErrorKind, error, schema};
use crate::model::adjustment::Rule;
use crate::model::text::thousands;

/// The migration that moves every bar into another table, which takes minutes in a large store.
const MOVES: i64 = 5;
/// Where it does. What is moved piece by piece can say how far it is, and be stopped.
const HERE: &str = "-- The bars are moved here, piece by piece.\n";
/// The migration that adds corporate events; those of the bars that are stored are made after it.
const EVENTS: i64 = 7;
/// The rule of the one source that stores had bars of before it.
pub const RULE: Rule = Rule::CloseOfExDate;
/// Bars of a piece: a fraction of a second.
pub const PIECE: i64 = 20_000;
/// Fewer bars are moved too quickly to be worth a line.
const MANY: u64 = 100_000;
/// A line for every so many parts of the whole.
const LINES: u64 = 10;

/// The last migration before the one that moves the bars.
pub const BEFORE: i64 = MOVES - 1;

/// The migration that moves the bars, as two statements: what comes before, and what comes after and
/// is listed under its number.
pub fn halves(migrations: &'static Migrator) -> Option<(&'static str, Migration)> {
    let whole = migrations.iter().find(|found| found.version == MOVES)?;
    let (before, after) = whole.sql.as_str().split_once(HERE)?;
    let rest = Migration {
        sql: after.into_sql_str(),
        ..whole.clone()
    };
    Some((before, rest))
}

/// Whether a database that lists these migrations still has its bars to move.
pub fn is_due(applied: &[AppliedMigration]) -> bool {
    lacks(applied, MOVES)
}

/// Whether events and factors must be made of the bars that are stored.
pub fn is_without_events(applied: &[AppliedMigration]) -> bool {
    lacks(applied, EVENTS)
}

fn lacks(applied: &[AppliedMigration], version: i64) -> bool {
    applied.iter().all(|listed| listed.version != version)
}

/// The columns of the table of bars before, as each database names them.
const COLUMNS: [&str; 17] = [
    "id",
    "symbol",
    "timestamp",
    "open_price",
    "high_price",
    "low_price",
    "close_price",
    "volume",
    "created_at",
    "updated_at",
    "interval",
    "adjusted",
    "trading_date",
    "trading_day",
    "adjusted_close",
    "dividend_amount",
    "split_coefficient",
];

/// Refuses to begin while the table of bars, which is replaced, has columns of others: their values
/// would be lost.
pub fn require_no_columns(columns: &[String], table: &str, store: &str) -> Outcome<()> {
    let found = columns
        .iter()
        .filter(|column| !COLUMNS.contains(&column.as_str()));
    let theirs: Vec<_> = found.cloned().collect();
    if theirs.is_empty() {
        return Ok(());
    }
    Err(DbError::new(
        DbErrorKind::Refused,
        format!(
            "{store} must be brought up to date, which replaces the table {table}, and these columns were added to it \
             by others: {}. It was left unchanged: copy them to a table of your own with symbol, interval, \
             adjusted and timestamp, drop them from {table}, and start again",
            theirs.join(", ")
        ),
    )
    .into())
}

/// What becomes of what others added to the table of bars, which is replaced: SQL that each of them
/// is created with. Empty if there is none.
pub fn replaces(added: &[String]) -> String {
    if added.is_empty() {
        return String::new();
    }
    let lines = added.iter().map(|sql| {
        let words: Vec<&str> = sql.split_whitespace().collect();
        words.join(" ")
    });
    format!(
        "; this replaces the table of bars, so what others added to it must be created again afterwards: {}",
        lines.collect::<Vec<_>>().join("; ")
    )
}

/// Says before the move what it does not take along.
pub fn warn_of(added: &[String], place: &str) {
    if !added.is_empty() {
        tracing::warn!("{place} is being brought up to date{}", replaces(added));
    }
}

/// Reports how far the move is.
#[derive(Debug)]
pub struct Progress<'a> {
    place: &'a str,
    total: u64,
    moved: u64,
    next: u64,
}

impl<'a> Progress<'a> {
    /// Says what will happen and how many bytes of disk it may need.
    pub fn begin(place: &'a str, total: u64, bytes: u64) -> Self {
        if total >= MANY {
            tracing::warn!(
                "bringing {place} up to date: {} bars are being moved, which needs up to {} MB of disk; if you \
                 stop it, the store stays as it was",
                thousands(total),
                thousands(bytes.div_ceil(1_000_000)),
            );
        }
        let mut progress = Self {
            place,
            total,
            moved: 0,
            next: 0,
        };
        progress.next = progress.step();
        progress
    }

    fn step(&self) -> u64 {
        self.moved + (self.total / LINES).max(MANY)
    }

    /// Counts the bars of a piece.
    pub fn add(&mut self, bars: u64) {
        self.moved += bars;
        if self.moved >= self.next {
            self.next = self.step();
            tracing::warn!(
                "{}: {} of {} bars moved",
                self.place,
                thousands(self.moved),
                thousands(self.total)
            );
        }
    }
}

/// Why the migrations of a store failed, in words.
pub fn explain(failed: MigrateError, known: &Migrator, store: &str) -> Fault {
    match failed {
        MigrateError::VersionMissing(version) => {
            error::newer_schema(version, schema::latest(known)).into()
        }
        MigrateError::Execute(sql) | MigrateError::ExecuteMigration(sql, _) => sql.into(),
        other => DbError::other(format!(
            "the schema of {store} cannot be migrated ({other})"
        ))
        .caused_by(other)
        .into(),
    }
}
