//! The engine: one task that owns the state, turns its decisions into work and the results into
//! inputs. It decides nothing itself.

mod lanes;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::alerts::Alerts;
use super::beat;
use super::command::Command;
use super::errand::Errand;
use super::event::Observer;
use super::events::both;
use super::export::{ExportError, export_all};
use super::hold::{Holds, LaneHold, Trust};
use super::loading;
use super::notice::{CutShort, Exported, Notice};
use super::run::{Pipeline, RunRequest};
use super::schedule::Schedule;
use super::settings::remembered;
use super::snapshot::{Snapshot, StoreStatus};
use super::source::{FetchOptions, SymbolWish};
use super::state::{Input, Job, Load, Pulse, Start, StartRun, State};
use super::watching::Watching;
use crate::config::{EnteredKey, secret};
use crate::db::{DbError, RunLock};
use crate::model::bar_file::BarFile;
use crate::model::causes::Causes;
use crate::model::{EngineHome, Instrument, LaneName, Retention, SeriesKey, text};

/// Commands that may wait: more than a person types while one frame is drawn.
const COMMANDS: usize = 64;
/// Results that may wait: a few for each series in flight.
const INPUTS: usize = 256;
/// Notices that may wait to be shown; more are dropped and counted.
const NOTICES: usize = 256;
/// Inputs after which a snapshot is published even while more are waiting.
const BURST: u32 = 32;
/// How often the schedule is checked: timers stop while a machine sleeps, clocks do not.
const TICK: Duration = Duration::from_secs(1);
/// How often this engine says that it is there; more often where a lease is short.
const BEAT: Duration = Duration::from_secs(2);
/// How long an engine has a lane after it was last heard of.
pub const LEASE: Duration = Duration::from_secs(30);

/// A handle to a running engine.
#[derive(Debug)]
pub struct Handle {
    /// What to do.
    pub commands: mpsc::Sender<Command>,
    /// What is true; only the newest matters.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What happens.
    pub notices: mpsc::Receiver<Notice>,
    /// When the engine last took a turn, however little there was to do: it takes one a second.
    pub beat: watch::Receiver<Instant>,
    /// Ends when the engine has ended; an error is a crash.
    pub ended: JoinHandle<()>,
}

/// Makes a pipeline over the same store with all keys that were entered, or says why it cannot.
pub type Rekey = Arc<dyn Fn(&[EnteredKey]) -> Result<Arc<Pipeline>, String> + Send + Sync>;

/// What an engine starts with.
#[derive(Clone)]
pub struct EngineOptions {
    /// The watch list of an empty store. A read-only process shows it without storing it.
    pub watch: Vec<SeriesKey>,
    /// Series for this process only, instead of the store's watch list.
    pub only: Option<Vec<SeriesKey>>,
    /// The schedule if the store has none.
    pub schedule: Schedule,
    /// How often the schedule is checked; `None`: every second.
    pub tick: Option<Duration>,
    /// Neither spend requests nor write.
    pub read_only: bool,
    /// How to switch to another key; `None`: not possible.
    pub rekey: Option<Rekey>,
    /// Where exported series go.
    pub exports: PathBuf,
    /// What opens an alert, and where it is sent.
    pub alerts: Arc<Alerts>,
    /// What is kept of the history.
    pub retention: Retention,
    /// How long this engine has a lane after it was last heard of: [`LEASE`].
    pub lease: Duration,
}

impl fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineOptions")
            .field("schedule", &self.schedule)
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}

