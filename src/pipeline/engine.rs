//! The engine: one task that owns the state, turns its decisions into work and the results into
//! inputs. It decides nothing itself.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::command::Command;
use super::notice::Notice;
use super::run::{Pipeline, RunRequest};
use super::schedule::Schedule;
use super::snapshot::{BarsPage, ProviderStatus, Snapshot, StoreStatus};
use super::source::{FetchOptions, SymbolWish};
use super::state::{Entry, Handover, Input, Job, Live, Load, Loaded, Start, State};
use crate::db::{BarQuery, DbError, RunLock};
use crate::model::SeriesKey;

/// Commands that may wait: more than a person types while one frame is drawn.
const COMMANDS: usize = 64;
/// Results that may wait: a few for each series in flight.
const INPUTS: usize = 256;
/// Notices that may wait for whoever shows them; more are dropped and counted.
const NOTICES: usize = 256;
/// Runs that a snapshot holds.
const RUNS: u32 = 100;
/// The schedule is looked at this often: timers do not run while a machine sleeps, clocks do.
const TICK: Duration = Duration::from_secs(1);

/// The way to a running engine.
#[derive(Debug)]
pub struct Handle {
    /// What is wanted.
    pub commands: mpsc::Sender<Command>,
    /// What is true; the newest is all one needs.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What happens.
    pub notices: mpsc::Receiver<Notice>,
    /// Ends when the engine has ended; an error is a crash.
    pub ended: JoinHandle<()>,
}

/// What an engine starts from.
#[derive(Debug)]
pub struct EngineOptions {
    /// Whose data it is.
    pub provider: ProviderStatus,
    /// The watch list of an empty store.
    pub watch: Vec<SeriesKey>,
    /// Series of this process alone, instead of the store's watch list.
    pub only: Option<Vec<SeriesKey>>,
    /// The schedule of a store that remembers none.
    pub schedule: Schedule,
    /// How often the schedule is looked at; `None`: every second.
    pub tick: Option<Duration>,
}

/// Starts the engine over a pipeline. Errors are those of the store.
pub async fn start(pipeline: Arc<Pipeline>, options: EngineOptions) -> Result<Handle, DbError> {
    let store = &pipeline.store;
    let remembered = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
    let health = store.health().await?;
    if options.only.is_none() {
        store.fill_watch_list(options.watch.clone()).await?;
    }
    let state = State::new(Start {
        provider: options.provider,
        store: StoreStatus {
            name: format!("{} {}", store.backend(), store.location()),
            bars: health.bars,
            lost: None,
        },
        per_day: pipeline.limits.per_day,
        schedule: remembered(store.setting("schedule").await?).unwrap_or(options.schedule),
        paused: store.setting("paused").await?.as_deref() == Some("true"),
        last_tick: store
            .setting("last_tick")
            .await?
            .and_then(|text| text.parse::<DateTime<Utc>>().ok()),
    });
    let (commands, wanted) = mpsc::channel(COMMANDS);
    let (inputs, results) = mpsc::channel(INPUTS);
    let (tell, notices) = mpsc::channel(NOTICES);
    let first = Arc::new(state.snapshot(0, pipeline.clock.now()));
    let (publish, snapshots) = watch::channel(first);
    let engine = Engine {
        pipeline,
        only: options.only,
        state,
        inputs,
        tell,
        publish,
        dropped: 0,
        cancel: CancellationToken::new(),
        cancel_ask: CancellationToken::new(),
        schedule_lock: None,
    };
    let ended = tokio::spawn(engine.run(wanted, results, options.tick.unwrap_or(TICK)));
    Ok(Handle {
        commands,
        snapshots,
        notices,
        ended,
    })
}

/// What reaches the engine's task from the work it let run.
enum Message {
    Input(Input),
    /// The schedule's lock and what goes with it, or that another process has it.
    Lock(Option<(Box<dyn RunLock>, Handover)>),
}

