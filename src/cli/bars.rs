//! `bars`: reads the store.

mod adjusted;
mod files;
mod target;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use tokio_util::sync::CancellationToken;

use self::adjusted::Scales;
pub use self::files::write_text;
use self::target::Destination;
use super::args::BarsArgs;
use super::context::Context;
use super::exit::{self, Failure};
use super::held::{self, Lookup};
use super::table::layout;
use super::{fetch, open, output};
use crate::config::{self, Settings};
use crate::db::{BarQuery, Holding, Order, Store};
use crate::model::adjustment::{AdjustedBar, ScaledBar};
use crate::model::bar_file::{self, BarFile, BarFormat};
use crate::model::ranges::{self, Hole};
use crate::model::text::thousands;
use crate::model::{
    Bar, Grid, Instrument, Interval, Price, SeriesKey, SeriesReport, Span, Spans, Volume, moment,
};
use crate::pipeline::export::columns::BarRow;
use crate::pipeline::export::pieces::{Extent, Pieces};
use crate::pipeline::export::{BarWriter, Existing, Written};
use crate::pipeline::narrate;
use crate::pipeline::source::FetchOptions;
use crate::pipeline::subject::Subject;
use crate::pipeline::{Pipeline, RunRequest};
use crate::time::Clock;

/// What is not known.
const NONE: &str = "–";
/// Bars of a series that are shown unless a limit is given.
const SHOWN: u32 = 100;

pub async fn run(args: &BarsArgs, context: &Context) -> Result<u8, Failure> {
    if args.fresh && context.read_only {
        return Err(Failure::usage(
            "--fresh may spend a request; leave out one of --fresh and --read-only",
        ));
    }
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from.first(Interval::Min1) > to.last(Interval::Min1)
    {
        return Err(Failure::usage(format!(
            "--from {from} is after --to {to}; swap them"
        )));
    }
    let settings = open::settings(context)?;
    // What is wrong with the arguments is reported before the store is opened: it may not exist yet.
    let instruments = config::parse_symbols(&args.symbols.join(","), &settings.sources)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let output = args.output.as_deref();
    let target = Destination::of(args.format, output, instruments.len(), Path::is_dir)
        .map_err(Failure::usage)?;
    let store = open::store(&settings, context.read_only).await?;
    let mut held = stored(&store, &instruments).await?;
    let mut code = exit::DONE;
    if args.fresh {
        let series = wanted(args, &instruments, &held, &settings);
        code = refresh(series, &settings, &store, context).await?;
        held = stored(&store, &instruments).await?;
    }
    if args.interval.is_none() && !held.is_empty() {
        context.narrator.say(&held::table(&held));
    }
    // Bars that others put in by hand are in no list of what is held.
    let series = wanted(args, &instruments, &held, &settings);
    let pipeline = open::pipeline(&settings, Arc::clone(&store))?;
    let reading = Reading {
        args,
        restated: restated(&store, &series).await?,
        scales: if args.adjusted {
            Scales::read(&store, &series).await?
        } else {
            Scales::default()
        },
        series,
        held,
        pipeline,
        context,
    };
    if reading.scales.are_computed() {
        let scaled = |series: &SeriesKey, bar| reading.scales.scaled(series, bar);
        reading.write(target, scaled).await?;
    } else {
        reading.write(target, |_, bar: Bar| bar).await?;
    }
    Ok(code)
}

/// What is stored of these symbols.
async fn stored(
    store: &Arc<dyn Store>,
    instruments: &[Instrument],
) -> Result<Vec<Holding>, Failure> {
    let mut held = vec![];
    for (number, instrument) in instruments.iter().enumerate() {
        let before = instruments.iter().take(number);
        // A symbol at two sources is listed once.
        if !before
            .map(|one| &one.symbol)
            .any(|symbol| *symbol == instrument.symbol)
        {
            held.extend(store.held(instrument.symbol.clone()).await?);
        }
    }
    Ok(held)
}

