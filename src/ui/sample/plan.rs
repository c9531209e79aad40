//! A made-up plan.

use chrono::TimeDelta;

use super::now;
use crate::model::SourceId;
use crate::pipeline::snapshot::{
    Candidate, FetchPlan, Obstacle, QuotaDay, Room, SeriesState, WatchedSeries, plan,
};

/// The plan of these series on a free key.
pub fn of(series: &[WatchedSeries]) -> FetchPlan {
    let next = super::at("2026-11-20T21:20:00Z");
    let candidate = |status: &WatchedSeries| Candidate {
        series: status.key.clone(),
        priority: status.declared.priority,
        price: status.fetch_price,
        due_from: status.next_at,
        known_to: status.fetched_at,
        safe_until: status.safe_until,
        target: None,
        backlog: None,
        rides: None,
        obstacle: status
            .problem
            .clone()
            .filter(|_| status.state == SeriesState::Blocked)
            .map(|(class, said)| Obstacle::Refused(class, said)),
        at: status.next_at,
    };
    let day = |days| QuotaDay {
        at: next + TimeDelta::days(days),
        ends: next + TimeDelta::days(days) + TimeDelta::minutes(460),
        room: if days == 0 { 21 } else { 25 },
    };
    let room = Room {
        left: 21,
        per_day: 25,
        reserve: 1,
        days: (0..9).map(day).collect(),
    };
    let candidates = series.iter().map(candidate).collect();
    plan(candidates, &[(SourceId::DEFAULT, room)], now())
}
