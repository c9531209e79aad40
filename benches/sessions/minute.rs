//! The pace of a plan of 75 requests a minute, by the program's decision over a ledger, with a clock that
//! jumps from one decision to the next.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use pipeline_tui::model::quota::{Decision, Ledger, Quota, WINDOWS, decide};
use pipeline_tui::pipeline::sources;

/// How long an answer takes; answers overlap.
const ANSWER: TimeDelta = TimeDelta::milliseconds(400);

pub struct History {
    pub requests: u32,
    pub took: TimeDelta,
    /// As many minutes as the plan needs for so many requests.
    pub least: TimeDelta,
}

/// How long after their bars the last of 500 series is asked for.
pub fn five_hundred() -> TimeDelta {
    send(500) + ANSWER
}

/// Every month of 26 years of 20 symbols.
pub fn history() -> History {
    let requests = 20 * 26 * 12;
    History {
        requests,
        took: send(requests) + ANSWER,
        least: TimeDelta::seconds(i64::from(requests) * 60 / 75),
    }
}

fn seventy_five() -> Quota {
    let plans = sources::SETTINGS
        .iter()
        .filter_map(|one| one.plans.named("75"));
    plans.map(|plan| plan.quota).next().unwrap()
}

/// How long it takes until the last of some requests is sent.
fn send(requests: u32) -> TimeDelta {
    let quota = seventy_five();
    let begins: DateTime<Utc> = "2026-11-20T15:00:00Z".parse().unwrap();
    let (mut now, mut starts) = (begins, VecDeque::new());
    for _ in 0..requests {
        loop {
            match decide(&ledger(&quota, &starts, now), &quota, false, now) {
                Decision::Grant => break,
                Decision::Wait(until) => now = until,
                other => unreachable!("{other:?}"),
            }
        }
        starts.push_back(now);
    }
    now - begins
}

/// What the ledger says of these starts.
fn ledger(quota: &Quota, starts: &VecDeque<DateTime<Utc>>, now: DateTime<Utc>) -> Ledger {
    let mut gives_way = [None; WINDOWS];
    for (place, window) in gives_way.iter_mut().zip(quota.rolling()) {
        let Some((limit, span)) = window else {
            continue;
        };
        let within = starts.iter().rev().take_while(|start| now - **start < span);
        let within: Vec<_> = within.collect();
        let limit = usize::try_from(limit).unwrap();
        *place = within.get(limit - 1).map(|start| **start);
    }
    Ledger {
        last_start: starts.back().copied(),
        today: u32::try_from(starts.len()).unwrap(),
        gives_way,
        ..Ledger::default()
    }
}
