//! `fetch`: one run now.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::args::{FetchArgs, ReportFormat};
use super::exit::{self, Failure};
use super::output::{self, Narrator};
use crate::model::text::thousands;
use super::{Context, instant, open};
use crate::config::Settings;
use crate::db::Store;
use crate::model::run::SeriesError;
use crate::model::{Interval, RunStatus, SeriesKey, SeriesReport, SeriesStatus, Symbol};
use crate::pipeline::source::FetchOptions;
use crate::pipeline::{Event, Observer, Pipeline, RunReport, RunRequest};

pub async fn run(args: &FetchArgs, context: &Context) -> Result<u8, Failure> {
    if context.read_only {
        return Err(Failure::usage(
            "fetch spends requests and writes; leave out --read-only",
        ));
    }
    let settings = open::settings(context)?;
    let store = open::store(&settings, false).await?;
    let pipeline = open::pipeline(&settings, Arc::clone(&store))?;
    let request = RunRequest {
        trigger: "fetch",
        series: selection(args, &settings, &store).await?,
        options: options(args),
        max_age: args.max_age,
    };
    let report = watched(&pipeline, request, context.narrator).await?;
    match args.format {
        ReportFormat::Json => output::print(&json(&report)?)?,
        ReportFormat::Text => {
            for series in &report.series {
                output::print(&line(series))?;
            }
            context.narrator.say(&summary(&report));
        }
    }
    let code = exit::of_series(&report.series);
    if let Some(error) = report.unrecorded {
        output::complain(&format!(
            "the run's outcome could not be written down: {error}"
        ));
        return Ok(if code == exit::DONE { exit::SOME } else { code });
    }
    Ok(code)
}

fn options(args: &FetchArgs) -> FetchOptions {
    FetchOptions {
        month: args.month,
        outputsize: args.outputsize,
        adjusted: args.adjusted,
        regular_hours: args.regular_hours,
        datatype: args.datatype,
        entitlement: args.entitlement,
    }
}

/// The series to fetch: those of the flags, of this process's variables, or of the watch list.
async fn selection(
    args: &FetchArgs,
    settings: &Settings,
    store: &Arc<dyn Store>,
) -> Result<Vec<SeriesKey>, Failure> {
    let interval = args.interval.or(settings.interval);
    let raw = |symbols: &[Symbol], interval: Interval| -> Vec<SeriesKey> {
        symbols
            .iter()
            .map(|symbol| SeriesKey::raw(symbol.clone(), interval))
            .collect()
    };
    let given = Some(args.symbols.as_slice()).filter(|symbols| !symbols.is_empty());
    if let Some(symbols) = given.or(settings.symbols.as_deref()) {
        return Ok(raw(symbols, interval.unwrap_or(settings.defaults.interval)));
    }
    let defaults = raw(&settings.defaults.symbols, settings.defaults.interval);
    let mut series = store.fill_watch_list(defaults).await?;
    if let Some(interval) = interval {
        for key in &mut series {
            key.interval = interval;
        }
    }
    Ok(series)
}

/// Runs with a progress bar on a terminal and a few sentences elsewhere.
pub async fn watched(
    pipeline: &Arc<Pipeline>,
    request: RunRequest,
    narrator: Narrator,
) -> Result<RunReport, Failure> {
    let bar = if narrator.is_watched() {
        ProgressBar::new(0)
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len}  {msg}") {
        bar.set_style(style);
    }
    let shown = bar.clone();
    let observer: Observer = Arc::new(move |event| {
        advance(&shown, &event);
        if let Some(sentence) = narration(&event) {
            shown.suspend(|| narrator.say(&sentence));
        }
    });
    let report = pipeline
        .run(request, observer, exit::cancelled_by_signal())
        .await;
    bar.finish_and_clear();
    Ok(report?)
}

/// Moves the bar.
fn advance(bar: &ProgressBar, event: &Event) {
    match event {
        Event::Started { run, series } => {
            bar.set_length(*series as u64);
            bar.set_message(format!("run {run}"));
        }
        Event::Sending { series, attempt: 1 } => bar.set_message(format!("{series}: asking")),
        Event::Sending { series, attempt } => {
            bar.set_message(format!("{series}: asking, attempt {attempt}"));
        }
        Event::Done(_) => bar.inc(1),
        Event::Retrying { .. } | Event::Interrupted(_) | Event::Recovered(_) => {}
    }
}

