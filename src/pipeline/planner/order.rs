//! The order of one source: the days one after the other, each as it will choose when it comes. First what
//! a later day would lose, then what would be older than it may be, then what is least fresh.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};

use super::waiting::Contest;
use super::{Candidate, Obstacle, PlannedFetch, QuotaDay, Room, Why, WhyNot};

/// The age of what was never asked for: more than that of anything known, and still told apart by priority.
const NEVER: i64 = i64::MAX / 16;

/// Plans the series of one source; also the days until all that are due now have been asked for.
pub(super) fn order(
    candidates: Vec<Candidate>,
    room: Option<&Room>,
    now: DateTime<Utc>,
) -> (Vec<PlannedFetch>, u32) {
    let (asked, rest): (Vec<Candidate>, Vec<Candidate>) = candidates
        .into_iter()
        .partition(|one| one.obstacle.is_none() && one.at.is_some());
    let (mut lines, days) = match room {
        Some(room) if !room.days.is_empty() => day_by_day(&asked, room, now),
        _ => (all_at_once(asked, now), 0),
    };
    lines.extend(rest.iter().map(|one| not_asked(one, now)));
    (lines, days)
}

/// How old what is known of a series is, as it matters; what was never asked for is the oldest.
pub(super) fn staleness(one: &Candidate, at: DateTime<Utc>) -> i64 {
    let age = one
        .known_to
        .map_or(NEVER, |known_to| (at - known_to).num_seconds().max(0));
    age.saturating_mul(one.priority.weight().into())
}

/// Until when a series is as fresh as it has to be. One that was never asked for is older than any target:
/// it comes first by its age.
pub(super) fn target(one: &Candidate) -> Option<DateTime<Utc>> {
    let (_, until) = one.target.filter(|_| one.known_to.is_some())?;
    Some(until)
}

/// What put a series where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// A bar would be lost.
    Loss,
    /// It would be older than it may be.
    Target,
    /// How old it is.
    Age,
}

/// Where a series is put.
#[derive(Debug, Clone, Copy)]
struct Seat {
    at: DateTime<Utc>,
    /// Requests before it on the days of its wait; `None`: it does not wait for room.
    before: Option<u32>,
}

impl Seat {
    /// As soon as its schedule asks for it.
    fn own(one: &Candidate) -> Self {
        Self {
            at: one.at.unwrap_or(DateTime::<Utc>::MAX_UTC),
            before: None,
        }
    }
}

/// Each as soon as its schedule asks for it.
fn all_at_once(mut asked: Vec<Candidate>, now: DateTime<Utc>) -> Vec<PlannedFetch> {
    let is_late = |one: &Candidate| target(one).is_some_and(|until| Some(until) <= one.at);
    asked.sort_by_cached_key(|one| {
        let at = one.at.max(Some(now));
        (at, !is_late(one), Reverse(staleness(one, now)))
    });
    let lines = asked.iter().map(|one| {
        let cause = if is_late(one) {
            Cause::Target
        } else {
            Cause::Age
        };
        line(one, Seat::own(one), cause, now)
    });
    lines.collect()
}

