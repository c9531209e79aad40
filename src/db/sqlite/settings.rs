//! What the engine remembers.

use std::borrow::Cow;

use sqlx::SqliteConnection;

use super::Outcome;

pub async fn all(connection: &mut SqliteConnection) -> Outcome<Vec<(String, String)>> {
    Ok(sqlx::query_as("SELECT name, value FROM settings")
        .fetch_all(connection)
        .await?)
}

pub async fn get(connection: &mut SqliteConnection, name: &str) -> Outcome<Option<String>> {
    Ok(
        sqlx::query_scalar("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(connection)
            .await?,
    )
}

pub async fn set(
    connection: &mut SqliteConnection,
    name: impl Into<Cow<'static, str>> + Send,
    value: String,
) -> Outcome<()> {
    let name: Cow<'static, str> = name.into();
    sqlx::query(
        "INSERT INTO settings (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value, updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now')",
    )
    .bind(name.as_ref())
    .bind(value)
    .execute(connection)
    .await?;
    Ok(())
}
