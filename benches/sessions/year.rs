//! Sessions one after another: who is asked on each, what that brings, and what is lost.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use pipeline_tui::config::Secret;
use pipeline_tui::db::{Access, Credential, SeriesFacts, open_sqlite};
use pipeline_tui::model::{
    Coverage, Declared, Grid, Interval, Priority, SeriesKey, SourceId, Span, Spoken,
};
use pipeline_tui::pipeline::planner::{Candidate, Room, plan};
use pipeline_tui::pipeline::schedule::Schedule;
use pipeline_tui::pipeline::sources::{self, alpha_vantage::AlphaVantage};
use pipeline_tui::pipeline::{Lane, Once, Persistence, Pipeline, Unreadable};
use pipeline_tui::time::Clock;

const SESSIONS: usize = 250;
/// Bars of an answer.
const NEWEST: usize = 100;
const BEGINS: &str = "2025-06-02T12:00:00Z";

/// Sessions on which nothing is answered.
pub type Outage = Option<Range<usize>>;

/// Who is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Planner,
    RoundRobin,
    List,
}

impl Order {
    pub const fn words(self) -> &'static str {
        match self {
            Self::Planner => "planner",
            Self::RoundRobin => "round robin",
            Self::List => "list",
        }
    }
}

/// How a year went.
#[derive(Debug, Default)]
pub struct Told {
    pub lost: u64,
    /// Bars that came after the first day.
    pub all: u64,
    pub requests: u32,
    /// Requests that brought no new bar.
    pub in_vain: u32,
    pub most_a_day: usize,
    /// After each run once every series was asked for: sessions that each series lacks.
    pub staleness: Vec<f64>,
}

struct Watched {
    series: SeriesKey,
    grid: Grid,
    facts: SeriesFacts,
}

pub struct Year {
    pipeline: Pipeline,
    hands: Arc<AtomicI64>,
    schedule: Schedule,
    watched: Vec<Watched>,
    next: usize,
    /// When the series were put on the watch list.
    begins: DateTime<Utc>,
    _folder: tempfile::TempDir,
}

impl Year {
    /// A watch list of so many series, on a free key.
    pub async fn of(minutes: u32, daily: u32) -> Self {
        let begins: DateTime<Utc> = BEGINS.parse().unwrap();
        let hands = Arc::new(AtomicI64::new(begins.timestamp()));
        let told = Arc::clone(&hands);
        let clock = Clock::from_fn(move || {
            DateTime::from_timestamp(told.load(Ordering::Relaxed), 0).unwrap_or_default()
        });
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bars.db");
        let url = "http://127.0.0.1:9/query".parse().unwrap();
        let source = AlphaVantage::new(url, Secret::new("a key"), false, clock.clone()).unwrap();
        let credential = Credential {
            source: SourceId::DEFAULT,
            fingerprint: "bench".to_owned(),
            plan: "free".to_owned(),
        };
        let pipeline = Pipeline {
            store: open_sqlite(&file, Access::ReadWrite).await.unwrap(),
            lanes: vec![Lane::of(Arc::new(source), credential)],
            answers_limit: 0,
            persistence: Persistence::new(folder.path().join("spool")),
            calendars: sources::calendars(),
            clock,
            unreadable: Unreadable::default(),
            stocktaking: Once::default(),
        };
        let intervals = (0..minutes).map(|_| Interval::Min5);
        let intervals = intervals.chain((0..daily).map(|_| Interval::Daily));
        let watched = intervals.enumerate().map(|(number, interval)| {
            let series = SeriesKey::raw(format!("S{number}").parse().unwrap(), interval);
            Watched {
                grid: pipeline.grid(&series),
                facts: SeriesFacts {
                    failure: None,
                    fetched_at: None,
                    bars: 0,
                    oldest: None,
                    newest: None,
                    recent: vec![],
                    coverage: Coverage::default(),
                    listing: None,
                },
                series,
            }
        });
        let watched = watched.collect();
        Self {
            pipeline,
            hands,
            schedule: Schedule::after_close(),
            watched,
            next: 0,
            begins,
            _folder: folder,
        }
    }

