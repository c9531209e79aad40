//! `doctor --online`: one real request, made in the same steps as every other.

use std::sync::Arc;

use super::super::context::Context;
use super::super::open;
use super::exit::{self, Failure};
use super::{Finding, bad, good};
use crate::config;
use crate::model::text::thousands;
use crate::model::{SeriesKey, Symbol};
use crate::pipeline::source::FetchOptions;
use crate::pipeline::{Pipeline, RunRequest};

const ABOUT: &str = "request";
/// Every plan and the key `demo` include it, so a failure is not due to the symbol.
const SYMBOL: &str = "IBM";

/// Sends one request, unless the findings make it pointless; returns the finding and its exit code.
pub async fn ask(found: &[Finding], context: &Context) -> Result<(Finding, u8), Failure> {
    let is_in_vain = |finding: &&Finding| {
        finding.code != exit::DONE && matches!(finding.about, "configuration" | "database")
    };
    if found.iter().find(is_in_vain).is_some() {
        let text = "not sent: fix the problems marked above first";
        return Ok((bad(ABOUT, text), exit::DONE));
    }
    let settings = config::load(&context.inputs)?;
    let store = open::store(&settings, false).await?;
    let pipeline = open::once(&settings, Arc::clone(&store))?;
    let series = SeriesKey::raw(
        SYMBOL
            .parse::<Symbol>()
            .map_err(|error| Failure::usage(error.to_string()))?,
        // A paid plan is known by intraday bars.
        settings.usual.usual_interval(),
    );
    let before = used(&pipeline).await?;
    context
        .narrator
        .say(&format!("fetching {series}: this costs 1 request{before}"));
    let request = RunRequest {
        trigger: "doctor",
        series: vec![series],
        options: FetchOptions::default(),
        max_age: None,
        within: None,
    };
    let cancel = exit::cancelled_by_signal();
    let report = pipeline.run(request, Arc::new(drop), cancel).await?;
    let spent = match report
        .series
        .iter()
        .map(|series| series.requests)
        .sum::<u32>()
    {
        0 => "no request was spent".to_owned(),
        1 => "1 request spent".to_owned(),
        more => format!("{} requests spent", thousands(more)),
    };
    let spent = format!("{spent}{}", used(&pipeline).await?);
    let code = exit::of_series(&report.series);
    let finding = match report.series.first() {
        Some(series) => match &series.error {
            Some(error) => bad(
                ABOUT,
                format!("{}: {}; {spent}", error.class, error.message),
            ),
            None => good(
                ABOUT,
                format!(
                    "the key is accepted: {} bars of {} received, {} new; {spent}",
                    series.received, series.series, series.counts.inserted
                ),
            ),
        },
        None => bad(ABOUT, spent),
    };
    Ok((finding, code))
}

/// How much of the daily limit is used, if there is one.
async fn used(pipeline: &Pipeline) -> Result<String, Failure> {
    let ledgers = pipeline.ledgers().await?;
    let used = ledgers.first().zip(pipeline.lanes.first());
    let used = used.and_then(|((_, ledger), lane)| Some((ledger, lane.policy.quota.per_day()?)));
    Ok(used.map_or_else(String::new, |(ledger, limit)| {
        format!(" ({} of today's {limit} used)", ledger.today)
    }))
}
