//! What engines do at the store: chores, reads, beats, and ending the runs of the dead.

use super::*;

impl World {
    pub(super) fn chore_later(&mut self, place: usize, chore: Chore) {
        let delay = self.between(TimeDelta::milliseconds(1), TimeDelta::seconds(2));
        let actor = &mut self.actors[place];
        actor.errands_end = actor.errands_end.max(self.now) + delay;
        let after = actor.errands_end - self.now;
        self.after(after, place, Happening::Chore(chore));
    }

    pub(super) fn chore(&mut self, place: usize, chore: Chore) {
        let away = self.is_away();
        let input = match chore {
            Chore::ActedOn(..) | Chore::Recall(_) if away => Input::StoreFailed(Self::away()),
            Chore::ActedOn(lease, at) => {
                if self.books.accepts(&lease) {
                    self.books.lanes.entry(lease.lane).or_default().last_tick = Some(at);
                }
                return;
            }
            Chore::NoteTicks(leased) if away => {
                let ticks = leased.into_iter().flat_map(|(_, ticks)| ticks);
                Input::TicksUnnoted(ticks.collect(), Self::away())
            }
            Chore::NoteTicks(leased) => {
                for (lease, ticks) in leased {
                    if self.books.accepts(&lease) {
                        self.books.note(ticks);
                    }
                }
                Input::Loaded(Loaded::Ticks(vec![]))
            }
            Chore::Recall(changed) => {
                Input::Loaded(Loaded::Settings(changed, Remembered::default()))
            }
        };
        self.soon(place, Happening::Deliver(input));
    }

    pub(super) fn read(&mut self, place: usize, load: Load) {
        let actor = &mut self.actors[place];
        actor.readings += 1;
        let reading = actor.readings;
        let (books, now) = (&mut self.books, self.now);
        let loaded = match load {
            Load::Series => Loaded::Series(books.list(reading, now)),
            Load::One(key) => Loaded::One(Box::new(books.shelf(&key).entry(reading, now))),
            Load::Newest => Loaded::Newest(books.newest_runs(NEWEST as usize)),
            Load::Runs => Loaded::Runs(books.newest_runs(20)),
            Load::Ledger => Loaded::Ledgers(self.ledgers()),
            Load::Total => Loaded::Total(0),
            Load::Ticks => Loaded::Ticks(vec![]),
            _ => return,
        };
        let input = if self.is_away() {
            Input::StoreFailed(Self::away())
        } else {
            Input::Loaded(loaded)
        };
        self.soon(place, Happening::Deliver(input));
    }

    pub(super) fn ledgers(&self) -> Vec<(SourceId, Ledger)> {
        let sources = self.books.quotas.iter().map(|(source, _)| source);
        let ledger = |source: &SourceId| (source.clone(), self.books.ledger(source, self.now));
        sources.map(ledger).collect()
    }

    pub(super) fn beat(&mut self, place: usize) {
        let now = self.now;
        let actor = &mut self.actors[place];
        let Some(state) = actor.state.as_ref().filter(|_| !actor.is_beating) else {
            return;
        };
        actor.wanted = state.wanted_lanes();
        let Some(wanted) = actor.wanted.clone() else {
            return;
        };
        let held = state.leases();
        actor.is_beating = true;
        let sent = BeatSent {
            wanted,
            held,
            at: now,
        };
        self.soon(place, Happening::BeatSent(sent));
    }

    pub(super) fn beat_at_store(&mut self, place: usize, sent: &BeatSent) {
        if self.is_away() {
            let failed = Input::BeatFailed(Self::away());
            self.soon(place, Happening::BeatEnded(failed));
            return;
        }
        let (lives, now) = (self.lives(), self.now);
        let actor = &mut self.actors[place];
        let leased = self.books.beat(
            (actor.id, &sent.wanted),
            (now, now + LEASE),
            now + actor.ahead,
            |engine| lives.contains(&engine),
        );
        let all: Vec<Lease> = leased.iter().map(|leased| leased.lease.clone()).collect();
        actor.trust = (all.clone(), sent.at + LEASE - MARGIN);
        let new = leased.into_iter();
        let new: Vec<_> = new
            .filter(|leased| !sent.held.contains(&leased.lease))
            .collect();
        actor.readings += 1;
        let reading = actor.readings;
        let won = (!new.is_empty()).then(|| Handover {
            lanes: new,
            read: Read {
                due_ticks: self.books.due_ticks(),
                cut_short: self.books.cut_short(),
                list: self.books.list(reading, now),
                ledgers: self.ledgers(),
            },
            sent_by_starts: BTreeMap::new(),
        });
        let pulse = Pulse {
            engines: None,
            leases: all,
            won,
        };
        self.soon(place, Happening::BeatEnded(Input::Beat(Box::new(pulse))));
    }

    /// Ends runs whose engines are dead.
    pub(super) fn rescue(&mut self, place: usize) {
        if self.is_away() {
            let failed = Input::StoreFailed(Self::away());
            self.soon(place, Happening::Deliver(failed));
            return;
        }
        let lives = self.lives();
        let mut found = vec![];
        for (number, run) in self.books.runs.iter_mut().enumerate() {
            if !run.is_over && !lives.contains(&run.by) {
                (run.is_over, run.was_cut_short) = (true, true);
                found.push(RunId(i64::try_from(number).unwrap()));
            }
        }
        for request in &mut self.books.requests {
            if request.fate == RequestFate::Reserved && !lives.contains(&request.by) {
                request.fate = RequestFate::Failed;
                request.ended_at = Some(self.now);
            }
        }
        if !found.is_empty() {
            let event = Input::Run(Event::Interrupted(found));
            self.soon(place, Happening::Deliver(event));
        }
    }
}
