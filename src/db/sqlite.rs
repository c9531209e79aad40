//! SQLite behind the trait: the file, its locks, and the migration.
//!
//! Several processes share a file: WAL, every write transaction `BEGIN IMMEDIATE`, and an
//! operating-system lock held while the schema is created (the driver's migration lock does nothing
//! here).

mod adjust;
mod alerts;
mod apply;
mod bulk;
mod coverage;
mod facts;
mod history;
mod identity;
mod instant;
mod lanes;
mod ledger;
mod listings;
mod lock;
mod migrate;
mod ranks;
mod settings;
mod store;
mod stored_series;
mod tail;
mod ticks;
mod transaction;
mod upkeep;
mod watch_list;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};

use self::identity::FileId;
use self::lock::FileLock;
use self::transaction::begin;
use super::error::{self, DbError, DbErrorKind, Result};
use super::schema::{self, Schema};
use super::store::Access;
use super::work::{Fault, Outcome, Work, uncancelled};
use crate::model::Lease;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The first release in which two connections cannot corrupt the file by a WAL reset.
const LEAST_VERSION: (u32, u32, u32) = (3, 51, 3);
const READERS: u32 = 4;
/// A transaction writes the bars of a month of minutes, 2 MB, and its request, answer and run.
const WRITER_CACHE: &str = "-8192";
/// Pages of the journal, 14 MiB, after which they are moved into the file. The 2 MiB up to the size
/// that it keeps are for pages that a reader delays.
const CHECKPOINT_PAGES: &str = "3584";
const JOURNAL_BYTES: &str = "16777216";
/// A write discards every reader's cache, so more than the pages of one read is wasted.
const READER_CACHE: &str = "-512";
/// Longer than a queue of writers of one process takes.
const ACQUIRE: Duration = Duration::from_secs(30);
const BUSY: Duration = Duration::from_secs(5);

/// A store in an SQLite file.
#[derive(Clone)]
pub struct SqliteStore {
    readers: SqlitePool,
    writer: SqlitePool,
    path: PathBuf,
    /// The file that is open, whatever the path names later.
    file: Option<FileId>,
    place: String,
    /// What it may write under; `None`: what needs no lane.
    lease: Option<Lease>,
}

impl SqliteStore {
    pub async fn open(path: &Path, access: Access) -> Result<Self> {
        let place = path.display().to_string();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .foreign_keys(true)
            .pragma("journal_size_limit", JOURNAL_BYTES)
            .log_statements(tracing::log::LevelFilter::Trace);
        require_ours(path, &place).await?;
        let options = match access {
            Access::ReadWrite => {
                let _schema_lock = FileLock::wait_for(path).await?;
                lock::create_private(path)?;
                migrate::migrate(&options, path, &place).await?;
                options
            }
            Access::ReadOnly if !path.exists() => {
                return Err(DbError::new(
                    DbErrorKind::ReadOnly,
                    format!(
                        "there is no SQLite file {place} yet; create it first, for example with: pipeline-tui fetch"
                    ),
                ));
            }
            Access::ReadOnly => {
                let options = options.read_only(true);
                match check_schema(&options, &place).await {
                    Ok(()) => options,
                    // In a folder that cannot be written, no reader can register itself. Nobody can
                    // write the file either, so without a journal it is complete as it is.
                    Err(refused) if refused.kind == DbErrorKind::ReadOnly && !has_journal(path) => {
                        let options = options.immutable(true);
                        check_schema(&options, &place).await.map_err(|_| refused)?;
                        options
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let pool = |connections, options: &SqliteConnectOptions| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE)
                .connect_lazy_with(options.clone())
        };
        let reading = options.clone().pragma("cache_size", READER_CACHE);
        let writing = options
            .pragma("cache_size", WRITER_CACHE)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES);
        Ok(Self {
            readers: pool(READERS, &reading),
            writer: pool(1, &writing),
            path: path.to_owned(),
            file: FileId::of(path),
            place,
            lease: None,
        })
    }

    /// What the first start would create in an existing file; `None` if nothing is missing.
    pub async fn preview(path: &Path) -> Result<Option<String>> {
        let place = path.display().to_string();
        require_ours(path, &place).await?;
        let options = if has_journal(path) {
            SqliteConnectOptions::new().filename(path).read_only(true)
        } else {
            without_trace(path)
        };
        let found = found(&options, &place).await?;
        let added = added(&options, &place).await?;
        schema::preview(found, &MIGRATIONS, &added, &place)
    }

    /// Runs work that only reads.
    async fn read<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send + 'static,
    ) -> Result<T> {
        self.run_on(&self.readers, work).await
    }