/// Lets each day choose; what is left after the last one that is known goes on at the same pace.
fn day_by_day(asked: &[Candidate], room: &Room, now: DateTime<Utc>) -> (Vec<PlannedFetch>, u32) {
    let mut lines = Vec::with_capacity(asked.len());
    let (mut taken, mut days_of_first) = (0_u32, 0_u32);
    let mut contest = Contest::new(asked, room);
    let mut put = |one: &Candidate, (day, at): (usize, DateTime<Utc>), cause: Cause| {
        let own = Seat::own(one);
        let wanted = room.day_of(own.at);
        let seat = if day <= wanted {
            own
        } else {
            Seat {
                at: at.max(own.at),
                before: Some(taken),
            }
        };
        taken = taken.saturating_add(one.price);
        if wanted == 0 {
            let days = u32::try_from(day + 1).unwrap_or(u32::MAX);
            days_of_first = days_of_first.max(days);
        }
        lines.push(line(one, seat, cause, now));
    };
    for (number, day) in room.days.iter().enumerate() {
        contest.begin(number);
        let mut left = day.room;
        let mut must = contest.must_be_sent(number);
        while must > 0
            && let Some((one, cost)) = contest.most_pressing(left)
        {
            left = left.saturating_sub(cost);
            must = must.saturating_sub(cost.into());
            put(one, (number, day.at), Cause::Loss);
        }
        left = left.saturating_sub(room.reserve);
        while let Some((one, cost)) = contest.past_target(left, room.after(number)) {
            left = left.saturating_sub(cost);
            put(one, (number, day.at), Cause::Target);
        }
        while let Some((one, cost)) = contest.least_fresh(left, day.at) {
            left = left.saturating_sub(cost);
            put(one, (number, day.at), Cause::Age);
        }
    }
    let mut used = 0_u32;
    for (one, cost) in contest.rest() {
        put(one, beyond(room, used), Cause::Age);
        used = used.saturating_add(cost);
    }
    (lines, days_of_first)
}

/// The day of a request that has so many before it after the last day that is known.
fn beyond(room: &Room, before: u32) -> (usize, DateTime<Utc>) {
    let instants = || room.days.iter().map(|day: &QuotaDay| day.at);
    let last = instants().next_back().unwrap_or(DateTime::<Utc>::MAX_UTC);
    let first = instants().next().unwrap_or(last);
    let steps = i32::try_from(room.days.len() - 1).unwrap_or(i32::MAX);
    let step = (last - first).checked_div(steps);
    let step = step.unwrap_or(TimeDelta::days(1));
    let more = before / room.usable() + 1;
    let ahead = step.checked_mul(i32::try_from(more).unwrap_or(i32::MAX));
    let at = ahead.and_then(|ahead| last.checked_add_signed(ahead));
    let number = usize::try_from(more).unwrap_or(usize::MAX);
    let number = number.saturating_add(room.days.len() - 1);
    (number, at.unwrap_or(DateTime::<Utc>::MAX_UTC))
}

fn line(one: &Candidate, seat: Seat, cause: Cause, now: DateTime<Utc>) -> PlannedFetch {
    let why = match (cause, one.target, one.known_to) {
        (Cause::Loss, ..) => Why::AboutToBeLost,
        (Cause::Target, Some((within, until)), _) => Why::Target { within, until },
        (_, _, None) => Why::New,
        (_, _, Some(since)) => Why::Due { since },
    };
    let why_not_now = match seat.before {
        Some(before) => Some(WhyNot::Quota { before }),
        None if one.due_from.is_some_and(|due| due > now) => {
            Some(WhyNot::NotDue { due: one.due_from })
        }
        None => (seat.at > now).then_some(WhyNot::Schedule),
    };
    PlannedFetch {
        series: one.series.clone(),
        at: Some(seat.at),
        price: one.price,
        why: Some(why),
        why_not_now,
        safe_until: one.safe_until,
        backlog: one.backlog,
    }
}

fn not_asked(one: &Candidate, now: DateTime<Utc>) -> PlannedFetch {
    let why_not = match &one.obstacle {
        Some(Obstacle::Refused(class, said)) => WhyNot::Refused {
            class: *class,
            said: said.clone(),
        },
        Some(Obstacle::Rests(until)) => WhyNot::Rests { until: *until },
        Some(Obstacle::Paused) => WhyNot::Paused,
        Some(Obstacle::Fills(source)) => WhyNot::Fills {
            source: source.clone(),
        },
        None if one.due_from.is_some_and(|due| due <= now) => WhyNot::Schedule,
        None => WhyNot::NotDue { due: one.due_from },
    };
    let is_refused = matches!(why_not, WhyNot::Refused { .. } | WhyNot::Rests { .. });
    PlannedFetch {
        series: one.series.clone(),
        at: None,
        price: if is_refused { 0 } else { one.price },
        why: None,
        why_not_now: Some(why_not),
        safe_until: one.safe_until,
        backlog: one.backlog,
    }
}