struct Engine {
    pipeline: Arc<Pipeline>,
    only: Option<Vec<SeriesKey>>,
    state: State,
    inputs: mpsc::Sender<Message>,
    tell: mpsc::Sender<Notice>,
    publish: watch::Sender<Arc<Snapshot>>,
    dropped: u64,
    /// Of the run at work.
    cancel: CancellationToken,
    /// Of the question about symbols.
    cancel_ask: CancellationToken,
    /// Held while this process fetches on schedule.
    schedule_lock: Option<Box<dyn RunLock>>,
}

impl Engine {
    async fn run(
        mut self,
        mut wanted: mpsc::Receiver<Command>,
        mut results: mpsc::Receiver<Message>,
        tick: Duration,
    ) {
        let mut ticks = tokio::time::interval(tick);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        for load in [Load::Series, Load::Runs, Load::Ledger] {
            self.load(load);
        }
        let mut published = u64::MAX;
        loop {
            let input = tokio::select! {
                biased;
                Some(message) = results.recv() => match message {
                    Message::Input(input) => input,
                    Message::Lock(won) => {
                        let (lock, handover) = won.unzip();
                        self.schedule_lock = lock;
                        Input::Owner(handover)
                    }
                },
                command = wanted.recv() => Input::Command(command.unwrap_or(Command::Shutdown)),
                _ = ticks.tick() => Input::Tick,
            };
            let now = self.pipeline.clock.now();
            let mut is_over = false;
            for job in self.state.step(input, now) {
                is_over |= job == Job::Finish;
                self.carry_out(job);
            }
            if self.state.revision() != published {
                published = self.state.revision();
                self.publish
                    .send_replace(Arc::new(self.state.snapshot(self.dropped, now)));
            }
            if is_over {
                return;
            }
        }
    }

    fn carry_out(&mut self, job: Job) {
        match job {
            Job::Run(trigger, series) => self.start_run(trigger, series),
            Job::CancelRun => self.cancel.cancel(),
            Job::Ask(wish) => self.ask(wish),
            Job::CancelAsk => self.cancel_ask.cancel(),
            Job::Load(load) => self.load(load),
            Job::Save(name, value) => {
                let pipeline = Arc::clone(&self.pipeline);
                self.spawn(async move {
                    let saved = pipeline.store.set_setting(name, value).await;
                    saved.err().map(Input::StoreFailed)
                });
            }
            Job::Watch(series) => self.edit(series, true),
            Job::Unwatch(series) => self.edit(series, false),
            Job::TryOwn => {
                let (pipeline, inputs) = (Arc::clone(&self.pipeline), self.inputs.clone());
                let only = self.only.clone();
                tokio::spawn(async move {
                    let message = match own(&pipeline, only).await {
                        Ok(won) => Message::Lock(won),
                        Err(error) => Message::Input(Input::StoreFailed(error)),
                    };
                    let _ = inputs.send(message).await;
                });
            }
            Job::Disown => self.schedule_lock = None,
            Job::Tell(notice) => self.dropped += u64::from(self.tell.try_send(notice).is_err()),
            Job::Finish => {}
        }
    }

    /// Lets work run beside the engine; what it brings becomes an input.
    fn spawn(&self, work: impl Future<Output = Option<Input>> + Send + 'static) {
        let inputs = self.inputs.clone();
        tokio::spawn(async move {
            if let Some(input) = work.await {
                let _ = inputs.send(Message::Input(input)).await;
            }
        });
    }

    fn start_run(&mut self, trigger: &'static str, series: Vec<SeriesKey>) {
        self.cancel = CancellationToken::new();
        let (pipeline, cancel) = (Arc::clone(&self.pipeline), self.cancel.clone());
        let (events, inputs) = (self.inputs.clone(), self.inputs.clone());
        let request = RunRequest {
            trigger,
            series,
            options: FetchOptions::default(),
            max_age: None,
        };
        tokio::spawn(async move {
            // A dropped event costs a line of narration; the report and the store have it all.
            let observer =
                Arc::new(move |event| drop(events.try_send(Message::Input(Input::Run(event)))));
            let ended = pipeline.run(request, observer, cancel).await;
            let _ = inputs.send(Message::Input(Input::RunEnded(ended))).await;
        });
    }

