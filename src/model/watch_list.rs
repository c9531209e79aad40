//! Changes of the watch list as values: what each makes of a list, and what undoes it.

use std::collections::{HashMap, HashSet};

use super::{Declarations, Declared, Declaring, SeriesKey, SourceId, Sources};

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

/// The series of a watch list, each with the source whose gaps it fills.
pub type Fillings = HashMap<SeriesKey, Option<SourceId>>;

/// Where a source is named: that there is none.
const NONE: &str = "none";

/// The series of a list that fill the gaps of one.
fn fillers<'a>(listed: &'a Fillings, first: &'a SeriesKey) -> impl Iterator<Item = &'a SeriesKey> {
    let filling = listed.iter();
    let filling = filling.filter(|(key, fills)| is_filled_by(first, key, fills.as_ref()));
    filling.map(|(key, _)| key)
}

/// Whether a series, which fills the gaps of this source, fills those of `first`.
fn is_filled_by(first: &SeriesKey, series: &SeriesKey, fills: Option<&SourceId>) -> bool {
    fills == Some(&first.source) && series.at(&first.source) == *first
}

impl WatchEdited {
    /// The series that filled the gaps of removed ones and stay on the list.
    #[must_use]
    pub fn left_alone(&self, before: &Fillings) -> Vec<SeriesKey> {
        let removed: HashSet<&SeriesKey> = self.removed.iter().map(|(_, key)| key).collect();
        let filling = removed.iter().flat_map(|first| fillers(before, first));
        let staying = filling.filter(|key| !removed.contains(key)).cloned();
        let mut staying: Vec<SeriesKey> = staying.collect();
        staying.sort();
        staying
    }
}