/// Starts the engine over a pipeline. Errors come from the store.
pub async fn start(pipeline: Arc<Pipeline>, options: EngineOptions) -> Result<Handle, DbError> {
    let store = &pipeline.store;
    let remembered = remembered(store).await?;
    let health = store.health().await?;
    if options.only.is_none() && !options.read_only {
        store.fill_watch_list(options.watch.clone()).await?;
    }
    let state = State::new(Start {
        sources: pipeline.sources(),
        store: StoreStatus {
            backend: store.backend(),
            location: store.location().to_owned(),
            bars: health.bars,
            lost: None,
            spooled: 0,
        },
        quotas: pipeline.quotas(),
        calendars: pipeline.calendars.clone(),
        read_only: options.read_only,
        own_list: options.only.is_some(),
        schedule: remembered.schedule.unwrap_or(options.schedule),
        paused: remembered.is_paused,
    });
    let (commands, wanted) = mpsc::channel(COMMANDS);
    let (inputs, results) = mpsc::channel(INPUTS);
    let (tell, notices) = mpsc::channel(NOTICES);
    let first = Arc::new(state.snapshot(0, pipeline.clock.now()));
    let (publish, snapshots) = watch::channel(first);
    let (turned, beat) = watch::channel(Instant::now());
    let engine = Engine {
        pipeline,
        watching: Watching {
            only: options.only,
            instead_of_none: options.read_only.then_some(options.watch),
            readings: Arc::default(),
        },
        rekey: options.rekey,
        entered: vec![],
        state,
        inputs,
        last_errand: None,
        tell,
        publish,
        turned,
        exports: options.exports,
        alerts: options.alerts,
        retention: options.retention,
        dropped: 0,
        cancel: CancellationToken::new(),
        cancel_ask: CancellationToken::new(),
        cancel_events: CancellationToken::new(),
        cancel_export: CancellationToken::new(),
        ended: CancellationToken::new(),
        home: beat::home(),
        lease: options.lease,
        presence: None,
        trust: watch::Sender::new(Arc::new(Trust::none())),
        beating: None,
        wanted: None,
        lane_cancels: BTreeMap::new(),
        read_only: options.read_only,
    };
    let ended = tokio::spawn(engine.run(wanted, results, options.tick));
    Ok(Handle {
        commands,
        snapshots,
        notices,
        beat,
        ended,
    })
}

/// What the engine's task receives from the work it started.
enum Message {
    Input(Box<Input>),
    /// What a beat found, and the lock that shows that this engine lives, if it was taken.
    Beat(Option<Box<dyn RunLock>>, Box<Pulse>),
}

impl Message {
    fn input(input: Input) -> Self {
        Self::Input(Box::new(input))
    }
}

struct Engine {
    pipeline: Arc<Pipeline>,
    watching: Watching,
    rekey: Option<Rekey>,
    /// The keys that were entered, each of another source.
    entered: Vec<EnteredKey>,
    state: State,
    inputs: mpsc::Sender<Message>,
    /// Completes when the last errand is over.
    last_errand: Option<oneshot::Receiver<()>>,
    tell: mpsc::Sender<Notice>,
    publish: watch::Sender<Arc<Snapshot>>,
    dropped: u64,
    exports: PathBuf,
    alerts: Arc<Alerts>,
    retention: Retention,
    /// When the last input was handled.
    turned: watch::Sender<Instant>,
    /// Stops the current run.
    cancel: CancellationToken,
    /// Stops the symbol request.
    cancel_ask: CancellationToken,
    /// Stops asking for splits and dividends.
    cancel_events: CancellationToken,
    /// Stops the current export.
    cancel_export: CancellationToken,
    /// Cancelled when this engine has ended.
    ended: CancellationToken,
    home: EngineHome,
    lease: Duration,
    /// Shows others that this engine lives.
    presence: Option<Box<dyn RunLock>>,
    /// Which leases this engine may rely on.
    trust: watch::Sender<Arc<Trust>>,
    /// The last beat.
    beating: Option<JoinHandle<()>>,
    /// The lanes that the last beat wanted.
    wanted: Option<Vec<LaneName>>,
    /// Stops what the current run does in a lane.
    lane_cancels: BTreeMap<LaneName, CancellationToken>,
    read_only: bool,
}

