//! What only this source offers, and what of a wish it understands.

use crate::model::words::words;
use crate::model::{ErrorClass, text};
use crate::pipeline::source::{Hours, Month, Range, Refusal, Wish};

words! {
    /// How much of a series is requested.
    pub enum Outputsize {
        /// The newest 100 bars.
        Compact = "compact",
        /// The trailing 30 days, the whole month, or the whole history.
        Full = "full",
    }
}

words! {
    /// The requested format of the answer.
    pub enum Datatype {
        /// JSON with metadata.
        Json = "json",
        /// CSV without metadata, a quarter of the size.
        Csv = "csv",
    }
}

words! {
    /// The recency a plan may include; the parameter is called `entitlement`.
    pub enum Recency {
        /// Bars of this minute.
        Realtime = "realtime",
        /// Bars that are 15 minutes old.
        Delayed = "delayed",
    }
}

/// A wish in this source's terms, apart from the series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// A calendar month.
    pub month: Option<Month>,
    /// How much is requested.
    pub outputsize: Option<Outputsize>,
    /// Leave out bars before 09:30 and after 16:00.
    pub regular_hours: bool,
    /// The format of the answer.
    pub datatype: Option<Datatype>,
    /// The recency that the plan includes.
    pub recency: Option<Recency>,
}

impl Options {
    /// What a wish means here, or why nothing.
    pub(super) fn of(wish: &Wish) -> Result<Self, Refusal> {
        let mut options = Self {
            regular_hours: wish.hours == Hours::Regular,
            ..Self::default()
        };
        if let Range::Between(span) = wish.range {
            let month = Month::exactly(span);
            options.month = Some(month.ok_or_else(|| {
                refused("only whole months can be requested, with --month YYYY-MM".to_owned())
            })?);
        }
        for extra in &wish.extras {
            match extra.name {
                "outputsize" => options.outputsize = Some(word(extra.name, &extra.value)?),
                "datatype" => options.datatype = Some(word(extra.name, &extra.value)?),
                "entitlement" => options.recency = Some(word(extra.name, &extra.value)?),
                other => return Err(refused(format!("there is no --{other} here; leave it out"))),
            }
        }
        Ok(options)
    }
}

fn word<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Refusal> {
    let unknown = |_| {
        let value = text::clean(value);
        refused(format!("{value:?} is not a value of --{name}"))
    };
    value.parse().map_err(unknown)
}

fn refused(text: String) -> Refusal {
    Refusal::new(ErrorClass::BadRequest, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Span;
    use crate::model::{Interval, SeriesKey};
    use crate::pipeline::source::Extra;

    fn wish() -> Wish {
        Wish::newest(SeriesKey::raw("IBM".parse().unwrap(), Interval::Min5))
    }

    fn with(name: &'static str, value: &str) -> Wish {
        let value = value.to_owned();
        Wish {
            extras: vec![Extra { name, value }],
            ..wish()
        }
    }

    #[test]
    fn a_wish_is_understood_as_far_as_this_source_goes() {
        assert_eq!(Options::of(&wish()), Ok(Options::default()));
        let month: Month = "2009-01".parse().unwrap();
        let wanted = Wish {
            range: month.range(),
            hours: Hours::Regular,
            ..with("entitlement", "delayed")
        };
        let understood = Options {
            month: Some(month),
            regular_hours: true,
            recency: Some(Recency::Delayed),
            ..Options::default()
        };
        assert_eq!(Options::of(&wanted), Ok(understood));
    }

    #[test]
    fn what_it_does_not_know_is_refused_in_words() {
        let (from, to) = ("2026-01-02T05:00:00Z", "2026-02-01T05:00:00Z");
        let part = Wish {
            range: Range::Between(Span::new(from.parse().unwrap(), to.parse().unwrap())),
            ..wish()
        };
        for (wish, word) in [
            (part, "--month"),
            (with("feed", "iex"), "--feed"),
            (with("datatype", "x\u{1b}ml"), "--datatype"),
        ] {
            let refusal = Options::of(&wish).unwrap_err();
            assert_eq!(refusal.class, ErrorClass::BadRequest);
            assert!(
                refusal.text.contains(word) && !refusal.text.contains('\u{1b}'),
                "{refusal:?}"
            );
        }
    }
}