impl WatchEdit {
    /// Adds the series of another source that fill the gaps of these, of which this is declared; they take
    /// over the rest of it. `none` removes those that do. Or says why that source cannot.
    pub fn fill(
        series: Vec<(SeriesKey, Declaring)>,
        from: &SourceId,
        sources: &Sources,
        listed: &Fillings,
    ) -> Result<Self, String> {
        if from.as_str() == NONE {
            let filling = series.iter().flat_map(|(key, _)| fillers(listed, key));
            return Ok(Self::Remove(filling.cloned().collect()));
        }
        if !sources.knows(from) {
            let known: Vec<&str> = sources.known.iter().map(SourceId::as_str).collect();
            let known = known.join(", ");
            return Err(format!("there is no source {from}; use one of {known}"));
        }
        if series.iter().any(|(key, _)| key.source == *from) {
            return Err(format!(
                "{from} cannot fill its own gaps; name another source"
            ));
        }
        for (key, _) in &series {
            let it = key.at(from);
            if let Some(Some(first)) = listed.get(key) {
                return Err(format!(
                    "{key} itself fills what {first} cannot give; name a source for {}",
                    key.at(first)
                ));
            }
            if listed.get(&it) == Some(&None) {
                return Err(format!(
                    "{it} is on the list already and brings all of its bars; remove it first, so that it only fills"
                ));
            }
            if let Some(other) = fillers(listed, key).find(|other| other.source != *from) {
                return Err(format!(
                    "{key} is filled from {} already; end that first, with none as the source",
                    other.source
                ));
            }
        }
        let filling = series.into_iter().map(|(key, declaring)| {
            let fills = Declaring {
                fills: Some(Some(key.source.clone())),
                fresh_within: None,
                ..declaring
            };
            (key.at(from), fills)
        });
        let filling: Vec<_> = filling.collect();
        let keys = filling.iter().map(|(key, _)| key.clone()).collect();
        Ok(Self::Several(vec![Self::Add(keys), Self::Declare(filling)]))
    }

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
    /// declared of it. A series fills the gaps of another only while that is on the list and
    /// fills none itself.
    #[must_use]
    pub fn declare(&self, before: &[SeriesKey], declared: &Declarations) -> Declarations {
        let mut after = declared.clone();
        match self {
            Self::Declare(pairs) => {
                for (key, declaring) in pairs {
                    let before = after.get(key).cloned().unwrap_or_default();
                    let now = declaring.apply(&before);
                    // What fills its gaps begins with it, unless somebody said otherwise.
                    for (one, other) in &mut after {
                        let is_its = is_filled_by(key, one, other.fills.as_ref());
                        if is_its && other.since == before.since {
                            other.since = now.since;
                        }
                    }
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
        let filling = after.iter().filter(|(_, now)| now.fills.is_some());
        let filling: HashSet<SeriesKey> = filling.map(|(key, _)| key.clone()).collect();
        let is_filled = |first: &SeriesKey| list.contains(first) && !filling.contains(first);
        after.retain(|key, now| {
            let fills = now.fills.take();
            now.fills = fills.filter(|source| is_filled(&key.at(source)));
            list.contains(key) && *now != Declared::default()
        });
        after
    }

    /// The first series that this change says fills gaps, and which could not; with the reason.
    #[must_use]
    pub fn idle_filling(&self, before: &[SeriesKey], declared: &Declarations) -> Option<String> {
        let after = self.declare(before, declared);
        let list = self.apply(before).list;
        let (key, source) = self.filling().into_iter().find(|(key, source)| {
            let now = after.get(*key).and_then(|now| now.fills.as_ref());
            now != Some(source)
        })?;
        let first = key.at(source);
        let why = if first == *key {
            "a series cannot fill its own gaps".to_owned()
        } else if list.contains(&first) {
            format!("{first} itself fills the gaps of another source")
        } else {
            format!("{first} is not on the list")
        };
        Some(format!(
            "{key} cannot fill what {source} cannot give: {why}"
        ))
    }

    /// The series that this change says fill gaps, each with the source whose gaps they are.
    fn filling(&self) -> Vec<(&SeriesKey, &SourceId)> {
        match self {
            Self::Declare(pairs) => {
                let pairs = pairs.iter();
                let pairs =
                    pairs.filter_map(|(key, now)| Some((key, now.fills.as_ref()?.as_ref()?)));
                pairs.collect()
            }
            Self::Several(edits) => edits.iter().flat_map(Self::filling).collect(),
            Self::Add(_)
            | Self::Remove(_)
            | Self::Replace(_)
            | Self::Set(_)
            | Self::PutBack { .. } => {
                vec![]
            }
        }
    }

    /// The change that undoes this one on a list that is still as this change left it, and does the
    /// best it can on another.
    #[must_use]
    pub fn undo(&self, before: &[SeriesKey], declared: &Declarations) -> Self {
        let after = self.declare(before, declared);
        let is_lost = |key: &SeriesKey| after.get(key) != declared.get(key);
        let lost = before.iter().filter_map(|key| {
            let was = declared.get(key).cloned().unwrap_or_default();
            let first = was.fills.as_ref().map(|source| key.at(source));
            let is_touched = is_lost(key) || first.is_some_and(|first| is_lost(&first));
            is_touched.then(|| (key.clone(), was))
        });
        let mut lost: Vec<_> = lost.collect();
        // What fills the gaps of another comes after it: a series takes what fills its gaps along to
        // its beginning.
        lost.sort_by_key(|(_, was)| was.fills.is_some());
        let lost = lost.into_iter().map(|(key, was)| (key, was.into()));
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

    #[test]
    fn a_series_fills_the_gaps_of_one_that_is_on_the_list() {
        let (ibm, other) = (key("IBM"), SourceId::known("other"));
        let declaring = Declaring {
            priority: Some(Priority::High),
            fresh_within: Some("2h".parse().ok()),
            ..Declaring::default()
        };
        let before = keys("A IBM");
        let sources = Sources {
            usual: SourceId::DEFAULT,
            known: vec![SourceId::DEFAULT, other.clone()],
        };
        let on = |from: &str, listed: &Fillings| {
            let series = vec![(ibm.clone(), declaring.clone())];
            WatchEdit::fill(series, &from.parse().unwrap(), &sources, listed)
        };
        let fill = |from| on(from, &Fillings::new());
        assert_eq!(
            fill("nobody").unwrap_err(),
            "there is no source nobody; use one of alpha_vantage, other"
        );
        assert_eq!(
            fill("alpha_vantage").unwrap_err(),
            "alpha_vantage cannot fill its own gaps; name another source"
        );
        let fill = fill("other").unwrap();
        let filling = ibm.at(&other);
        let third = ibm.at(&SourceId::known("third"));
        let first = || Some(SourceId::DEFAULT);
        for (listed, why) in [
            (
                (filling.clone(), None),
                "remove it first, so that it only fills",
            ),
            ((third.clone(), first()), "is filled from third already"),
            (
                (ibm.clone(), Some(third.source.clone())),
                "itself fills what third",
            ),
        ] {
            let refused = on("other", &Fillings::from([listed])).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
        let listed = Fillings::from([(ibm.clone(), None), (filling.clone(), first())]);
        assert_eq!(on("other", &listed), Ok(fill.clone()), "once more");
        let ended = WatchEdit::Remove(vec![filling.clone()]);
        assert_eq!(on("none", &listed), Ok(ended));
        let list = fill.apply(&before).list;
        assert_eq!(list.last(), Some(&filling));
        let declared = fill.declare(&before, &Declarations::new());
        assert_eq!(
            declared[&filling].written(),
            "priority=high fills=alpha_vantage"
        );
        assert_eq!(fill.idle_filling(&before, &Declarations::new()), None);
        let whole = before.iter().chain([&filling]).cloned().collect::<Vec<_>>();
        for (key, source, why) in [
            (&filling, "other", "cannot fill its own gaps"),
            (&ibm, "other", "other:IBM daily itself fills"),
            (&filling, "third", "third:IBM daily is not on the list"),
        ] {
            let fills = Declaring {
                fills: Some(source.parse().ok()),
                ..Declaring::default()
            };
            let edit = WatchEdit::Declare(vec![(key.clone(), fills)]);
            let idle = edit.idle_filling(&whole, &declared).unwrap();
            assert!(idle.contains(why), "{idle}");
        }
        // It begins where the first does, until it has a beginning of its own.
        let since = |key: &SeriesKey, day: &str| {
            let declaring = Declaring {
                since: Some(day.parse().ok()),
                ..Declaring::default()
            };
            WatchEdit::Declare(vec![(key.clone(), declaring)])
        };
        let earlier = since(&ibm, "2015-01-01").declare(&list, &declared);
        assert_eq!(earlier[&filling].since, earlier[&ibm].since);
        let own = since(&filling, "2020-01-01").declare(&list, &earlier);
        let later = since(&ibm, "2018-01-01").declare(&list, &own);
        assert_eq!(later[&filling].since, own[&filling].since);
        // What is undone leaves it the beginning that it had of its own, wherever it stands in the list.
        let turned = vec![filling.clone(), ibm.clone()];
        for list in [&list, &turned] {
            for edit in [
                since(&ibm, "2020-01-01"),
                WatchEdit::Remove(vec![ibm.clone()]),
            ] {
                let (edited, after) = (edit.apply(list).list, edit.declare(list, &own));
                assert_eq!(edit.undo(list, &own).declare(&edited, &after), own);
            }
        }
        // Without the first it is a series like any other; what is undone fills again.
        let removal = WatchEdit::Remove(vec![ibm]);
        let alone = removal.declare(&list, &declared);
        assert_eq!(alone[&filling].written(), "priority=high");
        let undo = removal.undo(&list, &declared);
        let removed = removal.apply(&list).list;
        assert_eq!(undo.declare(&removed, &alone), declared);
    }

    fn series() -> impl Strategy<Value = Vec<SeriesKey>> {
        proptest::collection::vec("[A-H]", 0..8)
            .prop_map(|symbols| symbols.iter().map(|symbol| key(symbol)).collect())
    }

    /// The same, some of them at another source.
    fn of_two_sources() -> impl Strategy<Value = Vec<SeriesKey>> {
        let other = SourceId::known("other");
        (series(), proptest::collection::vec(any::<bool>(), 8)).prop_map(move |(series, at)| {
            let each = series.into_iter().zip(at);
            let key =
                |(key, is_other): (SeriesKey, bool)| if is_other { key.at(&other) } else { key };
            each.map(key).collect()
        })
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
                fills: None,
            }),
            Just(Declaring {
                fills: Some(Some(SourceId::DEFAULT)),
                ..Declaring::default()
            }),
        ];
        (of_two_sources(), proptest::collection::vec(declaring, 8))
            .prop_map(|(series, declaring)| series.into_iter().zip(declaring).collect())
    }

    fn edits() -> impl Strategy<Value = WatchEdit> {
        let several = proptest::collection::vec(simple_edits(), 0..4).prop_map(WatchEdit::Several);
        prop_oneof![simple_edits(), several]
    }

    fn simple_edits() -> impl Strategy<Value = WatchEdit> {
        let pairs =
            (of_two_sources(), series()).prop_map(|(from, to)| from.into_iter().zip(to).collect());
        prop_oneof![
            of_two_sources().prop_map(WatchEdit::Add),
            of_two_sources().prop_map(WatchEdit::Remove),
            pairs.prop_map(WatchEdit::Replace),
            series().prop_map(WatchEdit::Set),
            declarations().prop_map(WatchEdit::Declare),
        ]
    }

    proptest! {
        #[test]
        fn undo_brings_any_list_and_what_was_declared_back(
            before in of_two_sources(),
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
