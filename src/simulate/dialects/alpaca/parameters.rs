//! Parameters that several requests share.

use chrono::{DateTime, NaiveDate, Utc};

use super::refusal::Refusal;
use crate::simulate::calendar::{instant, midnight};
use crate::simulate::query::Query;

/// A time: RFC 3339, or a date, which begins at midnight in New York.
pub(super) fn time(query: &Query, name: &'static str) -> Result<Option<DateTime<Utc>>, Refusal> {
    let text = query.get(name);
    if text.is_empty() {
        return Ok(None);
    }
    let date = || {
        text.parse::<NaiveDate>()
            .map(|date| instant(midnight(date)))
    };
    let time = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    let time = time.ok().or_else(|| date().ok());
    let time = time.ok_or_else(|| Refusal::Time(name, text.to_owned()))?;
    Ok(Some(time))
}

/// A date.
pub(super) fn date(query: &Query, name: &'static str) -> Result<Option<NaiveDate>, Refusal> {
    let text = query.get(name);
    if text.is_empty() {
        return Ok(None);
    }
    let date = text
        .parse()
        .map_err(|_| Refusal::Time(name, text.to_owned()))?;
    Ok(Some(date))
}

/// How many rows of a page are wanted.
pub(super) fn limit(query: &Query, usual: usize, most: usize) -> Result<usize, Refusal> {
    let text = query.get("limit");
    if text.is_empty() {
        return Ok(usual);
    }
    let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
    limit.ok_or_else(|| Refusal::Value("limit", text.to_owned()))
}

/// Words separated by commas, sorted, each once.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text.split(',').map(str::to_owned).collect();
    words.retain(|word| !word.is_empty());
    words.sort_unstable();
    words.dedup();
    words
}
