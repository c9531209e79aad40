//! The order of one source: first what would be lost, then what is least fresh, each series on the first
//! day that has room for it.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Candidate, Obstacle, PlannedFetch, QuotaDay, Room, Why, WhyNot};

/// Plans the series of one source; also the days until all that are due now have been asked for.
pub(super) fn order(
    candidates: Vec<Candidate>,
    room: Option<&Room>,
    now: DateTime<Utc>,
) -> (Vec<PlannedFetch>, u32) {
    let (mut asked, rest): (Vec<Candidate>, Vec<Candidate>) = candidates
        .into_iter()
        .partition(|one| one.obstacle.is_none() && one.at.is_some());
    let urgent = room.map_or(0, |room| must_be_sent(&asked, room));
    let first = room.and_then(|room| room.days.first());
    let is_first = |one: &Candidate| match first {
        Some(day) => one.at.is_some_and(|at| at < day.ends),
        None => true,
    };
    let last = DateTime::<Utc>::MAX_UTC;
    asked.sort_by_key(|one| (!is_first(one), deadline(one).unwrap_or(last)));
    let mut left = urgent;
    let mut urgents = 0;
    for one in asked
        .iter()
        .take_while(|one| is_first(one) && deadline(one).is_some())
    {
        if left == 0 {
            break;
        }
        left = left.saturating_sub(u64::from(one.price));
        urgents += 1;
    }
    let (hurried, waiting) = asked.split_at_mut(urgents);
    let begins = first.map_or(now, |day| day.at);
    // What is due on the same day: the least fresh first, by how much it matters.
    let day_of = |one: &Candidate| match (room, one.at) {
        (Some(room), Some(at)) => room.days.partition_point(|day| day.ends <= at),
        (_, at) => at.map_or(usize::MAX, |at| usize::from(at > now)),
    };
    waiting.sort_by_cached_key(|one| (day_of(one), Reverse(staleness(one, begins))));
    let mut seats = Seats::new(room);
    let mut lines = Vec::with_capacity(hurried.len() + waiting.len() + rest.len());
    for one in hurried.iter() {
        let seat = seats.take(one, true);
        lines.push(line(one, seat, true, now));
    }
    // Where those that must be sent leave no room, what was never asked for would wait for ever.
    let ordinary = first.zip(room).map_or(u64::MAX, |(day, room)| {
        day.room.saturating_sub(room.reserve).into()
    });
    for one in waiting.iter() {
        let takes_reserve = urgent >= ordinary && one.known_to.is_none();
        let seat = seats.take(one, takes_reserve);
        lines.push(line(one, seat, false, now));
    }
    let days = seats.days_of_first;
    lines.extend(rest.iter().map(|one| not_asked(one, now)));
    (lines, days)
}

/// Requests that must be sent on the first day, so that those of the days to come are enough for every
/// series before a bar of it is lost.
fn must_be_sent(asked: &[Candidate], room: &Room) -> u64 {
    let mut deadlines: Vec<(DateTime<Utc>, u32)> = asked
        .iter()
        .filter_map(|one| Some((deadline(one)?, one.price)))
        .collect();
    deadlines.sort_unstable();
    let mut later = room.days.iter().skip(1).peekable();
    let (mut capacity, mut wanted, mut must) = (0_u64, 0_u64, 0_u64);
    let horizon = room.days.last().map(|day| day.at);
    for (deadline, price) in deadlines {
        if horizon.is_some_and(|horizon| deadline > horizon) {
            break;
        }
        while let Some(day) = later.next_if(|day| day.at <= deadline) {
            capacity += u64::from(day.room.saturating_sub(room.reserve));
        }
        wanted += u64::from(price);
        must = must.max(wanted.saturating_sub(capacity));
    }
    must
}

/// By when a series must be asked for. What was never asked for has no bar that a gap could follow: it
/// comes first among the others, and takes no room that one needs which has bars.
fn deadline(one: &Candidate) -> Option<DateTime<Utc>> {
    one.known_to.and(one.safe_until)
}

