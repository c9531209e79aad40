//! The watch list in words and as JSON: what is on it, what a change did, and what a fetch of it costs.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde::Serialize;

use crate::cli::args::{ReportFormat, TableFormat};
use crate::cli::context::Context;
use crate::cli::exit::{self, Failure};
use crate::cli::table::layout;
use crate::cli::{fetch, open, output};
use crate::config::{Settings, SourceAccess};
use crate::db::Store;
use crate::model::text::{counted, thousands};
use crate::model::{Declarations, Declared, Instrument, SeriesKey, SourceId, Sources, WatchEdited};

/// Prints the list, and what fetching all of it costs.
pub(super) fn print(
    list: &[SeriesKey],
    declared: &Declarations,
    format: TableFormat,
    (settings, store): (&Settings, Arc<dyn Store>),
    context: &Context,
) -> Result<u8, Failure> {
    match format {
        TableFormat::Json => {
            let each = list.iter().map(|series| JsonSeries {
                series,
                declared: declared.get(series).cloned().unwrap_or_default(),
            });
            output::print(&fetch::serialize(&each.collect::<Vec<_>>())?)?;
        }
        TableFormat::Table if list.is_empty() => context.narrator.say(&cost(&[], 0, settings)),
        TableFormat::Table => {
            let rows: Vec<Vec<String>> = list
                .iter()
                .map(|key| {
                    let prices = if key.adjusted { "adjusted" } else { "raw" };
                    let declared = declared.get(key).map(Declared::written);
                    [
                        key.instrument().to_string(),
                        key.interval.to_string(),
                        prices.to_owned(),
                        declared.unwrap_or_default(),
                    ]
                    .into()
                })
                .collect();
            output::print(&layout(
                &["SYMBOL", "INTERVAL", "PRICES", "DECLARED"],
                &rows,
            ))?;
            let is_known = |key: &&SeriesKey| settings.sources.knows(&key.source);
            let known: Vec<SeriesKey> = list.iter().filter(is_known).cloned().collect();
            let requests = open::pipeline(settings, store)?.each_fetch(&known);
            context.narrator.say(&cost(&known, requests, settings));
            if let Some(sentence) = unknown(list, &settings.sources) {
                context.narrator.say(&sentence);
            }
        }
    }
    Ok(exit::DONE)
}

/// Prints what a change did, and what the list costs now.
pub(super) fn report(
    done: &str,
    edited: &WatchEdited,
    format: ReportFormat,
    (settings, store): (&Settings, Arc<dyn Store>),
) -> Result<(), Failure> {
    let requests = open::pipeline(settings, store)?.each_fetch(&edited.list);
    match format {
        ReportFormat::Json => output::print(&fetch::serialize(&JsonEdited::of(edited, requests))?),
        ReportFormat::Text => {
            let cost = cost(&edited.list, requests, settings);
            output::print(&format!("{done}; {cost}"))
        }
    }
}

/// The instruments of which none of these series is, in their order.
pub fn missing<'a, 'b>(
    instruments: &'a [Instrument],
    series: impl Iterator<Item = &'b SeriesKey>,
) -> Vec<&'a Instrument> {
    let found: HashSet<Instrument> = series.map(SeriesKey::instrument).collect();
    let mut missing: Vec<&Instrument> = vec![];
    for one in instruments.iter().filter(|one| !found.contains(one)) {
        if !missing.contains(&one) {
            missing.push(one);
        }
    }
    missing
}

/// That these are not on the watch list; `None` if there are none.
pub fn not_listed(missing: &[&Instrument]) -> Option<String> {
    match missing {
        [] => None,
        [one] => Some(format!("{one} is not on the list")),
        many => Some(format!("{} symbols are not on the list", count(many.len()))),
    }
}

/// What becomes of series from sources that this version does not know: a newer one added them.
fn unknown(list: &[SeriesKey], sources: &Sources) -> Option<String> {
    let unknown = list.iter().map(|key| &key.source);
    let unknown: Vec<&SourceId> = unknown.filter(|source| !sources.knows(source)).collect();
    let names: BTreeSet<&str> = unknown.iter().map(|source| source.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let series = count(unknown.len());
    let stay = "on the list and are not fetched";
    match names.as_slice() {
        [] => None,
        [name] => Some(format!(
            "this version does not know the source {name}: its {series} series stay {stay}"
        )),
        names => Some(format!(
            "this version does not know the sources {}: their {series} series stay {stay}",
            names.join(", ")
        )),
    }
}

/// How long the list is, and how many requests fetching all of it costs.
fn cost(list: &[SeriesKey], requests: usize, settings: &Settings) -> String {
    let of = |access: &SourceAccess| {
        let of_it = |series: &&SeriesKey| series.source == access.settings.id;
        list.iter().filter(of_it).count()
    };
    let plan: String = settings
        .access()
        .filter_map(|access| {
            let limit = access.plan.quota.per_day()?;
            let whose = match of(access) {
                some if some <= limit as usize => return None,
                all if all == list.len() => "the plan".to_owned(),
                some => format!(
                    "{} of {}, whose plan",
                    count(some),
                    access.settings.words.name
                ),
            };
            Some(format!(" ({whose} allows {} a day)", thousands(limit)))
        })
        .collect();
    match list.len() {
        0 => "the list is empty; the next fetch or start fills it with the configured symbols"
            .to_owned(),
        series => format!(
            "{}, each fetch costs {}{plan}",
            counted(series as u64, "series"),
            counted(requests as u64, "request")
        ),
    }
}

pub(super) fn count(number: usize) -> String {
    thousands(number as i128)
}

#[derive(Serialize)]
struct JsonSeries<'a> {
    #[serde(flatten)]
    series: &'a SeriesKey,
    #[serde(flatten)]
    declared: Declared,
}

#[derive(Serialize)]
struct JsonEdited {
    added: usize,
    removed: usize,
    unchanged: usize,
    series: usize,
    requests: usize,
}

impl JsonEdited {
    fn of(edited: &WatchEdited, requests: usize) -> Self {
        Self {
            added: edited.added.len(),
            removed: edited.removed.len(),
            unchanged: edited.unchanged,
            series: edited.list.len(),
            requests,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Interval;

    #[test]
    fn series_of_a_source_of_tomorrow_stay_and_are_named() {
        let sources = Sources {
            usual: SourceId::DEFAULT,
            known: vec![SourceId::DEFAULT],
        };
        let ibm = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
        let of = |source: &str| SeriesKey {
            source: source.parse().unwrap(),
            ..ibm.clone()
        };
        assert_eq!(unknown(std::slice::from_ref(&ibm), &sources), None);
        assert_eq!(
            unknown(&[ibm.clone(), of("tomorrow"), of("tomorrow")], &sources).unwrap(),
            "this version does not know the source tomorrow: its 2 series stay on the list and are not fetched"
        );
        let two = unknown(&[of("tomorrow"), ibm.clone(), of("after")], &sources).unwrap();
        assert!(
            two.contains("the sources after, tomorrow: their 2 series"),
            "{two}"
        );
    }
}
