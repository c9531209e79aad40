//! Adding series: what a typed name or a pasted list means, and what the line says about it.

use std::collections::HashSet;

use super::Suggestion;
use super::typed::{is_setting, series_of};
use crate::model::{
    Declaring, Interval, Listing, Offer, SeriesKey, Status, WatchEdit, spelling, watch_file,
};
use crate::pipeline::snapshot::SearchView;
use crate::ui::reply::{Confirm, Reply};
use crate::ui::shared::Shared;
use crate::ui::text::count;

/// The most characters of one paste that still go into the line.
const SHORT: usize = 200;

/// The last symbol or name of a text, without the interval after it.
pub(super) fn wish(text: &str) -> &str {
    let mut last = text.rsplit([',', ';']).next().unwrap_or_default().trim();
    while let Some((before, word)) = last.rsplit_once(char::is_whitespace) {
        if !is_setting(word) {
            break;
        }
        last = before.trim_end();
    }
    last
}

/// The text with the last symbol or name in it replaced.
pub(super) fn with(text: &str, symbol: &str) -> String {
    let wish = wish(text);
    match text.rsplit_once(wish) {
        Some((before, after)) if !wish.is_empty() => format!("{before}{symbol}{after}"),
        _ => format!("{text}{symbol}"),
    }
}

/// The symbols that match, from the stored list or from the provider.
pub(super) fn listed(wish: &str, shared: &Shared) -> Vec<Suggestion> {
    // The old matches stay until those of the new text arrive.
    search(shared)
        .filter(|_| !wish.is_empty())
        .map_or_else(Vec::new, |search| {
            search
                .matches
                .iter()
                .filter(|offer| search.from_provider || is_meant(&offer.listing, wish))
                .map(|offer| suggestion(offer, shared))
                .collect()
        })
}

/// A symbol as it is typed here, and what it is, at which source.
fn suggestion(offer: &Offer, shared: &Shared) -> Suggestion {
    let Offer { source, listing } = offer;
    let symbol = &listing.symbol;
    let source_name = shared.source_name(source);
    let status = match listing.status {
        Status::Active => String::new(),
        other => format!(", {other}"),
    };
    Suggestion {
        value: if *source == shared.sources.usual {
            symbol.to_string()
        } else {
            format!("{source}:{symbol}")
        },
        note: format!(
            "{}  {} {}  {source_name}{status}",
            listing.name, listing.exchange, listing.kind
        ),
    }
}

fn search(shared: &Shared) -> Option<&SearchView> {
    shared.snapshot.as_ref()?.search.as_deref()
}

/// Whether a text is not a symbol of the list, and the best match has a name with these words.
pub(super) fn is_a_name(wish: &str, shared: &Shared) -> bool {
    let Some(search) = search(shared).filter(|search| search.text == wish) else {
        return false;
    };
    let is_symbol = |word: &str| {
        let is_it = |symbol: &str| symbol.eq_ignore_ascii_case(word);
        search
            .matches
            .iter()
            .any(|found| is_it(found.listing.symbol.as_str()))
    };
    !wish.is_empty()
        && !is_symbol(wish)
        && search
            .matches
            .first()
            .map(|best| &best.listing)
            .is_some_and(|best| {
                has_words(&best.name, wish) || spelling::is(best.symbol.as_str(), wish)
            })
}

/// Whether a listing may be what was typed: its symbol or words of its name begin so. Letters that
/// merely occur in it say nothing.
fn is_meant(listing: &Listing, wish: &str) -> bool {
    spelling::begins(listing.symbol.as_str(), wish).is_some() || has_words(&listing.name, wish)
}

/// Whether words of a name begin with these words, in their order.
fn has_words(name: &str, words: &str) -> bool {
    let name = name.to_lowercase();
    let mut parts = name.split(|c: char| !c.is_alphanumeric());
    words
        .to_lowercase()
        .split_whitespace()
        .all(|word| parts.any(|part| part.starts_with(word)))
}

