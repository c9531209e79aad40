//! What happens, in order: each thing at its instant, caused by one before it or by a seed.

mod promised;
mod running;
mod stored;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, VecDeque};
use std::hash::{Hash as _, Hasher as _};
use std::time::Duration;

use fastrand::Rng;

use super::actor::{Actor, RunAtWork};
use super::books::{Books, RequestFate, RequestLine, RunLine, Shelf};
use super::*;
use crate::model::quota::{Decision, Window, WindowSpan};
use crate::model::tick::{Tick, TickOutcome};
use crate::model::{EngineId, LaneName, Lease, SeriesStatus};

const BEGINS: &str = "2026-05-04T06:00:00Z";
const ENGINES: usize = 4;
/// While faults happen, and then until everything must be well.
const DAYS: [TimeDelta; 2] = [TimeDelta::days(30), TimeDelta::days(4)];
/// Slower than the program's, in the same proportion: a month has fewer beats.
const BEAT: TimeDelta = TimeDelta::hours(1);
const LEASE: TimeDelta = TimeDelta::hours(6);
const MARGIN: TimeDelta = TimeDelta::minutes(10);
/// How often a write that waits for the store is tried.
const AGAIN: TimeDelta = TimeDelta::seconds(5);
/// How long after its end a pair's bar is there.
const DELAY: TimeDelta = TimeDelta::seconds(2);
/// How long a wrong clock may show in what an engine asks for.
const SHAKEN: TimeDelta = TimeDelta::days(3);
/// Lines that are told of a run.
const TOLD: usize = 60;

/// How the provider answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    /// With the bars there were when the request came.
    Bars(DateTime<Utc>),
    DaySpent,
    Down,
}

/// A job on the store of which an engine does one after the other.
#[derive(Debug)]
enum Chore {
    ActedOn(Lease, DateTime<Utc>),
    NoteTicks(Vec<(Lease, Vec<Tick>)>),
    Recall(u32),
}

/// A beat on its way to the store.
#[derive(Debug)]
struct BeatSent {
    wanted: Vec<LaneName>,
    held: Vec<Lease>,
    at: DateTime<Utc>,
}

#[derive(Debug)]
enum Happening {
    Fault,
    Calm,
    Restart,
    Tick,
    Beat,
    BeatSent(BeatSent),
    BeatEnded(Input),
    Deliver(Input),
    Read(Load),
    Chore(Chore),
    Rescue,
    Begin(&'static str),
    Next,
    Send(usize),
    Answer(usize, Reply),
}

/// Whom something concerns: which engine, in which of its lives; `None`: in any.
#[derive(Debug, Clone, Copy)]
struct Whom(usize, Option<u32>);

pub(super) struct World {
    now: DateTime<Utc>,
    numbered: u64,
    coming: BTreeMap<(DateTime<Utc>, u64), (Whom, Happening)>,
    rng: Rng,
    books: Books,
    actors: Vec<Actor>,
    /// When a clock last jumped, by engine.
    shaken: [DateTime<Utc>; ENGINES],
    /// The next instant of the schedule.
    closes_at: DateTime<Utc>,
    down_until: DateTime<Utc>,
    refuses_until: DateTime<Utc>,
    is_calm: bool,
    /// Requests that the provider has seen.
    came: BTreeSet<usize>,
    /// Requests under a lease.
    leased: BTreeSet<usize>,
    wrong: Vec<String>,
    trail: DefaultHasher,
    happened: usize,
    /// What happened last, in words; only where somebody wants to read it.
    last_lines: Option<VecDeque<String>>,
}

fn coinbase() -> SourceId {
    SourceId::known("coinbase")
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let now = at(BEGINS);
        let daily = Quota::daily(TimeDelta::milliseconds(1_200), Some(25), New_York);
        let second = Window {
            limit: 10,
            span: WindowSpan::Rolling(TimeDelta::seconds(1)),
        };
        let around = Quota {
            windows: [Some(second), None, None],
            ..Quota::unlimited(chrono_tz::UTC)
        };
        let pairs = Grid {
            interval: Interval::Daily,
            calendar: CalendarId::Always.into(),
            publishing: Publishing {
                delay: DELAY,
                ..Publishing::UNKNOWN
            },
        };
        let mut shelves: Vec<Shelf> = ["IBM", "AAPL", "MSFT", "GOOGL"]
            .map(|symbol| Shelf::new("alpha_vantage", symbol, Interval::Daily, grid()))
            .into();
        shelves.extend(
            ["BTC-USD", "ETH-USD"]
                .map(|symbol| Shelf::new("coinbase", symbol, Interval::Daily, pairs.clone())),
        );
        Self {
            now,
            numbered: 0,
            coming: BTreeMap::new(),
            rng: Rng::with_seed(seed),
            books: Books {
                lanes: BTreeMap::new(),
                ticks: BTreeMap::new(),
                shelves,
                requests: vec![],
                runs: vec![],
                quotas: vec![(SourceId::DEFAULT, daily), (coinbase(), around)],
                away_until: now,
            },
            actors: (0..ENGINES).map(|_| Actor::dead()).collect(),
            shaken: [DateTime::UNIX_EPOCH; ENGINES],
            closes_at: now,
            down_until: now,
            refuses_until: now,
            is_calm: false,
            came: BTreeSet::new(),
            leased: BTreeSet::new(),
            wrong: vec![],
            trail: DefaultHasher::new(),
            happened: 0,
            last_lines: None,
        }
    }