/// What deserves a sentence of its own beside the result.
pub fn narration(event: &Event) -> Option<String> {
    match event {
        Event::Retrying {
            series,
            class,
            attempt,
            wait,
        } => Some(format!(
            "{series}: {class}; attempt {attempt} in {:.1} s",
            wait.as_secs_f64()
        )),
        Event::Interrupted(runs) => {
            let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
            Some(format!(
                "an earlier process ended abruptly; marked as interrupted: run {}",
                runs.join(", ")
            ))
        }
        Event::Recovered(series) => Some(format!("recovered from a kept answer: {}", line(series))),
        Event::Started { .. } | Event::Sending { .. } | Event::Done(_) => None,
    }
}

/// One series of the result on one line.
pub fn line(report: &SeriesReport) -> String {
    let name = report.series.to_string();
    let mut text = format!("{name:<20} {:<9}  ", report.status);
    match (&report.status, &report.error) {
        (_, Some(error)) => {
            let _ = write!(text, "{}: {}", error.class, error.message);
        }
        (SeriesStatus::Skipped, None) => text.push_str("fresh enough, nothing asked"),
        (_, None) => {
            let counts = report.counts;
            let _ = write!(
                text,
                "{} received, {} new, {} changed, {} unchanged",
                thousands(report.received),
                thousands(counts.inserted),
                thousands(counts.changed),
                thousands(counts.unchanged)
            );
            if report.rejected > 0 {
                let _ = write!(text, ", {} rejected", thousands(report.rejected));
            }
            if let Some(last) = report.last {
                let date = last
                    .with_timezone(&chrono_tz::America::New_York)
                    .date_naive();
                let _ = write!(
                    text,
                    ", newest {}",
                    instant::label(last, date, report.series.interval)
                );
            }
        }
    }
    if report.requests > 0 {
        let plural = if report.requests == 1 { "" } else { "s" };
        let _ = write!(text, " ({} request{plural})", report.requests);
    }
    text
}

/// A run on one line.
pub fn summary(report: &RunReport) -> String {
    let good = report
        .series
        .iter()
        .filter(|series| {
            matches!(
                series.status,
                SeriesStatus::Succeeded | SeriesStatus::Skipped
            )
        })
        .count();
    let requests: u32 = report.series.iter().map(|series| series.requests).sum();
    format!(
        "run {} {}: {good} of {} series, {requests} request{}",
        report.run,
        report.status,
        report.series.len(),
        if requests == 1 { "" } else { "s" }
    )
}

#[derive(Serialize)]
struct JsonReport<'a> {
    run_id: i64,
    status: RunStatus,
    series: Vec<JsonSeries<'a>>,
}

#[derive(Serialize)]
pub struct JsonSeries<'a> {
    symbol: &'a Symbol,
    interval: Interval,
    status: SeriesStatus,
    received: u32,
    inserted: u32,
    changed: u32,
    unchanged: u32,
    rejected: u32,
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
    attempts: u32,
    requests: u32,
    error: Option<&'a SeriesError>,
}

impl<'a> From<&'a SeriesReport> for JsonSeries<'a> {
    fn from(report: &'a SeriesReport) -> Self {
        Self {
            symbol: &report.series.symbol,
            interval: report.series.interval,
            status: report.status,
            received: report.received,
            inserted: report.counts.inserted,
            changed: report.counts.changed,
            unchanged: report.counts.unchanged,
            rejected: report.rejected,
            first: report.first,
            last: report.last,
            attempts: report.attempts,
            requests: report.requests,
            error: report.error.as_ref(),
        }
    }
}

fn json(report: &RunReport) -> Result<String, Failure> {
    let document = JsonReport {
        run_id: report.run.0,
        status: report.status,
        series: report.series.iter().map(JsonSeries::from).collect(),
    };
    serialize(&document)
}

/// A document as JSON text.
pub fn serialize(document: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(document).map_err(|error| Failure::Told {
        code: exit::SOME,
        text: format!("the result cannot be printed ({error})"),
    })
}
