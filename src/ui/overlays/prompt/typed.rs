//! The series that a person types or pastes: one, or many.

use std::collections::HashSet;
use std::str::FromStr as _;

use crate::model::{Interval, SeriesKey, Sources, text};

/// The most bytes of a text: room for some ten thousand series.
const MOST: usize = 1_000_000;

/// The series that a text names, each once, in order.
///
/// Commas, spaces, semicolons and line breaks separate. An interval, and `adjusted` or `raw`, apply
/// to the symbols before them: `IBM, AAPL 5min; MSFT daily adjusted`. After a line break or a
/// semicolon the interval is `interval` again.
pub fn series_of(
    text: &str,
    interval: Interval,
    sources: &Sources,
) -> Result<Vec<SeriesKey>, String> {
    if text.len() > MOST {
        return Err("this is more than 1 MB of text; paste a list of symbols".to_owned());
    }
    let text = text.trim_start_matches('\u{feff}');
    let lines: Vec<&str> = text.split(['\n', '\r', ';']).collect();
    let is_long = lines.iter().filter(|line| !line.trim().is_empty()).count() > 1;
    let mut found = vec![];
    let mut there = HashSet::new();
    for (number, line) in (1..).zip(&lines) {
        let line = line.split('#').next().unwrap_or_default();
        let series = of_line(line, interval, sources).map_err(|why| {
            if is_long {
                format!("line {number}: {why}")
            } else {
                why
            }
        })?;
        found.extend(series.into_iter().filter(|key| there.insert(key.clone())));
    }
    if found.is_empty() {
        return Err(format!(
            "enter symbols, and an interval if not {interval}: IBM, AAPL 5min"
        ));
    }
    Ok(found)
}

fn of_line(line: &str, interval: Interval, sources: &Sources) -> Result<Vec<SeriesKey>, String> {
    let mut found = vec![];
    let mut symbols: Vec<&str> = vec![];
    let mut settings = String::new();
    let words = line
        .split(|c: char| c.is_whitespace() || c == ',')
        .map(|word| word.trim_matches(['"', '\'']))
        .filter(|word| !word.is_empty());
    for word in words {
        if !symbols.is_empty() && is_setting(word) {
            settings.push(' ');
            settings.push_str(word);
            continue;
        }
        if looks_like_an_interval(word) {
            return Err(format!(
                "{:?} is not an interval; use 1min, 5min, 15min, 30min, 60min, daily, weekly or monthly",
                text::clean_to(word, 20)
            ));
        }
        if !settings.is_empty() {
            found.extend(flush(&mut symbols, &mut settings, interval, sources)?);
        }
        symbols.push(word);
    }
    found.extend(flush(&mut symbols, &mut settings, interval, sources)?);
    Ok(found)
}

fn flush(
    symbols: &mut Vec<&str>,
    settings: &mut String,
    interval: Interval,
    sources: &Sources,
) -> Result<Vec<SeriesKey>, String> {
    let settings = std::mem::take(settings);
    let series = symbols.drain(..).map(|symbol| {
        SeriesKey::from_words(&format!("{symbol}{settings}"), interval, sources)
            .map_err(|error| error.to_string())
    });
    series.collect()
}

/// Whether a word says something about the symbols before it: an interval, or the kind of prices.
#[must_use]
pub fn is_setting(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    Interval::from_str(&word).is_ok() || matches!(word.as_str(), "adjusted" | "raw")
}

/// Whether a word was meant as an interval but is not one.
fn looks_like_an_interval(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let has_number = unit.len() < word.len();
    has_number
        && matches!(
            unit,
            "m" | "min" | "mins" | "minute" | "minutes" | "h" | "hour" | "d" | "day" | "w"
        )
        || matches!(
            word.as_str(),
            "hourly" | "yearly" | "quarterly" | "minutely"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceId;

    fn typed(text: &str) -> Result<Vec<String>, String> {
        let sources = Sources {
            usual: SourceId::DEFAULT,
            known: vec![SourceId::known("other")],
        };
        let series = series_of(text, Interval::Daily, &sources)?;
        Ok(series.iter().map(SeriesKey::to_string).collect())
    }

    #[test]
    fn series_are_typed_one_by_one_or_as_a_list() {
        for (text, series) in [
            ("ibm", vec!["IBM daily"]),
            (" BRK-B  5min ", vec!["BRK-B 5min"]),
            ("IBM daily adjusted", vec!["IBM daily adjusted"]),
            (
                "IBM AAPL,MSFT",
                vec!["IBM daily", "AAPL daily", "MSFT daily"],
            ),
            ("IBM, AAPL 5min", vec!["IBM 5min", "AAPL 5min"]),
            ("IBM 5min AAPL weekly", vec!["IBM 5min", "AAPL weekly"]),
            ("IBM 5min; AAPL", vec!["IBM 5min", "AAPL daily"]),
            (
                "IBM\r\nAAPL,5MIN\n\n# more\nMSFT # mine\n",
                vec!["IBM daily", "AAPL 5min", "MSFT daily"],
            ),
            ("\u{feff}IBM ibm IBM", vec!["IBM daily"]),
            (
                "other:ibm other:FRA:IQQE 5min",
                vec!["other:IBM 5min", "other:FRA:IQQE 5min"],
            ),
            ("\"IBM\", 'AAPL'", vec!["IBM daily", "AAPL daily"]),
            ("RAW, 600104.SHH", vec!["RAW daily", "600104.SHH daily"]),
        ] {
            let series = series.into_iter().map(str::to_owned).collect();
            assert_eq!(typed(text), Ok(series), "{text:?}");
        }
    }

    #[test]
    fn a_wrong_word_is_named_with_its_line_and_nothing_is_taken() {
        for (text, say) in [
            ("", "enter symbols"),
            (" \n,,;", "enter symbols"),
            ("IBM hourly", "\"hourly\" is not an interval; use 1min"),
            ("IBM 5m", "\"5m\" is not an interval"),
            ("IBM\nAAPL\nMS FT\u{1b}[2J\n", "line 3: "),
            ("IBM daily weekly", "one word too many"),
            ("othr:IBM", "did you mean other:IBM?"),
        ] {
            let error = typed(text).unwrap_err();
            assert!(error.contains(say), "{text:?}: {error}");
            assert!(!error.contains(char::is_control), "{error:?}");
        }
        let huge = "IBM ".repeat(300_000);
        assert!(typed(&huge).unwrap_err().contains("1 MB"));
    }

    #[test]
    fn thousands_are_read_at_once() {
        let lines: Vec<String> = (0..10_000)
            .map(|number| format!("S{number} daily"))
            .collect();
        assert_eq!(typed(&lines.join("\n")).unwrap().len(), 10_000);
    }
}
