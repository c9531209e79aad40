//! A database that lists our migrations and lacks what they make.

use super::*;

contract! {
    a_table_or_column_that_is_missing_is_named,
}

async fn a_table_or_column_that_is_missing_is_named(place: Place) {
    place.open().await.close().await;
    let columns = if place.is_postgres() {
        "SELECT table_name || '.' || column_name FROM information_schema.columns \
         JOIN information_schema.tables USING (table_schema, table_name) \
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> '_sqlx_migrations'"
    } else {
        "SELECT m.name || '.' || c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name <> '_sqlx_migrations'"
    };
    let columns = place.sql(columns).await;
    assert!(columns.len() > 80, "{columns:?}");
    for column in columns {
        let (table, column) = column.split_once('.').unwrap();
        let rename = |from: &str, to: &str| {
            format!("ALTER TABLE {table} RENAME COLUMN \"{from}\" TO \"{to}\"")
        };
        place.sql(&rename(column, "elsewhere")).await;
        for access in [Access::ReadWrite, Access::ReadOnly] {
            let refused = place.try_open(access).await.unwrap_err();
            assert_eq!(refused.kind, DbErrorKind::NotADatabase);
            let missing = format!("no column {column} of the table {table}");
            assert!(refused.to_string().contains(&missing), "{refused}");
        }
        place.sql(&rename("elsewhere", column)).await;
    }
    place.open().await.close().await;
    place.sql("DROP TABLE answers").await;
    let refused = place.try_open(Access::ReadWrite).await.unwrap_err();
    assert!(
        refused.to_string().contains("no table answers"),
        "{refused}"
    );
}
