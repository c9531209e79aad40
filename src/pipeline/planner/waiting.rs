//! Those that wait for a request of a source with a limited day, and who of them is next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use chrono::{DateTime, Utc};

use super::order::{staleness, target};
use super::{Candidate, Room};
use crate::model::Priority;

/// By when a series must be asked for, then the stalest, then as they are listed.
type Pressing = (DateTime<Utc>, Reverse<i64>, usize);
/// Until when a series is as fresh as it has to be, then the more important, then as they are listed.
type Aimed = (DateTime<Utc>, Reverse<i32>, usize);
/// Up to when a series is known, never first, then as they are listed.
type Known = (Option<DateTime<Utc>>, usize);

/// The series that wait, day after day.
pub(super) struct Contest<'a> {
    asked: &'a [Candidate],
    room: &'a Room,
    is_sent: Vec<bool>,
    /// The series that come to wait on each day.
    coming: Vec<Vec<usize>>,
    /// Requests that must be sent by each day at the latest, of all that were not sent yet.
    due_by: Vec<u64>,
    pressing: BinaryHeap<Reverse<Pressing>>,
    aimed: BinaryHeap<Reverse<Aimed>>,
    /// By priority: of two that have the same, the order never changes.
    stale: Vec<BinaryHeap<Reverse<Known>>>,
    /// How many wait, by what they cost.
    costs: BTreeMap<u32, usize>,
    /// Those that today has no room for.
    aside: Vec<usize>,
}

impl<'a> Contest<'a> {
    /// The series to ask for, none of which waits yet.
    pub(super) fn new(asked: &'a [Candidate], room: &'a Room) -> Self {
        let mut coming = vec![vec![]; room.days.len() + 1];
        let mut due_by = vec![0; room.days.len()];
        for (place, one) in asked.iter().enumerate() {
            let comes = one.at.map_or(room.days.len(), |at| room.day_of(at));
            if let Some(day) = coming.get_mut(comes) {
                day.push(place);
            }
            let last = deadline(one).map(|deadline| room.last_day_before(deadline));
            if let Some(day) = last.and_then(|day| due_by.get_mut(day.max(comes))) {
                *day += u64::from(room.cost(one.price));
            }
        }
        Self {
            is_sent: vec![false; asked.len()],
            coming,
            due_by,
            pressing: BinaryHeap::new(),
            aimed: BinaryHeap::new(),
            stale: Priority::ALL.iter().map(|_| BinaryHeap::new()).collect(),
            costs: BTreeMap::new(),
            aside: vec![],
            asked,
            room,
        }
    }

    /// A day begins: what is due on it waits with the others.
    pub(super) fn begin(&mut self, day: usize) {
        let coming = self.coming.get_mut(day).map(std::mem::take);
        for place in coming.unwrap_or_default() {
            if let Some(one) = self.asked.get(place) {
                *self.costs.entry(self.room.cost(one.price)).or_default() += 1;
            }
            self.wait(place);
        }
        let mut aside = std::mem::take(&mut self.aside);
        aside.sort_unstable();
        aside.dedup();
        for place in aside {
            self.wait(place);
        }
    }

    fn wait(&mut self, place: usize) {
        let Some(one) = self.asked.get(place) else {
            return;
        };
        if let Some(deadline) = deadline(one) {
            let stale = Reverse(staleness(one, deadline));
            self.pressing.push(Reverse((deadline, stale, place)));
        }
        if let Some(until) = target(one) {
            let important = Reverse(one.priority.weight());
            self.aimed.push(Reverse((until, important, place)));
        }
        if let Some(queue) = self.stale.get_mut(rank(one.priority)) {
            queue.push(Reverse((one.known_to, place)));
        }
    }

