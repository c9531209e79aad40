//! How a changed watch list is written: which rows are deleted, and which are added after those
//! that stay. Pure, and the same on both back ends.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{DbError, Result, row};
use crate::model::{Declarations, Declared, Declaring, SeriesKey, WatchEdit, WatchEdited};

/// The setting that holds the mark of the list: a new one after every change, so that a process
/// notices a change without reading the list.
pub const MARK: &str = "watch_list";

/// A mark that no list had before.
pub fn new_mark() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// A row of the table `series`: id, source, symbol, interval, adjusted, settings and the time as text.
pub type Row = (i64, String, String, String, bool, String, String);

/// A row of which something is declared: source, symbol, interval, adjusted, since, priority, freshness target, group and
/// the source whose gaps it fills.
pub type DeclaredRow = (
    String,
    String,
    String,
    bool,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// What is declared of each series.
pub fn declarations(rows: Vec<DeclaredRow>) -> Result<Declarations> {
    let each = rows.into_iter().map(|row| {
        let (source, symbol, interval, adjusted, since, priority, fresh, group, fills) = row;
        let key = row::series_key(&source, &symbol, &interval, adjusted)?;
        let mut declaring = Declaring::default();
        let since = since.map(|since| ("since", since));
        let fresh = fresh.map(|fresh| ("fresh_within", fresh));
        let group = group.map(|group| ("group", group));
        let fills = fills.map(|source| ("fills", source));
        let words = [since, Some(("priority", priority)), fresh, group, fills];
        for (name, value) in words.into_iter().flatten() {
            declaring
                .take(name, &value)
                .map_err(|why| DbError::other(format!("what is declared of {key}: {why}")))?;
        }
        Ok((key, declaring.apply(&Declared::default())))
    });
    each.collect()
}

/// A row of the list: source, symbol, interval, adjusted, and when it was put on it.
pub type AddedRow = (String, String, String, bool, DateTime<Utc>);

/// When each series was put on the list.
pub fn added(rows: Vec<AddedRow>) -> Result<HashMap<SeriesKey, DateTime<Utc>>> {
    let each = rows.into_iter();
    each.map(|(source, symbol, interval, adjusted, at)| {
        Ok((row::series_key(&source, &symbol, &interval, adjusted)?, at))
    })
    .collect()
}

/// What a change makes of a list and of what is declared, and which rows that concerns.
#[derive(Debug)]
pub struct Change {
    /// The list as it then is.
    pub edited: WatchEdited,
    /// The rows to write; `None`: none.
    pub rewrite: Option<Rewrite>,
    /// What is declared of series that differs from their rows.
    pub declare: Vec<(SeriesKey, Declared)>,
}

/// What a change makes of these rows.
pub fn change(edit: &WatchEdit, rows: Vec<Row>, declared: &Declarations) -> Result<Change> {
    let before = keys(&rows)?;
    let mut edited = edit.apply(&before);
    let after = edit.declare(&before, declared);
    let nothing = Declared::default();
    let rewrite = edited
        .is_changed
        .then(|| rewrite(rows, &before, &edited.list));
    let inserted = rewrite.iter().flat_map(|rewrite| &rewrite.insert);
    let inserted: HashSet<&SeriesKey> = inserted.map(|(key, _)| key).collect();
    let of = |of: &Declarations, key: &SeriesKey| of.get(key).unwrap_or(&nothing).clone();
    // An inserted row has the defaults.
    let differs = |key: &&SeriesKey| {
        let is = if inserted.contains(*key) {
            nothing.clone()
        } else {
            of(declared, key)
        };
        is != of(&after, key)
    };
    let declare = edited.list.iter().filter(differs);
    let declare: Vec<_> = declare.map(|key| (key.clone(), of(&after, key))).collect();
    edited.is_changed |= !declare.is_empty();
    Ok(Change {
        edited,
        rewrite,
        declare,
    })
}

/// What a row keeps when it moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub settings: String,
    pub added_at: String,
}

/// The rows to delete, then the rows to insert, in this order. Rows are in the order of their ids, and
/// an inserted id is greater than all before.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rewrite {
    pub delete: Vec<i64>,
    pub insert: Vec<(SeriesKey, Option<Kept>)>,
}

