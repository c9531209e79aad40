//! Transactions that write.

use sqlx::{Connection as _, Sqlite, SqliteConnection, Transaction};

/// Begins a transaction that writes: at once, since one that only reads at first may find the file changed;
/// within another one as a part of it.
pub async fn begin(
    connection: &mut SqliteConnection,
) -> Result<Transaction<'_, Sqlite>, sqlx::Error> {
    if connection.is_in_transaction() {
        connection.begin().await
    } else {
        connection.begin_with("BEGIN IMMEDIATE").await
    }
}
