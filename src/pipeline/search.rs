//! Ranks the list of symbols by what a person has typed so far. Pure, and fast enough for every
//! keystroke.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::model::{Listing, Offer, Status, spelling};

/// How a listing matches; the smaller, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    /// The symbol is what was typed.
    Exact,
    /// It is, spelled as another source does.
    Spelled,
    /// The symbol begins with it; this many letters follow.
    Symbol(usize),
    /// Words of the name begin with its words; the first at this place, in a name of this length.
    Name(usize, usize),
    /// Its letters occur in this order; the number grows as the match gets worse.
    Fuzzy(u32),
}

/// The best listings for a text, best first: the symbol itself, then symbols that begin with it,
/// then names with a word that does, then whatever has its letters in this order. Case is ignored, and
/// so is how a symbol is spelled. Of equal matches, what is still traded comes first, then they are
/// ordered by symbol; the sources stay in their order.
#[must_use]
pub fn rank(offers: &[Offer], text: &str, limit: usize) -> Vec<Offer> {
    let text = text.trim();
    if text.is_empty() || limit == 0 {
        return vec![];
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found: Vec<(Match, &Offer)> = offers
        .iter()
        .filter_map(|offer| Some((plain(&offer.listing, text, &words)?, offer)))
        .collect();
    // Fuzzy matches come after all others, so they are searched for only if there is room.
    if found.len() < limit {
        let others = offers
            .iter()
            .filter(|offer| plain(&offer.listing, text, &words).is_none());
        found.extend(fuzzy(others, text));
    }
    let order = |offer: &Offer| {
        (
            offer.listing.status == Status::Delisted,
            offer.listing.symbol.clone(),
        )
    };
    found.sort_by(|(one, a), (other, b)| one.cmp(other).then_with(|| order(a).cmp(&order(b))));
    found
        .into_iter()
        .take(limit)
        .map(|(_, offer)| offer.clone())
        .collect()
}

/// The match without fuzziness.
fn plain(listing: &Listing, text: &str, words: &[&str]) -> Option<Match> {
    let symbol = listing.symbol.as_str();
    if let Some(more) = spelling::begins(symbol, text) {
        return Some(match more {
            0 if symbol.eq_ignore_ascii_case(text) => Match::Exact,
            0 => Match::Spelled,
            more => Match::Symbol(more),
        });
    }
    let mut parts = listing
        .name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .enumerate();
    let mut first = None;
    for word in words {
        let (place, _) = parts.find(|(_, part)| begins(part, word))?;
        first = first.or(Some(place));
    }
    first.map(|place| Match::Name(place, listing.name.len()))
}

fn fuzzy<'a>(
    offers: impl Iterator<Item = &'a Offer>,
    text: &str,
) -> impl Iterator<Item = (Match, &'a Offer)> {
    let pattern = Pattern::new(
        text,
        CaseMatching::Ignore,
        Normalization::Smart,
        AtomKind::Fuzzy,
    );
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut letters = Vec::new();
    offers.filter_map(move |offer| {
        let listing = &offer.listing;
        let mut score = |text| pattern.score(Utf32Str::new(text, &mut letters), &mut matcher);
        let best = score(listing.symbol.as_str()).max(score(&listing.name))?;
        Some((Match::Fuzzy(u32::MAX - best), offer))
    })
}

/// Whether a text begins with another, ignoring case.
fn begins(text: &str, with: &str) -> bool {
    let start = text.as_bytes().get(..with.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceId;

    fn list(rows: &[(&str, &str)]) -> Vec<Offer> {
        let listing = |(symbol, name): &(&str, &str)| Listing {
            name: (*name).into(),
            exchange: "NYSE".into(),
            kind: "Stock".into(),
            ..Listing::of(symbol.parse().unwrap())
        };
        let offer = |row| Offer {
            source: SourceId::DEFAULT,
            listing: listing(row),
        };
        rows.iter().map(offer).collect()
    }

    fn some() -> Vec<Offer> {
        list(&[
            ("APP", "Applovin Corp"),
            ("AAPL", "Apple Inc"),
            ("APLE", "Apple Hospitality REIT Inc"),
            ("BA", "Boeing Company"),
            ("BABA", "Alibaba Group Holding Ltd"),
            ("BAC", "Bank of America Corp"),
            ("BRK-B", "Berkshire Hathaway Inc - Class B"),
            ("IBM", "International Business Machines Corp"),
            ("PAPL", "Pineapple Energy Inc"),
            ("SAN", "Société Générale"),
        ])
    }

    fn symbols(text: &str) -> Vec<String> {
        let found = rank(&some(), text, 50);
        found
            .iter()
            .map(|found| found.listing.symbol.to_string())
            .collect()
    }

    #[test]
    fn the_symbol_itself_is_first_then_those_that_begin_with_it() {
        assert_eq!(symbols("ba")[..3], ["BA", "BAC", "BABA"]);
        assert_eq!(symbols("a")[..3], ["APP", "AAPL", "APLE"]);
    }

    #[test]
    fn words_of_the_name_come_before_letters_in_order() {
        assert_eq!(symbols("apple"), ["AAPL", "APLE", "PAPL"]);
        assert_eq!(symbols("business mach"), ["IBM"]);
        assert_eq!(symbols("hathaway"), ["BRK-B"]);
        assert_eq!(symbols("intbus"), ["IBM"]);
    }

    #[test]
    fn case_accents_and_the_dot_of_a_class_do_not_matter() {
        assert_eq!(symbols("brk.b")[0], "BRK-B");
        assert_eq!(symbols("BRK-B")[0], "BRK-B");
        assert_eq!(symbols(" ibm ")[0], "IBM");
        assert_eq!(symbols("societe"), ["SAN"]);
    }

    #[test]
    fn any_spelling_finds_the_pair_at_every_source_and_the_traded_one_first() {
        let mut offers = list(&[("BTCUSDT", ""), ("BTC-USD", ""), ("BTC.USD", "")]);
        offers[0].source = SourceId::known("binance");
        offers[2].listing.status = Status::Delisted;
        let found = |text: &str| -> Vec<String> {
            let found = rank(&offers, text, 9);
            let symbols = found.iter().map(|found| found.listing.symbol.to_string());
            symbols.collect()
        };
        let all = ["BTC-USD", "BTC.USD", "BTCUSDT"];
        for text in ["BTC/USD", "btcusd", "btc-usd"] {
            assert_eq!(found(text), all, "{text}");
        }
        assert_eq!(found("BTC-USDT")[0], "BTCUSDT");
    }

    #[test]
    fn nothing_is_found_for_nothing() {
        for text in ["", "  ", "zzzz"] {
            assert_eq!(symbols(text), [""; 0], "{text}");
        }
        assert_eq!(rank(&some(), "a", 0), []);
        assert_eq!(rank(&[], "a", 50), []);
    }

    #[test]
    fn at_most_so_many_are_found_and_each_once() {
        assert_eq!(rank(&some(), "b", 2).len(), 2);
        let mut all = symbols("a");
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
