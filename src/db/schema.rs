//! What an existing database holds: this program's tables, of this version or another, or those of
//! another program.

use sqlx::migrate::Migrator;

use super::error::{self, DbError, DbErrorKind};
use super::migration;
use super::{Access, Result};

/// The state of this program's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// There are none yet.
    Missing,
    /// There are none, and a table of bars of the pipeline that this program replaces.
    Original,
    /// An earlier version created them.
    Older,
    /// They are up to date.
    Current,
}

/// Judges by the migrations that a database lists, each with its checksum; `None`: they are not ours.
pub fn judge(migrations: &Migrator, applied: &[(i64, Vec<u8>)]) -> Option<Result<Schema>> {
    let known = latest(migrations);
    let Some(newest) = applied.iter().map(|(version, _)| *version).max() else {
        return Some(Ok(Schema::Missing));
    };
    let is_ours = migrations
        .iter()
        .filter(|ours| ours.version <= newest)
        .all(|ours| {
            applied.iter().any(|(version, checksum)| {
                *version == ours.version && checksum[..] == ours.checksum[..]
            })
        });
    let is_complete = applied
        .iter()
        .all(|(version, _)| *version > known || migrations.version_exists(*version));
    (is_ours && is_complete).then(|| match newest {
        newest if newest > known => Err(error::newer_schema(newest, known)),
        newest if newest == known => Ok(Schema::Current),
        _ => Ok(Schema::Older),
    })
}

/// The version of the last migration.
pub fn latest(migrations: &Migrator) -> i64 {
    let versions = migrations.iter().map(|migration| migration.version);
    versions.max().unwrap_or(0)
}

/// The tables that the migrations leave, each with its columns. Their layout allows this: a
/// statement begins its line, and each column of a table is on a separate line, indented by four
/// spaces.
pub fn tables(migrations: &Migrator) -> Vec<(&str, Vec<&str>)> {
    let mut tables: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut in_table = false;
    let lines = migrations
        .iter()
        .flat_map(|migration| migration.sql.as_str().lines());
    for line in lines {
        if line.starts_with(')') {
            in_table = false;
        } else if let Some(column) = line.strip_prefix("    ").filter(|_| in_table) {
            if column.starts_with(|c: char| c.is_ascii_lowercase())
                && let (Some((_, columns)), [name, ..]) = (tables.last_mut(), &words(column)[..])
            {
                columns.push(name);
            }
        } else if let ["CREATE", "TABLE", table] = words(line)[..] {
            tables.push((table, Vec::new()));
            in_table = true;
        } else if let ["DROP", "TABLE", table] = words(line)[..] {
            tables.retain(|(name, _)| *name != table);
        } else if let ["ALTER", "TABLE", table, change @ ..] = &words(line)[..]
            && let Some((name, columns)) = tables.iter_mut().find(|(name, _)| name == table)
        {
            match change {
                ["ADD", "COLUMN", column, ..] => columns.push(column),
                ["DROP", "COLUMN", column] => columns.retain(|name| name != column),
                ["RENAME", "COLUMN", before, "TO", after] => {
                    columns.retain(|name| name != before);
                    columns.push(after);
                }
                ["RENAME", "TO", other] => *name = other,
                _ => {}
            }
        }
    }
    tables
}

fn words(line: &str) -> Vec<&str> {
    let words = line.split([' ', '(', ';']);
    words.filter(|word| !word.is_empty()).collect()
}

/// The first table or column of the migrations that a database lacks, given its pairs of table and
/// column.
pub fn lacks(migrations: &Migrator, has: &[(String, String)]) -> Option<String> {
    tables(migrations).into_iter().find_map(|(table, columns)| {
        let mut here = has.iter().filter(|(name, _)| name == table).peekable();
        if here.peek().is_none() {
            return Some(format!("table {table}"));
        }
        let here: Vec<&str> = here.map(|(_, column)| column.as_str()).collect();
        let lacking = columns.into_iter().find(|column| !here.contains(column))?;
        Some(format!("column {lacking} of the table {table}"))
    })
}

