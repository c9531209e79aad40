//! `backfill`: fetches what is missing, after a preview of what it costs.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;
use serde::Serialize;

use super::args::{BackfillArgs, ReportFormat};
use super::context::Context;
use super::exit::{self, Failure};
use super::fetch::{self, serialize};
use super::table::layout;
use super::{chosen, open, output};
use crate::model::quota::Left;
use crate::model::text::{counted, thousands};
use crate::model::{Fill, Interval, SeriesKey, SourceId, Span, Symbol};
use crate::pipeline::source::FetchOptions;
use crate::pipeline::{Cost, Pipeline, RunRequest};

/// What is missing of a series, and what it costs.
#[derive(Serialize)]
struct Missing<'a> {
    source: &'a SourceId,
    symbol: &'a Symbol,
    interval: Interval,
    adjusted: bool,
    bars: u64,
    /// Those of the bars that the provider refused before.
    refused_before: u64,
    requests: u32,
    ranges: &'a [Span],
}

pub async fn run(args: &BackfillArgs, context: &Context) -> Result<u8, Failure> {
    if context.read_only && !args.dry_run {
        return Err(Failure::usage(
            "backfill spends requests and writes to the store; leave out --read-only, or add --dry-run",
        ));
    }
    let settings = open::settings(context)?;
    let store = open::store(&settings, context.read_only).await?;
    let pipeline = open::impatient(&settings, Arc::clone(&store))?;
    if !context.read_only {
        pipeline.take_stock().await?;
    }
    let series = wanted(args, &settings, &store).await?;
    let fill = fill(args, pipeline.clock.now())?;
    let (series, left_out) = match fill.from {
        Some(_) => (series, vec![]),
        None => beginning(&pipeline, series).await?,
    };
    if series.is_empty() {
        return Err(Failure::usage(left_out.join("\n")));
    }
    for said in &left_out {
        context.narrator.say(said);
    }
    // Those that were left out are as ones that failed.
    let code = |code| match code {
        exit::DONE if !left_out.is_empty() => exit::SOME,
        code => code,
    };
    let costs = pipeline.costs(&series, fill).await?;
    let requests: u32 = costs.iter().map(|cost| cost.requests).sum();
    let is_json = args.format == ReportFormat::Json;
    if args.dry_run || !is_json {
        told(&costs, args, context)?;
    }
    if requests > 0 && !is_json {
        context
            .narrator
            .say(&outlook(&pipeline, &costs, requests).await?);
    }
    if args.dry_run || costs.iter().all(|cost| cost.missing.is_empty()) {
        return Ok(code(exit::DONE));
    }
    if requests == 0 {
        return Ok(exit::FORBIDDEN);
    }
    let request = RunRequest {
        trigger: "backfill",
        series,
        options: FetchOptions::default(),
        max_age: None,
        within: Some(fill),
    };
    let report = fetch::watched(&pipeline, request, context.narrator).await?;
    fetch::show(&report, args.format, context).map(code)
}

/// The series to fill, with the interval that was named.
async fn wanted(
    args: &BackfillArgs,
    settings: &crate::config::Settings,
    store: &Arc<dyn crate::db::Store>,
) -> Result<Vec<SeriesKey>, Failure> {
    let mut series = chosen::series(&args.symbols, args.interval, settings, store).await?;
    if let Some(interval) = args.interval {
        for key in &mut series {
            key.interval = interval;
        }
    }
    series.dedup();
    if series.is_empty() {
        return Err(Failure::usage(
            "there is no series to fill; name some with --symbols",
        ));
    }
    Ok(series)
}

/// The time to fill.
fn fill(args: &BackfillArgs, now: DateTime<Utc>) -> Result<Fill, Failure> {
    chosen::refuse_senseless("--from", args.from, args.to, now)?;
    let from = args.from.map(|from| from.from);
    let to = args.to.map_or(now, |to| to.to);
    Ok(Fill { from, to })
}

