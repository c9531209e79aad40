//! Which series a run would fetch, in which order, and what is planned: from the planner.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::super::planner::{self, Candidate, FetchPlan, Obstacle, PlannedFetch, Room};
use super::around::Whose;
use super::lanes::Asker;
use super::{Entry, State};
use crate::model::{FreshWithin, SeriesKey, SourceId};

impl State {
    /// Whether nothing may be sent for a series before the quota of its source renews.
    pub(super) fn is_spent(&self, series: &SeriesKey, now: DateTime<Utc>) -> bool {
        self.quotas.spent_until(&series.source, now).is_some()
    }

    /// The first instant from `at` on at which a series is due; of those of the schedule, the instant with
    /// which its bar ends. `None`: no series can become due.
    pub(super) fn due_from(&self, whose: Whose, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let asked = self
            .entries
            .iter()
            .filter(|entry| self.is_of(whose, entry) && entry.can_be_asked(at));
        let lag = |entry: &Entry| match whose {
            Whose::Scheduled => entry.lag(),
            Whose::All | Whose::AroundTheClock => TimeDelta::zero(),
        };
        let due = asked.filter_map(|entry| Some(entry.due_from(at)? - lag(entry)));
        due.min()
    }

    /// The series that a run at this instant would fetch.
    pub(super) fn due(&self, at: DateTime<Utc>) -> impl Iterator<Item = &SeriesKey> {
        self.due_of(Whose::All, at)
    }

    /// Those of them that have this schedule.
    pub(super) fn due_of(
        &self,
        whose: Whose,
        at: DateTime<Utc>,
    ) -> impl Iterator<Item = &SeriesKey> {
        let is_due = move |entry: &&Entry| {
            self.is_of(whose, entry) && entry.can_be_asked(at) && entry.is_due(at)
        };
        let due = self.entries.iter().filter(is_due);
        due.map(|entry| &entry.key)
    }

    /// The series that are fetched by themselves at an instant to come.
    pub(super) fn due_at(&self, at: DateTime<Utc>, now: DateTime<Utc>) -> Vec<&SeriesKey> {
        let is_next = |next: Option<DateTime<Utc>>| next.is_some_and(|next| next <= at);
        let whose = match (
            is_next(self.next_scheduled(now)),
            is_next(self.next_around(&Asker::Person, now)),
        ) {
            (true, false) => Whose::Scheduled,
            (false, true) => Whose::AroundTheClock,
            _ => Whose::All,
        };
        self.due_of(whose, at).collect()
    }

    /// What a run sends that starts now, in order: what is due and has room. `most`: the most requests
    /// to each of these sources; a person's key press may use the reserve, too.
    pub(super) fn due_within(
        &self,
        (whose, asker): (Whose, &Asker),
        (most, is_person): (&BTreeMap<SourceId, u32>, bool),
        now: DateTime<Utc>,
    ) -> Vec<SeriesKey> {
        let entries = self.entries.iter();
        let is_wanted = |entry: &&Entry| self.is_of(whose, entry) && self.is_asked(asker, entry);
        let due = entries.filter(|entry| is_wanted(entry) && entry.is_due(now));
        let candidates = due.map(|entry| entry.candidate(now, Some(now)));
        let plan = planner::plan(
            candidates.collect(),
            &self.rooms(Some(now), is_person, now),
            now,
        );
        let mut room = most.clone();
        let prices = plan.lines.iter().filter(|line| line.at == Some(now));
        let fits = |line: &&PlannedFetch| {
            let Some(room) = room.get_mut(&line.series.source) else {
                return true;
            };
            let is_room = *room >= line.price;
            *room = room.saturating_sub(line.price);
            is_room
        };
        let fitting = prices.filter(fits);
        fitting.map(|line| line.series.clone()).collect()
    }

    /// What is asked for by itself from now on, and why.
    pub fn planned(&self, now: DateTime<Utc>) -> FetchPlan {
        let around = self.next_around(&Asker::Person, now);
        let scheduled = self.next_scheduled(now);
        // A series that is not due waits for its next bar, as many others do at the same time.
        let mut instants = HashMap::new();
        let mut instant_from = |due: DateTime<Utc>| {
            let before = due - TimeDelta::milliseconds(1);
            let instant = || self.schedule.next_after(&self.calendars, before);
            (*instants.entry(due).or_insert_with(instant)).max(scheduled)
        };
        let candidates = self.entries.iter().map(|entry| {
            let due = entry.due_from(now);
            let at = if !self.is_of(Whose::Scheduled, entry) {
                due.and(around.max(due))
            } else if due.is_some_and(|due| due <= now) {
                scheduled
            } else {
                due.and_then(|due| instant_from(due - entry.lag()))
            };
            let candidate = entry.candidate(now, at);
            let paused = self.paused.then_some(Obstacle::Paused);
            Candidate {
                obstacle: candidate.obstacle.or(paused),
                ..candidate
            }
        });
        let candidates = candidates.collect();
        planner::plan(candidates, &self.rooms(scheduled, false, now), now)
    }

    /// What sources with a limited day may be sent, from the first instant of the schedule on.
    fn rooms(
        &self,
        first: Option<DateTime<Utc>>,
        is_person: bool,
        now: DateTime<Utc>,
    ) -> Vec<(SourceId, Room)> {
        let schedule = (&self.schedule, &self.calendars);
        let limited = self.quotas.limited(now);
        let rooms = limited.filter_map(|(source, quota, left)| {
            let room = Room::of((quota, left), schedule, first, now)?;
            let reserve = if is_person { 0 } else { room.reserve };
            Some((source.clone(), Room { reserve, ..room }))
        });
        rooms.collect()
    }
}

/// A bar that is there so soon after its end is asked for by the instant with which it ends.
const SOON: TimeDelta = TimeDelta::seconds(30);

impl Entry {
    /// How long the schedule waits after an instant for the bar that ended with it.
    pub(super) fn lag(&self) -> TimeDelta {
        let delay = self.grid.publishing.delay;
        if delay <= SOON {
            delay
        } else {
            TimeDelta::zero()
        }
    }

    /// How fresh it has to be, and until when it is.
    fn target(&self) -> Option<(FreshWithin, DateTime<Utc>)> {
        let within = self.declared.fresh_within?;
        let until = within.until(self.known_to()?, &self.grid.calendar);
        Some((within, until))
    }

    /// As the planner sees it, if it would be asked for at an instant.
    fn candidate(&self, now: DateTime<Utc>, at: Option<DateTime<Utc>>) -> Candidate {
        let refused = self.parked.clone();
        let refused = refused.map(|(class, said)| Obstacle::Refused(class, said));
        let rests = || self.rests_until(now).map(Obstacle::Rests);
        let due_from = self.due_from(now);
        let fills = || self.declared.fills.clone().filter(|_| due_from.is_none());
        Candidate {
            series: self.key.clone(),
            priority: self.declared.priority,
            price: self.fetch_price,
            due_from,
            known_to: self.known_to(),
            safe_until: self.safe_until,
            target: self.target(),
            backlog: self.backlog(now),
            rides: self.rides.clone(),
            obstacle: refused
                .or_else(rests)
                .or_else(|| fills().map(Obstacle::Fills)),
            at,
        }
    }
}
