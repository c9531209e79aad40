//! Factors: what raw prices and volumes before a date are multiplied by.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::events::{CorporateEvent, KnownEvents, NO_DIVIDEND, merged};
use super::split::Ratio;
use crate::model::words::UnknownWord;

/// How a source adjusts prices before a dividend; all divide them by a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// C ÷ (C + D), C the raw close of the ex-date.
    CloseOfExDate,
    /// 1 − D × split ÷ C, C the raw close of the bar before.
    CloseBefore,
}

/// Why what is before a date cannot be adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// The price jumped as by a split that nobody reported.
    LooksLikeSplit(Ratio),
    /// The close is missing that the factor of a dividend is made of.
    NoClose,
    /// A split by an unknown ratio, or a dividend as large as the price.
    NoFactor,
}

impl Unknown {
    /// What it is, in a few words for people.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::LooksLikeSplit(ratio) => format!("looks like a split {ratio}"),
            Self::NoClose => "dividend; its day's bar is missing".to_owned(),
            Self::NoFactor => "event without a known factor".to_owned(),
        }
    }
}

/// The word in the store; a ratio follows it.
const SPLIT: &str = "split ";
const NO_CLOSE: &str = "no_close";
const NO_FACTOR: &str = "no_factor";

/// As the store keeps it.
impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LooksLikeSplit(ratio) => write!(f, "{SPLIT}{ratio}"),
            Self::NoClose => f.write_str(NO_CLOSE),
            Self::NoFactor => f.write_str(NO_FACTOR),
        }
    }
}

impl FromStr for Unknown {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            NO_CLOSE => Ok(Self::NoClose),
            NO_FACTOR => Ok(Self::NoFactor),
            _ => {
                let ratio = text.strip_prefix(SPLIT).ok_or(UnknownWord)?;
                Ok(Self::LooksLikeSplit(ratio.parse()?))
            }
        }
    }
}

/// What the bars before a date are multiplied by, back to the next older date of an adjustment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adjustment {
    /// The date: bars of earlier days are meant.
    pub before: NaiveDate,
    /// For prices, by all events; `None`: it cannot be known, here and further back.
    pub price: Option<Decimal>,
    /// For volumes, by splits alone.
    pub volume: Option<Decimal>,
    /// What cannot be known of this date's event.
    pub unknown: Option<Unknown>,
}

impl Rule {
    /// The factors of an event for prices and volumes, or what makes that of prices unknown.
    fn factors(self, event: &CorporateEvent) -> (Result<Decimal, Unknown>, Option<Decimal>) {
        let split = Some(event.split.to_decimal()).filter(|split| !split.is_zero());
        let price = match (split, event.dividend) {
            (None, _) => Err(Unknown::NoFactor),
            (Some(split), NO_DIVIDEND) => Decimal::ONE.checked_div(split).ok_or(Unknown::NoFactor),
            (Some(split), _) => self.with_dividend(event, split),
        };
        (price, split)
    }

    fn with_dividend(self, event: &CorporateEvent, split: Decimal) -> Result<Decimal, Unknown> {
        let dividend = event.dividend.to_decimal();
        let close = match self {
            Self::CloseOfExDate => event.close,
            Self::CloseBefore => event.close_before,
        };
        let close = close.ok_or(Unknown::NoClose)?.to_decimal();
        let kept = match self {
            Self::CloseOfExDate => close.checked_div(close + dividend),
            Self::CloseBefore => dividend
                .checked_mul(split)
                .and_then(|paid| paid.checked_div(close))
                .map(|part| Decimal::ONE - part),
        };
        kept.and_then(|kept| kept.checked_div(split))
            .filter(|factor| *factor > Decimal::ZERO)
            .ok_or(Unknown::NoFactor)
    }
}

/// The adjustments of a symbol's raw bars at a source, newest first, in 28 digits. Nothing is known
/// of bars after the newest one, and nothing at all without one.
#[must_use]
pub fn adjustments(events: &[CorporateEvent], known: &KnownEvents, rule: Rule) -> Vec<Adjustment> {
    let Some(last) = known.last() else {
        return vec![];
    };
    let (mut price, mut volume) = (Some(Decimal::ONE), Some(Decimal::ONE));
    let mut all = vec![Adjustment {
        before: last.succ_opt().unwrap_or(last),
        price,
        volume,
        unknown: None,
    }];
    for there in merged(events, known) {
        let event = there.event;
        if event.date > last {
            continue;
        }
        let (for_prices, for_volumes, unknown) = match Ratio::of_split(event.split) {
            Some(ratio) if there.is_suspected => (None, None, Some(Unknown::LooksLikeSplit(ratio))),
            _ => {
                let (for_prices, for_volumes) = rule.factors(&event);
                (for_prices.ok(), for_volumes, for_prices.err())
            }
        };
        let times = |so_far: Option<Decimal>, factor: Option<Decimal>| {
            so_far.zip(factor).and_then(|(a, b)| a.checked_mul(b))
        };
        (price, volume) = (times(price, for_prices), times(volume, for_volumes));
        let adjustment = Adjustment {
            before: event.date,
            price,
            volume,
            unknown,
        };
        match all.last_mut() {
            // A day has one row: a jump beside a dividend hides it.
            Some(same) if same.before == event.date => {
                let unknown = same.unknown.or(unknown);
                *same = Adjustment {
                    unknown,
                    ..adjustment
                };
            }
            _ => all.push(adjustment),
        }
    }
    all
}