/// The times whose bars are on an earlier scale, of the series that have such.
async fn restated(
    store: &Arc<dyn Store>,
    series: &[SeriesKey],
) -> Result<BTreeMap<SeriesKey, Spans>, Failure> {
    let mut all = BTreeMap::new();
    for series in series.iter().filter(|key| key.is_adjusted_by_source()) {
        let facts = store.facts(series.clone()).await?;
        all.insert(series.clone(), facts.coverage.restated().clone());
    }
    Ok(all)
}

/// The series that is meant by each symbol.
fn wanted(
    args: &BarsArgs,
    instruments: &[Instrument],
    held: &[Holding],
    settings: &Settings,
) -> Vec<SeriesKey> {
    let series = instruments.iter().map(|instrument| {
        let wanted = Lookup {
            instrument: instrument.clone(),
            interval: args.interval,
            usual: settings.interval,
            adjusted: args.adjusted,
        };
        let found = wanted.among(held);
        found.unwrap_or_else(|| wanted.otherwise(settings.defaults.interval))
    });
    series.collect()
}

/// Fetches series unless they were fetched within their interval, and returns the exit code.
async fn refresh(
    series: Vec<SeriesKey>,
    settings: &Settings,
    store: &Arc<dyn Store>,
    context: &Context,
) -> Result<u8, Failure> {
    let pipeline = open::pipeline(settings, Arc::clone(store))?;
    let mut by_interval: BTreeMap<Interval, Vec<SeriesKey>> = BTreeMap::new();
    for series in series {
        by_interval.entry(series.interval).or_default().push(series);
    }
    let mut ended = vec![];
    for (interval, series) in by_interval {
        let request = RunRequest {
            trigger: "bars",
            max_age: Some(interval.length()),
            within: None,
            series,
            options: FetchOptions::default(),
        };
        let report = fetch::watched(&pipeline, request, context.narrator).await?;
        for failed in report.series.iter().filter(|series| series.error.is_some()) {
            context.narrator.say(&narrate::line(failed));
        }
        ended.extend(report.series);
        if exit::of_series(&ended) == exit::INTERRUPTED {
            break;
        }
    }
    Ok(exit::of_series(&ended))
}

/// The series to read, and where they are read from.
struct Reading<'a> {
    args: &'a BarsArgs,
    series: Vec<SeriesKey>,
    held: Vec<Holding>,
    /// Times whose bars are on an earlier scale.
    restated: BTreeMap<SeriesKey, Spans>,
    /// What adjusted prices are computed from, where they are wanted.
    scales: Scales,
    pipeline: Arc<Pipeline>,
    context: &'a Context,
}

