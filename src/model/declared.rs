//! What a person declared of a series on the watch list: since when its bars are wanted, how much its
//! freshness matters, how old it may be, and which group it belongs to.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::Serialize;

use super::{FreshWithin, Priority, SeriesKey, SourceId};

/// The longest name of a group.
const LONGEST: usize = 32;

/// What is declared of a series.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Declared {
    /// Since when its bars are wanted; `None`: as its source has them.
    pub since: Option<NaiveDate>,
    /// How much its freshness matters.
    pub priority: Priority,
    /// How old what is known of it may be; `None`: nothing is said.
    pub fresh_within: Option<FreshWithin>,
    /// The group it belongs to.
    pub group: Option<Group>,
    /// The source whose gaps it fills: its bars are wanted where the same series of that source, which is
    /// on the list too, cannot have them.
    pub fills: Option<SourceId>,
}

/// What is declared of each series; one that is not among them has the defaults.
pub type Declarations = HashMap<SeriesKey, Declared>;

/// The name of a group: one word of letters, digits, `-`, `_` and `.`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Group(String);

impl Group {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Group {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > LONGEST || !text.chars().all(is_plain) {
            let shown = super::text::clean(text);
            return Err(format!(
                "\"{shown}\" is not the name of a group; use at most {LONGEST} letters, digits, - _ and ."
            ));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A change of what is declared: what it does not name stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declaring {
    /// Another beginning; `Some(None)`: as the source has them.
    pub since: Option<Option<NaiveDate>>,
    /// Another priority.
    pub priority: Option<Priority>,
    /// Another target of freshness; `Some(None)`: none.
    pub fresh_within: Option<Option<FreshWithin>>,
    /// Another group; `Some(None)`: none.
    pub group: Option<Option<Group>>,
    /// Another source whose gaps it fills; `Some(None)`: it stands for itself.
    pub fills: Option<Option<SourceId>>,
}

/// What stands for no beginning, no target, no group and no source.
const NONE: &str = "none";

impl Declaring {
    /// Takes up a value by its name, as people write it: `since=2020-01-01`, `priority=high`,
    /// `fresh_within=2h`, `group=tech`, `fills=alpha_vantage`; `none` takes all but a priority away. `Ok(false)`: no such name.
    pub fn take(&mut self, name: &str, value: &str) -> Result<bool, String> {
        match name {
            "since" => self.since = Some(since(value)?),
            "priority" => self.priority = Some(priority(value)?),
            "fresh_within" => self.fresh_within = Some(fresh_within(value)?),
            "group" => self.group = Some(group(value)?),
            "fills" => self.fills = Some(fills(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses a beginning after today.
    pub fn begins_by(&self, today: NaiveDate) -> Result<(), String> {
        match self.since.flatten().filter(|day| *day > today) {
            None => Ok(()),
            Some(day) => Err(format!(
                "{day} is in the future, there are no bars yet; write a day up to {today}, or none"
            )),
        }
    }

    /// What is declared after it.
    #[must_use]
    pub fn apply(&self, before: &Declared) -> Declared {
        Declared {
            since: self.since.unwrap_or(before.since),
            priority: self.priority.unwrap_or(before.priority),
            fresh_within: self.fresh_within.unwrap_or(before.fresh_within),
            group: self.group.clone().unwrap_or_else(|| before.group.clone()),
            fills: self.fills.clone().unwrap_or_else(|| before.fills.clone()),
        }
    }
}

impl From<Declared> for Declaring {
    fn from(declared: Declared) -> Self {
        Self {
            since: Some(declared.since),
            priority: Some(declared.priority),
            fresh_within: Some(declared.fresh_within),
            group: Some(declared.group),
            fills: Some(declared.fills),
        }
    }
}

/// The day since when bars are wanted, as people write it.
pub fn since(text: &str) -> Result<Option<NaiveDate>, String> {
    if text.eq_ignore_ascii_case(NONE) {
        return Ok(None);
    }
    let day = text.parse().map(Some);
    day.map_err(|_| {
        let shown = super::text::clean(text);
        format!("\"{shown}\" is not a day; write 2020-01-31, or none")
    })
}

fn priority(text: &str) -> Result<Priority, String> {
    let word = text.to_ascii_lowercase();
    word.parse().map_err(|_| {
        let shown = super::text::clean(text);
        format!("\"{shown}\" is not a priority; use low, normal or high")
    })
}

fn fresh_within(text: &str) -> Result<Option<FreshWithin>, String> {
    if text.eq_ignore_ascii_case(NONE) {
        return Ok(None);
    }
    text.parse().map(Some)
}

/// The group of a series, as people write it.
pub fn group(text: &str) -> Result<Option<Group>, String> {
    if text.eq_ignore_ascii_case(NONE) {
        return Ok(None);
    }
    text.parse().map(Some)
}

fn fills(text: &str) -> Result<Option<SourceId>, String> {
    if text.eq_ignore_ascii_case(NONE) {
        return Ok(None);
    }
    let source = text.to_ascii_lowercase().parse().map(Some);
    source.map_err(|error: super::source::SourceError| error.to_string())
}

impl Declared {
    /// As people write it: only what is not the default, between spaces.
    #[must_use]
    pub fn written(&self) -> String {
        let since = self.since.map(|since| format!("since={since}"));
        let priority =
            (self.priority != Priority::default()).then(|| format!("priority={}", self.priority));
        let fresh = self.fresh_within;
        let fresh = fresh.map(|within| format!("fresh_within={within}"));
        let group = self.group.as_ref().map(|group| format!("group={group}"));
        let fills = self.fills.as_ref().map(|source| format!("fills={source}"));
        let words: Vec<String> = [since, priority, fresh, group, fills]
            .into_iter()
            .flatten()
            .collect();
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(words: &str) -> Result<Declaring, String> {
        let mut declaring = Declaring::default();
        for word in words.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap();
            assert!(declaring.take(name, value)?, "{name}");
        }
        Ok(declaring)
    }

    #[test]
    fn what_is_written_is_read_again_and_what_is_not_named_stays() {
        for words in [
            "",
            "since=2020-01-31",
            "since=2020-01-31 priority=high fresh_within=3sessions group=tech",
            "fresh_within=2h",
            "since=2020-01-31 fills=alpha_vantage",
        ] {
            let declared = taken(words).unwrap().apply(&Declared::default());
            assert_eq!(declared.written(), words);
        }
        let before = taken("since=2020-01-31 priority=low fresh_within=90min group=Tech").unwrap();
        let before = before.apply(&Declared::default());
        let after = taken("priority=high fresh_within=none group=none")
            .unwrap()
            .apply(&before);
        assert_eq!(after.written(), "since=2020-01-31 priority=high");
        assert_eq!(Declaring::from(before.clone()).apply(&after), before);
        assert!(taken("").unwrap().is_empty());
        assert!(!Declaring::default().take("colour", "red").unwrap());
    }

    #[test]
    fn what_is_wrong_says_what_to_write() {
        for (words, said) in [
            (
                "since=2020",
                "\"2020\" is not a day; write 2020-01-31, or none",
            ),
            (
                "priority=urgent",
                "\"urgent\" is not a priority; use low, normal or high",
            ),
            (
                "group=a,b",
                "\"a,b\" is not the name of a group; use at most 32 letters",
            ),
        ] {
            let why = taken(words).unwrap_err();
            assert!(why.starts_with(said), "{why}");
        }
    }
}