impl Engine {
    async fn run(
        mut self,
        mut wanted: mpsc::Receiver<Command>,
        mut results: mpsc::Receiver<Message>,
        tick: Option<Duration>,
    ) {
        let _ended = self.ended.clone().drop_guard();
        let mut ticks = tokio::time::interval(tick.unwrap_or(TICK));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut beats = tokio::time::interval(BEAT.min(self.lease / 4));
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        self.load(Load::Newest);
        let (mut published, mut behind) = (u64::MAX, 0);
        loop {
            let input = tokio::select! {
                biased;
                Some(message) = results.recv() => match message {
                    Message::Input(input) => *input,
                    Message::Beat(presence, pulse) => {
                        self.presence = presence.or(self.presence.take());
                        Input::Beat(pulse)
                    }
                },
                command = wanted.recv() => Input::Command(command.unwrap_or(Command::Shutdown)),
                _ = ticks.tick() => {
                    if tick.is_none() {
                        // On whole seconds, when a screen draws: one wake-up then serves both.
                        ticks.reset_after(to_tick(self.pipeline.clock.to_next_second()));
                    }
                    Input::Tick
                }
                _ = beats.tick() => {
                    self.beat();
                    continue;
                }
            };
            if let Input::StoreFailed(error) = &input {
                tracing::debug!(error = %Causes(error), "the store failed");
            }
            let now = self.pipeline.clock.now();
            // Before anything else is decided: this process may have been frozen.
            let is_untrusted = self.trust.send_if_modified(Trust::end_in_time);
            let first = is_untrusted.then_some(Input::TrustOver);
            let mut is_over = false;
            for input in first.into_iter().chain([input]) {
                for job in self.state.step(input, now) {
                    is_over |= job == Job::Finish;
                    self.carry_out(job);
                }
            }
            if self.state.wanted_lanes() != self.wanted {
                self.beat();
            }
            self.turned.send_replace(Instant::now());
            behind += 1;
            // Only the last snapshot of a burst matters, and the cost of each grows with the watch
            // list.
            let is_time = results.is_empty() || behind >= BURST || is_over;
            if is_time && self.state.revision() != published {
                (published, behind) = (self.state.revision(), 0);
                let mut snapshot = self.state.snapshot(self.dropped, now);
                for source in &mut snapshot.sources {
                    source.pause = self.pipeline.pause(&source.id, now);
                }
                self.publish.send_replace(Arc::new(snapshot));
            }
            if is_over {
                self.leave().await;
                return;
            }
        }
    }

    fn carry_out(&mut self, job: Job) {
        match job {
            Job::Run(run) => self.start_run(run),
            Job::CancelRun => self.cancel.cancel(),
            Job::Ask(wish) => self.ask(wish),
            Job::CancelAsk => self.cancel_ask.cancel(),
            Job::AskEvents(wanted) => self.ask_events(wanted),
            Job::CancelEvents => self.cancel_events.cancel(),
            Job::Load(load) => self.load(load),
            Job::Save(name, value) => self.errand(Errand::Save(name, value)),
            Job::NoteTicks(ticks) => self.note_ticks(ticks),
            Job::ActedOn(source, at) => {
                if let Some(lease) = self.state.lease(&source.into()) {
                    self.errand(Errand::ActedOn(lease, at));
                }
            }
            Job::FollowFrom(at) => self.errand(Errand::FollowFrom(at)),
            Job::CancelLanes(lanes) => {
                for lane in lanes {
                    if let Some(cancel) = self.lane_cancels.remove(&lane) {
                        cancel.cancel();
                    }
                }
            }
            Job::Recall(changed) => self.errand(Errand::Read(changed)),
            Job::EditList(edit) => self.errand(Errand::EditList(edit)),
            Job::Rekey(key) => self.rekey(key),
            Job::Export(files) => self.export(files),
            Job::CancelExport => self.cancel_export.cancel(),
            Job::Rescue => {
                let pipeline = Arc::clone(&self.pipeline);
                let (observer, ended) = (self.observer(), self.ended.clone());
                self.spawn(async move {
                    let rescued = pipeline.rescue(&observer, &ended).await;
                    rescued.err().map(Input::StoreFailed)
                });
            }
            Job::Watch(facts) => {
                let (alerts, pipeline) = (Arc::clone(&self.alerts), Arc::clone(&self.pipeline));
                let watching = async move { alerts.watch(&pipeline, *facts).await };
                self.spawn(async move { Some(Input::Alerts(watching.await)) });
            }
            Job::LookAtAlerts(usual) => {
                let (alerts, pipeline) = (Arc::clone(&self.alerts), Arc::clone(&self.pipeline));
                let looking = async move { alerts.look(&pipeline, &usual).await };
                self.spawn(async move { Some(Input::Alerts(looking.await)) });
            }
            Job::TestAlert => {
                let (alerts, now) = (Arc::clone(&self.alerts), self.pipeline.clock.now());
                let testing = async move { alerts.test(now).await };
                self.spawn(async move { Some(Input::AlertTested(testing.await)) });
            }
            Job::Prune => {
                let (pipeline, retention) = (Arc::clone(&self.pipeline), self.retention);
                if let Some(lease) = self.state.lease(&LaneName::Upkeep) {
                    let pruning = async move { pipeline.prune(retention, lease).await };
                    self.spawn(async move { pruning.await.err().map(Input::StoreFailed) });
                }
            }
            Job::Tell(notice) => self.dropped += u64::from(self.tell.try_send(notice).is_err()),
            Job::Finish => {}
        }
    }

