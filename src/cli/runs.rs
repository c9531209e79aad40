//! `runs`: the run history.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;
use serde::Serialize;

use super::args::{RunsArgs, TableFormat};
use super::context::Context;
use super::exit::{self, Failure};
use super::fetch::{self, JsonSeries};
use super::table::layout;
use super::{open, output};
use crate::db::{RequestRow, RunDetail};
use crate::model::run::Rate;
use crate::model::text::thousands;
use crate::model::{RejectedRow, RunId, RunSummary, SeriesKey};
use crate::pipeline::narrate;

pub async fn run(args: &RunsArgs, context: &Context) -> Result<u8, Failure> {
    let settings = open::settings(context)?;
    let store = open::store(&settings, context.read_only).await?;
    let Some(id) = args.id else {
        let runs = store.runs(args.limit).await?;
        match args.format {
            TableFormat::Json => output::data(&fetch::serialize(&runs)?)?,
            TableFormat::Table if runs.is_empty() => {
                context
                    .narrator
                    .say("there are no runs yet; start one with: pipeline-tui fetch");
            }
            TableFormat::Table => {
                output::print(&table(&runs))?;
                context.narrator.say(&Rate::of(&runs).to_string());
            }
        }
        return Ok(exit::DONE);
    };
    let Some(detail) = store.run(RunId(id)).await? else {
        return Err(Failure::usage(format!(
            "there is no run {id}; list them with: pipeline-tui runs"
        )));
    };
    match args.format {
        TableFormat::Json => output::data(&fetch::serialize(&JsonDetail::from(&detail))?)?,
        TableFormat::Table => output::print(&explain(&detail))?,
    }
    Ok(exit::DONE)
}

fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&New_York)
        .format("%Y-%m-%d %H:%M:%S ET")
        .to_string()
}

fn duration(run: &RunSummary) -> String {
    run.finished_at.map_or_else(
        || "–".to_owned(),
        |end| {
            let seconds = (end - run.started_at).as_seconds_f64().max(0.0);
            if seconds < 60.0 {
                format!("{seconds:.1} s")
            } else {
                format!("{:.0} min", seconds / 60.0)
            }
        },
    )
}

pub fn table(runs: &[RunSummary]) -> String {
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            vec![
                run.id.to_string(),
                run.status.to_string(),
                run.trigger.clone(),
                local(run.started_at),
                duration(run),
                if run.is_about_symbols() {
                    "–".to_owned()
                } else {
                    format!("{} of {}", run.succeeded, run.series)
                },
                run.requests.to_string(),
                thousands(run.inserted),
                thousands(run.changed),
            ]
        })
        .collect();
    layout(
        &[
            ">RUN",
            "STATUS",
            "BY",
            "STARTED",
            ">TOOK",
            ">SERIES",
            ">REQUESTS",
            ">NEW",
            ">CHANGED",
        ],
        &rows,
    )
}

fn explain(detail: &RunDetail) -> String {
    let run = &detail.summary;
    let mut text = format!(
        "run {} {}, by {}, {}, took {}\n",
        run.id,
        run.status,
        run.trigger,
        local(run.started_at),
        duration(run)
    );
    if !detail.series.is_empty() {
        text.push('\n');
    }
    for series in &detail.series {
        text.push_str(&narrate::line(series));
        text.push('\n');
    }
    if !detail.requests.is_empty() {
        let requests = detail.requests.chunk_by(|one, other| one.id == other.id);
        let rows: Vec<Vec<String>> = requests.filter_map(sent).collect();
        text.push('\n');
        text.push_str(&layout(
            &[
                "SENT", "SERIES", ">ATTEMPT", "STATE", "CLASS", ">HTTP", ">MS", "QUERY",
            ],
            &rows,
        ));
    }
    if !detail.rejected.is_empty() {
        let rows: Vec<Vec<String>> = detail.rejected.iter().map(rejected_row).collect();
        text.push('\n');
        text.push_str(&layout(
            &["SERIES", "LABEL", "REJECTED BECAUSE", "RECEIVED"],
            &rows,
        ));
    }
    text
}

fn rejected_row((series, row): &(SeriesKey, RejectedRow)) -> Vec<String> {
    vec![
        series.to_string(),
        row.label.clone(),
        row.reason.clone(),
        row.content.clone(),
    ]
}