/// Why a text may not be what the person means, where nothing is chosen yet.
pub(super) fn doubt(wish: &str, shared: &Shared) -> Option<String> {
    // A symbol of another exchange, such as RELIANCE.BSE, is in no list of this one.
    if wish.is_empty() || wish.contains(['.', ':']) {
        return None;
    }
    let is_like_a_name = wish
        .split_whitespace()
        .any(|word| word.len() >= 6 && word.chars().all(char::is_alphabetic));
    let Some(search) = search(shared).filter(|search| search.listed > 0) else {
        return is_like_a_name.then(|| {
            format!(
                "is {wish:?} a name? Tab looks it up, 1 request; Enter again adds it as symbols"
            )
        });
    };
    if search.text != wish {
        return Some("still searching the list of symbols; press Enter again".to_owned());
    }
    let is_one = wish.split_whitespace().count() == 1;
    let is_listed = search
        .matches
        .iter()
        .any(|found| found.listing.symbol.as_str().eq_ignore_ascii_case(wish));
    let has_choice = search
        .matches
        .iter()
        .any(|found| is_meant(&found.listing, wish));
    let word = wish.to_uppercase();
    match (is_one, has_choice) {
        (true, true) if !is_listed => Some(format!(
            "{word} is not in the list: Enter takes the marked one, Up and Enter what you typed"
        )),
        (true, false) if !search.matches.is_empty() || is_like_a_name => Some(format!(
            "{word} is not in the list; Enter again adds it as it is"
        )),
        (false, _) if is_like_a_name => Some(format!(
            "no company of the list is called {wish:?}; Enter again adds these words as symbols"
        )),
        _ => None,
    }
}

/// The change that adds series, without those already on the list.
pub(super) fn change(mut series: Vec<SeriesKey>, shared: &Shared) -> Result<Vec<Reply>, String> {
    let before = series.len();
    let first = series.first().cloned();
    let mut seen: HashSet<SeriesKey> = shared
        .series()
        .iter()
        .map(|status| status.key.clone())
        .collect();
    series.retain(|key| seen.insert(key.clone()));
    match (series.is_empty(), first) {
        (true, None) => Err("it names no series".to_owned()),
        (true, Some(one)) if before == 1 => Err(format!("{one} is already on the watch list")),
        (true, _) => Err("all of these are already on the watch list".to_owned()),
        _ => Ok(vec![Reply::Change(WatchEdit::Add(series))]),
    }
}

/// Whether a pasted text is a list rather than a word.
pub(super) fn is_list(text: &str) -> bool {
    text.trim().contains(['\n', '\r']) || text.len() > SHORT
}

/// A question about a pasted list.
pub(super) fn pasted(
    text: &str,
    interval: Interval,
    shared: &Shared,
) -> Result<Vec<Reply>, String> {
    let lines = match watch_file::parse(text, interval, &shared.sources, shared.today()) {
        Ok(lines) => lines,
        // Several symbols on a line are not a watch list file, but still a list; where intervals are
        // written, a wrong word may be meant as one.
        Err(problems) => match problems.first() {
            Some(first) if text.split([',', ' ', '\t', '\n']).any(is_setting) => {
                return Err(first.to_string());
            }
            _ => {
                let series = series_of(text, interval, &shared.sources)?.into_iter();
                series.map(|key| (key, Declaring::default())).collect()
            }
        },
    };
    Ok(vec![Reply::Confirm(question(lines, shared)?)])
}

