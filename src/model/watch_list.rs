//! Changes of the watch list as values: what each makes of a list, and what undoes it.

use std::collections::{HashMap, HashSet};

use super::SeriesKey;

/// A change of the watch list. It never touches bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEdit {
    /// Puts series at the end; those on the list stay where they are.
    Add(Vec<SeriesKey>),
    /// Takes series off the list.
    Remove(Vec<SeriesKey>),
    /// Replaces the first series of each pair with the second. A pair whose first series is
    /// not on the list, or whose second one already is, changes nothing.
    Replace(Vec<(SeriesKey, SeriesKey)>),
    /// Replaces the whole list with these series, in this order.
    Set(Vec<SeriesKey>),
    /// Takes series off the list and puts others back where they were.
    PutBack {
        /// What is removed.
        remove: Vec<SeriesKey>,
        /// What is put back, and its place counted from 0 in the resulting list.
        put: Vec<(usize, SeriesKey)>,
    },
}

/// The result of a change of the watch list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchEdited {
    /// The list as it is now.
    pub list: Vec<SeriesKey>,
    /// The series that were not on the list before.
    pub added: Vec<SeriesKey>,
    /// The series that are not on the list any more, and the place of each before.
    pub removed: Vec<(usize, SeriesKey)>,
    /// How many of the named series, or pairs, needed no change or could not be changed.
    pub unchanged: usize,
    /// Whether the list differs from before, even if only in its order.
    pub is_changed: bool,
}

impl WatchEdit {
    /// Applies this change to a list.
    #[must_use]
    pub fn apply(&self, before: &[SeriesKey]) -> WatchEdited {
        let held: HashSet<&SeriesKey> = before.iter().collect();
        let (list, unchanged) = match self {
            Self::Add(series) => {
                let mut there = held.clone();
                let fresh = series.iter().filter(|key| there.insert(*key));
                let list: Vec<_> = before.iter().chain(fresh).cloned().collect();
                let unchanged = series.len() - (list.len() - before.len());
                (list, unchanged)
            }
            Self::Remove(series) => {
                let list = without(before, series);
                let unchanged = series.len().saturating_sub(before.len() - list.len());
                (list, unchanged)
            }
            Self::Replace(pairs) => replaced(before, pairs),
            Self::Set(series) => {
                let mut there = HashSet::new();
                let list: Vec<_> = series.iter().filter(|key| there.insert(*key)).collect();
                let kept = list.iter().filter(|key| held.contains(*key)).count();
                let unchanged = kept + series.len() - list.len();
                (list.into_iter().cloned().collect(), unchanged)
            }
            Self::PutBack { remove, put } => (put_back(without(before, remove), put), 0),
        };
        let holds: HashSet<&SeriesKey> = list.iter().collect();
        let removed = before.iter().cloned().enumerate();
        WatchEdited {
            added: list
                .iter()
                .filter(|key| !held.contains(key))
                .cloned()
                .collect(),
            removed: removed.filter(|(_, key)| !holds.contains(key)).collect(),
            unchanged,
            is_changed: list != before,
            list,
        }
    }

    /// The change that undoes this one on a list that is still as this change left it, and does the
    /// best it can on another.
    #[must_use]
    pub fn undo(&self, before: &[SeriesKey]) -> Self {
        if matches!(self, Self::Set(_)) {
            return Self::Set(before.to_vec());
        }
        let edited = self.apply(before);
        Self::PutBack {
            remove: edited.added,
            put: edited.removed,
        }
    }
}

fn without(list: &[SeriesKey], series: &[SeriesKey]) -> Vec<SeriesKey> {
    let leaving: HashSet<&SeriesKey> = series.iter().collect();
    let staying = list.iter().filter(|key| !leaving.contains(key));
    staying.cloned().collect()
}