    pub fn run(mut self, order: Order, outage: &Outage) -> Told {
        let begins = self.begins;
        let per_day = self.pipeline.lanes[0].policy.quota.per_day().unwrap();
        let mut told = Told::default();
        for session in 0..SESSIONS {
            let now = self.pipeline.clock.now();
            let now = self.schedule.next_after(&self.pipeline.calendars, now);
            self.hands
                .store(now.unwrap().timestamp(), Ordering::Relaxed);
            let now = self.pipeline.clock.now();
            if outage
                .as_ref()
                .is_some_and(|outage| outage.contains(&session))
            {
                continue;
            }
            let most = usize::try_from(per_day).unwrap();
            let chosen = match order {
                Order::Planner => self.planned(per_day, now),
                Order::List => (0..self.watched.len()).take(most).collect(),
                Order::RoundRobin => {
                    let count = self.watched.len();
                    let chosen = (0..most.min(count)).map(|place| (self.next + place) % count);
                    let chosen = chosen.collect();
                    self.next = (self.next + most) % count;
                    chosen
                }
            };
            told.most_a_day = told.most_a_day.max(chosen.len());
            for place in chosen {
                told.requests += 1;
                told.in_vain += u32::from(self.watched[place].answer(now) == 0);
            }
            if self.watched.iter().all(|one| one.known_to().is_some()) {
                told.staleness
                    .extend(self.watched.iter().map(|one| one.lacks(now)));
            }
        }
        let now = self.pipeline.clock.now();
        for one in &self.watched {
            let year = Span::new(begins, one.newest(now).0);
            told.all += one.grid.count(year);
            let gaps = one.facts.coverage.never_asked(year);
            told.lost += gaps.iter().map(|gap| one.grid.count(*gap)).sum::<u64>();
        }
        told
    }

    /// The places of the series that the planner sends now.
    fn planned(&self, per_day: u32, now: DateTime<Utc>) -> Vec<usize> {
        let quota = self.pipeline.lanes[0].policy.quota;
        let calendars = (&self.schedule, &self.pipeline.calendars);
        let room = Room::of((&quota, per_day), calendars, Some(now), now).unwrap();
        let candidates = self.watched.iter().map(|one| {
            let stand =
                self.pipeline
                    .stand(one.series.clone(), &one.facts, &Declared::default(), None);
            Candidate {
                series: one.series.clone(),
                priority: Priority::Normal,
                price: 1,
                due_from: stand.truth.is_due.then_some(now),
                known_to: one.known_to(),
                safe_until: self.pipeline.safe_until(&stand, self.begins),
                target: None,
                backlog: None,
                rides: None,
                obstacle: None,
                at: stand.truth.is_due.then_some(now),
            }
        });
        let rooms = [(SourceId::DEFAULT, room)];
        let plan = plan(candidates.collect(), &rooms, now);
        let sent: BTreeSet<&SeriesKey> = plan.until(now).collect();
        let places = self.watched.iter().enumerate();
        let sent = places.filter(|(_, one)| sent.contains(&one.series));
        sent.map(|(place, _)| place).collect()
    }
}

impl Watched {
    fn known_to(&self) -> Option<DateTime<Utc>> {
        let bounds = self.facts.coverage.asked().bounds();
        bounds.map(|bounds| bounds.to)
    }

    /// Where the newest hundred bars begin and end.
    fn newest(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let days = if self.grid.interval.is_intraday() {
            5
        } else {
            200
        };
        let slots = self.grid.slots(Span::new(now - TimeDelta::days(days), now));
        let due: Vec<_> = slots.filter(|slot| slot.due <= now).collect();
        let first = due.len().saturating_sub(NEWEST);
        // Bars of the extended hours are among the hundred: of 5min, those of eight hours and twenty minutes.
        let from = if self.grid.interval.is_intraday() {
            now - self.grid.interval.length() * 100
        } else {
            due[first].span.from
        };
        (from, due.last().unwrap().span.to)
    }

    /// Takes in an answer; returns how many bars are new.
    fn answer(&mut self, now: DateTime<Utc>) -> u64 {
        let (from, to) = self.newest(now);
        let asked = Span::new(from, to);
        let gaps = self.facts.coverage.asked().gaps(asked);
        let new = gaps.iter().map(|gap| self.grid.count(*gap)).sum();
        self.facts.coverage.hear(
            &Spoken {
                asked,
                settled_to: from,
                complete_to: to,
                newest_at: Some(now),
            },
            None,
        );
        new
    }

    /// Sessions that it lacks.
    fn lacks(&self, now: DateTime<Utc>) -> f64 {
        let daily = Grid {
            interval: Interval::Daily,
            ..self.grid.clone()
        };
        let known = self.known_to().unwrap_or(now);
        let due = daily.newest_due(now).map_or(now, |slot| slot.span.to);
        daily.count(Span::new(known, due)) as f64
    }
}
