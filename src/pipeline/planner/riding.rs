//! Series that cost no request of their own: their bars are rolled up from those of a finer series, and
//! come with them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{Candidate, PlannedFetch, Why};
use crate::model::SeriesKey;

/// Takes out the series that come with another one, which is asked for by itself.
pub(super) fn apart(candidates: Vec<Candidate>) -> (Vec<Candidate>, Vec<Candidate>) {
    let can_carry = |one: &&Candidate| one.rides.is_none() && one.obstacle.is_none();
    let carrying = candidates.iter().filter(can_carry);
    let carrying = carrying.filter(|one| one.at.is_some());
    let carrying: HashSet<SeriesKey> = carrying.map(|one| one.series.clone()).collect();
    let rides = |one: &Candidate| {
        let base = one.rides.as_ref();
        one.obstacle.is_none()
            && one.at.is_some()
            && base.is_some_and(|base| carrying.contains(base))
    };
    candidates.into_iter().partition(rides)
}

/// Adds a line for each of them after that of the series with which it comes.
pub(super) fn add(lines: &mut Vec<PlannedFetch>, riders: Vec<Candidate>) {
    let mut riding: HashMap<SeriesKey, Vec<Candidate>> = HashMap::new();
    for rider in riders {
        let base = rider.rides.clone().unwrap_or_else(|| rider.series.clone());
        riding.entry(base).or_default().push(rider);
    }
    if riding.is_empty() {
        return;
    }
    let all = std::mem::take(lines);
    for line in all {
        let (base, at) = (line.series.clone(), line.at);
        lines.push(line);
        let with = riding.remove(&base).unwrap_or_default();
        lines.extend(with.into_iter().map(|rider| rides(rider, &base, at)));
    }
}

fn rides(rider: Candidate, base: &SeriesKey, at: Option<DateTime<Utc>>) -> PlannedFetch {
    PlannedFetch {
        // Not before it is due itself.
        at: at.max(rider.at),
        price: 0,
        why: Some(Why::RolledUp {
            from: base.interval,
        }),
        why_not_now: None,
        safe_until: rider.safe_until,
        backlog: rider.backlog,
        series: rider.series,
    }
}
