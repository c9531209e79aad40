//! Which company a symbol means, and when: symbols are spelled with a point, and some were renamed.

use std::ops::Range;

use chrono::NaiveDate;

use super::refusal::Refusal;
use crate::simulate::company::is_listed;

/// Renamed companies: the former symbol, the symbol, and the first day of it.
pub(super) const RENAMED: [(&str, &str, (i32, u32, u32)); 1] = [("FB", "META", (2022, 6, 9))];
/// The most letters of a symbol, and of what follows its point.
const LETTERS: usize = 8;
const MORE_LETTERS: usize = 3;

/// When a symbol was somebody else's, by the parameter `asof`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AsOf {
    /// Who had the symbol on a day; the bars are those of all its symbols.
    Day(NaiveDate),
    /// Bars that were traded under the symbol.
    Traded,
}

/// A company of the market, and the days for which it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meant {
    pub company: String,
    pub days: Range<NaiveDate>,
}

/// Whether a symbol is well formed; one that is not costs the whole request.
pub(super) fn check(symbol: &str) -> Result<(), Refusal> {
    let (root, class) = symbol.split_once('.').unwrap_or((symbol, "A"));
    let is_word = |text: &str, most| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    if is_word(root, LETTERS) && is_word(class, MORE_LETTERS) {
        Ok(())
    } else {
        Err(Refusal::Symbol(symbol.to_owned()))
    }
}

/// Whom a symbol means; `None` for nobody.
pub(super) fn meant(symbol: &str, as_of: AsOf) -> Option<Meant> {
    let always = NaiveDate::MIN..NaiveDate::MAX;
    let renamed = RENAMED
        .iter()
        .find(|(old, new, _)| [*old, *new].contains(&symbol));
    let Some((old, new, (year, month, day))) = renamed else {
        let company = symbol.replace('.', "-");
        return is_listed(&company).then_some(Meant {
            company,
            days: always,
        });
    };
    let since = NaiveDate::from_ymd_opt(*year, *month, *day)?;
    let is_old = symbol == *old;
    let days = match as_of {
        AsOf::Day(day) => ((day < since) == is_old).then_some(always)?,
        AsOf::Traded if is_old => NaiveDate::MIN..since,
        AsOf::Traded => since..NaiveDate::MAX,
    };
    Some(Meant {
        company: (*new).to_owned(),
        days,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_symbols_are_named() {
        for symbol in ["AAPL", "F", "BRK.B", "NOSUCH"] {
            assert_eq!(check(symbol), Ok(()));
        }
        for symbol in [
            "CSP1",
            "aapl",
            "BRK-B",
            "",
            ".B",
            "A.",
            "BTC/USD",
            "ABCDEFGHI",
        ] {
            assert_eq!(check(symbol), Err(Refusal::Symbol(symbol.to_owned())));
        }
    }

    #[test]
    fn a_symbol_means_who_had_it() {
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        let before = AsOf::Day(date("2022-06-08"));
        let after = AsOf::Day(date("2022-06-09"));
        let company = |symbol, as_of| meant(symbol, as_of).map(|meant| meant.company);
        assert_eq!(company("FB", before).as_deref(), Some("META"));
        assert_eq!(company("META", after).as_deref(), Some("META"));
        assert_eq!(company("FB", after), None);
        assert_eq!(company("META", before), None);
        assert_eq!(
            meant("FB", AsOf::Traded).unwrap().days.end,
            date("2022-06-09")
        );
        assert_eq!(
            meant("META", AsOf::Traded).unwrap().days.start,
            date("2022-06-09")
        );
        assert_eq!(company("BRK.B", after).as_deref(), Some("BRK-B"));
        assert_eq!(company("NOSUCH", after), None);
    }
}
