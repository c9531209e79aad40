//! `status`: how the watch list stands, in one line.

use std::sync::Arc;

use serde::Serialize;

use super::args::{ReportFormat, StatusArgs};
use super::context::Context;
use super::exit::{self, Failure};
use super::fetch::serialize;
use super::{chosen, open, output};
use crate::model::Standing;
use crate::model::text::counted;

#[derive(Serialize)]
struct Status {
    series: usize,
    fresh: usize,
    due: usize,
    behind: usize,
    holes: usize,
    requests_today: u32,
    requests_per_day: Option<u32>,
}

pub async fn run(args: &StatusArgs, context: &Context) -> Result<u8, Failure> {
    let settings = open::settings(context)?;
    let store = open::store(&settings, context.read_only).await?;
    let pipeline = open::pipeline(&settings, Arc::clone(&store))?;
    if !context.read_only {
        pipeline.take_stock().await?;
    }
    let series = chosen::series(&[], None, &settings, &store).await?;
    let stands = pipeline.stands(&series, None).await?;
    let count = |standing| {
        let of_it = stands
            .iter()
            .filter(|stand| stand.truth.standing == standing);
        of_it.count()
    };
    let limits = pipeline.left_today().await?;
    let usual = limits
        .iter()
        .find(|limit| limit.source == settings.sources.usual);
    let status = Status {
        series: stands.len(),
        fresh: count(Standing::Fresh),
        due: count(Standing::Due),
        behind: count(Standing::Behind),
        holes: count(Standing::Holes),
        requests_today: pipeline.used_today(&settings.sources.usual).await?,
        requests_per_day: usual.map(|limit| limit.per_day),
    };
    match args.format {
        ReportFormat::Json => output::data(&serialize(&status)?)?,
        ReportFormat::Text => output::print(&(line(&status) + "\n"))?,
    }
    let is_well = status.behind == 0 && status.holes == 0;
    Ok(if is_well { exit::DONE } else { exit::SOME })
}

fn line(status: &Status) -> String {
    let counts = [
        (status.fresh, "fresh"),
        (status.due, "due"),
        (status.behind, "behind"),
        (status.holes, "with holes"),
    ];
    let mut parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() {
        parts.push("no series".to_owned());
    }
    parts.push(match status.requests_per_day {
        Some(limit) => format!("{} of {limit} requests", status.requests_today),
        None => format!("{} today", counted(status.requests_today.into(), "request")),
    });
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_what_is_not_well_and_leaves_out_what_is_not_there() {
        let status = Status {
            series: 15,
            fresh: 12,
            due: 0,
            behind: 1,
            holes: 2,
            requests_today: 4,
            requests_per_day: Some(25),
        };
        assert_eq!(
            line(&status),
            "12 fresh · 1 behind · 2 with holes · 4 of 25 requests"
        );
    }
}