/// The series that say by themselves from when on their bars are wanted, and why each of the others
/// is left out.
async fn beginning(
    pipeline: &Pipeline,
    series: Vec<SeriesKey>,
) -> Result<(Vec<SeriesKey>, Vec<String>), Failure> {
    let stands = pipeline.stands(&series, None).await?;
    let refused = pipeline.parked(&series).await?;
    let (mut beginning, mut left_out) = (vec![], vec![]);
    for ((key, stand), refused) in series.into_iter().zip(&stands).zip(refused) {
        if stand.since.is_some() || !stand.coverage.asked().is_empty() {
            beginning.push(key);
            continue;
        }
        left_out.push(match refused {
            Some((_, why)) => format!("{key} was never fetched: {why}"),
            None => {
                format!("{key} was never fetched; say with --from since when you want its bars")
            }
        });
    }
    Ok((beginning, left_out))
}

fn told(costs: &[Cost], args: &BackfillArgs, context: &Context) -> Result<(), Failure> {
    if args.format == ReportFormat::Json {
        let each = costs.iter().map(|cost| Missing {
            source: &cost.series.source,
            symbol: &cost.series.symbol,
            interval: cost.series.interval,
            adjusted: cost.series.adjusted,
            bars: cost.bars,
            refused_before: cost.refused,
            requests: cost.requests,
            ranges: &cost.missing,
        });
        output::data(&serialize(&each.collect::<Vec<_>>())?)?;
        return Ok(());
    }
    let lacking = costs.iter().filter(|cost| !cost.missing.is_empty());
    let rows: Vec<Vec<String>> = lacking
        .map(|cost| {
            let whole = cost
                .missing
                .iter()
                .copied()
                .reduce(|all, span| Span::new(all.from.min(span.from), all.to.max(span.to)));
            let [from, to] = whole.map_or_else(
                || [String::new(), String::new()],
                |span| cost.grid.labels(span, New_York),
            );
            vec![
                cost.series.to_string(),
                from,
                to,
                thousands(cost.bars),
                cost.refusal
                    .clone()
                    .unwrap_or_else(|| thousands(cost.requests)),
            ]
        })
        .collect();
    let refused = costs.iter().filter(|cost| cost.missing.is_empty());
    let refused = refused.filter_map(|cost| Some((&cost.series, cost.refusal.as_ref()?)));
    let mut is_told = false;
    for (series, why) in refused {
        is_told = true;
        context
            .narrator
            .say(&format!("{series}: {why}; no request was sent"));
    }
    if rows.is_empty() {
        if !is_told {
            context
                .narrator
                .say("nothing is missing in this range; no request was sent");
        }
        return Ok(());
    }
    let heads = ["SERIES", "FROM (ET)", "TO (ET)", ">BARS", ">REQUESTS"];
    output::print(&layout(&heads, &rows))?;
    let refused: u64 = costs.iter().map(|cost| cost.refused).sum();
    if refused > 0 {
        context.narrator.say(&asked_again(refused));
    }
    Ok(())
}

/// Bars that were refused before are asked for once more, because somebody named their time.
fn asked_again(refused: u64) -> String {
    format!(
        "the provider refused {} of this range before; they are asked for again",
        counted(refused, "bar")
    )
}

/// What fits today, and when the rest is done.
async fn outlook(pipeline: &Pipeline, costs: &[Cost], requests: u32) -> Result<String, Failure> {
    let total = counted(requests.into(), "request");
    let limits = pipeline.left_today().await?;
    let asked = |limit: &&Left| {
        let mut sources = costs.iter().map(|cost| &cost.series.source);
        sources.any(|source| *source == limit.source)
    };
    let Some(limit) = limits.iter().filter(asked).min_by_key(|limit| limit.left) else {
        return Ok(format!("{total}; the plan has no daily limit"));
    };
    let (left, per_day) = (limit.left, limit.per_day);
    let today = pipeline.clock.now().with_timezone(&New_York).date_naive();
    Ok(match limit.last_day(requests, today) {
        None => format!("{total}; all fit today ({left} left)"),
        Some(end) => format!(
            "{total}; {left} fit today, the rest until {end} at {per_day} a day: run the same command again on each day"
        ),
    })
}
