//! What a source says of an instrument.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};

use super::calendar::CalendarId;
use super::words::words;
use super::{Currency, SourceId, Symbol};

words! {
    /// Whether a symbol is traded.
    pub enum Status {
        /// It is.
        Active = "active",
        /// It was, and is expected to be again.
        Halted = "halted",
        /// It no longer is.
        Delisted = "delisted",
    }
}

words! {
    /// Where a listing was learnt from.
    pub enum Learnt {
        /// The list of everything that a source trades.
        List = "list",
        /// A search.
        Search = "search",
        /// Corporate actions.
        Actions = "actions",
    }
}

/// The other symbol of an instrument that was renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The symbol before, or since.
    pub symbol: Symbol,
    /// The first day under the new symbol.
    pub date: NaiveDate,
}

/// An instrument whose symbol changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameChange {
    /// The symbol before.
    pub from: Symbol,
    /// The symbol since.
    pub to: Symbol,
    /// The first day under the new symbol.
    pub date: NaiveDate,
}

impl NameChange {
    /// What it says of both symbols.
    #[must_use]
    pub fn listings(self) -> [Listing; 2] {
        let Self { from, to, date } = self;
        let rename = |symbol: &Symbol| {
            let symbol = symbol.clone();
            Some(Rename { symbol, date })
        };
        let before = Listing {
            status: Status::Delisted,
            renamed_to: rename(&to),
            ..Listing::of(from.clone())
        };
        let since = Listing {
            renamed_from: rename(&from),
            ..Listing::of(to)
        };
        [before, since]
    }
}

/// What is traded under a symbol of a source. Its texts are safe to show.
///
/// A source fills in what it says, and leaves the rest as [`Listing::of`] makes it: what it does not
/// say is unknown, never a guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The symbol.
    pub symbol: Symbol,
    /// The company, fund or pair; may be empty.
    pub name: String,
    /// Where it is traded: an exchange, or a region where the source names no exchange; may be empty.
    pub exchange: String,
    /// What it is, such as `Stock`, `Equity`, `ETF` or `Crypto`; may be empty.
    pub kind: String,
    /// When it is traded.
    pub calendar: Option<CalendarId>,
    /// What its prices are in.
    pub currency: Option<Currency>,
    /// Whether it is traded.
    pub status: Status,
    /// The first day on which it was traded under this symbol.
    pub listed: Option<NaiveDate>,
    /// The last day.
    pub delisted: Option<NaiveDate>,
    /// What its symbol was before.
    pub renamed_from: Option<Rename>,
    /// What its symbol is since.
    pub renamed_to: Option<Rename>,
}

/// A listing, and the source that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The source.
    pub source: SourceId,
    /// What it says.
    pub listing: Listing,
}

impl Listing {
    /// A traded symbol of which nothing else is known.
    #[must_use]
    pub const fn of(symbol: Symbol) -> Self {
        Self {
            symbol,
            name: String::new(),
            exchange: String::new(),
            kind: String::new(),
            calendar: None,
            currency: None,
            status: Status::Active,
            listed: None,
            delisted: None,
            renamed_from: None,
            renamed_to: None,
        }
    }
}

impl Listing {
    /// This, and what it leaves open as another says it. Of two renames, the later counts.
    fn or(self, other: Self) -> Self {
        let text = |mine: String, theirs: String| if mine.is_empty() { theirs } else { mine };
        let later = |mine: Option<Rename>, theirs: Option<Rename>| {
            let both = mine.into_iter().chain(theirs);
            both.max_by_key(|rename| rename.date)
        };
        Self {
            symbol: self.symbol,
            name: text(self.name, other.name),
            exchange: text(self.exchange, other.exchange),
            kind: text(self.kind, other.kind),
            calendar: self.calendar.or(other.calendar),
            currency: self.currency.or(other.currency),
            status: self.status,
            listed: self.listed.or(other.listed),
            delisted: self.delisted,
            renamed_from: later(self.renamed_from, other.renamed_from),
            renamed_to: later(self.renamed_to, other.renamed_to),
        }
    }
}

