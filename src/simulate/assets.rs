//! What trades around the clock, wherever it is traded.

use chrono::NaiveDate;

/// One asset, as it stood at the beginning of 2026.
#[derive(Debug, PartialEq)]
pub(super) struct Asset {
    pub symbol: &'static str,
    pub name: &'static str,
    /// Dollars.
    pub price: f64,
    /// Growth of the logarithm of the price a year.
    pub growth: f64,
    /// Digits after the point of its prices.
    pub decimals: u32,
    /// Dollars traded a day.
    pub turnover: f64,
    /// Groups of four trades a day: with fewer than minutes in a day, some minutes see none.
    pub groups: u32,
}

const fn asset(
    symbol: &'static str,
    name: &'static str,
    (price, growth, decimals): (f64, f64, u32),
    (turnover, groups): (f64, u32),
) -> Asset {
    Asset {
        symbol,
        name,
        price,
        growth,
        decimals,
        turnover,
        groups,
    }
}

const ASSETS: [Asset; 15] = [
    asset("BTC", "Bitcoin", (90_000.0, 0.5, 2), (6e8, 180_000)),
    asset("ETH", "Ether", (3_000.0, 0.45, 2), (3e8, 120_000)),
    asset("SOL", "Solana", (130.0, 0.5, 2), (1e8, 90_000)),
    asset("XRP", "XRP", (1.9, 0.3, 4), (8e7, 70_000)),
    asset("DOGE", "Dogecoin", (0.13, 0.35, 5), (4e7, 50_000)),
    asset("ADA", "Cardano", (0.4, 0.1, 4), (2e7, 40_000)),
    asset("LTC", "Litecoin", (80.0, 0.1, 2), (1e7, 30_000)),
    asset("BCH", "Bitcoin Cash", (550.0, 0.05, 2), (8e6, 25_000)),
    asset("LINK", "Chainlink", (12.0, 0.2, 3), (9e6, 30_000)),
    asset("AVAX", "Avalanche", (13.0, 0.1, 2), (7e6, 20_000)),
    asset("DOT", "Polkadot", (2.0, -0.1, 3), (4e6, 15_000)),
    asset("ETC", "Ethereum Classic", (12.0, 0.0, 2), (2e6, 8_000)),
    asset("ZEC", "Zcash", (400.0, 0.1, 2), (3e6, 9_000)),
    asset("LUNA", "Terra", (60.0, 0.2, 2), (5e6, 12_000)),
    asset("FARM", "Harvest Finance", (20.0, -0.2, 2), (6e3, 240)),
];

impl Asset {
    /// The asset of a symbol.
    pub(super) fn named(symbol: &str) -> Option<&'static Self> {
        ASSETS.iter().find(|asset| asset.symbol == symbol)
    }
}

/// Where and since when an asset is traded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listing {
    /// As it is spelled there.
    pub symbol: &'static str,
    pub base: &'static str,
    pub quote: &'static str,
    /// The first day of trading, UTC: year, month, day.
    pub since: (i32, u32, u32),
    /// The day after the last.
    pub until: Option<(i32, u32, u32)>,
}

impl Listing {
    /// The first day of trading.
    pub(super) fn first_day(&self) -> NaiveDate {
        date(self.since)
    }

    /// The day after the last; `None` if it is still traded.
    pub(super) fn end(&self) -> Option<NaiveDate> {
        self.until.map(date)
    }
}

fn date((year, month, day): (i32, u32, u32)) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}
