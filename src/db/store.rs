//! A store as a whole: which database it is, how it is, and the ten parts that it has.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::alerts::AlertStore;
use super::bars::BarStore;
use super::desk::DeskStore;
use super::error::Result;
use super::events::EventStore;
use super::lanes::LaneStore;
use super::ledger::LedgerStore;
use super::runs::RunStore;
use super::tail::TailStore;
use super::ticks::TickStore;
use super::upkeep::UpkeepStore;
use crate::model::Lease;

/// Which database a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A PostgreSQL server.
    Postgres,
    /// An SQLite file.
    Sqlite,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        })
    }
}

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading and writing; the schema is created or brought up to date.
    ReadWrite,
    /// Reading only; the schema must be there.
    ReadOnly,
}

/// What a store says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The version of the database.
    pub version: String,
    /// The version of the schema.
    pub schema: i64,
    /// The database's clock.
    pub now: DateTime<Utc>,
    /// Bars stored.
    pub bars: u64,
}

/// What became of the rows of the pipeline that this program replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adoption {
    /// Rows of its table.
    pub rows: u64,
    /// Those that are bars now.
    pub bars: u64,
    /// Symbols they belong to.
    pub symbols: u64,
    /// The oldest and the newest bar.
    pub span: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// The size of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Bytes on disk; `None` if the server does not report it to this role.
    pub bytes: Option<u64>,
    /// Answers kept.
    pub answers: u64,
    /// Their size in bytes, compressed.
    pub answer_bytes: u64,
}

/// Everything the program needs from a database.
#[async_trait]
pub trait Store:
    BarStore
    + EventStore
    + LedgerStore
    + RunStore
    + DeskStore
    + AlertStore
    + TailStore
    + TickStore
    + LaneStore
    + UpkeepStore
{
    /// Which database it is.
    fn backend(&self) -> Backend;

    /// Where it is, without secrets.
    fn location(&self) -> &str;

    /// Version, clock and size.
    async fn health(&self) -> Result<Health>;

    /// Its size. Reads more than [`health`](Self::health): for a person who looks, not for each run.
    async fn size(&self) -> Result<Size>;

    /// The same store, whose writes are refused once the lane of this lease is another engine's. What is kept
    /// of an answer is not: it was paid for.
    fn under(&self, lease: Lease) -> Arc<dyn Store>;

    /// Closes every connection.
    async fn close(&self);
}
