//! `doctor --online`: one real request to each source in use, made in the same steps as every other.

use std::sync::Arc;

use super::super::context::Context;
use super::super::open;
use super::exit::{self, Failure};
use super::{Finding, bad, good, in_use, verdict};
use crate::config;
use crate::model::symbol::SymbolError;
use crate::model::text::thousands;
use crate::model::{SeriesKey, SourceId, Symbol};
use crate::pipeline::source::FetchOptions;
use crate::pipeline::{Pipeline, RunRequest};

const ABOUT: &str = "request";

/// Sends one request to each source in use, unless the findings make it pointless; returns what was
/// found, and its exit code.
pub async fn ask(found: &[Finding], context: &Context) -> Result<(Vec<Finding>, u8), Failure> {
    let is_in_vain = |finding: &&Finding| {
        finding.code != exit::DONE && matches!(finding.about, "configuration" | "database")
    };
    if found.iter().find(is_in_vain).is_some() {
        let text = "not sent: fix the problems marked above first";
        return Ok((vec![bad(ABOUT, text)], exit::DONE));
    }
    let settings = config::load(&context.inputs)?;
    let used = in_use(&settings).await;
    let store = open::store(&settings, false).await?;
    let pipeline = open::once(&settings, Arc::clone(&store))?;
    let (mut findings, mut codes) = (vec![], vec![]);
    for access in settings.access() {
        // A source without suggestions has nothing that every plan includes.
        let Some(symbol) = access.settings.suggested.first() else {
            continue;
        };
        if !used.contains(&access.settings.id) || access.lacks_key() {
            continue;
        }
        let symbol: Symbol = symbol
            .parse()
            .map_err(|error: SymbolError| Failure::usage(error.to_string()))?;
        // A paid plan is known by intraday bars.
        let series = SeriesKey {
            source: access.settings.id.clone(),
            ..SeriesKey::raw(symbol, access.usual_interval())
        };
        let (finding, code) = ask_for(series, &pipeline, context).await?;
        findings.push(finding);
        codes.push(code);
    }
    Ok((findings, verdict(codes.into_iter())))
}

/// Sends the request for a series, which every plan and key of its source includes, so that a failure
/// is not due to the series.
async fn ask_for(
    series: SeriesKey,
    pipeline: &Arc<Pipeline>,
    context: &Context,
) -> Result<(Finding, u8), Failure> {
    let source = series.source.clone();
    let before = used(pipeline, &source).await?;
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
    let spent = format!("{spent}{}", used(pipeline, &source).await?);
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
                    "accepted: {} bars of {} received, {} new; {spent}",
                    series.received, series.series, series.counts.inserted
                ),
            ),
        },
        None => bad(ABOUT, spent),
    };
    Ok((finding, code))
}

/// How much of the daily limit of a source is used, if there is one.
async fn used(pipeline: &Pipeline, source: &SourceId) -> Result<String, Failure> {
    let all = pipeline.sources_now().await?;
    let quota = all.iter().find(|status| status.id == *source);
    let used = quota.and_then(|status| Some((status.quota.used, status.quota.limit?)));
    Ok(used.map_or_else(String::new, |(used, limit)| {
        format!(" ({used} of today's {limit} used)")
    }))
}