    /// Lets the month pass.
    pub(super) fn run(&mut self) {
        for place in 0..ENGINES {
            let after = self.between(TimeDelta::seconds(1), TimeDelta::hours(2));
            self.push(after, Whom(place, None), Happening::Restart);
        }
        self.push(TimeDelta::hours(3), Whom(0, None), Happening::Fault);
        self.push(DAYS[0], Whom(0, None), Happening::Calm);
        let ends = self.now + DAYS[0] + DAYS[1];
        while let Some(((instant, _), (whom, what))) = self.coming.pop_first() {
            if instant > ends || !self.wrong.is_empty() {
                break;
            }
            self.now = instant;
            self.happen(whom, what);
        }
    }

    fn happen(&mut self, Whom(place, life): Whom, what: Happening) {
        let actor = &self.actors[place];
        if life.is_some_and(|life| life != actor.life || actor.state.is_none()) {
            return;
        }
        if life.is_some() && actor.frozen_until > self.now {
            let thaw = actor.frozen_until - self.now;
            self.push(thaw, Whom(place, life), what);
            return;
        }
        self.tell(place, &what);
        match what {
            Happening::Fault => self.fault(),
            Happening::Calm => self.calm(),
            Happening::Restart => self.restart(place),
            Happening::Tick => self.tick(place),
            Happening::Beat => {
                self.after(BEAT, place, Happening::Beat);
                self.beat(place);
            }
            Happening::BeatSent(sent) => self.beat_at_store(place, &sent),
            Happening::BeatEnded(input) => {
                self.actors[place].is_beating = false;
                self.step(place, input);
            }
            Happening::Deliver(input) => self.step(place, input),
            Happening::Read(load) => self.read(place, load),
            Happening::Chore(chore) => self.chore(place, chore),
            Happening::Rescue => self.rescue(place),
            Happening::Begin(trigger) => self.begin(place, trigger),
            Happening::Next => self.next(place),
            Happening::Send(request) => self.send(place, request),
            Happening::Answer(request, reply) => self.answer(place, (request, reply)),
        }
    }

