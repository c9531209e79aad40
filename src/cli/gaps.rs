//! `gaps`: what should be there and is not. `coverage`: what is there, and why the rest is not.

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;
use serde::Serialize;

use super::args::{CoverageArgs, GapsArgs, TableFormat};
use super::context::Context;
use super::exit::{self, Failure};
use super::fetch::serialize;
use super::table::layout;
use super::{chosen, open, output};
use crate::model::ranges::Stretch;
use crate::model::text::{counted, thousands};
use crate::model::{Interval, SeriesKey, SourceId, Span, Symbol};
use crate::pipeline::Pipeline;
use crate::pipeline::stock::Stand;

/// The holes of a series.
#[derive(Serialize)]
struct Gaps<'a> {
    source: &'a SourceId,
    symbol: &'a Symbol,
    interval: Interval,
    adjusted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    derived_from: Option<Interval>,
    bars: u64,
    /// Requests that close those that can be closed.
    requests: u32,
    #[serde(rename = "gaps")]
    holes: &'a [Gap],
}

#[derive(Serialize)]
struct Gap {
    #[serde(flatten)]
    span: Span,
    bars: u64,
    /// Whether the key can ask for it.
    askable: bool,
}

/// The stretches of a series.
#[derive(Serialize)]
struct Covered<'a> {
    source: &'a SourceId,
    symbol: &'a Symbol,
    interval: Interval,
    adjusted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    derived_from: Option<Interval>,
    bars: u64,
    ranges: Vec<Stretch>,
}

pub async fn gaps(args: &GapsArgs, context: &Context) -> Result<u8, Failure> {
    let (pipeline, series) = opened(&args.symbols, args.interval, context).await?;
    chosen::refuse_senseless("--since", args.since, args.to, pipeline.clock.now())?;
    let since = args.since.map(|since| since.from);
    let stands = pipeline.stands(&series, since).await?;
    let refused = pipeline.parked(&series).await?;
    let until = args.to.map(|to| to.to);
    let found: Vec<Found<'_>> = stands
        .iter()
        .zip(refused)
        .map(|(stand, refused)| Found::of(stand, refused.map(|(_, why)| why), until, &pipeline))
        .filter(|found| !found.gaps.is_empty())
        .collect();
    let bars: u64 = found.iter().map(Found::bars).sum();
    match args.format {
        TableFormat::Json => {
            let each = found.iter().map(|found| Gaps {
                source: &found.stand.series.source,
                symbol: &found.stand.series.symbol,
                interval: found.stand.series.interval,
                adjusted: found.stand.series.adjusted,
                derived_from: pipeline.derived_from(&found.stand.series),
                bars: found.bars(),
                requests: found.requests,
                holes: &found.gaps,
            });
            output::data(&serialize(&each.collect::<Vec<_>>())?)?;
        }
        TableFormat::Table if found.is_empty() => context.narrator.say(&none(&stands)),
        TableFormat::Table => {
            let rows: Vec<Vec<String>> = found
                .iter()
                .flat_map(|found| {
                    let beyond = pipeline.beyond(&found.stand.series.source);
                    found.gaps.iter().map(move |gap| row(found, gap, &beyond))
                })
                .collect();
            output::print(&layout(
                &["SERIES", "FROM (ET)", "TO (ET)", ">BARS", "CAN BE FETCHED"],
                &rows,
            ))?;
            let requests: u32 = found.iter().map(|found| found.requests).sum();
            let help = match requests {
                0 => "none of them can be fetched".to_owned(),
                _ => format!(
                    "{} can close them: pipeline-tui backfill",
                    counted(requests.into(), "request")
                ),
            };
            context.narrator.say(&format!(
                "{} in {}, {}; {help}",
                counted(rows.len() as u64, "hole"),
                counted(found.len() as u64, "series"),
                counted(bars, "bar"),
            ));
        }
    }
    Ok(if found.is_empty() {
        exit::DONE
    } else {
        exit::SOME
    })
}

/// That there is no hole; a series that was never asked for has none either.
fn none(stands: &[Stand]) -> String {
    let never = |stand: &&Stand| stand.coverage.bounds().is_none();
    let never: Vec<String> = stands
        .iter()
        .filter(never)
        .map(|stand| stand.series.to_string())
        .collect();
    let asked = counted((stands.len() - never.len()) as u64, "series");
    match never.as_slice() {
        [] => format!("no holes in {asked}"),
        [one] => format!("no holes in {asked}; {one} was never asked for"),
        several => format!(
            "no holes in {asked}; {} were never asked for",
            counted(several.len() as u64, "series")
        ),
    }
}