    /// Writes; under a lease in one transaction with the check that it is still good. The transactions of
    /// the work are then parts of it.
    async fn write<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send + 'static,
    ) -> Result<T> {
        let Some(lease) = self.lease.clone() else {
            return self.write_freely(work).await;
        };
        self.write_freely(move |connection| {
            Box::pin(async move {
                let mut tx = begin(connection).await?;
                lanes::require(&mut tx, &lease).await?;
                let done = work(&mut tx).await?;
                tx.commit().await?;
                Ok(done)
            })
        })
        .await
    }

    /// Writes what needs no lane, or checks its lease itself. Its pool has one connection with a fair queue:
    /// SQLite's own waiting can starve one of several writers of a process.
    async fn write_freely<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send + 'static,
    ) -> Result<T> {
        self.require_its_file()?;
        self.run_on(&self.writer, work).await
    }

    /// What is written to a file that its path no longer names is lost when this process ends.
    fn require_its_file(&self) -> Result<()> {
        if self.file.is_none() || self.file == FileId::of(&self.path) {
            return Ok(());
        }
        Err(DbError::new(
            DbErrorKind::Unreachable,
            format!(
                "the SQLite file {} was moved, removed or replaced while it was in use; put it back, or restart",
                self.place
            ),
        ))
    }

    /// Runs work on a pooled connection, to its end. A connection that had an error is closed: one
    /// failed COMMIT would otherwise break every transaction after it.
    async fn run_on<T: Send + 'static>(
        &self,
        pool: &SqlitePool,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send + 'static,
    ) -> Result<T> {
        let (pool, place) = (pool.clone(), self.place.clone());
        uncancelled(async move {
            let mut connection = pool.acquire().await.map_err(|e| error::sqlite(e, &place))?;
            let fault = match work(&mut connection).await {
                Ok(value) => return Ok(value),
                Err(Fault::Sql(sql)) => error::sqlite(sql, &place),
                Err(Fault::Worded(worded)) => worded,
            };
            let _ = connection.detach().close().await;
            Err(fault)
        })
        .await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// The write-ahead journal beside the file.
fn journal(path: &Path) -> PathBuf {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-wal");
    journal.into()
}

/// Whether there is a write-ahead journal beside the file.
fn has_journal(path: &Path) -> bool {
    journal(path).exists()
}

/// The bytes of the file and its journal.
fn on_disk(path: &Path) -> Option<u64> {
    let file = std::fs::metadata(path).ok()?.len();
    let journal = std::fs::metadata(journal(path)).map_or(0, |data| data.len());
    Some(file + journal)
}

/// Refuses the file of another program before anything is written, even a lock beside it. If there
/// is a journal beside the file, only the connection that reads both can tell; that harms no file.
async fn require_ours(path: &Path, place: &str) -> Result<()> {
    let is_empty = std::fs::metadata(path).map_or(true, |file| file.len() == 0);
    if is_empty || has_journal(path) {
        return Ok(());
    }
    match found(&without_trace(path), place).await {
        Err(refused) if refused.kind == DbErrorKind::NotADatabase && !has_journal(path) => {
            Err(refused)
        }
        _ => Ok(()),
    }
}

/// Opens a file without a journal so that it is read without leaving a trace.
fn without_trace(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(true)
        .log_statements(tracing::log::LevelFilter::Trace)
}

async fn added(options: &SqliteConnectOptions, place: &str) -> Result<Vec<String>> {
    let sql = |e: sqlx::Error| error::sqlite(e, place);
    let mut connection = options.connect().await.map_err(sql)?;
    let added = migrate::added(&mut connection).await;
    let _ = connection.close().await;
    added.map_err(sql)
}

async fn found(options: &SqliteConnectOptions, place: &str) -> Result<Schema> {
    let mut connection = options
        .connect()
        .await
        .map_err(|e| error::sqlite(e, place))?;
    let found = survey(&mut connection, place).await;
    let _ = connection.close().await;
    found
}

/// What a file holds. In a file, any table that is not ours means that the file belongs to another
/// program.
async fn survey(connection: &mut SqliteConnection, place: &str) -> Result<Schema> {
    let sql = |e: sqlx::Error| error::sqlite(e, place);
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(sql)?;
    let is_listed = |table: &String| table == "_sqlx_migrations";
    let applied = if tables.iter().any(is_listed) {
        let listed = sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations WHERE success");
        match listed.fetch_all(&mut *connection).await {
            Ok(applied) => applied,
            Err(sqlx::Error::ColumnDecode { .. }) => {
                return Err(foreign("_sqlx_migrations", place));
            }
            // SQLITE_ERROR: there is no such column.
            Err(sqlx::Error::Database(e)) if e.code().as_deref() == Some("1") => {
                return Err(foreign("_sqlx_migrations", place));
            }
            Err(e) => return Err(sql(e)),
        }
    } else {
        Vec::new()
    };
    let schema = schema::judge(&MIGRATIONS, &applied)
        .unwrap_or_else(|| Err(foreign("_sqlx_migrations", place)))?;
    match schema {
        Schema::Missing => match tables.into_iter().find(|table| !is_listed(table)) {
            Some(table) => Err(foreign(&table, place)),
            None => Ok(schema),
        },
        Schema::Older | Schema::Original => Ok(schema),
        Schema::Current => {
            let has: Vec<(String, String)> = sqlx::query_as(
                "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
            )
            .fetch_all(connection)
            .await
            .map_err(sql)?;
            match schema::lacks(&MIGRATIONS, &has) {
                Some(lacking) => Err(schema::incomplete(&lacking, place)),
                None => Ok(schema),
            }
        }
    }
}

fn foreign(table: &str, place: &str) -> DbError {
    DbError::new(
        DbErrorKind::NotADatabase,
        format!(
            "the SQLite file {place} belongs to another program: pipeline-tui did not create its \
            table {table}. It was left unchanged; choose another file with DATABASE_URL"
        ),
    )
}

async fn check_schema(options: &SqliteConnectOptions, place: &str) -> Result<()> {
    let found = found(options, place).await?;
    schema::needs_migration(found, Access::ReadOnly, place).map(drop)
}

async fn require_version(connection: &mut SqliteConnection, place: &str) -> Result<()> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(connection)
        .await
        .map_err(|e| error::sqlite(e, place))?;
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) < LEAST_VERSION {
        return Err(DbError::other(format!(
            "SQLite {version} can damage a file that two processes share; build with the bundled library"
        )));
    }
    Ok(())
}