/// Something that two listings of a symbol say differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlike<'a> {
    /// What it is.
    pub what: &'static str,
    /// What the first says.
    pub first: &'a str,
    /// What the second says.
    pub second: &'a str,
}

impl Listing {
    /// What this and another source's listing of the symbol say differently: their symbol may mean
    /// two instruments. What one of them leaves open is no difference.
    #[must_use]
    pub fn differences<'a>(&'a self, other: &'a Self) -> Vec<Unlike<'a>> {
        let currency = |listing: &'a Self| listing.currency.as_ref().map_or("", Currency::as_str);
        let calendar = |listing: &'a Self| listing.calendar.map_or("", CalendarId::name);
        let said = [
            ("name", self.name.as_str(), other.name.as_str()),
            ("kind", &self.kind, &other.kind),
            ("currency", currency(self), currency(other)),
            ("trading hours", calendar(self), calendar(other)),
        ];
        let is_told = |(_, first, second): &(_, &str, &str)| {
            !first.is_empty() && !second.is_empty() && !first.eq_ignore_ascii_case(second)
        };
        let unlike = |(what, first, second)| Unlike {
            what,
            first,
            second,
        };
        said.into_iter().filter(is_told).map(unlike).collect()
    }
}

/// Why stored bars under a symbol may not go on, or not be of one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'a> {
    /// Its instrument has another symbol since.
    Renamed(&'a Rename),
    /// Its instrument has another symbol since, and the symbol is traded again.
    Reused(&'a Rename),
    /// It was listed long after the first stored bar.
    ListedLater(NaiveDate),
    /// It is no longer traded; the last day, if it is known.
    Delisted(Option<NaiveDate>),
}

/// Bars may be older than the day of a listing, which some lists date by the first auction after an
/// offer: by less than this.
const SOON: TimeDelta = TimeDelta::days(30);

impl Listing {
    /// What became of the symbol, whose oldest stored bar is of this day.
    #[must_use]
    pub fn fate(&self, oldest: Option<NaiveDate>) -> Option<Fate<'_>> {
        let is_delisted = self.status == Status::Delisted;
        let later = self
            .listed
            .filter(|listed| oldest.is_some_and(|oldest| *listed - oldest > SOON));
        match (&self.renamed_to, later) {
            (Some(rename), _) if is_delisted => Some(Fate::Renamed(rename)),
            // What is stored is of the instrument that has the symbol now.
            (Some(rename), _) if oldest.is_some_and(|oldest| oldest >= rename.date) => None,
            (Some(rename), _) => Some(Fate::Reused(rename)),
            (None, _) if is_delisted => Some(Fate::Delisted(self.delisted)),
            (None, later) => later.map(Fate::ListedLater),
        }
    }

    /// What became of the symbol, in a sentence.
    #[must_use]
    pub fn told(&self, fate: Fate<'_>) -> String {
        let symbol = &self.symbol;
        match fate {
            Fate::Renamed(Rename { symbol: to, date }) => {
                format!("{symbol} was renamed {to} on {date}.")
            }
            Fate::Reused(Rename { symbol: to, date }) => format!(
                "{symbol} was renamed {to} on {date}; what is traded as {symbol} since is something else."
            ),
            Fate::ListedLater(date) => {
                format!("{symbol} is listed since {date}: its older bars may be of something else.")
            }
            Fate::Delisted(Some(date)) => format!("{symbol} was delisted on {date}."),
            Fate::Delisted(None) => format!("{symbol} is delisted."),
        }
    }
}

/// A listing, and where it was learnt from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownListing {
    /// The listing.
    pub listing: Listing,
    /// Where from.
    pub learnt: Learnt,
}