impl Reading<'_> {
    /// The bars of a series that are read; `usual` is the limit unless one is given.
    fn extent(&self, series: &SeriesKey, usual: Option<u32>) -> Extent {
        let interval = series.interval;
        Extent {
            from: self.args.from.map(|from| from.first(interval)),
            to: self.args.to.map(|to| to.last(interval)),
            limit: self.args.limit.or(usual),
        }
    }

    /// Says what a person must know about bars that were written, or why there are none.
    async fn remark(&self, series: &SeriesKey, written: Written) -> Result<(), Failure> {
        let mut remarks = self.scales.remarks(&self.pipeline, series, written).await?;
        let restated = self.restated.get(series);
        remarks.extend(restated.and_then(|restated| outdated(series, restated, written)));
        remarks.extend(remark(self.args, series, written, &self.held));
        let finer = self
            .pipeline
            .derived_from(series)
            .filter(|_| written.bars > 0);
        remarks.extend(finer.map(|finer| rolled_up(series, finer)));
        for said in remarks {
            self.context.narrator.say(&said);
        }
        Ok(())
    }

    /// Writes the bars where they are wanted, as rows that `row` makes of them.
    async fn write<R: BarRow>(
        &self,
        target: Destination,
        row: impl Fn(&SeriesKey, Bar) -> R + Sync,
    ) -> Result<(), Failure> {
        match target {
            Destination::Table(path) => self.table(path.as_deref()).await,
            Destination::Stdout(format) => self.stdout(format, row).await,
            Destination::File(path, format) => self.file(&path, format, row).await,
            Destination::Folder(path, format) => self.folder(&path, format, row).await,
        }
    }

    async fn table(&self, path: Option<&Path>) -> Result<(), Failure> {
        let pipeline = &self.pipeline;
        let cancel = exit::cancelled_by_signal();
        let (mut text, mut count) = (String::new(), 0);
        for series in &self.series {
            let mut bars: Vec<Bar> = vec![];
            let mut pieces = Pieces::newest_first(
                &self.pipeline.store,
                series,
                self.extent(series, Some(SHOWN)),
            );
            while let Some(piece) = next(&mut pieces, &cancel).await? {
                bars.extend(piece);
            }
            let mut written = Written::default();
            written.add(&bars);
            self.remark(series, written).await?;
            if self.series.len() > 1 {
                let gap = if text.is_empty() { "" } else { "\n" };
                let _ = writeln!(text, "{gap}{series}");
            }
            let stored = pipeline.stored_as(series);
            let facts = pipeline.store.facts(stored.clone()).await?;
            let grid = pipeline.grid(series);
            let holes = ranges::holes(&grid, &facts.coverage, &bars);
            let scaled = bars.iter().map(|bar| self.scales.scaled(series, *bar));
            let scaled: Vec<_> = scaled.collect();
            let table = shown(&scaled, &pipeline.subject(stored, &facts));
            text.push_str(&marked(&table, &bars, &holes, &grid));
            count += written.bars;
        }
        let Some(path) = path else {
            return output::print(&text);
        };
        write_text(path, &text)?;
        self.context.narrator.say(&format!(
            "{} bars written to {}",
            thousands(count),
            path.display()
        ));
        Ok(())
    }

    async fn stdout<R: BarRow>(
        &self,
        format: BarFormat,
        row: impl Fn(&SeriesKey, Bar) -> R + Sync,
    ) -> Result<(), Failure> {
        let cancel = exit::cancelled_by_signal();
        let mut writer = BarWriter::new(format, output::Data::default())?;
        for series in &self.series {
            let mut written = Written::default();
            let of = self.pipeline.subject_now(series).await?;
            let mut pieces = Pieces::newest_first(
                &self.pipeline.store,
                series,
                self.extent(series, Some(SHOWN)),
            );
            while let Some(bars) = next(&mut pieces, &cancel).await? {
                written.add(&bars);
                let rows: Vec<R> = bars.into_iter().map(|bar| row(series, bar)).collect();
                writer.write(&of, &rows)?;
            }
            self.remark(series, written).await?;
        }
        Ok(writer.finish()?)
    }

    async fn file<R: BarRow>(
        &self,
        path: &Path,
        format: BarFormat,
        row: impl Fn(&SeriesKey, Bar) -> R + Sync,
    ) -> Result<(), Failure> {
        let files: Vec<BarFile> = self
            .series
            .iter()
            .map(|series| BarFile {
                series: series.clone(),
                path: path.to_owned(),
                format,
            })
            .collect();
        self.files(&files, (path, Existing::Replace), row).await
    }

    async fn folder<R: BarRow>(
        &self,
        path: &Path,
        format: BarFormat,
        row: impl Fn(&SeriesKey, Bar) -> R + Sync,
    ) -> Result<(), Failure> {
        files::make_folder(path)?;
        let end = bar_file::usual_end(Clock::system().now());
        // Computed prices are no other series, and need other names than raw ones.
        let named = self.series.iter().map(|series| SeriesKey {
            adjusted: series.adjusted || self.scales.are_computed(),
            ..series.clone()
        });
        let named: Vec<SeriesKey> = named.collect();
        let mut files = files::within(path, bar_file::one_for_each(&named, &end, format));
        for (file, series) in files.iter_mut().zip(&self.series) {
            file.series.clone_from(series);
        }
        self.files(&files, (path, Existing::Keep), row).await
    }

    async fn files<R: BarRow>(
        &self,
        files: &[BarFile],
        place: (&Path, Existing),
        row: impl Fn(&SeriesKey, Bar) -> R + Sync,
    ) -> Result<(), Failure> {
        let remark = async |file: &BarFile, written| self.remark(&file.series, written).await;
        let extent = |series: &SeriesKey| self.extent(series, None);
        files::write(
            &self.pipeline,
            files,
            place,
            extent,
            self.context,
            row,
            remark,
        )
        .await
    }
}

