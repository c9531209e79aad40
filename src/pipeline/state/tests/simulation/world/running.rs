//! What a run does: one series after the other, each by a request.

use super::*;

impl World {
    pub(super) fn begin(&mut self, place: usize, trigger: &'static str) {
        let (now, away) = (self.now, self.is_away());
        let actor = &mut self.actors[place];
        let Some(task) = &mut actor.task else { return };
        if away {
            actor.task = None;
            let failed = Input::RunEnded(Err(Self::away()));
            self.soon(place, Happening::Deliver(failed));
            return;
        }
        task.run = RunId(i64::try_from(self.books.runs.len()).unwrap());
        let started = Event::Started {
            run: task.run,
            series: task.waiting.len(),
        };
        self.books.runs.push(RunLine {
            by: actor.id,
            started_at: now,
            trigger,
            is_over: false,
            was_cut_short: false,
            sources: task
                .leases
                .iter()
                .filter_map(|lease| lease.lane.source().cloned())
                .collect(),
        });
        self.soon(place, Happening::Deliver(Input::Run(started)));
        self.soon(place, Happening::Next);
    }

    /// The next series of a run, or its end.
    pub(super) fn next(&mut self, place: usize) {
        let now = self.now;
        if self.is_away() {
            self.after(AGAIN, place, Happening::Next);
            return;
        }
        let actor = &mut self.actors[place];
        let Some(task) = &mut actor.task else { return };
        let Some(series) = task.waiting.pop_front() else {
            let task = actor.task.take().unwrap();
            let number = usize::try_from(task.run.0).unwrap();
            self.books.runs[number].is_over = true;
            let report = RunReport {
                run: task.run,
                ..report(task.reports)
            };
            self.soon(place, Happening::Deliver(Input::RunEnded(Ok(report))));
            return;
        };
        let (run, lease) = (task.run, task.lease(&series).cloned());
        let is_person = task.leases.is_empty();
        let lane = LaneName::Source(series.source.clone());
        let is_stopped = task.is_cancelled || task.lost.contains(&lane);
        let may = is_person
            || lease
                .as_ref()
                .is_some_and(|lease| actor.relies_on(lease, now) && self.books.accepts(lease));
        let id = actor.id;
        if is_stopped || !may {
            let ended = SeriesReport::new(series, SeriesStatus::Interrupted);
            self.done(place, ended);
            return;
        }
        match self.books.decision(&series.source, now) {
            Decision::Grant => {
                self.check_start(place, (&series, lease.is_some()), run);
                self.books.requests.push(RequestLine {
                    series: series.clone(),
                    reserved_at: now,
                    ended_at: None,
                    fate: RequestFate::Reserved,
                    by: id,
                });
                let request = self.books.requests.len() - 1;
                if lease.is_some() {
                    self.leased.insert(request);
                }
                let sending = Event::Sending {
                    series: vec![series],
                    attempt: 1,
                };
                self.soon(place, Happening::Deliver(Input::Run(sending)));
                self.soon(place, Happening::Send(request));
            }
            Decision::Wait(until) | Decision::Held(until) => {
                if let Some(task) = &mut self.actors[place].task {
                    task.waiting.push_front(series);
                }
                self.after(until - now, place, Happening::Next);
            }
            Decision::DaySpent(_) | Decision::RetriesSpent => {
                let ended = SeriesReport::new(series, SeriesStatus::Refused);
                let ended = ended.with_error(SeriesStatus::Refused, ErrorClass::Day, "used up");
                self.done(place, ended);
            }
        }
    }

    pub(super) fn done(&mut self, place: usize, ended: SeriesReport) {
        if let Some(task) = &mut self.actors[place].task {
            task.reports.push(ended.clone());
        }
        self.soon(place, Happening::Deliver(Input::Run(Event::Done(ended))));
        self.soon(place, Happening::Next);
    }

    /// A request arrives at the provider.
    pub(super) fn send(&mut self, place: usize, request: usize) {
        if !self.came.insert(request) {
            self.wrong.push(format!("request {request} was sent twice"));
        }
        let is_limited = self.books.requests[request].series.source != coinbase();
        let reply = if self.now < self.down_until {
            Reply::Down
        } else if is_limited && self.now < self.refuses_until {
            Reply::DaySpent
        } else {
            Reply::Bars(self.now)
        };
        let after = self.between(TimeDelta::milliseconds(50), TimeDelta::seconds(30));
        self.after(after, place, Happening::Answer(request, reply));
    }

    /// Its answer arrives at the engine.
    pub(super) fn answer(&mut self, place: usize, (request, reply): (usize, Reply)) {
        if self.is_away() {
            self.after(AGAIN, place, Happening::Answer(request, reply));
            return;
        }
        let (now, actor) = (self.now, &self.actors[place]);
        let series = self.books.requests[request].series.clone();
        let lease = actor.task.as_ref().and_then(|task| task.lease(&series));
        let is_leased = self.leased.contains(&request);
        if is_leased && !lease.is_some_and(|lease| self.books.accepts(lease)) {
            let ended = SeriesReport::new(series, SeriesStatus::Interrupted);
            self.done(place, ended);
            return;
        }
        if is_leased {
            let holder = self.books.lanes[&LaneName::Source(series.source.clone())].engine;
            if holder != Some(self.books.requests[request].by) {
                self.wrong.push(format!("{now}: {place} stores late"));
            }
        }
        let line = &mut self.books.requests[request];
        line.ended_at = Some(now);
        let ended = SeriesReport::new(series.clone(), SeriesStatus::Succeeded);
        let ended = match reply {
            Reply::Bars(asked_at) => {
                line.fate = RequestFate::Stored;
                self.books.store(&series, asked_at);
                ended
            }
            Reply::DaySpent => {
                line.fate = RequestFate::DayRefused;
                ended.with_error(SeriesStatus::Refused, ErrorClass::Day, "used up")
            }
            Reply::Down => {
                line.fate = RequestFate::Failed;
                ended.with_error(SeriesStatus::Failed, ErrorClass::Outage, "down")
            }
        };
        self.done(place, ended);
    }
}
