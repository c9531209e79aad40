//! What can go wrong with a database, in words that say what to do.

use std::error::Error;
use std::sync::Arc;

use crate::config::secret::redact;
use crate::model::text::clean;

/// The outcome of a store operation.
pub type Result<T> = std::result::Result<T, DbError>;

/// What decides about retries and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbErrorKind {
    /// There is no answer, or the connection broke.
    Unreachable,
    /// The database refuses the user or the password, or has no such database.
    Refused,
    /// The schema was written by a newer program.
    NewerSchema,
    /// A write to a store that is read-only.
    ReadOnly,
    /// Writing was switched off while the store was in use.
    WritesOff,
    /// The disk accepts no writes: it has no space left, or it reports errors.
    Full,
    /// It is not a database, is damaged, or belongs to another program.
    NotADatabase,
    /// Others hold what is needed; a retry helps.
    Busy,
    /// Another engine has the lane that this write belongs to.
    Superseded,
    /// Anything else.
    Other,
}

/// A failed store operation. Its text is one sentence, clean and without secrets.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{text}")]
pub struct DbError {
    /// The kind.
    pub kind: DbErrorKind,
    text: String,
    /// What the driver or the system reported, for the log.
    #[source]
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// Failures that say the same are equal, whatever caused them.
impl PartialEq for DbError {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.text == other.text
    }
}

impl Eq for DbError {}

impl DbError {
    pub(super) fn new(kind: DbErrorKind, text: impl AsRef<str>) -> Self {
        Self {
            kind,
            text: clean(&redact(text.as_ref())),
            cause: None,
        }
    }

    /// The same error with what caused it.
    pub(super) fn caused_by(self, cause: impl Error + Send + Sync + 'static) -> Self {
        Self {
            cause: Some(Arc::new(cause)),
            ..self
        }
    }

    pub(super) fn other(text: impl AsRef<str>) -> Self {
        Self::new(DbErrorKind::Other, text)
    }

    /// The error of a write that was stopped while waiting.
    pub(crate) fn silent() -> Self {
        Self::new(
            DbErrorKind::Unreachable,
            "the store did not answer before this was stopped",
        )
    }

    /// An unreachable database, for tests.
    #[cfg(test)]
    pub(crate) fn for_test(text: &str) -> Self {
        Self::new(DbErrorKind::Unreachable, text)
    }

    /// Whether a later retry may help.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(
            self.kind,
            DbErrorKind::Unreachable
                | DbErrorKind::Busy
                | DbErrorKind::Full
                | DbErrorKind::WritesOff
        )
    }
}

/// The error of a schema that this program is too old for.
pub(super) fn newer_schema(found: i64, known: i64) -> DbError {
    DbError::new(
        DbErrorKind::NewerSchema,
        format!(
            "the database has schema version {found}, this program knows {known}; use a newer pipeline-tui"
        ),
    )
}

/// The error of a pooler that gives each transaction another session.
pub(super) fn transaction_pooler(place: &str, said: &str) -> DbError {
    DbError::new(
        DbErrorKind::Refused,
        format!(
            "PostgreSQL at {place} is behind a pooler that does not keep sessions ({said}), and pipeline-tui needs \
             its own for locks; connect directly to the server, or to a pooler in session mode (pool_mode = session)"
        ),
    )
}

/// Explains a server's error.
fn by_server(code: &str, said: &str, place: &str) -> DbError {
    use DbErrorKind::{Busy, Full, NotADatabase, Other, ReadOnly, Refused, Unreachable, WritesOff};
    let (kind, text) = match code {
        "42P05" | "26000" => return transaction_pooler(place, said),
        // A pooler uses this code for everything.
        "08P01" if said.contains("startup parameter") || said.contains("statement pooling") => {
            return transaction_pooler(place, said);
        }
        "08P01" if !said.contains("no such database") => (
            Unreachable,
            format!(
                "PostgreSQL at {place} was not reached through its pooler ({said}); check that both are up"
            ),
        ),
        "28P01" | "28000" => (
            Refused,
            format!(
                "PostgreSQL at {place} refuses the user or password ({said}); correct POSTGRES_USER and \
                 POSTGRES_PASSWORD or DATABASE_URL. A password changed after the database was first started has no effect: set it with ALTER ROLE, or use the first one"
            ),
        ),
        "3D000" | "08P01" => (
            Refused,
            format!(
                "PostgreSQL at {place} has no such database ({said}); create it with createdb, or correct POSTGRES_DB"
            ),
        ),
        "42501" => (
            Refused,
            format!(
                "PostgreSQL at {place} does not allow the user to do this ({said}); grant the \
                right, or use another user"
            ),
        ),
        "3F000" => (
            Refused,
            format!(
                "the search_path on PostgreSQL at {place} names no existing schema ({said}); \
                 create it, or: ALTER ROLE … SET search_path = public"
            ),
        ),
        "42P07" | "42710" | "42723" => (
            NotADatabase,
            format!(
                "PostgreSQL at {place} already uses a name that is needed ({said}). It was left \
                unchanged: use another database or schema, or rename it"
            ),
        ),
        "25006" => (
            WritesOff,
            format!(
                "PostgreSQL at {place} accepts no writes ({said}); writing was switched off, or \
                it is a standby now"
            ),
        ),
        "53100" | "58030" => (
            Full,
            format!(
                "PostgreSQL at {place} has no space left ({said}); free some space on the server"
            ),
        ),
        "53300" => (
            Busy,
            format!(
                "PostgreSQL at {place} has no connections left ({said}); close some, or raise the limit"
            ),
        ),
        "55P03" | "40001" | "40P01" | "57014" => (
            Busy,
            format!("PostgreSQL at {place} is busy ({said}); retrying"),
        ),
        "57P03" if said.ends_with("is not accepting connections") => (
            ReadOnly,
            format!(
                "PostgreSQL at {place} is a standby that accepts no connections ({said}); connect \
                to the primary server"
            ),
        ),
        code if code.starts_with("08") || code.starts_with("57P0") => (
            Unreachable,
            format!(
                "PostgreSQL at {place} is stopping or starting ({said}); try again in a moment"
            ),
        ),
        "22023" | "42601" | "42704" => (
            Refused,
            format!(
                "PostgreSQL at {place} refuses a setting ({said}); check the options of DATABASE_URL"
            ),
        ),
        _ => (
            Other,
            format!("PostgreSQL at {place} refused a statement ({code}: {said})"),
        ),
    };
    DbError::new(kind, text)
}

