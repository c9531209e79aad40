//! Changes of the watch list as values: what each makes of a list, and what undoes it.

use std::collections::{HashMap, HashSet};

use super::{Declarations, Declared, Declaring, SeriesKey};

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
    /// Declares something of series on the list; of others nothing.
    Declare(Vec<(SeriesKey, Declaring)>),
    /// Several changes, one after the other.
    Several(Vec<Self>),
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
            Self::Declare(pairs) => {
                let absent = pairs.iter().filter(|(key, _)| !held.contains(key));
                (before.to_vec(), absent.count())
            }
            Self::Several(edits) => {
                let each = edits.iter();
                each.fold((before.to_vec(), 0), |(list, unchanged), edit| {
                    let edited = edit.apply(&list);
                    (edited.list, unchanged + edited.unchanged)
                })
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

    /// What is declared of the series of a list after this change; what replaces a series has what was
    /// declared of it.
    #[must_use]
    pub fn declare(&self, before: &[SeriesKey], declared: &Declarations) -> Declarations {
        let mut after = declared.clone();
        match self {
            Self::Declare(pairs) => {
                for (key, declaring) in pairs {
                    let now = declaring.apply(after.entry(key.clone()).or_default());
                    after.insert(key.clone(), now);
                }
            }
            Self::Replace(pairs) => {
                let list: HashSet<SeriesKey> = self.apply(before).list.into_iter().collect();
                for (from, to) in pairs.iter().filter(|(from, to)| from != to) {
                    if !list.contains(from)
                        && list.contains(to)
                        && let Some(declared) = after.remove(from)
                    {
                        after.entry(to.clone()).or_insert(declared);
                    }
                }
            }
            Self::Several(edits) => {
                let mut list = before.to_vec();
                for edit in edits {
                    after = edit.declare(&list, &after);
                    list = edit.apply(&list).list;
                }
            }
            Self::Add(_) | Self::Remove(_) | Self::Set(_) | Self::PutBack { .. } => {}
        }
        let list: HashSet<SeriesKey> = self.apply(before).list.into_iter().collect();
        after.retain(|key, now| list.contains(key) && *now != Declared::default());
        after
    }

    /// The change that undoes this one on a list that is still as this change left it, and does the
    /// best it can on another.
    #[must_use]
    pub fn undo(&self, before: &[SeriesKey], declared: &Declarations) -> Self {
        let after = self.declare(before, declared);
        let lost = before
            .iter()
            .filter(|key| after.get(key) != declared.get(key));
        let lost = lost.map(|key| {
            let was = declared.get(key).cloned().unwrap_or_default();
            (key.clone(), was.into())
        });
        let (back, lost) = (self.list_undone(before), lost.collect::<Vec<_>>());
        if lost.is_empty() {
            back
        } else {
            Self::Several(vec![back, Self::Declare(lost)])
        }
    }

    fn list_undone(&self, before: &[SeriesKey]) -> Self {
        let whole = || Self::Set(before.to_vec());
        if matches!(self, Self::Set(_)) {
            return whole();
        }
        let edited = self.apply(before);
        let back = Self::PutBack {
            remove: edited.added,
            put: edited.removed,
        };
        // Several changes may have moved series.
        if back.apply(&edited.list).list == before {
            back
        } else {
            whole()
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
    use crate::model::{Interval, Priority};

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
                edit.undo(&before, &Declarations::new())
                    .apply(&edited.list)
                    .list,
                before,
                "{edit:?}"
            );
        }
        assert!(!WatchEdit::Add(keys("A D")).apply(&before).is_changed);
    }

    #[test]
    fn what_is_put_back_finds_its_place_in_a_list_that_others_changed() {
        let removal = WatchEdit::Remove(keys("A C"));
        let back = removal.undo(&keys("A B C D"), &Declarations::new());
        assert_eq!(back.apply(&keys("B D E")).list, keys("A B C D E"));
        assert_eq!(back.apply(&[]).list, keys("A C"));
        assert_eq!(back.apply(&keys("C D")).list, keys("A C D"));
    }

    fn series() -> impl Strategy<Value = Vec<SeriesKey>> {
        proptest::collection::vec("[A-H]", 0..8)
            .prop_map(|symbols| symbols.iter().map(|symbol| key(symbol)).collect())
    }

    fn declarations() -> impl Strategy<Value = Vec<(SeriesKey, Declaring)>> {
        let declaring = prop_oneof![
            Just(Declaring::default()),
            Just(Declaring {
                priority: Some(Priority::High),
                ..Declaring::default()
            }),
            Just(Declaring {
                since: Some("2020-01-31".parse().ok()),
                priority: Some(Priority::Normal),
                fresh_within: Some("2h".parse().ok()),
                group: Some("tech".parse().ok()),
            }),
        ];
        (series(), proptest::collection::vec(declaring, 8))
            .prop_map(|(series, declaring)| series.into_iter().zip(declaring).collect())
    }

    fn edits() -> impl Strategy<Value = WatchEdit> {
        let several = proptest::collection::vec(simple_edits(), 0..4).prop_map(WatchEdit::Several);
        prop_oneof![simple_edits(), several]
    }

    fn simple_edits() -> impl Strategy<Value = WatchEdit> {
        let pairs = (series(), series()).prop_map(|(from, to)| from.into_iter().zip(to).collect());
        prop_oneof![
            series().prop_map(WatchEdit::Add),
            series().prop_map(WatchEdit::Remove),
            pairs.prop_map(WatchEdit::Replace),
            series().prop_map(WatchEdit::Set),
            declarations().prop_map(WatchEdit::Declare),
        ]
    }

    proptest! {
        #[test]
        fn undo_brings_any_list_and_what_was_declared_back(
            before in series(),
            declared in declarations(),
            edit in edits(),
        ) {
            let before = WatchEdit::Set(before).apply(&[]).list;
            let declared = WatchEdit::Declare(declared).declare(&before, &Declarations::new());
            let edited = edit.apply(&before);
            let after = edit.declare(&before, &declared);
            let undo = edit.undo(&before, &declared);
            prop_assert_eq!(undo.apply(&edited.list).list, before);
            prop_assert_eq!(undo.declare(&edited.list, &after), declared);
        }
    }
}