    /// Requests that must be sent on a day, so that the ordinary ones of the days after it are enough for
    /// every series before a bar of it is lost.
    pub(super) fn must_be_sent(&self, today: usize) -> u64 {
        let (mut wanted, mut capacity, mut must) = (0_u64, 0_u64, 0_u64);
        for (number, (due_by, day)) in self.due_by.iter().zip(&self.room.days).enumerate() {
            wanted += due_by;
            if number > today {
                capacity += u64::from(day.room.saturating_sub(self.room.reserve));
            }
            if number >= today {
                must = must.max(wanted.saturating_sub(capacity));
            }
        }
        must
    }

    /// Sends the series that would be the first to lose a bar, if so many requests are enough for it.
    pub(super) fn most_pressing(&mut self, left: u32) -> Option<(&'a Candidate, u32)> {
        while self.has_room(left) {
            let Reverse((_, _, place)) = self.pressing.pop()?;
            if let Some(sent) = self.send(place, left) {
                return Some(sent);
            }
        }
        None
    }

    /// Sends the series that would be the first to be older than it may be before requests come again at
    /// `next`, if so many are enough for it.
    pub(super) fn past_target(
        &mut self,
        left: u32,
        next: DateTime<Utc>,
    ) -> Option<(&'a Candidate, u32)> {
        while self.has_room(left) {
            let Reverse((until, _, place)) = *self.aimed.peek()?;
            if until > next {
                return None;
            }
            self.aimed.pop();
            if let Some(sent) = self.send(place, left) {
                return Some(sent);
            }
        }
        None
    }

    /// Sends the least fresh series, if so many requests are enough for it.
    pub(super) fn least_fresh(
        &mut self,
        left: u32,
        at: DateTime<Utc>,
    ) -> Option<(&'a Candidate, u32)> {
        while self.has_room(left) {
            let heads = self.stale.iter().enumerate().filter_map(|(rank, queue)| {
                let Reverse((_, place)) = queue.peek()?;
                Some((
                    staleness(self.asked.get(*place)?, at),
                    Reverse(*place),
                    rank,
                ))
            });
            let (_, Reverse(place), rank) = heads.max()?;
            self.stale.get_mut(rank)?.pop();
            if let Some(sent) = self.send(place, left) {
                return Some(sent);
            }
        }
        None
    }

    /// What no day had room for, in order, with what it costs.
    pub(super) fn rest(mut self) -> Vec<(&'a Candidate, u32)> {
        self.begin(self.room.days.len());
        let mut rest = vec![];
        let end = self.room.days.last().map(|day| day.ends);
        while let Some(sent) = self.least_fresh(u32::MAX, end.unwrap_or_default()) {
            rest.push(sent);
        }
        rest
    }

    /// Whether so many requests are enough for any that waits.
    fn has_room(&self, left: u32) -> bool {
        let cheapest = self.costs.keys().next();
        cheapest.is_some_and(|cheapest| *cheapest <= left)
    }

    fn send(&mut self, place: usize, left: u32) -> Option<(&'a Candidate, u32)> {
        let one = self.asked.get(place)?;
        let is_sent = self.is_sent.get_mut(place).filter(|is_sent| !**is_sent)?;
        let cost = self.room.cost(one.price);
        if cost > left {
            self.aside.push(place);
            return None;
        }
        *is_sent = true;
        if let Some(count) = self.costs.get_mut(&cost) {
            *count -= 1;
            if *count == 0 {
                self.costs.remove(&cost);
            }
        }
        let comes = one.at.map_or(usize::MAX, |at| self.room.day_of(at));
        let last = deadline(one).map(|deadline| self.room.last_day_before(deadline));
        if let Some(day) = last.and_then(|day| self.due_by.get_mut(day.max(comes))) {
            *day = day.saturating_sub(cost.into());
        }
        Some((one, cost))
    }
}

/// By when a series must be asked for.
fn deadline(one: &Candidate) -> Option<DateTime<Utc>> {
    one.safe_until
}

fn rank(priority: Priority) -> usize {
    let ranks = Priority::ALL.iter();
    ranks.take_while(|one| **one != priority).count()
}