    fn tell(&mut self, place: usize, what: &Happening) {
        (self.now, place, std::mem::discriminant(what)).hash(&mut self.trail);
        self.happened += 1;
        let Some(lines) = &mut self.last_lines else {
            return;
        };
        let brief = match what {
            Happening::Deliver(Input::Loaded(_)) | Happening::BeatEnded(_) => "read".to_owned(),
            what => format!("{what:?}").chars().take(200).collect(),
        };
        lines.push_back(format!(
            "{} {place} {brief}",
            self.now.format("%d %H:%M:%S%.3f")
        ));
        if lines.len() > TOLD {
            lines.pop_front();
        }
    }

    /// How much happened, and a sum of it.
    pub(super) fn trail(&self) -> (usize, u64) {
        (self.happened, self.trail.finish())
    }

    /// What happened last in a month with this seed.
    pub(super) fn told(seed: u64) -> String {
        let mut world = Self::new(seed);
        world.last_lines = Some(VecDeque::new());
        world.run();
        let lines = world.last_lines.unwrap_or_default();
        Vec::from(lines).join("\n")
    }

    fn push(&mut self, after: TimeDelta, whom: Whom, what: Happening) {
        self.numbered += 1;
        let place = (self.now + after, self.numbered);
        self.coming.insert(place, (whom, what));
    }

    /// Something of this life of an engine.
    fn after(&mut self, after: TimeDelta, place: usize, what: Happening) {
        let life = self.actors[place].life;
        self.push(after, Whom(place, Some(life)), what);
    }

    /// The same, as soon as messages take.
    fn soon(&mut self, place: usize, what: Happening) {
        let after = self.between(TimeDelta::milliseconds(1), TimeDelta::seconds(2));
        self.after(after, place, what);
    }

    /// A time, of which each order of size is as likely.
    fn between(&mut self, least: TimeDelta, most: TimeDelta) -> TimeDelta {
        let ratio = most.as_seconds_f64() / least.as_seconds_f64();
        let seconds = least.as_seconds_f64() * ratio.powf(self.rng.f64());
        let whole = Duration::from_secs_f64(seconds).as_millis();
        TimeDelta::milliseconds(whole.try_into().unwrap())
    }

    fn is_away(&self) -> bool {
        self.now < self.books.away_until
    }

    fn away() -> DbError {
        DbError::silent()
    }

    fn lives(&self) -> Vec<EngineId> {
        let living = self.actors.iter().filter(|actor| actor.state.is_some());
        living.map(|actor| actor.id).collect()
    }

    fn fault(&mut self) {
        if self.is_calm {
            return;
        }
        let (second, day) = (TimeDelta::seconds(10), TimeDelta::days(1));
        let place = self.rng.usize(0..ENGINES);
        match self.rng.u8(0..10) {
            0..=2 => {
                self.actors[place].state = None;
                self.actors[place].task = None;
                let after = self.between(second, day);
                self.push(after, Whom(place, None), Happening::Restart);
            }
            3..=5 => {
                let after = self.between(second, day);
                self.actors[place].frozen_until = self.now + after;
            }
            6 => self.books.away_until = self.now + self.between(second, TimeDelta::hours(12)),
            7 => self.down_until = self.now + self.between(second, day),
            8 => self.refuses_until = self.now + self.between(second, day),
            _ => {
                let hours = TimeDelta::hours(2);
                let ahead = self.between(second, hours);
                let ahead = [ahead, -ahead, TimeDelta::zero()][self.rng.usize(0..3)];
                self.actors[place].ahead = ahead;
                self.shaken[place] = self.now;
            }
        }
        if self.rng.u8(0..10) == 0 {
            self.after(
                second,
                place,
                Happening::Deliver(Input::Command(Command::FetchDue)),
            );
        }
        let after = self.between(TimeDelta::minutes(1), TimeDelta::hours(20));
        self.push(after, Whom(0, None), Happening::Fault);
    }

