//! Reads a JSON answer in one pass, straight into rows: no tree, no allocation for a typical row.
//!
//! A notice anywhere at the root outweighs everything else, because refusals may carry plausible
//! rows. Meta data and series may come in any order.

use std::borrow::Cow;
use std::fmt;

use chrono_tz::Tz;
use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::refusal::Prose;
use super::rows::{Cells, Field, LabelledRows};
use crate::model::{ErrorClass, Interval, Reading, Request, SeriesKey};
use crate::pipeline::reading::{malformed, not_json, quoted};
use crate::pipeline::source::Refusal;

/// Bytes in a row in the provider's formatting, for a first estimate of how many there are.
const ROW_BYTES: usize = 200;
/// Characters shown of a text that the answer should not hold.
const SHOWN: usize = 40;

/// Reads the answer to `request`.
pub(super) fn read(
    text: &str,
    status: u16,
    (request, series): (&Request, &SeriesKey),
) -> Result<Reading, Refusal> {
    let mut document = Document::new(&request.endpoint, series, text.len());
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = deserializer
        .deserialize_map(Root(&mut document))
        .and_then(|()| deserializer.end());
    if let Some(notice) = &document.notice {
        return Err(notice.refusal());
    }
    if !(200..300).contains(&status) {
        return Err(malformed(format!(
            "the provider answered HTTP {status} without saying why"
        )));
    }
    if let Some(refusal) = document.refused {
        return Err(refusal);
    }
    parsed.map_err(|error| not_json(&error, text.len()))?;
    document.finish()
}

/// What an answer has said so far.
struct Document<'de> {
    function: &'de str,
    asked: &'de SeriesKey,
    expected: usize,
    keys: usize,
    notice: Option<Prose>,
    symbol: Option<Cow<'de, str>>,
    interval: Option<Cow<'de, str>>,
    time_zone: Option<Cow<'de, str>>,
    series: Option<(Cow<'de, str>, LabelledRows)>,
    refused: Option<Refusal>,
}

impl<'de> Document<'de> {
    fn new(function: &'de str, asked: &'de SeriesKey, bytes: usize) -> Self {
        Self {
            function,
            asked,
            expected: bytes / ROW_BYTES,
            keys: 0,
            notice: None,
            symbol: None,
            interval: None,
            time_zone: None,
            series: None,
            refused: None,
        }
    }

    fn finish(self) -> Result<Reading, Refusal> {
        if self.keys == 0 {
            return Err(Refusal::new(
                ErrorClass::NoData,
                "the answer is empty: no bars, and no reason",
            ));
        }
        let Some((name, rows)) = self.series else {
            return Err(malformed("the answer holds no time series"));
        };
        check_symbol(self.symbol.as_deref(), self.asked.symbol.as_str())?;
        check_interval(self.interval.as_deref(), &name, self.asked.interval)?;
        rows.finish(zone(self.time_zone.as_deref())?)
    }
}

fn check_symbol(said: Option<&str>, asked: &str) -> Result<(), Refusal> {
    match said {
        Some(said) if said.eq_ignore_ascii_case(asked) => Ok(()),
        Some(said) => Err(malformed(format!(
            "the answer is for {}, not {asked}",
            quoted(said, SHOWN)
        ))),
        None => Err(malformed("the answer does not say which symbol it is for")),
    }
}

/// The meta data and the name of the series must not name another bar size, and one must name ours.
fn check_interval(said: Option<&str>, name: &str, asked: Interval) -> Result<(), Refusal> {
    let words = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter_map(|word| word.to_ascii_lowercase().parse::<Interval>().ok())
        .map(|interval| Cow::Borrowed(interval.as_str()));
    let named: Vec<Cow<'_, str>> = said.map(Cow::Borrowed).into_iter().chain(words).collect();
    if named.is_empty() {
        return Err(malformed(
            "the answer does not say which interval it is for",
        ));
    }
    match named.iter().find(|word| **word != asked.as_str()) {
        Some(other) => Err(malformed(format!(
            "the answer holds {} bars, not {asked}",
            quoted(other, SHOWN)
        ))),
        None => Ok(()),
    }
}

