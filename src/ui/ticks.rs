//! The instants of the schedule: the next ones, and what became of the last ones.

use chrono::{DateTime, Utc};

use crate::pipeline::snapshot::{NotedTick, Snapshot};
use crate::ui::overlays::Overlay;
use crate::ui::shared::Shared;
use crate::ui::text;

/// The page.
#[must_use]
pub fn page(shared: &Shared, now: DateTime<Utc>) -> Overlay {
    let snapshot = shared.snapshot.as_deref();
    let clock = |at| text::near(at, now, shared.zone);
    let next = snapshot.map_or(&[][..], |snapshot| &snapshot.next_ticks);
    let next = next.iter().map(|tick| (clock(tick.at), tick.words()));
    let mut next: Vec<_> = next.collect();
    if snapshot.is_some_and(|snapshot| snapshot.schedule.paused) {
        let text = "the schedule is paused".to_owned();
        next.insert(0, (String::new(), text));
    }
    let last = snapshot.map_or(&[][..], |snapshot| &snapshot.ticks);
    let names_source = snapshot.is_some_and(is_of_several_sources);
    let line = |noted: &NotedTick| {
        let outcome = noted.tick.outcome;
        let words = noted.words(&clock);
        let source = if names_source {
            format!("{:<14} ", noted.tick.source.as_str())
        } else {
            String::new()
        };
        let text = format!("{source}{outcome:<8} {words}");
        (clock(noted.tick.at), text.trim_end().to_owned())
    };
    let mut last: Vec<_> = last.iter().map(line).collect();
    if last.is_empty() {
        last.push((String::new(), "none yet".to_owned()));
    }
    Overlay::page(
        "Ticks of the schedule",
        vec![("Next", next), ("Last, newest first", last)],
    )
}

fn is_of_several_sources(snapshot: &Snapshot) -> bool {
    let mut sources = snapshot.ticks.iter().map(|noted| &noted.tick.source);
    let first = sources.next();
    sources.any(|source| Some(source) != first)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::tick::{NextTick, Tick, TickOutcome, TickWhy};
    use crate::model::{RunId, RunStatus, SourceId};
    use crate::ui::sample;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn noted(day: &str, source: &str, run: Option<i64>) -> NotedTick {
        let due = Tick::due(
            at(&format!("{day}T21:20:00Z")),
            source.parse().unwrap(),
            at("2026-11-20T21:20:01Z"),
        );
        let outcome = run.map_or(TickOutcome::Skipped, |_| TickOutcome::Missed);
        let tick = Tick {
            outcome,
            why: run.is_none().then_some(TickWhy::NotDue),
            run: run.map(RunId),
            ..due
        };
        NotedTick {
            tick,
            run_status: run.map(|_| RunStatus::Partial),
        }
    }

    fn shown(ticks: Vec<NotedTick>) -> Vec<String> {
        let next = NextTick {
            at: at("2026-11-23T21:20:00Z"),
            series: 2,
            requests: 3,
        };
        let snapshot = crate::pipeline::snapshot::Snapshot {
            ticks: ticks.into(),
            next_ticks: Arc::new([next]),
            ..sample::normal()
        };
        let shared = sample::shared(snapshot);
        let Overlay::Choose(list) = page(&shared, at("2026-11-20T22:00:00Z")) else {
            panic!("a page to read");
        };
        let lines = list
            .lines()
            .map(|line| format!("{}|{}", line.lead, line.text));
        lines.collect()
    }

    #[test]
    fn the_page_shows_the_next_instants_and_what_became_of_the_last_ones() {
        let default = SourceId::DEFAULT.to_string();
        assert_eq!(
            shown(vec![
                noted("2026-11-20", &default, None),
                noted("2026-11-19", &default, Some(7)),
            ]),
            [
                "|Next",
                "Mon 16:20|2 series, 3 requests",
                "|Last, newest first",
                "16:20|skipped  nothing was due",
                "Thu 16:20|missed   made up at 16:20 by run 7 (partial)",
            ]
        );
        assert_eq!(shown(vec![]).last().unwrap(), "|none yet");
    }

    #[test]
    fn with_several_sources_each_line_names_its_own() {
        let lines = shown(vec![
            noted("2026-11-20", "binance", None),
            noted("2026-11-20", "coinbase", None),
        ]);
        let last: Vec<&str> = lines.iter().skip(3).map(String::as_str).collect();
        assert_eq!(
            last,
            [
                "16:20|binance        skipped  nothing was due",
                "16:20|coinbase       skipped  nothing was due",
            ]
        );
    }
}