    /// From now on everything works.
    fn calm(&mut self) {
        self.is_calm = true;
        self.books.away_until = self.now;
        (self.down_until, self.refuses_until) = (self.now, self.now);
        for place in 0..ENGINES {
            self.actors[place].ahead = TimeDelta::zero();
            self.shaken[place] = self.now;
            // What was put off until it thaws comes then.
            if self.actors[place].state.is_none() {
                self.restart(place);
            }
        }
    }

    fn restart(&mut self, place: usize) {
        if self.actors[place].state.is_some() {
            return;
        }
        let id = self.rng.u128(..);
        self.actors[place].begin(id, &self.books);
        self.soon(place, Happening::Read(Load::Newest));
        self.soon(place, Happening::Tick);
        self.soon(place, Happening::Beat);
    }

    fn tick(&mut self, place: usize) {
        // Soon after something is due, and now and then.
        if self.closes_at <= self.now {
            let next = Schedule::after_close().next_after(&Calendars::default(), self.now);
            self.closes_at = next.unwrap();
        }
        let midnight = (self.now - DELAY)
            .date_naive()
            .and_time(chrono::NaiveTime::MIN)
            .and_utc();
        let due = self.closes_at.min(midnight + TimeDelta::days(1)) - self.now;
        let in_time = due + self.between(TimeDelta::seconds(3), TimeDelta::seconds(90));
        let some = self.between(TimeDelta::minutes(1), TimeDelta::hours(24));
        self.after(in_time.min(some), place, Happening::Tick);
        self.step(place, Input::Tick);
    }

    fn step(&mut self, place: usize, input: Input) {
        let actor = &self.actors[place];
        let is_over = !actor.trust.0.is_empty() && self.now >= actor.trust.1;
        let first = is_over.then_some(Input::TrustOver);
        for input in first.into_iter().chain([input]) {
            let actor = &mut self.actors[place];
            let clock = self.now + actor.ahead;
            let Some(state) = &mut actor.state else {
                return;
            };
            for job in state.step(input, clock) {
                self.carry_out(place, job);
            }
        }
        let state = self.actors[place].state.as_ref();
        if state.and_then(State::wanted_lanes) != self.actors[place].wanted {
            self.beat(place);
        }
    }

    fn carry_out(&mut self, place: usize, job: Job) {
        let actor = &mut self.actors[place];
        let Some(state) = &actor.state else { return };
        match job {
            Job::Run(run) => {
                assert!(actor.task.is_none(), "two runs at once");
                actor.task = Some(RunAtWork {
                    run: RunId(-1),
                    waiting: run.series.into(),
                    leases: run.leases,
                    lost: BTreeSet::new(),
                    is_cancelled: false,
                    reports: vec![],
                });
                self.soon(place, Happening::Begin(run.trigger));
            }
            Job::CancelRun => {
                if let Some(task) = &mut actor.task {
                    task.is_cancelled = true;
                }
            }
            Job::CancelLanes(lanes) => {
                if let Some(task) = &mut actor.task {
                    task.lost.extend(lanes);
                }
            }
            Job::Load(load) => self.soon(place, Happening::Read(load)),
            Job::ActedOn(source, at) => {
                if let Some(lease) = state.lease(&source.into()) {
                    self.chore_later(place, Chore::ActedOn(lease, at));
                }
            }
            Job::NoteTicks(ticks) => {
                let mut of_lanes: BTreeMap<SourceId, Vec<Tick>> = BTreeMap::new();
                for tick in ticks {
                    of_lanes.entry(tick.source.clone()).or_default().push(tick);
                }
                let leased = of_lanes
                    .into_iter()
                    .filter_map(|(source, ticks)| Some((state.lease(&source.into())?, ticks)));
                let leased = leased.collect();
                self.chore_later(place, Chore::NoteTicks(leased));
            }
            Job::Recall(changed) => self.chore_later(place, Chore::Recall(changed)),
            Job::Rescue => self.soon(place, Happening::Rescue),
            // Alerts, history and words are beside the point.
            _ => {}
        }
    }
}