pub async fn coverage(args: &CoverageArgs, context: &Context) -> Result<u8, Failure> {
    let (pipeline, series) = opened(&args.symbols, args.interval, context).await?;
    let mut all = vec![];
    for stand in pipeline.stands(&series, None).await? {
        let ranges = pipeline.stretches(&stand).await?;
        all.push((stand, ranges));
    }
    match args.format {
        TableFormat::Json => {
            let each = all.iter().map(|(stand, ranges)| Covered {
                source: &stand.series.source,
                symbol: &stand.series.symbol,
                interval: stand.series.interval,
                adjusted: stand.series.adjusted,
                derived_from: pipeline.derived_from(&stand.series),
                bars: stand.bars,
                ranges: ranges.clone(),
            });
            output::data(&serialize(&each.collect::<Vec<_>>())?)?;
        }
        TableFormat::Table => {
            let rows: Vec<Vec<String>> = all
                .iter()
                .flat_map(|(stand, ranges)| ranges.iter().map(|range| covered(stand, range)))
                .collect();
            if rows.is_empty() {
                context
                    .narrator
                    .say("nothing was asked for yet; start with: pipeline-tui fetch");
            } else {
                let heads = ["SERIES", "FROM (ET)", "TO (ET)", ">BARS", "STATE"];
                output::print(&layout(&heads, &rows))?;
            }
        }
    }
    Ok(exit::DONE)
}

async fn opened(
    symbols: &[String],
    interval: Option<Interval>,
    context: &Context,
) -> Result<(std::sync::Arc<Pipeline>, Vec<SeriesKey>), Failure> {
    let settings = open::settings(context)?;
    let store = open::store(&settings, context.read_only).await?;
    let pipeline = open::pipeline(&settings, std::sync::Arc::clone(&store))?;
    if !context.read_only {
        pipeline.take_stock().await?;
    }
    let series = chosen::series(symbols, interval, &settings, &store).await?;
    Ok((pipeline, series))
}

/// A hole up to an instant.
fn cut(hole: Span, until: Option<DateTime<Utc>>) -> Span {
    hole.common(Span::new(hole.from, until.unwrap_or(hole.to)))
}

/// What was found of a series.
struct Found<'a> {
    stand: &'a Stand,
    /// Why none of it can be fetched, if known without a request.
    refused: Option<String>,
    /// Requests that close what can be closed.
    requests: u32,
    gaps: Vec<Gap>,
}

impl<'a> Found<'a> {
    /// Up to an instant.
    fn of(
        stand: &'a Stand,
        refused: Option<String>,
        until: Option<DateTime<Utc>>,
        pipeline: &Pipeline,
    ) -> Self {
        let gap = |span: Span| Gap {
            bars: stand.grid.count(span),
            askable: refused.is_none() && stand.reach.is_none_or(|reach| span.to > reach),
            span,
        };
        let holes = stand.truth.holes.iter().map(|hole| cut(*hole, until));
        let gaps = holes.map(gap).filter(|gap| gap.bars > 0).collect();
        let mut askable: Vec<Span> = match refused {
            Some(_) => vec![],
            None => stand.askable(),
        };
        for hole in &mut askable {
            *hole = cut(*hole, until);
        }
        askable.retain(|hole| stand.grid.count(*hole) > 0);
        Self {
            requests: pipeline.price(&stand.series, &askable),
            stand,
            refused,
            gaps,
        }
    }

    fn bars(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.bars).sum()
    }
}

fn row(found: &Found<'_>, gap: &Gap, beyond: &str) -> Vec<String> {
    let stand = found.stand;
    let [from, to] = stand.grid.labels(gap.span, New_York);
    let fetched = match (&found.refused, stand.reach) {
        (Some(why), _) => format!("no: {why}"),
        (None, Some(_)) if !gap.askable => format!("no: {beyond}"),
        (None, Some(reach)) if gap.span.from < reach => "the newest of them".to_owned(),
        _ => "yes".to_owned(),
    };
    vec![
        stand.series.to_string(),
        from,
        to,
        thousands(gap.bars),
        fetched,
    ]
}

fn covered(stand: &Stand, range: &Stretch) -> Vec<String> {
    let [from, to] = stand.grid.labels(range.span, New_York);
    vec![
        stand.series.to_string(),
        from,
        to,
        thousands(range.bars),
        range.state.to_string(),
    ]
}