    /// Runs work beside the engine; its result becomes an input.
    fn spawn(&self, work: impl Future<Output = Option<Input>> + Send + 'static) {
        self.supervise(
            Input::Crashed,
            async move { work.await.map(Message::input) },
        );
    }

    /// Runs work beside the engine. If it panics, that is its result.
    fn supervise(
        &self,
        crashed: impl FnOnce(String) -> Input + Send + 'static,
        work: impl Future<Output = Option<Message>> + Send + 'static,
    ) -> JoinHandle<()> {
        let inputs = self.inputs.clone();
        let work = tokio::spawn(work);
        tokio::spawn(async move {
            let brought = work
                .await
                .unwrap_or_else(|error| Some(Message::input(crashed(words(error)))));
            if let Some(message) = brought {
                let _ = inputs.send(message).await;
            }
        })
    }

    /// Runs an errand once the previous one is over, however it ended.
    fn errand(&mut self, errand: Errand) {
        let store = Arc::clone(&self.pipeline.store);
        let (over, is_over) = oneshot::channel();
        let before = self.last_errand.replace(is_over);
        self.spawn(async move {
            let _over: oneshot::Sender<()> = over;
            if let Some(before) = before {
                let _ = before.await;
            }
            errand.done(store).await
        });
    }

    /// Turns events into inputs. A dropped one costs a line of narration; the report and the store
    /// have them all.
    fn observer(&self) -> Observer {
        let inputs = self.inputs.clone();
        Arc::new(move |event| drop(inputs.try_send(Message::input(Input::Run(event)))))
    }

    fn start_run(&mut self, run: StartRun) {
        debug_assert!(!run.series.is_empty(), "a run of nothing");
        self.cancel = CancellationToken::new();
        let (pipeline, cancel) = (Arc::clone(&self.pipeline), self.cancel.clone());
        let observer = self.observer();
        let leases = run.leases.into_iter();
        let lanes: Vec<_> = leases.map(|lease| (lease, cancel.child_token())).collect();
        let cancels = lanes.iter().cloned();
        self.lane_cancels = cancels.map(|(of, cancel)| (of.lane, cancel)).collect();
        let hold = |(lease, cancel)| LaneHold::new(lease, self.trust.subscribe(), cancel);
        let holds: Holds = lanes.into_iter().map(hold).collect();
        let request = RunRequest {
            trigger: run.trigger,
            series: run.series,
            options: FetchOptions::default(),
            max_age: None,
            within: run.within,
        };
        self.supervise(Input::RunCrashed, async move {
            let ended = pipeline
                .run_within(request, (&run.most, holds), observer, cancel)
                .await;
            Some(Message::input(Input::RunEnded(ended)))
        });
    }