/// The error of a database that lists our migrations but lacks what they create.
pub fn incomplete(what: &str, place: &str) -> DbError {
    DbError::new(
        DbErrorKind::NotADatabase,
        format!(
            "{place} has no {what}, although it lists the migration that creates it. It was left unchanged: restore a \
             backup, or use another database"
        ),
    )
}

/// Whether the tables must be created or brought up to date, which a reader cannot do.
pub fn needs_migration(schema: Schema, access: Access, place: &str) -> Result<bool> {
    match (schema, access) {
        (Schema::Current, _) => Ok(false),
        (Schema::Original, _) => Err(original(place)),
        (_, Access::ReadWrite) => Ok(true),
        (_, Access::ReadOnly) => Err(DbError::new(
            DbErrorKind::ReadOnly,
            format!(
                "{place} has no up-to-date schema; bring it up to date first, for example with: pipeline-tui status"
            ),
        )),
    }
}

/// What the first start would create there; `None`: nothing. `added` is what others added to the
/// table of bars, and a migration does not keep.
pub fn preview(
    schema: Schema,
    migrations: &Migrator,
    added: &[String],
    place: &str,
) -> Result<Option<String>> {
    match schema {
        Schema::Current => Ok(None),
        Schema::Original => Err(original(place)),
        Schema::Older => Ok(Some(format!(
            "{place}: the next start will bring the tables up to date{}",
            migration::replaces(added)
        ))),
        Schema::Missing => Ok(Some(format!(
            "{place}: not used yet; the first start will create {} tables",
            tables(migrations).len()
        ))),
    }
}

/// The error of a database in which the pipeline that this program replaces has stored bars.
fn original(place: &str) -> DbError {
    DbError::new(
        DbErrorKind::NotADatabase,
        format!(
            "the table stock_data of {place} holds the bars of the older pipeline that pipeline-tui replaces. \
             Nothing was changed. Take them over with: pipeline-tui adopt --interval 5min --dry-run, with the bar \
             size that they have, which says what it will do; or use another database"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");

    fn applied() -> Vec<(i64, Vec<u8>)> {
        let ours = SQLITE.iter();
        ours.map(|migration| (migration.version, migration.checksum.to_vec()))
            .collect()
    }

    #[test]
    fn migrations_are_ours_by_their_checksums_without_a_gap() {
        let all = applied();
        let judged = |applied: &[(i64, Vec<u8>)]| judge(&SQLITE, applied);
        assert_eq!(judged(&[]), Some(Ok(Schema::Missing)));
        assert_eq!(judged(&all[..1]), Some(Ok(Schema::Older)));
        assert_eq!(judged(&all), Some(Ok(Schema::Current)));
        let newer = [&all[..], &[(9999, vec![])]].concat();
        assert_eq!(
            judged(&newer),
            Some(Err(error::newer_schema(9999, latest(&SQLITE))))
        );
        assert_eq!(judged(&all[1..]), None, "the first is not listed");
        assert_eq!(judged(&[(1, vec![7; 48])]), None);
        assert_eq!(judged(&[(0, vec![]), all[0].clone()]), None);
        assert_eq!(judged(&[(20_240_101, vec![7; 48])]), None);
    }

    #[test]
    fn what_a_database_lacks_is_named() {
        let mut has: Vec<(String, String)> = tables(&SQLITE)
            .into_iter()
            .flat_map(|(table, columns)| {
                let pair = move |column: &str| (table.to_owned(), column.to_owned());
                columns.into_iter().map(pair)
            })
            .collect();
        assert_eq!(lacks(&SQLITE, &has), None);
        has.retain(|(table, column)| (table.as_str(), column.as_str()) != ("runs", "lock_key"));
        let lacking = lacks(&SQLITE, &has);
        assert_eq!(
            lacking.as_deref(),
            Some("column lock_key of the table runs")
        );
        has.retain(|(table, _)| table != "answers");
        has.push(("answers_of_others".into(), "body".into()));
        has.retain(|(table, _)| table != "runs");
        assert_eq!(lacks(&SQLITE, &has).as_deref(), Some("table runs"));
    }
}
