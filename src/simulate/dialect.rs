//! Which dialects there are, and what all of them can be told to do wrong.

use crate::model::words::words;

words! {
    /// The providers that the simulator imitates, each by the word of its source.
    pub enum Dialect {
        /// Alpha Vantage.
        AlphaVantage = "alpha_vantage",
        /// Coinbase Exchange.
        Coinbase = "coinbase",
        /// Binance.
        Binance = "binance",
        /// Alpaca.
        Alpaca = "alpaca",
    }
}

impl Dialect {
    /// The dialect of a source. A feed of its own is a source whose word goes on after that of its
    /// provider.
    #[must_use]
    pub fn of_source(source: &str) -> Option<Self> {
        let mut dialects = Self::ALL.iter().copied();
        dialects.find(|dialect| {
            let rest = source.strip_prefix(dialect.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        })
    }

    /// A key that its provider would take, one value for each of its fields; none if it needs none.
    #[must_use]
    pub const fn key(self) -> &'static [&'static str] {
        match self {
            Self::AlphaVantage => &["SIMULATED0123456"],
            Self::Coinbase | Self::Binance => &[],
            Self::Alpaca => &[
                "PKSIMULATED012345678",
                "SIMULATED0123456789abcdefSIMULATED012345",
            ],
        }
    }
}

words! {
    /// The ways of refusing, in words for all dialects.
    pub enum Refused {
        /// Too many requests in a moment.
        Burst = "burst",
        /// Too many requests in a minute.
        Minute = "minute",
        /// Too many requests in a day.
        Day = "day",
        /// The plan does not include it.
        Premium = "premium",
        /// The key is missing or wrong.
        BadKey = "bad-key",
        /// A key for documented requests only.
        DemoKey = "demo-key",
        /// The symbol or a parameter is wrong.
        Invalid = "invalid",
        /// The provider failed.
        Internal = "internal",
        /// No such function.
        NoFunction = "no-function",
        /// Nothing for some time, since the limits were ignored.
        Banned = "banned",
        /// Nothing in the asker's country.
        Location = "location",
        /// A sample instead of data.
        Artificial = "artificial",
    }
}

words! {
    /// What can be wrong in an answer that looks right.
    pub enum Twist {
        /// No bars.
        NoRows = "no-rows",
        /// Some bars are impossible.
        BadRow = "bad-row",
        /// The bars of another symbol.
        WrongSymbol = "wrong-symbol",
        /// Bars of another length.
        WrongInterval = "wrong-interval",
        /// The token of a page leads to the same page again.
        TokenRepeats = "token-repeats",
        /// A page without bars that is not the last.
        PageEmpty = "page-empty",
        /// A page with half of its bars, and a token that leads on from there.
        PageShrinks = "page-shrinks",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_spoken_of_in_its_providers_dialect() {
        assert_eq!(Dialect::of_source("alpaca"), Some(Dialect::Alpaca));
        assert_eq!(Dialect::of_source("alpaca_iex"), Some(Dialect::Alpaca));
        assert_eq!(Dialect::of_source("alpacas"), None);
        assert_eq!(Dialect::of_source("kraken"), None);
    }
}