    /// Sends a symbol request with the key in use, as a run does.
    fn ask(&mut self, wish: SymbolWish) {
        self.cancel_ask = CancellationToken::new();
        let (pipeline, cancel) = (Arc::clone(&self.pipeline), self.cancel_ask.clone());
        let asked = wish.clone();
        self.supervise(move |text| Input::SymbolsCrashed(asked, text), async move {
            let ended = pipeline.symbols(&wish, cancel).await;
            Some(Message::input(Input::Symbols(wish, ended)))
        });
    }

    /// Asks for both lists of each symbol.
    fn ask_events(&mut self, wanted: Vec<Instrument>) {
        self.cancel_events = CancellationToken::new();
        let (pipeline, cancel) = (Arc::clone(&self.pipeline), self.cancel_events.clone());
        let observer = self.observer();
        self.supervise(Input::EventsCrashed, async move {
            let ended = pipeline.events(&both(&wanted), &observer, &cancel).await;
            Some(Message::input(Input::Events(ended)))
        });
    }

    /// Writes files one after the other. A report that is dropped is followed by another.
    fn export(&mut self, mut files: Vec<BarFile>) {
        self.cancel_export = CancellationToken::new();
        let (pipeline, cancel) = (Arc::clone(&self.pipeline), self.cancel_export.clone());
        let (folder, inputs) = (self.exports.clone(), self.inputs.clone());
        self.supervise(Input::ExportCrashed, async move {
            for file in &mut files {
                file.series = pipeline.stored_as(&file.series);
                file.path = folder.join(&file.path);
            }
            let report = |progress| {
                let _ = inputs.try_send(Message::Input(Box::new(Input::Exporting(progress))));
            };
            let (progress, ended) = export_all(&pipeline, &files, &cancel, report).await;
            let place = match files.as_slice() {
                [one] => one.path.clone(),
                _ => folder,
            };
            let cut_short = ended.err().map(|error| match error {
                ExportError::Cancelled => CutShort::Cancelled,
                error => CutShort::Failed(error.to_string()),
            });
            let exported = Input::Exported(Exported {
                progress,
                place,
                cut_short,
            });
            Some(Message::Input(Box::new(exported)))
        });
    }

    /// The current run continues with the key it began with.
    fn rekey(&mut self, key: EnteredKey) {
        let others = self.entered.iter();
        let others = others.filter(|other| other.source != key.source).cloned();
        let entered: Vec<EnteredKey> = others.chain([key.clone()]).collect();
        let made = match &self.rekey {
            Some(rekey) => rekey(&entered),
            None => Err("the key of this process cannot be changed".to_owned()),
        };
        let input = match made {
            Ok(pipeline) => {
                (self.pipeline, self.entered) = (pipeline, entered);
                Input::Rekeyed {
                    sources: self.pipeline.sources(),
                    quotas: self.pipeline.quotas(),
                }
            }
            Err(why) => Input::Refused(Command::SetKey(key), why),
        };
        self.spawn(async move { Some(input) });
    }

    fn load(&self, load: Load) {
        let (pipeline, watching) = (Arc::clone(&self.pipeline), self.watching.clone());
        self.spawn(async move {
            Some(match loading::load(&pipeline, &watching, load).await {
                Ok(loaded) => Input::Loaded(loaded),
                Err(error) => Input::StoreFailed(error),
            })
        });
    }
}

/// The time to a tick on a whole second: half a tick at least, whatever the clock does.
fn to_tick(to_second: Duration) -> Duration {
    if to_second < TICK / 2 {
        to_second + TICK
    } else {
        to_second
    }
}

/// The message of a panic, which may quote anything.
fn words(ended: JoinError) -> String {
    let words = ended.try_into_panic().map_or_else(
        |error| error.to_string(),
        |words| match words.downcast::<String>() {
            Ok(words) => *words,
            Err(words) => words
                .downcast_ref::<&str>()
                .map_or_else(|| "no message".to_owned(), |words| (*words).to_owned()),
        },
    );
    text::clean(&secret::redact(&words))
}
