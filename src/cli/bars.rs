//! `bars`: reads the store.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::args::{BarsArgs, BarsFormat};
use super::context::Context;
use super::exit::{self, Failure};
use super::held::{self, Lookup};
use super::instant::Bound;
use super::table::layout;
use super::{fetch, open, output};
use crate::config::Settings;
use crate::db::{BarQuery, Holding, Order, Store};
use crate::model::text::thousands;
use crate::model::{Bar, Interval, SeriesKey, SeriesReport};
use crate::pipeline::RunRequest;
use crate::pipeline::export::{BarWriter, Format};
use crate::pipeline::narrate;
use crate::pipeline::source::FetchOptions;

pub async fn run(args: &BarsArgs, context: &Context) -> Result<u8, Failure> {
    if args.fresh && context.read_only {
        return Err(Failure::usage(
            "--fresh may spend a request; leave out one of --fresh and --read-only",
        ));
    }
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from.start() > to.end()
    {
        return Err(Failure::usage(format!(
            "--from {from} is after --to {to}; swap them"
        )));
    }
    let settings = open::settings(context)?;
    // A wrong symbol is reported before the store is opened: it may not exist yet.
    let instrument = settings
        .sources
        .instrument(&args.symbol)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let store = open::store(&settings, context.read_only).await?;
    let wanted = Lookup {
        instrument: instrument.clone(),
        interval: args.interval,
        usual: settings.interval,
        adjusted: args.adjusted,
    };
    let mut held = store.held(instrument.symbol.clone()).await?;
    let mut code = exit::DONE;
    if args.fresh {
        let series = wanted.among(&held);
        let series = series.unwrap_or_else(|| wanted.otherwise(settings.defaults.interval));
        code = refresh(series, &settings, &store, context).await?;
        held = store.held(instrument.symbol.clone()).await?;
    }
    if args.interval.is_none() && !held.is_empty() {
        context.narrator.say(&held::table(&held));
    }
    // Bars that others put in by hand are in no list of what is held.
    let series = wanted.among(&held);
    let series = series.unwrap_or_else(|| wanted.otherwise(settings.defaults.interval));
    let bars = store.bars(query(args, &series)).await?;
    if let Some(remark) = remark(args, &series, &bars, &held) {
        context.narrator.say(&remark);
    }
    let text = match args.format {
        BarsFormat::Table => table(&bars, series.interval),
        BarsFormat::Csv => written(Format::Csv, &series, &bars)?,
        BarsFormat::Jsonl => written(Format::Jsonl, &series, &bars)?,
    };
    match &args.output {
        None if args.format == BarsFormat::Table => output::print(&text)?,
        None => output::data(&text)?,
        Some(path) => {
            write_file(path, &text)?;
            context.narrator.say(&format!(
                "{} bars written to {}",
                thousands(bars.len() as i128),
                path.display()
            ));
        }
    }
    Ok(code)
}

/// Fetches a series unless it was fetched within its interval, and returns the exit code.
async fn refresh(
    series: SeriesKey,
    settings: &Settings,
    store: &Arc<dyn Store>,
    context: &Context,
) -> Result<u8, Failure> {
    let pipeline = open::pipeline(settings, Arc::clone(store))?;
    let request = RunRequest {
        trigger: "bars",
        max_age: Some(series.interval.length()),
        within: None,
        series: vec![series],
        options: FetchOptions::default(),
    };
    let report = fetch::watched(&pipeline, request, context.narrator).await?;
    for failed in report.series.iter().filter(|series| series.error.is_some()) {
        context.narrator.say(&narrate::line(failed));
    }
    Ok(exit::of_series(&report.series))
}

fn query(args: &BarsArgs, series: &SeriesKey) -> BarQuery {
    BarQuery {
        series: series.clone(),
        from: args.from.map(Bound::start),
        to: args.to.map(Bound::end),
        limit: args.limit,
        order: Order::NewestFirst,
    }
}