fn replaced(before: &[SeriesKey], pairs: &[(SeriesKey, SeriesKey)]) -> (Vec<SeriesKey>, usize) {
    let places = before.iter().enumerate();
    let places: HashMap<&SeriesKey, usize> = places.map(|(at, key)| (key, at)).collect();
    let mut list: Vec<&SeriesKey> = before.iter().collect();
    let mut entered: HashSet<&SeriesKey> = HashSet::new();
    let mut unchanged = 0;
    for (from, to) in pairs {
        let slot = places.get(from).and_then(|place| list.get_mut(*place));
        match slot.filter(|slot| **slot == from) {
            Some(slot) if !places.contains_key(to) && entered.insert(to) => *slot = to,
            _ => unchanged += 1,
        }
    }
    (list.into_iter().cloned().collect(), unchanged)
}

fn put_back(kept: Vec<SeriesKey>, put: &[(usize, SeriesKey)]) -> Vec<SeriesKey> {
    let held: HashSet<SeriesKey> = kept.iter().cloned().collect();
    let mut put: Vec<_> = put.iter().filter(|(_, key)| !held.contains(key)).collect();
    put.sort_by_key(|(place, _)| *place);
    let mut kept = kept.into_iter();
    let mut list: Vec<SeriesKey> = Vec::new();
    for (place, key) in put {
        list.extend(kept.by_ref().take(place.saturating_sub(list.len())));
        list.push(key.clone());
    }
    list.extend(kept);
    list
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Interval;

    fn key(symbol: &str) -> SeriesKey {
        SeriesKey::raw(symbol.parse().unwrap(), Interval::Daily)
    }

    fn keys(symbols: &str) -> Vec<SeriesKey> {
        symbols.split_whitespace().map(key).collect()
    }

    fn pairs(text: &str) -> Vec<(SeriesKey, SeriesKey)> {
        text.split_whitespace()
            .map(|pair| pair.split_once('>').unwrap())
            .map(|(from, to)| (key(from), key(to)))
            .collect()
    }

    #[test]
    fn each_change_does_what_it_says_and_counts_what_it_left_alone() {
        let before = keys("A B C D");
        for (edit, after, unchanged) in [
            (WatchEdit::Add(keys("E B F E")), "A B C D E F", 2),
            (WatchEdit::Remove(keys("C X A")), "B D", 1),
            (WatchEdit::Replace(pairs("B>X D>A Q>R")), "A X C D", 2),
            (WatchEdit::Set(keys("D X D A")), "D X A", 3),
            (WatchEdit::Set(keys("D C B A")), "D C B A", 4),
        ] {
            let edited = edit.apply(&before);
            assert_eq!(edited.list, keys(after), "{edit:?}");
            assert_eq!(edited.unchanged, unchanged, "{edit:?}");
            assert!(edited.is_changed, "{edit:?}");
            assert_eq!(
                edit.undo(&before).apply(&edited.list).list,
                before,
                "{edit:?}"
            );
        }
        assert!(!WatchEdit::Add(keys("A D")).apply(&before).is_changed);
    }

    #[test]
    fn what_is_put_back_finds_its_place_in_a_list_that_others_changed() {
        let removal = WatchEdit::Remove(keys("A C"));
        let back = removal.undo(&keys("A B C D"));
        assert_eq!(back.apply(&keys("B D E")).list, keys("A B C D E"));
        assert_eq!(back.apply(&[]).list, keys("A C"));
        assert_eq!(back.apply(&keys("C D")).list, keys("A C D"));
    }

    fn series() -> impl Strategy<Value = Vec<SeriesKey>> {
        proptest::collection::vec("[A-H]", 0..8)
            .prop_map(|symbols| symbols.iter().map(|symbol| key(symbol)).collect())
    }

    fn edits() -> impl Strategy<Value = WatchEdit> {
        let pairs = (series(), series()).prop_map(|(from, to)| from.into_iter().zip(to).collect());
        prop_oneof![
            series().prop_map(WatchEdit::Add),
            series().prop_map(WatchEdit::Remove),
            pairs.prop_map(WatchEdit::Replace),
            series().prop_map(WatchEdit::Set),
        ]
    }

    proptest! {
        #[test]
        fn undo_brings_any_list_back(before in series(), edit in edits()) {
            let before = WatchEdit::Set(before).apply(&[]).list;
            let edited = edit.apply(&before);
            prop_assert_eq!(edit.undo(&before).apply(&edited.list).list, before);
        }
    }
}