/// How old what is known of a series is, as it matters; what was never asked for is the oldest.
fn staleness(one: &Candidate, at: DateTime<Utc>) -> i64 {
    let Some(known_to) = one.known_to else {
        return i64::MAX - i64::from(16 - one.priority.weight());
    };
    let age = (at - known_to).num_seconds().max(0);
    age.saturating_mul(one.priority.weight().into())
}

/// Where a series is put.
#[derive(Debug, Clone, Copy)]
struct Seat {
    at: DateTime<Utc>,
    /// Requests before it on the days of its wait; `None`: it does not wait for room.
    before: Option<u32>,
}

/// The room of the days, as it is taken.
struct Seats<'a> {
    days: Option<&'a Room>,
    /// What is left of each day.
    left: Vec<u32>,
    /// The first day that has room for an ordinary request.
    open: usize,
    taken: u32,
    days_of_first: u32,
}

impl<'a> Seats<'a> {
    fn new(room: Option<&'a Room>) -> Self {
        let days = room.map_or(&[][..], |room| &room.days);
        Self {
            days: room,
            left: days.iter().map(|day| day.room).collect(),
            open: 0,
            taken: 0,
            days_of_first: 0,
        }
    }

    /// The first day from the one on which a series is due that has room for it. Beyond the days that
    /// are known, as many a day as a day has.
    fn take(&mut self, one: &Candidate, is_urgent: bool) -> Seat {
        let at = one.at.unwrap_or(DateTime::<Utc>::MAX_UTC);
        let Some(room) = self.days else {
            return Seat { at, before: None };
        };
        let wanted = room.days.partition_point(|day| day.ends <= at);
        let reserve = if is_urgent { 0 } else { room.reserve };
        let has_room =
            |left: u32| left.saturating_sub(reserve) >= one.price.min(room.per_day.max(1));
        while !is_urgent
            && self
                .left
                .get(self.open)
                .is_some_and(|left| *left <= reserve)
        {
            self.open += 1;
        }
        let from = if is_urgent {
            wanted
        } else {
            wanted.max(self.open)
        };
        let found = self
            .left
            .iter()
            .enumerate()
            .skip(from)
            .find(|(_, left)| has_room(**left))
            .map(|(day, _)| day);
        let before = self.taken;
        self.taken = self.taken.saturating_add(one.price);
        let usable = room.per_day.saturating_sub(room.reserve).max(1);
        let (day, begins) = match found.and_then(|day| Some((day, room.days.get(day)?))) {
            Some((day, known)) => {
                if let Some(left) = self.left.get_mut(day) {
                    *left = left.saturating_sub(one.price);
                }
                (day, known.at)
            }
            None => beyond(room, before / usable),
        };
        if wanted == 0 {
            let days = u32::try_from(day + 1).unwrap_or(u32::MAX);
            self.days_of_first = self.days_of_first.max(days);
        }
        if day == wanted {
            Seat { at, before: None }
        } else {
            Seat {
                at: begins,
                before: Some(before),
            }
        }
    }
}

/// A day that is so many after the first.
fn beyond(room: &Room, days: u32) -> (usize, DateTime<Utc>) {
    let last = room
        .days
        .last()
        .map_or(DateTime::<Utc>::MAX_UTC, |day: &QuotaDay| day.at);
    let known = u32::try_from(room.days.len()).unwrap_or(u32::MAX);
    let more = days.saturating_sub(known).saturating_add(1);
    let at = last.checked_add_signed(TimeDelta::days(more.into()));
    let place = usize::try_from(days)
        .unwrap_or(usize::MAX)
        .max(room.days.len());
    (place, at.unwrap_or(last))
}

fn line(one: &Candidate, seat: Seat, is_urgent: bool, now: DateTime<Utc>) -> PlannedFetch {
    let why = match one.known_to {
        _ if is_urgent => Why::AboutToBeLost,
        None => Why::New,
        Some(since) => Why::Due { since },
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
        None if one.due_from.is_some_and(|due| due <= now) => WhyNot::Schedule,
        None => WhyNot::NotDue { due: one.due_from },
    };
    PlannedFetch {
        series: one.series.clone(),
        at: None,
        price: one.price,
        why: None,
        why_not_now: Some(why_not),
        safe_until: one.safe_until,
    }
}
