//! `fetch --events`: the lists of dividends and splits of symbols.

use std::sync::Arc;

use serde::Serialize;

use super::args::ReportFormat;
use super::exit::{self, Failure};
use super::fetch::serialize;
use super::output::{self, Narrator};
use crate::model::adjustment::EventKind;
use crate::model::text::counted;
use crate::model::{
    ErrorClass, Instrument, Interval, SeriesKey, SeriesReport, SeriesStatus, SourceId, Symbol,
};
use crate::pipeline::events::{EventList, both};
use crate::pipeline::{Observer, Pipeline, narrate};

/// Asks for both lists of each symbol, says what came, and returns the exit code.
pub async fn fetch(
    pipeline: &Arc<Pipeline>,
    series: &[SeriesKey],
    format: ReportFormat,
    narrator: Narrator,
) -> Result<u8, Failure> {
    let mut instruments: Vec<Instrument> = vec![];
    for instrument in series.iter().map(SeriesKey::instrument) {
        if !instruments.contains(&instrument) {
            instruments.push(instrument);
        }
    }
    narrator.say(&price(pipeline, &instruments).await?);
    let observer: Observer = Arc::new(move |event| {
        if let Some(sentence) = narrate::narration(&event) {
            narrator.say(&sentence);
        }
    });
    let lists = pipeline
        .events(&both(&instruments), &observer, &exit::cancelled_by_signal())
        .await?;
    match format {
        ReportFormat::Json => output::data(&json(&lists)?)?,
        ReportFormat::Text => {
            for list in &lists {
                output::print(&list.to_string())?;
            }
        }
    }
    let reports: Vec<SeriesReport> = lists.iter().map(report).collect();
    Ok(exit::of_series(&reports))
}

/// What it costs, before anything is sent.
async fn price(pipeline: &Pipeline, instruments: &[Instrument]) -> Result<String, Failure> {
    let costs = pipeline.event_costs(instruments).await?;
    let requests: u32 = costs.iter().map(|cost| cost.requests).sum();
    let limits = pipeline.left_today().await?;
    let mut limits = limits.iter();
    let limit = limits.find(|limit| instruments.iter().any(|one| one.source == limit.source));
    let left = limit.map_or_else(String::new, |limit| format!(", {} left today", limit.left));
    let price = counted(requests.into(), "request");
    Ok(format!("asking for splits and dividends: {price}{left}"))
}

/// A list as the exit code sees it.
fn report(list: &EventList) -> SeriesReport {
    let series = SeriesKey::of(&list.instrument, Interval::Daily);
    match &list.outcome {
        Ok(_) => SeriesReport::new(series, SeriesStatus::Succeeded),
        Err((class, text)) => {
            let status = match class {
                ErrorClass::Cancelled => SeriesStatus::Cancelled,
                _ => SeriesStatus::Failed,
            };
            SeriesReport::new(series, status).with_error(status, *class, text.clone())
        }
    }
}

#[derive(Serialize)]
struct JsonList<'a> {
    source: &'a SourceId,
    symbol: &'a Symbol,
    list: EventKind,
    days: Option<usize>,
    error: Option<JsonError<'a>>,
}

#[derive(Serialize)]
struct JsonError<'a> {
    class: ErrorClass,
    message: &'a str,
}

fn json(lists: &[EventList]) -> Result<String, Failure> {
    let list = |list: &'_ EventList| {
        let error = list.outcome.as_ref().err();
        serde_json::json!(JsonList {
            source: &list.instrument.source,
            symbol: &list.instrument.symbol,
            list: list.kind,
            days: list.outcome.as_ref().ok().copied(),
            error: error.map(|(class, message)| JsonError {
                class: *class,
                message,
            }),
        })
    };
    serialize(&serde_json::json!({ "lists": lists.iter().map(list).collect::<Vec<_>>() }))
}
