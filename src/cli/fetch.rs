//! `fetch`: one run now.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::args::{FetchArgs, ReportFormat};
use super::context::Context;
use super::exit::{self, Failure};
use super::output::{self, Narrator};
use super::{events, first, open};
use crate::config::{self, Settings};
use crate::db::Store;
use crate::model::run::SeriesError;
use crate::model::{
    Instrument, Interval, RunStatus, SeriesKey, SeriesReport, SeriesStatus, SourceId, Symbol,
};
use crate::pipeline::narrate;
use crate::pipeline::source::{FetchOptions, Hours, Month, Range};
use crate::pipeline::{Event, Observer, Pipeline, RunReport, RunRequest};

pub async fn run(args: &FetchArgs, context: &Context) -> Result<u8, Failure> {
    if context.read_only {
        return Err(Failure::usage(
            "fetch spends requests and writes to the store; leave out --read-only",
        ));
    }
    let settings = open::settings(context)?;
    // A wrong symbol is reported before the store is opened: it may not exist yet.
    let named = named(args, &settings)?;
    let store = open::store(&settings, false).await?;
    let pipeline = open::impatient(&settings, Arc::clone(&store))?;
    if args.events {
        let series = wanted(named, args, &settings, &store).await?;
        return events::fetch(&pipeline, &series, args.format, context.narrator).await;
    }
    let mut request = RunRequest {
        trigger: if args.month.is_some() {
            "month"
        } else {
            "fetch"
        },
        series: wanted(named, args, &settings, &store).await?,
        options: options(args),
        max_age: args.max_age,
        within: None,
    };
    refuse_senseless(&pipeline, &request)?;
    refuse_before_the_first_bar(&pipeline, &mut request, context).await?;
    let report = watched(&pipeline, request, context.narrator).await?;
    show(&report, args.format, context)
}

/// Prints how a run went, and returns its exit code.
pub fn show(report: &RunReport, format: ReportFormat, context: &Context) -> Result<u8, Failure> {
    match format {
        ReportFormat::Json => output::data(&json(report)?)?,
        ReportFormat::Text => {
            for series in &report.series {
                output::print(&narrate::line(series))?;
            }
            context.narrator.say(&narrate::summary(report));
        }
    }
    let code = exit::of_series(&report.series);
    if let Some(error) = &report.unrecorded {
        output::complain(&format!("the run's outcome could not be recorded: {error}"));
        return Ok(if code == exit::DONE { exit::SOME } else { code });
    }
    Ok(code)
}

fn options(args: &FetchArgs) -> FetchOptions {
    let extras = [
        ("outputsize", &args.outputsize),
        ("datatype", &args.datatype),
        ("entitlement", &args.entitlement),
    ];
    let plain = FetchOptions {
        range: args.month.map_or(Range::Newest, Month::range),
        hours: if args.regular_hours {
            Hours::Regular
        } else {
            Hours::All
        },
        extras: vec![],
    };
    let given = extras
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)));
    given.fold(plain, |options, (name, value)| options.with(name, value))
}

/// Refuses options that fit none of the series: no run is made for a slip of the hand.
fn refuse_senseless(pipeline: &Pipeline, request: &RunRequest) -> Result<(), Failure> {
    pipeline.can_ask(request).map_err(Failure::usage)
}

/// Leaves out series that cannot have bars in the month that is wanted, and says so.
async fn refuse_before_the_first_bar(
    pipeline: &Pipeline,
    request: &mut RunRequest,
    context: &Context,
) -> Result<(), Failure> {
    let Range::Between(month) = request.options.range else {
        return Ok(());
    };
    let mut refused = vec![];
    for series in std::mem::take(&mut request.series) {
        let earliest = pipeline.earliest(&series).await?;
        match earliest.filter(|earliest| month.to <= earliest.at) {
            Some(earliest) => refused.push(earliest.words(&series)),
            None => request.series.push(series),
        }
    }
    if request.series.is_empty() {
        return Err(Failure::usage(refused.join("; ")));
    }
    for why in refused {
        context.narrator.say(&why);
    }
    Ok(())
}

