//! Plants as text: `KIND[:ARGUMENT][@WHEN][,symbol=S][,dialect=D]`.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::America::New_York;

use super::super::calendar::{day_after, instant, midnight, wall_time};
use super::{Plant, Ratio, What};
use crate::model::Price;
use crate::model::moment::{self, Moment};
use crate::simulate::scope::{Scope, ScopeError};

/// Each kind and how it is written.
const FORMS: [(&str, &str); 11] = [
    ("split", "split:4:1@2026-11-20 09:34"),
    ("dividend", "dividend:1.66@2026-11-20"),
    ("halt", "halt@2026-11-20 10:10..2026-11-20 10:40"),
    (
        "late",
        "late:2026-11-21 06:00@2026-11-20 10:10..2026-11-20 10:40",
    ),
    ("illiquid", "illiquid:2000"),
    ("closed", "closed@2026-11-18"),
    ("open", "open@2026-11-26"),
    ("listed", "listed@2026-11-02"),
    ("corrected", "corrected"),
    ("behind", "behind:2026-11-19@2026-11-20..2026-11-23 09:00"),
    ("outage", "outage:10@2026-11-02"),
];

/// Years in which something can be planted; others are slips of the hand.
const YEARS: RangeInclusive<i32> = 1970..=2199;

/// Why a text is not a plant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlantError {
    /// Nothing of this name can be planted.
    #[error("nothing called {found:?} can be planted; use {}", kinds())]
    Kind {
        /// What was found.
        found: String,
    },
    /// What follows the kind is wrong.
    #[error("{found:?} is not how {kind} is written; for example {example}")]
    Form {
        /// The kind.
        kind: &'static str,
        /// A valid one.
        example: &'static str,
        /// What was found.
        found: String,
    },
    /// What it concerns is wrong.
    #[error(transparent)]
    Scope(#[from] ScopeError),
}

fn kinds() -> String {
    FORMS.map(|(kind, _)| kind).join(", ")
}

impl FromStr for Plant {
    type Err = PlantError;

    fn from_str(text: &str) -> Result<Self, PlantError> {
        let (rest, scope) = Scope::split(text)?;
        let (head, when) = match rest.rsplit_once('@') {
            Some((head, when)) => (head, Some(when)),
            None => (rest, None),
        };
        let (kind, argument) = match head.split_once(':') {
            Some((kind, argument)) => (kind, Some(argument)),
            None => (head, None),
        };
        let known = FORMS.iter().find(|(known, _)| *known == kind);
        let (kind, example) = *known.ok_or_else(|| PlantError::Kind {
            found: kind.to_owned(),
        })?;
        let what = what(kind, argument, when).ok_or_else(|| PlantError::Form {
            kind,
            example,
            found: rest.to_owned(),
        })?;
        Ok(Self { what, scope })
    }
}

fn what(kind: &str, argument: Option<&str>, when: Option<&str>) -> Option<What> {
    Some(match (kind, argument, when) {
        ("split", Some(ratio), Some(when)) => What::Split {
            ratio: ratio_of(ratio)?,
            known: start(when)?,
        },
        ("dividend", Some(amount), Some(when)) => What::Dividend {
            amount: ten_thousandths(amount)?,
            known: start(when)?,
        },
        ("halt", None, Some(when)) => What::Halt(range(when)?),
        ("late", Some(appear), Some(when)) => What::Late {
            minutes: range(when)?,
            appear: start(appear)?,
        },
        ("illiquid", Some(shares), None) => {
            What::Illiquid(shares.parse().ok().filter(|shares| *shares > 0)?)
        }
        ("closed", None, Some(when)) => What::Closed(date(when)?),
        ("open", None, Some(when)) => What::Open(date(when)?),
        ("listed", None, Some(when)) => What::Listed(date(when)?),
        ("corrected", None, None) => What::Corrected,
        ("behind", Some(session), Some(when)) => What::Behind {
            session: date(session)?,
            during: range(when)?,
        },
        ("outage", None, Some(when)) => What::Outage(range(when)?),
        ("outage", Some(sessions), Some(when)) => {
            let sessions = sessions.parse().ok();
            let sessions = sessions.filter(|sessions| (1..=1_000).contains(sessions))?;
            What::outage(date(when)?, sessions)
        }
        _ => return None,
    })
}

fn ratio_of(text: &str) -> Option<Ratio> {
    let (new, old) = text.split_once(':')?;
    let shares = |text: &str| text.parse().ok().filter(|n| (1..=1_000_000).contains(n));
    Some(Ratio {
        new: shares(new)?,
        old: shares(old)?,
    })
}

fn ten_thousandths(text: &str) -> Option<u32> {
    let (amount, _) = Price::parse(text).ok()?;
    let amount = u32::try_from(amount.units() / (Price::ONE / 10_000)).ok()?;
    (amount > 0).then_some(amount)
}

/// A day on which the market may have something.
fn date(text: &str) -> Option<NaiveDate> {
    let date: NaiveDate = text.parse().ok()?;
    YEARS.contains(&date.year()).then_some(date)
}