fn zone(said: Option<&str>) -> Result<Tz, Refusal> {
    let name = said.ok_or_else(|| malformed("the answer does not name its time zone"))?;
    name.parse().map_err(|_| {
        malformed(format!(
            "the answer's time zone {:?} is unknown",
            quoted(name, SHOWN)
        ))
    })
}

/// Strips the number that the provider writes before names: `5. volume`, `1a. open`.
pub(super) fn unnumbered(name: &str) -> &str {
    if let [b'0'..=b'9', b'.', b' ', ..] = name.as_bytes() {
        return name.get(3..).unwrap_or(name);
    }
    let rest = name.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == name.len() {
        return name;
    }
    let rest = rest
        .strip_prefix(|c: char| c.is_ascii_lowercase())
        .unwrap_or(rest);
    rest.strip_prefix(". ").unwrap_or(name)
}

struct Root<'a, 'de>(&'a mut Document<'de>);

impl<'de> Visitor<'de> for Root<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let document = self.0;
        while let Some(Text(key)) = map.next_key()? {
            let key = key.unwrap_or_default();
            document.keys += 1;
            if let Some(rank) = Prose::rank(&key) {
                if let Note::Said(text) = map.next_value()? {
                    let notice = Prose::new(rank, &text);
                    document.notice = Some(notice.or_better(document.notice.take()));
                }
            } else if key.starts_with("Meta Data") {
                map.next_value_seed(Meta(document))?;
            } else if key.contains("Time Series") {
                if document.series.is_some() {
                    document.refused = Some(malformed("the answer holds two time series"));
                    return Err(A::Error::custom("two series"));
                }
                let mut rows = LabelledRows::new(
                    document.function,
                    document.asked.interval,
                    document.expected,
                );
                map.next_value_seed(Series {
                    rows: &mut rows,
                    refused: &mut document.refused,
                })?;
                document.series = Some((key, rows));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Meta<'a, 'de>(&'a mut Document<'de>);

impl<'de> DeserializeSeed<'de> for Meta<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Meta<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("meta data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            let Text(value) = map.next_value()?;
            match unnumbered(&key.unwrap_or_default()) {
                "Symbol" => self.0.symbol = value,
                "Interval" => self.0.interval = value,
                "Time Zone" => self.0.time_zone = value,
                _ => {}
            }
        }
        Ok(())
    }
}

struct Series<'a> {
    rows: &'a mut LabelledRows,
    refused: &'a mut Option<Refusal>,
}

impl<'de> DeserializeSeed<'de> for Series<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Series<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows by label")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(label)) = map.next_key()? {
            let mut cells = Cells::default();
            map.next_value_seed(Row(&mut cells))?;
            if let Err(refusal) = self.rows.push(&label.unwrap_or_default(), &cells) {
                *self.refused = Some(refusal);
                return Err(A::Error::custom("too many rows"));
            }
        }
        Ok(())
    }
}

/// Implements the visits of values that are neither text nor object; nothing of them is kept.
macro_rules! nothing_else {
    ($lifetime:lifetime) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_seq<A: SeqAccess<$lifetime>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

/// Fills the fields of one row in place; a row that is not an object has none.
struct Row<'a, 'de>(&'a mut Cells<'de>);

impl<'de> DeserializeSeed<'de> for Row<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(field)) = map.next_key()? {
            let Text(value) = map.next_value()?;
            if let Some(field) = field {
                self.0.set(field, value);
            }
        }
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    nothing_else!('de);
}

/// The name of a column.
struct Name(Option<Field>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(Field::named(unnumbered(name))))
            }
        }

        deserializer.deserialize_identifier(NameVisitor)
    }
}

/// A text, borrowed from the answer unless it holds escapes; a number as it would be written;
/// nothing for any other value.
#[derive(Default)]
struct Text<'de>(Option<Cow<'de, str>>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text::default())
            }

            nothing_else!('de);
        }

        deserializer.deserialize_any(TextVisitor)
    }
}

/// The value of a notice key. `null` means nothing; anything else is a refusal.
enum Note<'de> {
    Silent,
    Said(Cow<'de, str>),
}

impl<'de> Deserialize<'de> for Note<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<Text<'de>>::deserialize(deserializer)? {
            None => Self::Silent,
            Some(Text(text)) => Self::Said(text.unwrap_or_default()),
        })
    }
}