/// The series to fetch, all adjusted if requested.
async fn wanted(
    named: Option<Vec<Instrument>>,
    args: &FetchArgs,
    settings: &Settings,
    store: &Arc<dyn Store>,
) -> Result<Vec<SeriesKey>, Failure> {
    let mut series = selection(named, args, settings, store).await?;
    for key in &mut series {
        key.adjusted |= args.adjusted;
    }
    Ok(series)
}

/// The symbols from the flags or from this process's variables, each once.
fn named(args: &FetchArgs, settings: &Settings) -> Result<Option<Vec<Instrument>>, Failure> {
    if args.symbols.is_empty() {
        return Ok(settings.symbols.clone());
    }
    config::parse_symbols(&args.symbols.join(","), &settings.sources)
        .map(Some)
        .map_err(|error| Failure::usage(format!("--symbols: {error}")))
}

/// The series of these symbols, or else of the watch list.
async fn selection(
    named: Option<Vec<Instrument>>,
    args: &FetchArgs,
    settings: &Settings,
    store: &Arc<dyn Store>,
) -> Result<Vec<SeriesKey>, Failure> {
    let interval = args.interval.or(settings.interval);
    let raw = |symbols: &[Instrument], interval: Interval| -> Vec<SeriesKey> {
        let series = symbols.iter().map(|one| SeriesKey::of(one, interval));
        series.collect()
    };
    if let Some(symbols) = named {
        return Ok(raw(
            &symbols,
            interval.unwrap_or(settings.defaults.interval),
        ));
    }
    if let Some(ways) = first::ways(settings, store).await? {
        return Err(Failure::usage(ways));
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
        bar.set_style(if output::is_plain() {
            style.progress_chars("#-")
        } else {
            style
        });
    }
    let shown = bar.clone();
    let observer: Observer = Arc::new(move |event| {
        advance(&shown, &event);
        if let Some(sentence) = narrate::narration(&event) {
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
        Event::Sending { series, attempt } => {
            let what = narrate::named(series.len(), series);
            bar.set_message(match attempt {
                1 => format!("{what}: requesting"),
                _ => format!("{what}: requesting, attempt {attempt}"),
            });
        }
        Event::Done(_) => bar.inc(1),
        Event::NotAsked { series, .. } => bar.inc(series.len() as u64),
        Event::Retrying { .. }
        | Event::Interrupted(_)
        | Event::Recovered(_)
        | Event::StoreAway(_)
        | Event::Spooled(_)
        | Event::StoreBack => {}
    }
}

#[derive(Serialize)]
struct JsonReport<'a> {
    run_id: i64,
    status: RunStatus,
    series: Vec<JsonSeries<'a>>,
}

#[derive(Serialize)]
pub struct JsonSeries<'a> {
    source: &'a SourceId,
    symbol: &'a Symbol,
    interval: Interval,
    status: SeriesStatus,
    received: u32,
    inserted: u32,
    changed: u32,
    unchanged: u32,
    rejected: u32,
    set_aside: u32,
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
    attempts: u32,
    retries: u32,
    requests: u32,
    error: Option<&'a SeriesError>,
}

impl<'a> From<&'a SeriesReport> for JsonSeries<'a> {
    fn from(report: &'a SeriesReport) -> Self {
        Self {
            source: &report.series.source,
            symbol: &report.series.symbol,
            interval: report.series.interval,
            status: report.status,
            received: report.received,
            inserted: report.counts.inserted,
            changed: report.counts.changed,
            unchanged: report.counts.unchanged,
            rejected: report.rejected,
            set_aside: report.set_aside,
            first: report.first,
            last: report.last,
            attempts: report.attempts,
            retries: report.retries,
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
