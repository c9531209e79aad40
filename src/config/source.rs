//! What a source declares to the table of settings: its key, its addresses, its plans.

use super::plan::Plans;
use super::route::{Route, RouteOf};
use super::setting::Setting;
use crate::model::calendar::CalendarOf;
use crate::model::{CurrencyOf, Request, SourceId};

/// What people read about a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceWords {
    /// Its name as people write it.
    pub name: &'static str,
    /// What works without a key of one's own, or that nothing does; and where to get one.
    pub without_key: &'static str,
    /// The options with which curl gives the key, as a shell's variable; empty if it needs none.
    pub curl_key: &'static str,
    /// Where to get a key; `None`: it wants none.
    pub key_page: Option<&'static str>,
    /// What is free, in a few words; empty if nothing is.
    pub free: &'static str,
    /// What has more than what is free, as in `needs a paid plan`; `None`: everything is free.
    pub more: Option<&'static str>,
    /// What the vendor allows, in one line.
    pub terms: &'static str,
}

impl SourceWords {
    /// What is said of what the key in use cannot be asked for.
    #[must_use]
    pub fn beyond(&self) -> String {
        match self.more {
            Some(more) => format!("needs {more}"),
            None => format!("is not to be had at {}", self.name),
        }
    }
}

/// The settings of one source. They live in the section `[sources.NAME]` of the configuration file.
#[derive(Debug)]
pub struct SourceSettings {
    /// The source.
    pub id: SourceId,
    /// Its words for people.
    pub words: SourceWords,
    /// The fields of its key, in the order in which its fingerprint takes them; none if it needs no
    /// key.
    pub key: &'static [KeyField],
    /// Where it is; each default is an address.
    pub addresses: &'static [Setting],
    /// Where each of its requests goes.
    pub route: RouteOf,
    /// Whether plain http to another machine is allowed.
    pub allow_http: Setting,
    /// Which calendar each of its symbols has.
    pub calendar: CalendarOf,
    /// What the prices of each are in, where no listing says so.
    pub currency: CurrencyOf,
    /// Its plans, and the setting that chooses one.
    pub plans: Plans,
    /// The file of earlier versions with a saved key, beside the configuration file.
    pub former_key_file: Option<&'static str>,
    /// Symbols to begin with.
    pub suggested: &'static [&'static str],
}

/// One value of a key: given directly or in a file. A default is a value that everyone may use.
#[derive(Debug, PartialEq, Eq)]
pub struct KeyField {
    /// What the vendor calls it: `key ID`.
    pub name: &'static str,
    /// How every value of it begins, where that is known: it tells swapped values apart.
    pub begins: &'static [&'static str],
    /// The value.
    pub value: Setting,
    /// The file with the value.
    pub file: Setting,
}

/// A source declares its settings once.
impl PartialEq for SourceSettings {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for SourceSettings {}

impl SourceSettings {
    /// The source with the calendars of its symbols.
    #[must_use]
    pub fn calendar(&self) -> (SourceId, CalendarOf) {
        (self.id.clone(), self.calendar)
    }

    /// The section of the configuration file with its rows. Sources that share key, addresses and
    /// plan share the section of the first of them.
    #[must_use]
    pub fn section(&self) -> &str {
        let key = self.allow_http.key.unwrap_or_default();
        key.strip_prefix("sources.")
            .and_then(|key| key.split('.').next())
            .unwrap_or(self.id.as_str())
    }

    /// Where a request to it goes.
    #[must_use]
    pub fn route(&self, request: &Request) -> Route {
        (self.route)(&request.endpoint, request.parameters.clone())
    }

    /// The variable of its key; of the first value, if it has several.
    #[must_use]
    pub fn key_variable(&self) -> &'static str {
        self.key.first().map_or("", |field| field.value.name)
    }

    /// The variables of its key, for people.
    #[must_use]
    pub fn key_variables(&self) -> String {
        let names = self.key.iter().map(|field| field.value.name);
        names.collect::<Vec<_>>().join(" and ")
    }

    /// What works without a key, and how to set one.
    #[must_use]
    pub fn key_advice(&self) -> String {
        let without = self.words.without_key;
        format!("{without} and set it as {}", self.key_variables())
    }

    /// Its rows of the table, in the order in which they are shown.
    pub fn rows(&'static self) -> impl Iterator<Item = &'static Setting> {
        let key = self
            .key
            .iter()
            .flat_map(|field| [&field.value, &field.file]);
        key.chain(self.addresses)
            .chain(&self.plans.setting)
            .chain([&self.allow_http])
    }
}