/// The keys of rows.
pub fn keys(rows: &[Row]) -> Result<Vec<SeriesKey>> {
    rows.iter()
        .map(|(_, source, symbol, interval, adjusted, ..)| {
            row::series_key(source, symbol, interval, *adjusted)
        })
        .collect()
}

/// Turns the rows of `before` into the list `after`, touching as few as the order of ids allows.
pub fn rewrite(rows: Vec<Row>, before: &[SeriesKey], after: &[SeriesKey]) -> Rewrite {
    let places: HashMap<&SeriesKey, usize> = after
        .iter()
        .enumerate()
        .map(|(at, key)| (key, at))
        .collect();
    let mut staying = 0;
    let mut delete = Vec::new();
    let mut moved = HashMap::new();
    for ((id, _, _, _, _, settings, added_at), key) in rows.into_iter().zip(before) {
        match places.get(key) {
            Some(place) if *place == staying => staying += 1,
            place => {
                delete.push(id);
                if place.is_some() {
                    moved.insert(key, Kept { settings, added_at });
                }
            }
        }
    }
    let coming = after.iter().skip(staying);
    Rewrite {
        delete,
        insert: coming.map(|key| (key.clone(), moved.remove(key))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, Priority};

    fn rows(symbols: &str) -> Vec<Row> {
        let row = |(id, symbol): (i64, &str)| {
            let [source, interval, settings, added_at] =
                ["alpaca", "daily", "{}", "t"].map(str::to_owned);
            let symbol = symbol.to_owned();
            (id, source, symbol, interval, false, settings, added_at)
        };
        (1..).zip(symbols.split_whitespace()).map(row).collect()
    }

    fn keys_of(symbols: &str) -> Vec<SeriesKey> {
        keys(&rows(symbols)).unwrap()
    }

    #[test]
    fn what_is_declared_is_written_where_it_differs_and_moves_with_its_row() {
        let high = Declared {
            priority: Priority::High,
            ..Declared::default()
        };
        let [a, b, c] = keys_of("A B C").try_into().unwrap();
        let declared = Declarations::from([(b.clone(), high.clone())]);
        let changed = |edit: WatchEdit| change(&edit, rows("A B C"), &declared).unwrap();
        let again = changed(WatchEdit::Declare(vec![(b.clone(), high.clone().into())]));
        assert!(!again.edited.is_changed && again.rewrite.is_none());
        let other = changed(WatchEdit::Declare(vec![(a.clone(), high.clone().into())]));
        assert!(other.edited.is_changed && other.rewrite.is_none());
        assert_eq!(other.declare, [(a.clone(), high.clone())]);
        let moved = changed(WatchEdit::Set(vec![a, c, b.clone()]));
        assert_eq!(moved.declare, [(b, high)]);
    }

    #[test]
    fn rows_that_can_stay_are_not_touched() {
        let before = keys_of("A B C D");
        let [add, remove] = ["E F", "B D"].map(keys_of);
        for (edit, delete, insert, kept) in [
            (WatchEdit::Add(add), vec![], "E F", 0),
            (WatchEdit::Remove(remove), vec![2, 4], "", 0),
            (WatchEdit::Set(keys_of("C X")), vec![1, 2, 4], "X", 0),
            (WatchEdit::Set(keys_of("A C B D")), vec![2, 4], "B D", 2),
        ] {
            let after = edit.apply(&before).list;
            let rewrite = rewrite(rows("A B C D"), &before, &after);
            assert_eq!(rewrite.delete, delete, "{edit:?}");
            let inserted: Vec<_> = rewrite.insert.iter().map(|(key, _)| key.clone()).collect();
            assert_eq!(inserted, keys_of(insert), "{edit:?}");
            let moved = rewrite.insert.iter().filter(|(_, kept)| kept.is_some());
            assert_eq!(moved.count(), kept, "{edit:?}");
        }
        let another = SeriesKey {
            interval: Interval::Weekly,
            ..before.first().unwrap().clone()
        };
        let pairs = vec![(before.first().unwrap().clone(), another)];
        let after = WatchEdit::Replace(pairs).apply(&before).list;
        assert_eq!(
            rewrite(rows("A B C D"), &before, &after).delete,
            [1, 2, 3, 4]
        );
    }
}
