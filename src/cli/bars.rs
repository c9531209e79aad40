//! `bars`: reads the store.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::args::{BarsArgs, BarsFormat};
use super::exit::{self, Failure};
use super::table::layout;
use super::{Context, fetch, open, output};
use crate::db::{BarQuery, Order, Store};
use crate::model::text::thousands;
use crate::model::{Bar, Interval, SeriesKey, SeriesReport};
use crate::pipeline::RunRequest;
use crate::pipeline::export::{BarWriter, Format};
use crate::pipeline::narrate;
use crate::pipeline::source::FetchOptions;

pub async fn run(args: &BarsArgs, context: &Context) -> Result<u8, Failure> {
    if args.fresh && context.read_only {
        return Err(Failure::usage(
            "--fresh may spend a request; leave it or --read-only out",
        ));
    }
    let settings = open::settings(context)?;
    let interval = args
        .interval
        .or(settings.interval)
        .unwrap_or(settings.defaults.interval);
    let store = open::store(&settings, context.read_only).await?;
    let mut code = exit::DONE;
    if args.fresh {
        let pipeline = open::pipeline(&settings, Arc::clone(&store))?;
        let request = RunRequest {
            trigger: "bars",
            series: vec![SeriesKey::raw(args.symbol.clone(), interval)],
            options: FetchOptions::default(),
            max_age: Some(interval.length()),
        };
        let report = fetch::watched(&pipeline, request, context.narrator).await?;
        code = exit::of_series(&report.series);
        for failed in report.series.iter().filter(|series| series.error.is_some()) {
            context.narrator.say(&narrate::line(failed));
        }
    }
    let (series, bars) = read(args, interval, &store).await?;
    if bars.is_empty() {
        context.narrator.say(&format!(
            "no bars of {series} are stored in that range; fetch them with: pipeline-tui fetch --symbols {} --interval {interval}",
            args.symbol
        ));
    } else if series.adjusted {
        context
            .narrator
            .say("these prices are adjusted for splits and dividends; raw ones are not stored");
    }
    let text = match args.format {
        BarsFormat::Table => table(&bars, interval),
        BarsFormat::Csv => written(Format::Csv, &series, &bars)?,
        BarsFormat::Jsonl => written(Format::Jsonl, &series, &bars)?,
    };
    match &args.output {
        None => output::print(&text)?,
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

/// Reads raw bars, or adjusted ones where only these are stored.
async fn read(
    args: &BarsArgs,
    interval: Interval,
    store: &Arc<dyn Store>,
) -> Result<(SeriesKey, Vec<Bar>), Failure> {
    let mut series = SeriesKey::raw(args.symbol.clone(), interval);
    let query = |series: &SeriesKey| BarQuery {
        series: series.clone(),
        from: args.from.map(super::instant::Bound::start),
        to: args.to.map(super::instant::Bound::end),
        limit: args.limit,
        order: Order::NewestFirst,
    };
    let bars = store.bars(query(&series)).await?;
    if !bars.is_empty() {
        return Ok((series, bars));
    }
    series.adjusted = true;
    let adjusted = store.bars(query(&series)).await?;
    series.adjusted = !adjusted.is_empty();
    Ok((series, adjusted))
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
                row.push(thousands(bar.volume));
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

/// Writes beside the place and renames, so that no reader sees half a file.
pub fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    let told = |error: std::io::Error| Failure::Told {
        code: exit::USAGE,
        text: format!(
            "{} cannot be written ({error}); name another file with --output",
            path.display()
        ),
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

/// The newest bars of the series of a run, for showing what was fetched.
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