/// What a person must know about the bars shown, or why there are none.
fn remark(args: &BarsArgs, series: &SeriesKey, bars: &[Bar], held: &[Holding]) -> Option<String> {
    let (instrument, interval) = (series.instrument(), series.interval);
    let adjusted = if series.adjusted { " --adjusted" } else { "" };
    let fetch =
        format!("pipeline-tui fetch --symbols {instrument} --interval {interval}{adjusted}");
    let is_held = held.iter().any(|holding| {
        let key = &holding.series;
        key.source == series.source
            && key.interval == interval
            && key.adjusted == series.is_stored_adjusted()
    });
    if bars.is_empty() && is_held {
        Some(format!("no bars of {series} are stored in that range"))
    } else if bars.is_empty() {
        let others = match held {
            [] => String::new(),
            held => format!("\n{}", held::table(held)),
        };
        Some(format!(
            "no bars of {series} are stored; fetch them with: {fetch}{others}"
        ))
    } else if series.is_stored_adjusted() && !args.adjusted {
        Some("these prices are adjusted for splits and dividends; raw ones are not stored".into())
    } else if series.adjusted && !bars.iter().any(Bar::has_adjustments) {
        Some(format!(
            "no adjusted closes of these bars are stored; fetch them with: {fetch}"
        ))
    } else {
        None
    }
}

/// The bars as people read them.
pub fn table(bars: &[Bar], interval: Interval) -> String {
    let time = if interval.is_intraday() {
        "TIME (ET)"
    } else {
        "DATE"
    };
    let adjusted = bars.iter().any(Bar::has_adjustments);
    let mut heads = vec![time, ">OPEN", ">HIGH", ">LOW", ">CLOSE", ">VOLUME"];
    if adjusted {
        heads.extend([">ADJ CLOSE", ">DIVIDEND", ">SPLIT"]);
    }
    let rows: Vec<Vec<String>> =
        bars.iter()
            .map(|bar| {
                let mut row = vec![narrate::label(bar.timestamp, bar.trading_date, interval)];
                row.extend([bar.open, bar.high, bar.low, bar.close].map(|price| price.to_string()));
                row.push(bar.volume.grouped());
                if adjusted {
                    let extras = [
                        bar.adjusted_close,
                        bar.dividend_amount,
                        bar.split_coefficient,
                    ];
                    row.extend(extras.map(|extra| {
                        extra.map_or_else(|| "–".to_owned(), |value| value.to_string())
                    }));
                }
                row
            })
            .collect();
    layout(&heads, &rows)
}

/// The bars in a format for other programs.
fn written(format: Format, series: &SeriesKey, bars: &[Bar]) -> Result<String, Failure> {
    let unprintable = |error: &dyn std::fmt::Display| Failure::Told {
        code: exit::SOME,
        text: format!("the bars cannot be written ({error})"),
    };
    let mut writer = BarWriter::new(format, vec![]).map_err(|error| unprintable(&error))?;
    writer
        .write(series, bars)
        .map_err(|error| unprintable(&error))?;
    let bytes = writer.finish().map_err(|error| unprintable(&error))?;
    String::from_utf8(bytes).map_err(|error| unprintable(&error))
}

/// Writes a temporary file and renames it, so that no reader sees half a file.
pub fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    let told = |error: std::io::Error| {
        let error = error.to_string();
        // The temporary file's path is not what was asked for.
        let why = error.split(" at path ").next().unwrap_or_default();
        Failure::Told {
            code: exit::USAGE,
            text: format!(
                "{} cannot be written ({why}); name another file with --output",
                path.display()
            ),
        }
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(told)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(told)?;
    file.persist(path).map_err(|error| told(error.error))?;
    Ok(())
}

/// The newest bars of a series of a run, to show what was fetched.
pub async fn newest(
    store: &Arc<dyn Store>,
    report: &SeriesReport,
    limit: u32,
) -> Result<Vec<Bar>, Failure> {
    let query = BarQuery {
        series: report.series.clone(),
        from: None,
        to: None,
        limit,
        order: Order::NewestFirst,
    };
    Ok(store.bars(query).await?)
}