/// The next piece, unless a signal comes first.
async fn next(
    pieces: &mut Pieces,
    cancel: &CancellationToken,
) -> Result<Option<Vec<Bar>>, Failure> {
    let stopped = || Failure::Told {
        code: exit::INTERRUPTED,
        text: "stopped".to_owned(),
    };
    let piece = cancel.run_until_cancelled(pieces.next()).await;
    Ok(piece.ok_or_else(stopped)??)
}

/// That some of the bars shown are on an earlier scale.
fn outdated(series: &SeriesKey, restated: &Spans, written: Written) -> Option<String> {
    let (oldest, newest) = written.ends?;
    let shown = Span::new(oldest.timestamp, newest.timestamp + TimeDelta::seconds(1));
    let old = restated.as_slice().iter().map(|span| span.common(shown));
    let old: Spans = old.collect();
    let day = |at: DateTime<Utc>| moment::label_date(at, series.interval, New_York);
    let bounds = old.bounds()?;
    let (from, to) = (day(bounds.from), day(bounds.to));
    let (instrument, interval) = (series.instrument(), series.interval);
    Some(format!(
        "bars of {series} between {from} and {to} are on an earlier scale than the newer ones: the provider has \
         restated the series since; fetch them again with: pipeline-tui backfill --symbols {instrument} --interval \
         {interval}"
    ))
}

/// That bars are not the source's own.
fn rolled_up(series: &SeriesKey, finer: Interval) -> String {
    format!(
        "the bars of {series} are rolled up from {finer} bars: its source has none of {}",
        series.interval
    )
}

/// What a person must know about the bars shown, or why there are none.
fn remark(
    args: &BarsArgs,
    series: &SeriesKey,
    written: Written,
    held: &[Holding],
) -> Option<String> {
    let (instrument, interval) = (series.instrument(), series.interval);
    let adjusted = if series.adjusted { " --adjusted" } else { "" };
    let fetch =
        format!("pipeline-tui fetch --symbols {instrument} --interval {interval}{adjusted}");
    let of_symbol = held
        .iter()
        .filter(|holding| holding.series.symbol == series.symbol);
    let held: Vec<Holding> = of_symbol.cloned().collect();
    let is_held = held.iter().any(|holding| {
        let key = &holding.series;
        key.source == series.source
            && key.interval == interval
            && key.adjusted == series.is_stored_adjusted()
    });
    if written.bars == 0 && is_held {
        Some(format!("no bars of {series} are stored in that range"))
    } else if written.bars == 0 {
        // Without an interval they were shown before.
        let others = match held.as_slice() {
            [] => String::new(),
            _ if args.interval.is_none() => String::new(),
            held => format!("\n{}", held::table(held)),
        };
        Some(format!(
            "no bars of {series} are stored; fetch them with: {fetch}{others}"
        ))
    } else if series.is_stored_adjusted() && !args.adjusted {
        Some(format!(
            "the prices of {series} are adjusted for splits and dividends; raw ones are not stored"
        ))
    } else if series.adjusted
        && matches!(interval, Interval::Weekly | Interval::Monthly)
        && !written.has_adjustments
    {
        Some(format!(
            "no adjusted closes of {series} are stored; fetch them with: {fetch}"
        ))
    } else {
        None
    }
}

/// Stored bars as people read them.
pub fn table(bars: &[Bar], of: &Subject) -> String {
    let as_stored = bars.iter().map(|bar| ScaledBar {
        bar: *bar,
        scaled: AdjustedBar::raw(bar),
    });
    shown(&as_stored.collect::<Vec<_>>(), of)
}