/// A question before many series are added: how many, and what they cost.
pub fn question(
    mut lines: Vec<(SeriesKey, Declaring)>,
    shared: &Shared,
) -> Result<Confirm, String> {
    let all = lines.len();
    let then = change(lines.iter().map(|(key, _)| key.clone()).collect(), shared)?;
    let new = then.iter().map(|reply| match reply {
        Reply::Change(WatchEdit::Add(series)) => series.len(),
        _ => 0,
    });
    let new: usize = new.sum();
    let known = match all - new {
        0 => String::new(),
        known => format!(
            "{known} more {} already on it. ",
            if known == 1 { "is" } else { "are" }
        ),
    };
    let names: Vec<String> = then
        .iter()
        .flat_map(|reply| match reply {
            Reply::Change(WatchEdit::Add(series)) => series.as_slice(),
            _ => &[],
        })
        .take(3)
        .map(SeriesKey::to_string)
        .collect();
    let more = match new.saturating_sub(names.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = names.join(", ");
    // What a file says of series that are on the list counts, too.
    lines.retain(|(_, said)| !said.is_empty());
    let then = then.into_iter().map(|reply| match reply {
        Reply::Change(add) if !lines.is_empty() => {
            let declare = WatchEdit::Declare(lines.clone());
            Reply::Change(WatchEdit::Several(vec![add, declare]))
        }
        reply => reply,
    });
    let then = then.collect();
    Ok(Confirm {
        question: format!("Add {} to the watch list?", count(new, "series")),
        detail: format!(
            "{names}{more}. {known}No request is sent now; fetching them all costs {} each time.",
            count(new, "request")
        ),
        then,
    })
}

/// The hint under the line.
pub(super) fn hint(wanted: &str, interval: Interval, shared: &Shared) -> String {
    let series = match series_of(wanted, interval, &shared.sources).as_deref() {
        Ok([one]) => format!("Enter adds {one}"),
        Ok(many) => format!("Enter adds {}", count(many.len(), "series")),
        Err(_) if wanted.trim().is_empty() => {
            format!("symbols or a company's name, then an interval if not {interval}")
        }
        Err(why) => why.clone(),
    };
    let tab = match search(shared) {
        Some(search) if search.busy => "asking the provider…".to_owned(),
        Some(search) if search.problem.is_some() => search.problem.clone().unwrap_or_default(),
        Some(search) if search.listed > 0 => "Tab asks the provider, 1 request".to_owned(),
        _ => "Tab gets the symbol list, 1 request per month".to_owned(),
    };
    format!("{series}; {tab}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ui::sample;

    #[test]
    fn the_last_name_is_what_is_looked_for_and_replaced() {
        for (text, looked_for, replaced) in [
            ("", "", "AAPL"),
            ("apple", "apple", "AAPL"),
            ("bank of america", "bank of america", "AAPL"),
            ("apple 5min", "apple", "AAPL 5min"),
            ("apple daily adjusted ", "apple", "AAPL daily adjusted "),
            ("IBM, MSFT,apple", "apple", "IBM, MSFT,AAPL"),
            ("daily", "daily", "AAPL"),
        ] {
            assert_eq!(wish(text), looked_for, "{text:?}");
            assert_eq!(with(text, "AAPL"), replaced, "{text:?}");
        }
    }

    #[test]
    fn any_spelling_is_found_at_every_source_and_each_line_says_which() {
        let offer = |source: &str, symbol: &str| Offer {
            source: source.parse().unwrap(),
            listing: Listing::of(symbol.parse().unwrap()),
        };
        let mut snapshot = sample::normal();
        let mut delisted = offer("alpha_vantage", "BTC.USD");
        delisted.listing.status = Status::Delisted;
        snapshot.search = Some(Arc::new(SearchView {
            text: "BTC/USD".to_owned(),
            matches: vec![offer("coinbase", "BTC-USD"), delisted],
            from_provider: false,
            listed: 2,
            listed_at: None,
            busy: false,
            problem: None,
        }));
        let shared = sample::shared(snapshot);
        let found = listed("BTC/USD", &shared);
        assert_eq!(found[0].value, "coinbase:BTC-USD");
        assert_eq!(
            found[1].value, "BTC.USD",
            "of the source that needs no name"
        );
        assert!(
            found[1].note.ends_with("Alpha Vantage, delisted"),
            "{found:?}"
        );
        assert!(is_a_name("BTC/USD", &shared), "Enter takes it");
    }

    #[test]
    fn a_name_is_its_words_in_order() {
        assert!(has_words("Bank of America Corp", "bank amer"));
        assert!(has_words("Apple Inc", "APPLE"));
        assert!(!has_words("Apple Inc", "inc apple"));
        assert!(!has_words("Applied Materials", "apple"));
    }
}
