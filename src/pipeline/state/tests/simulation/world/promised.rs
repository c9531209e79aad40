//! What must hold at each start, and in the end.

use super::*;

impl World {
    /// What must hold whenever a request starts.
    pub(super) fn check_start(
        &mut self,
        place: usize,
        (series, is_leased): (&SeriesKey, bool),
        run: RunId,
    ) {
        let (now, books) = (self.now, &self.books);
        let quota = books.quota(&series.source);
        let own = books.requests.iter();
        let own = own.filter(|line| line.series.source == series.source);
        let since = |time: TimeDelta| {
            let own = own.clone();
            own.filter(move |line| now - line.reserved_at < time)
                .count()
        };
        let today = own.clone();
        let today = today.filter(|line| line.reserved_at >= quota.day(now).0);
        let is_full = quota
            .per_day()
            .is_some_and(|limit| today.count() >= limit as usize);
        let too_many = quota.rolling().into_iter().flatten();
        let mut too_many = too_many.filter(|(limit, span)| since(*span) >= *limit as usize);
        if is_full || since(quota.gap) > 0 || too_many.next().is_some() {
            self.wrong
                .push(format!("{now}: {place} exceeds a limit with {series:?}"));
            return;
        }
        // A person elsewhere may ask for the same at the same time.
        let begun = books.runs[usize::try_from(run.0).unwrap()].started_at;
        let stored = books.requests.iter().enumerate();
        let mut stored =
            stored.filter(|(_, line)| line.series == *series && line.fate == RequestFate::Stored);
        let is_there = !books.lacks(series, now)
            && stored.next_back().is_some_and(|(number, line)| {
                line.ended_at < Some(begun) && self.leased.contains(&number)
            });
        let is_shaken = self.shaken.iter().any(|at| now - *at < SHAKEN)
            || self.actors[place].ahead != TimeDelta::zero();
        if is_leased && is_there && !is_shaken {
            self.wrong
                .push(format!("{now}: {place} asks again for {series:?}"));
        }
    }

    /// What is wrong when the month is over and nothing failed for days.
    pub(in super::super) fn wrong(&self) -> Vec<String> {
        let mut wrong = self.wrong.clone();
        if !wrong.is_empty() {
            return wrong;
        }
        let ago = |time: TimeDelta| self.now - time;
        for (name, lane) in &self.books.lanes {
            let believe = self.actors.iter().filter(|actor| {
                let state = actor.state.as_ref();
                state.and_then(|state| state.lease(name)).is_some()
            });
            let believe: Vec<EngineId> = believe.map(|actor| actor.id).collect();
            if believe != lane.engine.into_iter().collect::<Vec<_>>() {
                wrong.push(format!("lane {name}: {:?}, not {believe:?}", lane.engine));
            }
        }
        if self.books.lanes.len() != 3 {
            wrong.push(format!("lanes: {:?}", self.books.lanes));
        }
        for shelf in &self.books.shelves {
            if self.books.lacks(&shelf.key, ago(TimeDelta::hours(2))) {
                wrong.push(format!(
                    "{:?} is behind: {:?}",
                    shelf.key,
                    shelf.coverage.bounds()
                ));
            }
        }
        let undecided = self.books.due_ticks();
        let undecided = undecided
            .iter()
            .filter(|(at, _)| *at < ago(TimeDelta::hours(2)));
        wrong.extend(undecided.map(|tick| format!("undecided: {tick:?}")));
        let lives = self.lives();
        let open = self.books.runs.iter();
        let open = open.filter(|run| !run.is_over && !lives.contains(&run.by));
        wrong.extend(open.map(|run| format!("a dead engine's run is open: {run:?}")));
        // Each instant of the schedule has an outcome, whoever was away.
        let calendars = Calendars::default();
        let from = at(BEGINS) + TimeDelta::hours(3);
        let span = (from, ago(TimeDelta::hours(2)));
        for instant in Schedule::after_close().passed(&calendars, span, 100) {
            let noted = self.books.ticks.get(&(instant, SourceId::DEFAULT));
            let has_run = |tick: &Tick| tick.outcome != TickOutcome::Done || tick.run.is_some();
            if !noted.is_some_and(has_run) {
                wrong.push(format!("instant {instant}: {noted:?}"));
            }
        }
        wrong
    }
}
