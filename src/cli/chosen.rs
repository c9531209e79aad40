//! Which series and which time a command is about.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::exit::Failure;
use crate::config::{self, Settings};
use crate::db::Store;
use crate::model::{Interval, SeriesKey, Span};

/// The series of these symbols that are stored, or else the usual one of each; without symbols, those
/// that this process watches, or else all that are stored.
pub async fn series(
    symbols: &[String],
    interval: Option<Interval>,
    settings: &Settings,
    store: &Arc<dyn Store>,
) -> Result<Vec<SeriesKey>, Failure> {
    let is_meant = |series: &SeriesKey| interval.is_none_or(|wanted| wanted == series.interval);
    let stored = store.coverage().await?.into_iter();
    let stored: Vec<SeriesKey> = stored.map(|(series, _)| series).filter(is_meant).collect();
    if symbols.is_empty() {
        let usual = interval.or(settings.interval);
        let usual = usual.unwrap_or(settings.defaults.interval);
        let watched = match &settings.symbols {
            Some(own) => own.iter().map(|one| SeriesKey::of(one, usual)).collect(),
            None => store.watch_list().await?,
        };
        let watched: Vec<SeriesKey> = watched.into_iter().filter(is_meant).collect();
        return Ok(if watched.is_empty() { stored } else { watched });
    }
    let named = config::parse_symbols(&symbols.join(","), &settings.sources)
        .map_err(|error| Failure::usage(format!("--symbols: {error}")))?;
    let usual = interval
        .or(settings.interval)
        .unwrap_or(settings.defaults.interval);
    let mut series = vec![];
    for one in &named {
        let of_it = |key: &&SeriesKey| key.symbol == one.symbol && key.source == one.source;
        let found: Vec<SeriesKey> = stored.iter().filter(of_it).cloned().collect();
        if found.is_empty() {
            series.push(SeriesKey::of(one, usual));
        } else {
            series.extend(found);
        }
    }
    Ok(series)
}

/// Refuses a time that ends before it begins, or begins in the future; `flag` is that of its
/// beginning.
pub fn refuse_senseless(
    flag: &str,
    from: Option<Span>,
    to: Option<Span>,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    match (from, to) {
        (Some(from), Some(to)) if from.from >= to.to => {
            Err(Failure::usage(format!("{flag} is after --to; swap them")))
        }
        (Some(from), _) if from.from > now => Err(Failure::usage(format!(
            "{flag} is in the future: there are no bars yet"
        ))),
        _ => Ok(()),
    }
}