/// The row of a request, which may bring several series.
fn sent(of_it: &[RequestRow]) -> Option<Vec<String>> {
    let (first, others) = of_it.split_first()?;
    let mut row = request_row(first);
    if let (Some(series), more @ 1..) = (row.get_mut(1), others.len()) {
        let _ = write!(series, " and {} more", thousands(more as i128));
    }
    Some(row)
}

pub fn request_row(request: &RequestRow) -> Vec<String> {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    vec![
        local(request.reserved_at),
        or_dash(request.series()),
        request.attempt.to_string(),
        request.state.replace('_', " "),
        or_dash(request.class.clone()),
        or_dash(request.http_status.map(|status| status.to_string())),
        or_dash(request.elapsed_ms.map(|ms| ms.to_string())),
        request.query.clone(),
    ]
}

#[derive(Serialize)]
struct JsonDetail<'a> {
    #[serde(flatten)]
    run: &'a RunSummary,
    results: Vec<JsonSeries<'a>>,
    ledger: &'a [RequestRow],
    rejected: Vec<JsonRejected<'a>>,
}

#[derive(Serialize)]
struct JsonRejected<'a> {
    #[serde(flatten)]
    series: &'a SeriesKey,
    #[serde(flatten)]
    row: &'a RejectedRow,
}

impl<'a> From<&'a RunDetail> for JsonDetail<'a> {
    fn from(detail: &'a RunDetail) -> Self {
        Self {
            run: &detail.summary,
            results: detail.series.iter().map(JsonSeries::from).collect(),
            ledger: &detail.requests,
            rejected: detail
                .rejected
                .iter()
                .map(|(series, row)| JsonRejected { series, row })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RequestId, RunStatus};

    fn run(id: i64, trigger: &str, status: RunStatus, series: u32) -> RunSummary {
        let at = "2026-11-20T17:00:00Z".parse().unwrap();
        RunSummary {
            id: RunId(id),
            status,
            trigger: trigger.into(),
            started_at: at,
            finished_at: Some(at),
            series,
            succeeded: series,
            requests: 1,
            retries: 0,
            inserted: 0,
            changed: 0,
        }
    }

    #[test]
    fn questions_about_symbols_are_listed_but_rate_nothing() {
        let runs = [
            run(3, "search", RunStatus::Failed, 0),
            run(2, "listing", RunStatus::Succeeded, 0),
            run(1, "fetch", RunStatus::Succeeded, 4),
        ];
        assert_eq!(
            Rate::of(&runs).to_string(),
            "100% of 4 series ok, median 0.0 s"
        );
        let table = table(&runs);
        assert!(
            table.contains("4 of 4") && !table.contains("0 of 0"),
            "{table}"
        );
        let detail = RunDetail {
            summary: run(2, "listing", RunStatus::Succeeded, 0),
            series: vec![],
            requests: vec![RequestRow {
                id: RequestId(7),
                source: "alpha_vantage".into(),
                symbol: String::new(),
                interval: String::new(),
                adjusted: false,
                endpoint: "LISTING_STATUS".into(),
                query: "function=LISTING_STATUS".into(),
                attempt: 1,
                state: "stored".into(),
                class: None,
                http_status: Some(200),
                elapsed_ms: Some(60),
                reserved_at: "2026-11-20T17:00:00Z".parse().unwrap(),
                ended_at: None,
                parse_ms: None,
            }],
            rejected: vec![],
        };
        let mut ridden = detail.clone();
        let of = |interval: &str| RequestRow {
            symbol: "IBM".into(),
            interval: interval.into(),
            ..detail.requests[0].clone()
        };
        ridden.requests = vec![of("5min"), of("60min")];
        let text = explain(&ridden);
        assert!(text.contains(" IBM 5min and 1 more "), "{text}");
        assert_eq!(text.matches("LISTING_STATUS").count(), 1, "{text}");
        let text = explain(&detail);
        assert!(
            text.contains("by listing") && !text.contains("\n\n\n"),
            "{text}"
        );
        let last = text.lines().last().unwrap();
        assert!(
            last.contains("–") && last.ends_with("function=LISTING_STATUS"),
            "{last}"
        );
    }
}