/// Explains a PostgreSQL error; `place` is where the server is, without secrets.
pub(super) fn postgres(error: sqlx::Error, place: &str) -> DbError {
    in_postgres(&error, place).caused_by(error)
}

fn in_postgres(error: &sqlx::Error, place: &str) -> DbError {
    use DbErrorKind::{Refused, Unreachable};
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            by_server(&code, database.message(), place)
        }
        sqlx::Error::Io(io) => {
            let hint = if place.contains("@postgres:") {
                "; the host name postgres exists only inside Docker Compose, outside of it use localhost"
            } else {
                "; start it, or correct POSTGRES_HOST and POSTGRES_PORT or DATABASE_URL"
            };
            DbError::new(
                Unreachable,
                format!("PostgreSQL at {place} cannot be reached ({io}){hint}"),
            )
        }
        sqlx::Error::PoolTimedOut => DbError::new(
            Unreachable,
            format!(
                "PostgreSQL at {place} gave no connection within 3 s; check that it is up and not overloaded"
            ),
        ),
        sqlx::Error::Tls(tls) => DbError::new(
            Refused,
            format!(
                "PostgreSQL at {place} cannot be trusted or does not support TLS ({tls}); see POSTGRES_SSLMODE"
            ),
        ),
        sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => DbError::new(
            Unreachable,
            format!("the connection to PostgreSQL at {place} broke ({error})"),
        ),
        other => DbError::other(format!(
            "PostgreSQL at {place} sent an answer that cannot be read ({other})"
        )),
    }
}

/// Explains an SQLite error; `place` is the file.
pub(super) fn sqlite(error: sqlx::Error, place: &str) -> DbError {
    in_sqlite(&error, place).caused_by(error)
}

fn in_sqlite(error: &sqlx::Error, place: &str) -> DbError {
    use DbErrorKind::{Busy, Full, NotADatabase, ReadOnly, Unreachable};
    let sqlx::Error::Database(database) = error else {
        return match error {
            sqlx::Error::PoolTimedOut => DbError::new(
                Busy,
                format!("the SQLite file {place} is busy; another process is writing to it"),
            ),
            sqlx::Error::Io(io) => DbError::new(
                Unreachable,
                format!("the SQLite file {place} cannot be opened ({io})"),
            ),
            other => DbError::other(format!(
                "the SQLite file {place} returned data that cannot be read ({other})"
            )),
        };
    };
    let said = database.message();
    // The primary result code is the low byte of the extended one.
    let code = database
        .code()
        .and_then(|code| code.parse::<u32>().ok())
        .unwrap_or(0)
        & 0xff;
    match code {
        5 | 6 => DbError::new(
            Busy,
            format!("the SQLite file {place} is locked by another process ({said}); retrying"),
        ),
        8 => DbError::new(
            ReadOnly,
            format!(
                "the SQLite file {place} or its folder is read-only; make both writable, or \
                choose another place with PIPELINE_DATA_DIR or DATABASE_URL"
            ),
        ),
        10 => DbError::new(
            Full,
            format!(
                "the disk under {place} reports errors ({said}); check it, and restore a backup \
                if it is damaged"
            ),
        ),
        13 => DbError::new(
            Full,
            format!("no space is left for {place}; free some, stored data is safe"),
        ),
        14 => DbError::new(
            ReadOnly,
            format!(
                "the SQLite file {place} cannot be opened; its folder must exist and be writable, \
                or choose another place with PIPELINE_DATA_DIR or DATABASE_URL"
            ),
        ),
        11 => DbError::new(
            NotADatabase,
            format!(
                "the SQLite file {place} is damaged ({said}); move it away and restore a backup"
            ),
        ),
        26 => DbError::new(
            NotADatabase,
            format!(
                "{place} is not an SQLite database; it was left unchanged. Choose another file \
                with DATABASE_URL"
            ),
        ),
        _ => DbError::other(format!(
            "the SQLite file {place} refused a statement ({said})"
        )),
    }
}