fn moment_of(text: &str) -> Option<Moment> {
    let moment = moment::parse(text, New_York)?;
    let year = match moment {
        Moment::Instant(at) => at.year(),
        Moment::Days(first, _) => first.year(),
    };
    YEARS.contains(&year).then_some(moment)
}

/// The instant that a text names, or that a day or longer begins at.
fn start(text: &str) -> Option<DateTime<Utc>> {
    match moment_of(text)? {
        Moment::Instant(at) => Some(at),
        Moment::Days(first, _) => Some(instant(midnight(first))),
    }
}

/// From one instant to another; a day as the end counts whole.
fn range(text: &str) -> Option<Range<DateTime<Utc>>> {
    let (from, until) = text.split_once("..")?;
    let until = match moment_of(until)? {
        Moment::Instant(at) => at,
        Moment::Days(_, last) => day_after(last),
    };
    let from = start(from)?;
    (from < until).then_some(from..until)
}

impl fmt::Display for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range =
            |range: &Range<DateTime<Utc>>| Between(wall_time(range.start), wall_time(range.end));
        match &self.what {
            What::Split { ratio, known } => write!(f, "split:{ratio}@{}", wall_time(*known)),
            What::Dividend { amount, known } => {
                let (dollars, rest) = (amount / 10_000, amount % 10_000);
                write!(f, "dividend:{dollars}.{rest:04}@{}", wall_time(*known))
            }
            What::Halt(minutes) => write!(f, "halt@{}", range(minutes)),
            What::Late { minutes, appear } => {
                write!(f, "late:{}@{}", wall_time(*appear), range(minutes))
            }
            What::Illiquid(shares) => write!(f, "illiquid:{shares}"),
            What::Closed(date) => write!(f, "closed@{date}"),
            What::Open(date) => write!(f, "open@{date}"),
            What::Listed(date) => write!(f, "listed@{date}"),
            What::Corrected => f.write_str("corrected"),
            What::Behind { session, during } => write!(f, "behind:{session}@{}", range(during)),
            What::Outage(during) => write!(f, "outage@{}", range(during)),
        }?;
        self.scope.fmt(f)
    }
}

struct Between(NaiveDateTime, NaiveDateTime);

impl fmt::Display for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plant(text: &str) -> Plant {
        text.parse().unwrap()
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn every_kind_reads_what_it_writes() {
        for (kind, example) in FORMS {
            for text in [example.to_owned(), format!("{example},symbol=BRK-B")] {
                let read = plant(&text);
                assert_eq!(read.to_string().parse(), Ok(read.clone()), "{kind}");
                assert_eq!(
                    read.scope.symbol.is_some(),
                    text.contains("symbol"),
                    "{kind}"
                );
            }
        }
    }

    #[test]
    fn times_are_new_yorks_and_a_last_day_is_whole() {
        let split = plant("split:3:2@2026-11-20 09:34,symbol=IBM");
        let expected = What::Split {
            ratio: Ratio { new: 3, old: 2 },
            known: utc("2026-11-20T14:34:00Z"),
        };
        assert_eq!(split, expected.of("IBM"));
        let halt = plant("halt@2026-11-20..2026-11-23");
        let range = utc("2026-11-20T05:00:00Z")..utc("2026-11-24T05:00:00Z");
        assert_eq!(halt, What::Halt(range).of_all());
        let dividend = plant("dividend:0.405@2026-11-20T15:00:00Z");
        assert!(matches!(
            dividend.what,
            What::Dividend { amount: 4_050, .. }
        ));
    }

    #[test]
    fn an_outage_of_sessions_counts_neither_weekends_nor_holidays() {
        // Ten sessions from the Monday of Thanksgiving week.
        let outage = plant("outage:10@2026-11-23");
        let range = utc("2026-11-23T05:00:00Z")..utc("2026-12-08T05:00:00Z");
        assert_eq!(outage.what, What::Outage(range));
    }

    #[test]
    fn mistakes_are_told_with_what_would_do() {
        let refused = |text: &str| text.parse::<Plant>().unwrap_err().to_string();
        assert!(refused("splits").contains("split, dividend, halt"));
        for (text, example) in [
            ("split:4@2026-11-20", "split:4:1@"),
            ("split:0:1@2026-11-20", "split:4:1@"),
            ("dividend:-1@2026-11-20", "dividend:1.66@"),
            ("halt@2026-11-20 10:00..2026-11-20 09:00", "halt@"),
            ("illiquid:0", "illiquid:2000"),
            ("closed@yesterday", "closed@2026-11-18"),
            ("listed@-262143-01-01", "listed@2026-11-02"),
            ("halt@2026-11-20..+262142-12-31", "halt@"),
            ("corrected:1", "for example corrected"),
            ("outage:0@2026-11-02", "outage:10@"),
        ] {
            assert!(refused(text).contains(example), "{text}: {}", refused(text));
        }
        assert!(refused("corrected,symbol=").contains("symbol"));
        assert!(!refused("x\u{1b}[2J\u{202e}").contains(['\u{1b}', '\u{202e}']));
    }
}
