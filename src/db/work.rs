//! Work on a connection, for both back ends: it runs to its end, and how that may be.

use std::pin::Pin;

use super::error::{self, DbError};

/// What may end a piece of database work: a driver error, or one already explained.
pub enum Fault {
    Sql(sqlx::Error),
    Worded(DbError),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<DbError> for Fault {
    fn from(error: DbError) -> Self {
        Self::Worded(error)
    }
}

pub type Outcome<T> = Result<T, Fault>;

/// Work that borrows a connection.
pub type Work<'c, T> = Pin<Box<dyn Future<Output = Outcome<T>> + Send + 'c>>;

/// Runs database work to its end, even if the caller goes away.
pub async fn uncancelled<T: Send + 'static>(
    work: impl Future<Output = error::Result<T>> + Send + 'static,
) -> error::Result<T> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => {
            let text = format!("a database task ended early: {error}");
            Err(DbError::other(text).caused_by(error))
        }
    }
}
