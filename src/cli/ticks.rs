//! `ticks`: the instants of the schedule, the next ones and what became of the last ones.

use std::sync::Arc;

use serde::Serialize;

use super::args::{TableFormat, TicksArgs};
use super::context::Context;
use super::exit::{self, Failure};
use super::fetch::serialize;
use super::instant::clock;
use super::table::layout;
use super::{chosen, open, output, run};
use crate::model::tick::{NextTick, NotedTick};

/// Both, as JSON.
#[derive(Serialize)]
struct JsonTicks<'a> {
    next: &'a [NextTick],
    last: &'a [NotedTick],
}

pub async fn run(args: &TicksArgs, context: &Context) -> Result<u8, Failure> {
    let settings = open::settings(context)?;
    let store = open::store(&settings, context.read_only).await?;
    let pipeline = open::pipeline(&settings, Arc::clone(&store))?;
    let series = chosen::series(&[], None, &settings, &store).await?;
    let usual = run::options(&settings).schedule;
    let next = pipeline.next_ticks(series, usual).await?;
    let last = pipeline.ticks(args.limit).await?;
    match args.format {
        TableFormat::Json => {
            let (next, last) = (&next, &last);
            output::data(&serialize(&JsonTicks { next, last })?)?;
        }
        TableFormat::Table => {
            let next = next.iter().map(|tick| vec![clock(tick.at), tick.words()]);
            let next: Vec<Vec<String>> = next.collect();
            output::print(&layout(&["NEXT", "PLANNED"], &next))?;
            if last.is_empty() {
                context
                    .narrator
                    .say("no instant of the schedule has passed yet while an engine was running");
                return Ok(exit::DONE);
            }
            let last: Vec<Vec<String>> = last.iter().map(row).collect();
            let head = ["LAST", "SOURCE", "OUTCOME", "RUN OR REASON"];
            output::print(&format!("\n{}", layout(&head, &last)))?;
        }
    }
    Ok(exit::DONE)
}

fn row(noted: &NotedTick) -> Vec<String> {
    let tick = &noted.tick;
    vec![
        clock(tick.at),
        tick.source.to_string(),
        tick.outcome.to_string(),
        noted.words(&clock),
    ]
}