/// Bars as people read them, with these prices and volumes; what they are in stands over the prices,
/// if it is known.
fn shown(bars: &[ScaledBar], of: &Subject) -> String {
    let interval = of.series.interval;
    let time = if interval.is_intraday() {
        "TIME (ET)"
    } else {
        "DATE"
    };
    let has_extras = bars.iter().any(|row| row.bar.has_adjustments());
    let currency = of.currency.as_ref();
    let unit = currency.map_or_else(String::new, |currency| format!(" {currency}"));
    let prices = ["OPEN", "HIGH", "LOW", "CLOSE"].map(|price| format!(">{price}{unit}"));
    let mut heads = vec![time];
    heads.extend(prices.iter().map(String::as_str));
    heads.push(">VOLUME");
    if has_extras {
        heads.extend([">ADJ CLOSE", ">DIVIDEND", ">SPLIT"]);
    }
    let text =
        |price: Option<Price>| price.map_or_else(|| NONE.to_owned(), |price| price.to_string());
    let row = |ScaledBar { bar, scaled: shown }: &ScaledBar| {
        let mut row = vec![narrate::label(bar.timestamp, bar.trading_date, interval)];
        row.extend([shown.open, shown.high, shown.low, shown.close].map(text));
        let volume = shown.volume.map(Volume::grouped);
        row.push(volume.unwrap_or_else(|| NONE.to_owned()));
        if has_extras {
            let extras = [
                bar.adjusted_close,
                bar.dividend_amount,
                bar.split_coefficient,
            ];
            row.extend(extras.map(text));
        }
        row
    };
    let rows: Vec<Vec<String>> = bars.iter().map(row).collect();
    layout(&heads, &rows)
}

/// A table of bars, newest first, with a line where neighbours do not belong together, and under bars
/// that nobody expects.
fn marked(table: &str, bars: &[Bar], holes: &[Hole], grid: &Grid) -> String {
    let mut lines = table.lines();
    let mut text = lines
        .next()
        .map_or_else(String::new, |head| format!("{head}\n"));
    for (line, (at, bar)) in lines.zip(bars.iter().enumerate()) {
        let _ = writeln!(text, "{line}");
        if let Some(words) = ranges::extra(grid, bars, at) {
            let _ = writeln!(text, "  {words}");
        }
        for hole in holes.iter().filter(|hole| hole.before == bar.timestamp) {
            let words = hole.words(grid);
            let _ = writeln!(text, "  {words}; pipeline-tui backfill fetches them");
        }
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::CalendarId;
    use crate::model::ranges::Break;
    use crate::model::{Price, Publishing};

    #[test]
    fn a_hole_has_a_line_between_its_bars() {
        let day = |day: i64| DateTime::UNIX_EPOCH + TimeDelta::days(day);
        let bars = [39, 38, 4].map(|number| Bar {
            timestamp: day(number),
            trading_date: day(number).date_naive(),
            open: Price::from_units(1),
            high: Price::from_units(1),
            low: Price::from_units(1),
            close: Price::from_units(1),
            volume: 1.into(),
            is_final: true,
            adjusted_close: None,
            dividend_amount: None,
            split_coefficient: None,
        });
        let grid = Grid {
            interval: Interval::Daily,
            calendar: CalendarId::Always.into(),
            publishing: Publishing::UNKNOWN,
        };
        let hole = Hole {
            before: bars[1].timestamp,
            why: Break::NeverAsked,
            span: Span::new(day(5), day(38)),
            bars: 33,
        };
        let of = Subject {
            series: SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily),
            currency: None,
            derived_from: None,
        };
        let plain = table(&bars, &of);
        let lines: Vec<&str> = plain.lines().collect();
        let marked = marked(&plain, &bars, &[hole], &grid);
        let mark = "  never asked: 33 bars, 01-06 … 02-07; pipeline-tui backfill fetches them";
        let wanted = [lines[0], lines[1], lines[2], mark, lines[3]];
        assert_eq!(marked.lines().collect::<Vec<_>>(), wanted);
        assert_eq!(super::marked(&plain, &bars, &[], &grid), plain);
    }
}