/// What a source now says changes these of its listings, or adds them.
///
/// A list has the last word: it replaces what was known, and what it no longer names is delisted. A
/// search, or a corporate action, only adds to what a list says. No listing is ever removed: stored
/// bars may be of it.
#[must_use]
pub fn learn(known: Vec<KnownListing>, said: Vec<Listing>, from: Learnt) -> Vec<KnownListing> {
    let mut before: BTreeMap<Symbol, KnownListing> = known
        .into_iter()
        .map(|known| (known.listing.symbol.clone(), known))
        .collect();
    let named: BTreeSet<Symbol> = said.iter().map(|said| said.symbol.clone()).collect();
    let mut changed = vec![];
    for said in said {
        let Some(old) = before.remove(&said.symbol) else {
            changed.push(KnownListing {
                listing: said,
                learnt: from,
            });
            continue;
        };
        let is_of_list = old.learnt == Learnt::List;
        let has_last_word = from == Learnt::List || from == Learnt::Search && !is_of_list;
        let listing = if has_last_word {
            said.or(old.listing.clone())
        } else {
            old.listing.clone().or(said)
        };
        let learnt = if has_last_word { from } else { old.learnt };
        let new = KnownListing { listing, learnt };
        if new != old {
            changed.push(new);
        }
    }
    let is_gone = |old: &KnownListing| {
        from == Learnt::List
            && old.learnt == Learnt::List
            && old.listing.status != Status::Delisted
            && !named.contains(&old.listing.symbol)
    };
    changed.extend(before.into_values().filter(is_gone).map(|mut old| {
        old.listing.status = Status::Delisted;
        old
    }));
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(text: &str) -> Symbol {
        text.parse().unwrap()
    }

    fn listing(text: &str, name: &str) -> Listing {
        Listing {
            name: name.to_owned(),
            ..Listing::of(symbol(text))
        }
    }

    fn known(listing: Listing, learnt: Learnt) -> KnownListing {
        KnownListing { listing, learnt }
    }

    #[test]
    fn a_list_has_the_last_word_and_what_it_no_longer_names_is_delisted() {
        let pence = Listing {
            currency: "GBX".parse().ok(),
            ..listing("TSCO.LON", "Tesco")
        };
        let before = vec![
            known(listing("GONE", "Gone"), Learnt::List),
            known(listing("IBM", "Old name"), Learnt::List),
            known(listing("SAME", "Same"), Learnt::List),
            known(pence.clone(), Learnt::Search),
        ];
        let said = vec![
            listing("IBM", "IBM"),
            listing("SAME", "Same"),
            listing("NEW", "New"),
        ];
        let gone = Listing {
            status: Status::Delisted,
            ..listing("GONE", "Gone")
        };
        let changed = learn(before, said, Learnt::List);
        assert_eq!(
            changed,
            [listing("IBM", "IBM"), listing("NEW", "New"), gone.clone()]
                .map(|listing| known(listing, Learnt::List))
        );
        let again = learn(vec![known(gone, Learnt::List)], vec![], Learnt::List);
        assert_eq!(again, [], "it is delisted once");
    }

    #[test]
    fn a_symbol_that_is_renamed_reused_or_delisted_is_told() {
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        let plain = listing("FB", "a fund");
        let renamed = Listing {
            renamed_to: Some(Rename {
                symbol: symbol("META"),
                date: day("2022-06-09").unwrap(),
            }),
            ..plain.clone()
        };
        let delisted = |listing: &Listing, on: Option<&str>| Listing {
            status: Status::Delisted,
            delisted: on.and_then(day),
            ..listing.clone()
        };
        let listed = |on: &str| Listing {
            listed: day(on),
            ..plain.clone()
        };
        let told = |listing: &Listing, oldest: Option<&str>| {
            let fate = listing.fate(oldest.and_then(day));
            fate.map(|fate| listing.told(fate))
        };
        let old = Some("2015-01-02");
        for (listing, oldest, said) in [
            (plain.clone(), old, None),
            (
                delisted(&renamed, None),
                old,
                Some("FB was renamed META on 2022-06-09."),
            ),
            (
                renamed.clone(),
                old,
                Some(
                    "FB was renamed META on 2022-06-09; what is traded as FB since is something else.",
                ),
            ),
            (renamed.clone(), Some("2025-06-26"), None),
            (
                listed("2025-06-26"),
                old,
                Some("FB is listed since 2025-06-26: its older bars may be of something else."),
            ),
            (listed("2015-01-20"), old, None),
            (listed("2025-06-26"), None, None),
            (
                delisted(&plain, Some("2024-01-05")),
                old,
                Some("FB was delisted on 2024-01-05."),
            ),
            (delisted(&plain, None), None, Some("FB is delisted.")),
        ] {
            assert_eq!(told(&listing, oldest).as_deref(), said, "{listing:?}");
        }
    }

    #[test]
    fn listings_differ_in_what_both_say() {
        let coin = Listing {
            kind: "Crypto".to_owned(),
            calendar: Some(CalendarId::Always),
            currency: "USDT".parse().ok(),
            ..listing("ABC", "A coin")
        };
        let share = Listing {
            kind: "Equity".to_owned(),
            calendar: Some(CalendarId::Xnys),
            currency: Some(Currency::usd()),
            ..listing("ABC", "a COIN")
        };
        let unlike = |what, first, second| Unlike {
            what,
            first,
            second,
        };
        assert_eq!(
            coin.differences(&share),
            [
                unlike("kind", "Crypto", "Equity"),
                unlike("currency", "USDT", "USD"),
                unlike("trading hours", CalendarId::Always.name(), "NYSE"),
            ]
        );
        assert_eq!(listing("ABC", "").differences(&share), []);
        assert_eq!(coin.differences(&listing("ABC", "B")).len(), 1);
    }

    #[test]
    fn a_search_adds_to_a_list_and_replaces_only_a_search() {
        let found = Listing {
            exchange: "United States".to_owned(),
            currency: Some(Currency::usd()),
            ..listing("IBM", "International Business Machines")
        };
        let of_list = Listing {
            exchange: "NYSE".to_owned(),
            ..listing("IBM", "IBM")
        };
        let changed = learn(
            vec![known(of_list.clone(), Learnt::List)],
            vec![found.clone()],
            Learnt::Search,
        );
        let both = Listing {
            currency: Some(Currency::usd()),
            ..of_list
        };
        assert_eq!(changed, [known(both, Learnt::List)]);
        let before = vec![known(listing("IBM", "other"), Learnt::Search)];
        assert_eq!(
            learn(before, vec![found.clone()], Learnt::Search),
            [known(found, Learnt::Search)]
        );
    }

    #[test]
    fn a_rename_outlasts_the_lists_after_it_and_a_later_one_replaces_it() {
        let renamed = |to: &str, date: &str| Listing {
            status: Status::Delisted,
            renamed_to: Some(Rename {
                symbol: symbol(to),
                date: date.parse().unwrap(),
            }),
            ..Listing::of(symbol("FB"))
        };
        let first = learn(vec![], vec![renamed("META", "2022-06-09")], Learnt::Actions);
        assert_eq!(first[0].learnt, Learnt::Actions);
        let reused = learn(first, vec![listing("FB", "a fund")], Learnt::List);
        let expected = Listing {
            name: "a fund".to_owned(),
            status: Status::Active,
            ..renamed("META", "2022-06-09")
        };
        assert_eq!(reused, [known(expected, Learnt::List)]);
        let older = learn(
            reused.clone(),
            vec![renamed("X", "2012-05-18")],
            Learnt::Actions,
        );
        assert_eq!(older, [], "the later rename is known");
        let later = learn(reused, vec![renamed("X", "2026-01-05")], Learnt::Actions);
        assert_eq!(
            later[0].listing.renamed_to.as_ref().unwrap().symbol,
            symbol("X")
        );
    }
}