    fn ask(&mut self, wish: SymbolWish) {
        self.cancel_ask = CancellationToken::new();
        let (pipeline, cancel) = (Arc::clone(&self.pipeline), self.cancel_ask.clone());
        self.spawn(async move {
            let ended = pipeline.symbols(&wish, cancel).await;
            Some(Input::Symbols(wish, ended))
        });
    }

    fn edit(&self, series: Vec<SeriesKey>, add: bool) {
        let (pipeline, only) = (Arc::clone(&self.pipeline), self.only.clone());
        self.spawn(async move {
            let store = &pipeline.store;
            let edited = if add {
                store.watch(series).await
            } else {
                store.unwatch(series).await
            };
            Some(match edited {
                Ok(()) => input(entries(&pipeline, only).await.map(Loaded::Series)),
                Err(error) => Input::StoreFailed(error),
            })
        });
    }

    fn load(&self, load: Load) {
        let (pipeline, only) = (Arc::clone(&self.pipeline), self.only.clone());
        self.spawn(async move {
            let store = &pipeline.store;
            Some(input(match load {
                Load::Series => entries(&pipeline, only).await.map(Loaded::Series),
                Load::Runs => store.runs(RUNS).await.map(Loaded::Runs),
                Load::Ledger => store
                    .ledger(pipeline.credential.clone())
                    .await
                    .map(Loaded::Ledger),
                Load::Total => store
                    .health()
                    .await
                    .map(|health| Loaded::Total(health.bars)),
                Load::Listings => store
                    .listings()
                    .await
                    .map(|(sent_at, listings)| Loaded::Listings(sent_at, listings)),
                Load::Run(run) => store.run(run).await.map(Loaded::Run),
                Load::Bars(window) => {
                    let query = BarQuery {
                        series: pipeline.stored_as(&window.series),
                        from: window.from,
                        to: window.until,
                        limit: window.limit,
                    };
                    let facts = store.facts(query.series.clone()).await;
                    match (store.bars(query).await, facts) {
                        (Ok(bars), Ok(facts)) => Ok(Loaded::Bars(BarsPage {
                            window,
                            bars,
                            total: facts.bars,
                            oldest: facts.oldest,
                            newest: facts.recent.first().map(|bar| bar.timestamp),
                        })),
                        (Err(error), _) | (_, Err(error)) => Err(error),
                    }
                }
            }))
        });
    }
}

/// Tries to take the schedule over, with what its owner must know.
async fn own(
    pipeline: &Pipeline,
    only: Option<Vec<SeriesKey>>,
) -> Result<Option<(Box<dyn RunLock>, Handover)>, DbError> {
    let Some(lock) = pipeline.store.own_schedule().await? else {
        return Ok(None);
    };
    let last_tick = pipeline
        .store
        .setting("last_tick")
        .await?
        .and_then(|text| text.parse().ok());
    let entries = entries(pipeline, only).await?;
    Ok(Some((lock, Handover { last_tick, entries })))
}

fn input(loaded: Result<Loaded, DbError>) -> Input {
    match loaded {
        Ok(loaded) => Input::Loaded(loaded),
        Err(error) => Input::StoreFailed(error),
    }
}

/// The watch list with what is known of each series.
async fn entries(pipeline: &Pipeline, only: Option<Vec<SeriesKey>>) -> Result<Vec<Entry>, DbError> {
    let keys = match only {
        Some(keys) => keys,
        None => pipeline.store.watch_list().await?,
    };
    let parked = pipeline.parked(&keys).await?;
    let mut entries = Vec::with_capacity(keys.len());
    for (key, parked) in keys.into_iter().zip(parked) {
        let stored = pipeline.stored_as(&key);
        let facts = pipeline.store.facts(stored.clone()).await?;
        entries.push(Entry {
            key,
            stored,
            facts,
            parked,
            live: Live::default(),
        });
    }
    Ok(entries)
}
