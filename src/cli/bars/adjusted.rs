//! `bars --adjusted`: bars on the scale of their series, and why some have no prices.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::target::Destination;
use super::{Reading, SHOWN, next, output, shown, write_text};
use crate::cli::exit::{self, Failure};
use crate::db::{BarQuery, Order};
use crate::model::adjustment::AdjustedBar;
use crate::model::bar_file::BarFormat;
use crate::model::text::thousands;
use crate::model::{Bar, Interval, SeriesKey};
use crate::pipeline::adjusted::{reasons, without_dividends, written};
use crate::pipeline::export::Written;
use crate::pipeline::export::pieces::Pieces;

/// Bars of a series as they are stored, and on one scale.
type Scaled = Vec<(Bar, AdjustedBar)>;

impl Reading<'_> {
    /// Reads bars, adjusts them, and writes them where they are wanted.
    pub(super) async fn adjusted(&self, target: Destination) -> Result<(), Failure> {
        let (path, format) = place(target)?;
        let usual = path.is_none().then_some(SHOWN);
        let mut all: Vec<(&SeriesKey, Scaled)> = vec![];
        for series in &self.series {
            let cancel = exit::cancelled_by_signal();
            let mut bars: Vec<Bar> = vec![];
            let mut pieces = Pieces::newest_first(&self.store, series, self.extent(usual));
            while let Some(piece) = next(&mut pieces, &cancel).await? {
                bars.extend(piece);
            }
            let mut count = Written::default();
            count.add(&bars);
            self.remark(series, count);
            all.push((series, self.on_one_scale(series, bars).await?));
        }
        let text = match format {
            None => tables(&all),
            Some(format) => {
                let unprintable = |error: &dyn std::fmt::Display| Failure::Told {
                    code: exit::SOME,
                    text: format!("the bars cannot be written ({error})"),
                };
                let bytes = written(format, &all).map_err(|error| unprintable(&error))?;
                String::from_utf8(bytes).map_err(|error| unprintable(&error))?
            }
        };
        let Some(path) = path else {
            return if format.is_none() {
                output::print(&text)
            } else {
                output::data(text.trim_end_matches('\n'))
            };
        };
        write_text(&path, &text)?;
        let bars: usize = all.iter().map(|(_, bars)| bars.len()).sum();
        let bars = thousands(bars as i128);
        let place = path.display();
        self.context
            .narrator
            .say(&format!("{bars} bars written to {place}"));
        Ok(())
    }

    /// The bars of a series on one scale; what cannot be known of them is said.
    async fn on_one_scale(&self, series: &SeriesKey, bars: Vec<Bar>) -> Result<Scaled, Failure> {
        if series.is_stored_adjusted() {
            let as_stored = bars.into_iter().map(|bar| (bar, AdjustedBar::raw(&bar)));
            return Ok(as_stored.collect());
        }
        let narrator = self.context.narrator;
        let (adjustments, known) = self.store.adjustments(series.instrument()).await?;
        for reason in reasons(series, &bars, &adjustments) {
            narrator.say(&reason);
        }
        let is_by_source = matches!(series.interval, Interval::Weekly | Interval::Monthly);
        if let Some(oldest) = bars.last().filter(|_| !is_by_source) {
            let since = BarQuery {
                series: SeriesKey::of(&series.instrument(), Interval::Daily),
                from: Some(oldest.timestamp),
                to: None,
                limit: u32::MAX,
                order: Order::OldestFirst,
            };
            let daily = self.store.bars(since).await?;
            if let Some(remark) = without_dividends(series, &daily, &known) {
                narrator.say(&remark);
            }
        }
        let scale = |bar: Bar| (bar, adjustments.bar(series.interval, &bar));
        Ok(bars.into_iter().map(scale).collect())
    }
}

/// The file, if one is wanted, and the format; `None`: a table.
fn place(target: Destination) -> Result<(Option<PathBuf>, Option<BarFormat>), Failure> {
    match target {
        Destination::Table(path) => Ok((path, None)),
        Destination::Stdout(format) if format != BarFormat::Parquet => Ok((None, Some(format))),
        Destination::File(path, format) if format != BarFormat::Parquet => {
            Ok((Some(path), Some(format)))
        }
        _ => Err(Failure::usage(
            "adjusted prices are written as CSV or JSON lines, to one file or to stdout; leave out --adjusted for raw \
             bars, or read the view stock_data_adjusted",
        )),
    }
}

fn tables(all: &[(&SeriesKey, Scaled)]) -> String {
    let mut text = String::new();
    for (series, bars) in all {
        if all.len() > 1 {
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}{series}");
        }
        text.push_str(&shown(bars, series.interval));
    }
    text
}
