//! How a changed watch list is written: which rows are deleted, and which are added after those
//! that stay. Pure, and the same on both back ends.

use std::collections::HashMap;

use super::{Result, row};
use crate::model::SeriesKey;

/// The setting that holds the mark of the list: a new one after every change, so that a process
/// notices a change without reading the list.
pub const MARK: &str = "watch_list";

/// A mark that no list had before.
pub fn new_mark() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// A row of the table `series`: id, source, symbol, interval, adjusted, settings and the time as text.
pub type Row = (i64, String, String, String, bool, String, String);

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
    use crate::model::{Interval, WatchEdit};

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
