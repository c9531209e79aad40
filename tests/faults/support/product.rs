//! The real binary as a process, and a client of its database that shares no code with the store.
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sqlx::{AssertSqlSafe, Connection, Row};

use super::cluster;

/// The provider's key; it must appear nowhere.
pub(crate) const CANARY: &str = "CANARY7Q2XNV83KD";

/// A database that only the binary under test writes to.
pub(crate) enum Database {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// The URL of a PostgreSQL database.
    Postgres(String),
}

/// An installation: a data folder, a database, and the binary.
pub(crate) struct Product {
    folder: tempfile::TempDir,
    /// Where its bars are.
    pub(crate) database: Database,
}

/// Turns rows of text columns into strings; NULL is the empty one.
macro_rules! texts {
    ($rows:expr) => {
        $rows
            .iter()
            .map(|row| {
                (0..row.len())
                    .map(|column| row.get::<Option<String>, _>(column).unwrap_or_default())
                    .collect()
            })
            .collect()
    };
}

impl Product {
    /// One on a new SQLite file in its data folder.
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data").join("bars.db");
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        Self {
            folder,
            database: Database::Sqlite(path),
        }
    }

    /// One on a new PostgreSQL database; `None` without PostgreSQL.
    pub(crate) fn postgres() -> Option<Self> {
        cluster::new_database().map(Self::on)
    }

    /// One on a PostgreSQL database of its own.
    pub(crate) fn on(url: String) -> Self {
        Self {
            database: Database::Postgres(url),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The name of the database's kind, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self.database {
            Database::Sqlite(_) => "SQLite",
            Database::Postgres(_) => "PostgreSQL",
        }
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The binary with nothing of the caller's environment, and the provider at `base_url`.
    pub(crate) fn command(&self, base_url: &str) -> Command {
        let url = match &self.database {
            Database::Sqlite(path) => format!("sqlite://{}", path.display()),
            Database::Postgres(url) => url.clone(),
        };
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_pipeline-tui")));
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("ALPHA_VANTAGE_API_KEY", CANARY)
            .env("ALPHA_VANTAGE_BASE_URL", base_url)
            .env("ALPHA_VANTAGE_PLAN", "unlimited")
            .env("DATABASE_URL", url)
            .env("PIPELINE_DATA_DIR", self.data())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs SQL whose columns are all text.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.database {
            Database::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut connection = sqlx::SqliteConnection::connect_with(&options)
                    .await
                    .unwrap();
                let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                texts!(rows)
            }
            Database::Postgres(url) => {
                let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
                let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                texts!(rows)
            }
        }
    }

    /// Runs SQL that returns one text.
    pub(crate) async fn text(&self, sql: &str) -> String {
        let rows = self.rows(sql).await;
        rows.into_iter().flatten().next().unwrap()
    }

    /// Waits until PostgreSQL has noticed that the connections of dead processes are closed.
    ///
    /// A killed process cannot say goodbye: its server process reads the end of the connection a
    /// little later, and holds its locks until then. SQLite's locks end with their process.
    pub(crate) async fn settle(&self) {
        if matches!(self.database, Database::Sqlite(_)) {
            return;
        }
        let others = "SELECT CAST(count(*) AS text) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let gone = async {
            while self.text(others).await != "0" {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        let limit = std::time::Duration::from_secs(30);
        tokio::time::timeout(limit, gone).await.unwrap();
    }
}
