//! Everything that can happen to the panel, one thing after the other: keys, signals, news from the
//! engine, the clock. Draws when something changed, as often as the pace allows.

use std::io::{self, Stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::action::{Action, Effect, EffectOutcome};
use super::app::App;
use super::frame::render;
use super::log_lines::{LogLine, pane_record};
use super::options::{Booting, Ended, PanelOptions, SaveKey};
use super::pace::Pace;
use super::regions::Regions;
use super::screen::Screen;
use super::shared::Boot;
use super::terminal::clipboard::{Clipboard, CopyRoute};
use super::terminal::input::{Keys, UserInput};
use super::terminal::notification::Notification;
use super::terminal::signals::{SignalEvent, Signals};
use super::terminal::suspend;
use super::text::shown_path;
use crate::model::watch_file;
use crate::pipeline::command::Command;
use crate::pipeline::engine::Handle;
use crate::pipeline::narrate::Severity;
use crate::pipeline::notice::Notice;
use crate::pipeline::snapshot::Snapshot;
use crate::telemetry::kept::{KeptLog, Line};
use crate::telemetry::{Record, Weight};
use crate::time::Clock;

/// Inputs handled before a frame is drawn: a held key must not starve the screen.
const INPUTS_A_FRAME: usize = 64;
/// Log lines that may wait inside the pane's library for one frame.
const HOT_LINES: usize = 4_096;
/// The exit code when the terminal is gone: as if SIGHUP had ended the program.
const HUNG_UP: u8 = 129;
/// Outcomes that may wait: one for each effect in progress.
const OUTCOMES: usize = 16;

/// The loop's own state.
pub(super) struct EventLoop {
    app: App,
    screen: Screen<Stdout>,
    regions: Regions,
    keys: Keys,
    signals: Signals,
    clock: Clock,
    /// The time between redraws while a countdown is shown; `None`: each whole second.
    beat: Option<Duration>,
    engine: EngineChannels,
    booting: Option<mpsc::Receiver<Booting>>,
    records: mpsc::Receiver<Record>,
    kept: Option<KeptLog>,
    outcomes: (mpsc::Sender<EffectOutcome>, mpsc::Receiver<EffectOutcome>),
    exports: PathBuf,
    clipboard: Clipboard,
    save_key: SaveKey,
    has_log: bool,
    /// Something that is drawn may have changed.
    is_changed: bool,
    /// A key was pressed since the last frame.
    has_key: bool,
    pace: Pace,
    code: u8,
}

/// The channels to the engine, once it is running.
#[derive(Default)]
struct EngineChannels {
    commands: Option<mpsc::Sender<Command>>,
    snapshots: Option<watch::Receiver<Arc<Snapshot>>>,
    notices: Option<mpsc::Receiver<Notice>>,
    ended: Option<JoinHandle<()>>,
}

/// What woke the loop.
enum Woken {
    Inputs(Vec<UserInput>),
    Signal(SignalEvent),
    Snapshot,
    Notice(Option<Notice>),
    EngineEnded(bool),
    Booting(Option<Booting>),
    Record(Record),
    Outcome(EffectOutcome),
    Time,
}

impl EventLoop {
    pub(super) fn new(options: PanelOptions) -> io::Result<Self> {
        tui_logger::set_default_level(log::LevelFilter::Trace);
        tui_logger::set_hot_buffer_depth(HOT_LINES);
        let mut app = App::new(options.shared);
        let now = options.clock.now();
        for problem in &options.problems {
            app.messages.warn(problem.clone(), now);
        }
        let mut event_loop = Self {
            app,
            screen: Screen::new(io::stdout()),
            regions: Regions::default(),
            keys: Keys::new(),
            signals: Signals::new()?,
            clock: options.clock,
            beat: options.beat,
            engine: EngineChannels::default(),
            booting: Some(options.booting),
            records: options.records,
            kept: options.kept,
            outcomes: mpsc::channel(OUTCOMES),
            exports: options.exports,
            clipboard: Clipboard::of_process(),
            save_key: options.save_key,
            is_changed: true,
            has_log: false,
            has_key: false,
            pace: Pace::new(Instant::now()),
            code: 0,
        };
        for Line { at, weight, text } in options.earlier {
            let severity = severity(weight);
            event_loop.app.log(LogLine { at, severity, text });
        }
        for problem in options.problems {
            event_loop.log(now, Severity::Warn, problem);
        }
        Ok(event_loop)
    }

    /// Runs until the user quits, a signal ends it, or starting fails for good.
    pub(super) async fn run(&mut self) -> io::Result<Ended> {
        self.draw()?;
        loop {
            let woken = self.wait().await;
            let now = self.clock.now();
            let ended = match self.take_in(woken, now) {
                Ok(ended) => ended,
                Err(error) => self.lost(error, now)?,
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
            if self.is_changed
                && self.pace.due(self.has_key) <= Instant::now()
                && let Err(error) = self.draw()
                && let Some(ended) = self.lost(error, now)?
            {
                return Ok(ended);
            }
        }
    }

    /// The terminal accepts nothing any more: it is gone, and the engine ends cleanly without it.
    fn lost(&mut self, error: io::Error, now: DateTime<Utc>) -> io::Result<Option<Ended>> {
        if error.raw_os_error().is_none() {
            return Err(error);
        }
        self.frame_is_over();
        if self.app.is_leaving {
            return Ok(None);
        }
        tracing::warn!(%error, "the terminal is gone");
        self.code = HUNG_UP;
        let effects = self.app.act(Action::Quit, now);
        self.run_effects(effects, now)
    }

    async fn wait(&mut self) -> Woken {
        let deadline = self.deadline();
        let EngineChannels {
            snapshots,
            notices,
            ended,
            ..
        } = &mut self.engine;
        tokio::select! {
            biased;
            signal = self.signals.next() => Woken::Signal(signal),
            input = self.keys.next() => {
                let mut inputs = vec![input];
                while inputs.len() < INPUTS_A_FRAME
                    && let Some(input) = self.keys.next_now().await
                {
                    inputs.push(input);
                }
                Woken::Inputs(inputs)
            }
            ended = maybe(ended.as_mut()) => Woken::EngineEnded(ended.is_ok()),
            changed = async { match snapshots { Some(all) => all.changed().await, None => std::future::pending().await } } => {
                if changed.is_err() {
                    *snapshots = None;
                }
                Woken::Snapshot
            }
            notice = maybe(notices.as_mut().map(|all| Box::pin(all.recv()))) => Woken::Notice(notice),
            booting = maybe(self.booting.as_mut().map(|all| Box::pin(all.recv()))) => Woken::Booting(booting),
            Some(record) = self.records.recv() => Woken::Record(record),
            Some(outcome) = self.outcomes.1.recv() => Woken::Outcome(outcome),
            () = maybe(deadline.map(|at| Box::pin(tokio::time::sleep_until(at)))) => Woken::Time,
        }
    }

    /// When to wake if nothing else happens: for the pending frame, or for the next second.
    fn deadline(&self) -> Option<Instant> {
        if self.is_changed {
            return Some(self.pace.due(self.has_key));
        }
        if !self.app.ticks() {
            return None;
        }
        let beat = self.beat.unwrap_or_else(|| self.clock.to_next_second());
        Some(Instant::now() + beat)
    }

    fn take_in(&mut self, woken: Woken, now: DateTime<Utc>) -> io::Result<Option<Ended>> {
        self.is_changed = true;
        let effects = match woken {
            Woken::Inputs(inputs) => {
                self.has_key = true;
                let mut effects = vec![];
                for input in inputs {
                    effects.extend(self.input(input, now)?);
                }
                effects
            }
            Woken::Signal(SignalEvent::End(code)) => {
                self.code = code;
                self.app.act(Action::Quit, now)
            }
            Woken::Signal(SignalEvent::Stop) => vec![Effect::Suspend],
            Woken::Signal(SignalEvent::Continue) => vec![Effect::Redraw],
            Woken::Snapshot => self.snapshot(),
            Woken::Notice(Some(notice)) => {
                if let Some((severity, text)) = self.app.notice(&notice, now) {
                    self.log(notice.at, severity, text);
                }
                vec![]
            }
            Woken::Notice(None) => {
                self.engine.notices = None;
                vec![]
            }
            Woken::EngineEnded(in_order) => {
                self.engine.ended = None;
                if self.app.is_leaving {
                    return Ok(Some(self.ended(None)));
                }
                let reason = if in_order {
                    "it ended unexpectedly"
                } else {
                    "internal error; please report it"
                };
                self.app.engine_stopped(reason.to_owned());
                self.log(
                    now,
                    Severity::Error,
                    format!("the engine stopped: {reason}"),
                );
                vec![]
            }
            Woken::Booting(booting) => return Ok(self.booting(booting, now)),
            Woken::Record(record) => {
                self.log(now, severity(record.weight), record.text);
                vec![]
            }
            Woken::Outcome(outcome) => {
                self.app.done(outcome, now);
                vec![]
            }
            Woken::Time => vec![],
        };
        self.run_effects(effects, now)
    }

    fn snapshot(&mut self) -> Vec<Effect> {
        let newest = self
            .engine
            .snapshots
            .as_mut()
            .map(|all| Arc::clone(&all.borrow_and_update()));
        newest.map_or_else(Vec::new, |snapshot| self.app.observe(snapshot))
    }

    fn booting(&mut self, booting: Option<Booting>, now: DateTime<Utc>) -> Option<Ended> {
        match booting {
            Some(Booting::Waiting { reason, again_at }) => {
                if !matches!(self.app.shared.boot, Boot::Waiting { .. }) {
                    self.log(now, Severity::Warn, reason.clone());
                }
                self.app.booting(Boot::Waiting { reason, again_at });
            }
            Some(Booting::Ready(handle)) => {
                let Handle {
                    commands,
                    mut snapshots,
                    notices,
                    beat: _,
                    ended,
                } = *handle;
                snapshots.mark_changed();
                self.engine = EngineChannels {
                    commands: Some(commands),
                    snapshots: Some(snapshots),
                    notices: Some(notices),
                    ended: Some(ended),
                };
                self.booting = None;
            }
            Some(Booting::Failed { code, reason }) => {
                self.code = code;
                return Some(self.ended(Some(reason)));
            }
            None => self.booting = None,
        }
        None
    }

    fn input(&mut self, input: UserInput, now: DateTime<Utc>) -> io::Result<Vec<Effect>> {
        Ok(match input {
            #[cfg(debug_assertions)]
            UserInput::Key(chord) if super::fault::is_key(chord) => {
                super::fault::strike()?;
                vec![]
            }
            UserInput::Key(chord) => self.app.press(chord, now),
            UserInput::Paste(text) => self.app.paste(&text, now),
            UserInput::Resize => {
                // The terminal may have lost what it showed, also where the size is what it was.
                self.screen.forget();
                vec![]
            }
            UserInput::Click(x, y) => self
                .regions
                .hit(x, y)
                .map_or_else(Vec::new, |target| self.app.click(target, now)),
            UserInput::Wheel(down) => {
                let action = if down { Action::Down } else { Action::Up };
                (0..3).flat_map(|_| self.app.act(action, now)).collect()
            }
            UserInput::Gone => {
                self.code = HUNG_UP;
                if self.app.is_leaving {
                    vec![]
                } else {
                    self.app.act(Action::Quit, now)
                }
            }
        })
    }

    fn run_effects(
        &mut self,
        effects: Vec<Effect>,
        now: DateTime<Utc>,
    ) -> io::Result<Option<Ended>> {
        for effect in effects {
            match effect {
                Effect::Send(command) => self.send(command, now),
                Effect::Copy { text, what } => self.copy(text, &what, now)?,
                Effect::Import(path) => {
                    let tell = self.outcomes.0.clone();
                    tokio::task::spawn_blocking(move || {
                        let outcome = match super::files::load(&path, watch_file::MAX_BYTES) {
                            Ok(bytes) => EffectOutcome::Imported(path, bytes),
                            Err(error) => EffectOutcome::Failed(format!(
                                "nothing was added: {} cannot be read ({error})",
                                shown_path(&path)
                            )),
                        };
                        let _ = tell.blocking_send(outcome);
                    });
                }
                Effect::Save { name, text } => self.save(name, text, EffectOutcome::Saved),
                Effect::SaveKey(key) => {
                    let (save, tell) = (Arc::clone(&self.save_key), self.outcomes.0.clone());
                    tokio::task::spawn_blocking(move || {
                        let outcome = match save(&key) {
                            Ok(path) => EffectOutcome::KeySaved(key.source, path),
                            Err(error) => EffectOutcome::Failed(format!(
                                "the key could not be saved ({error})"
                            )),
                        };
                        let _ = tell.blocking_send(outcome);
                    });
                }
                Effect::Notify(text) => self.screen.write(Notification::new(&text))?,
                Effect::Mouse(true) => self.screen.write(EnableMouseCapture)?,
                Effect::Mouse(false) => self.screen.write(DisableMouseCapture)?,
                Effect::Redraw => {
                    super::terminal::enter_again(self.app.shared.mouse)?;
                    self.screen.forget();
                }
                Effect::Suspend => self.suspend(now)?,
                Effect::Quit => {
                    if self.engine.ended.is_none() {
                        return Ok(Some(self.ended(None)));
                    }
                    self.send(Command::Shutdown, now);
                }
                Effect::ForceQuit => return Ok(Some(self.ended(None))),
            }
        }
        Ok(None)
    }

    fn send(&mut self, command: Command, now: DateTime<Utc>) {
        let Some(commands) = &self.engine.commands else {
            return;
        };
        if let Err(error) = commands.try_send(command) {
            self.app.not_sent();
            let reason = match error {
                mpsc::error::TrySendError::Full(_) => "the engine is busy; press again in a moment",
                mpsc::error::TrySendError::Closed(_) => "the engine has stopped; q quits",
            };
            self.app.messages.warn(reason, now);
        }
    }

    /// Writes text to a new file in the exports folder, without blocking the loop.
    fn save(
        &self,
        name: String,
        text: String,
        outcome: impl FnOnce(PathBuf) -> EffectOutcome + Send + 'static,
    ) {
        let (folder, tell) = (self.exports.clone(), self.outcomes.0.clone());
        tokio::task::spawn_blocking(move || {
            let outcome = match super::files::save(&folder, &name, &text) {
                Ok(path) => outcome(path),
                Err(error) => EffectOutcome::Failed(format!(
                    "{name} could not be written to {} ({error})",
                    shown_path(&folder)
                )),
            };
            let _ = tell.blocking_send(outcome);
        });
    }

    fn copy(&mut self, text: String, what: &str, now: DateTime<Utc>) -> io::Result<()> {
        match self.clipboard.way(&text, what, Instant::now().into_std()) {
            CopyRoute::Terminal(say) => {
                self.screen
                    .write(CopyToClipboard::to_clipboard_from(text))?;
                self.app.messages.say(say, now);
            }
            CopyRoute::File(why) => {
                let name = format!("copied-{}.txt", now.format("%Y%m%d-%H%M%S"));
                self.save(name, text, |path| EffectOutcome::Copied { path, why });
            }
        }
        Ok(())
    }

    fn suspend(&mut self, now: DateTime<Utc>) -> io::Result<()> {
        if let Some(reason) = suspend::why_not() {
            self.app.messages.warn(reason, now);
            return Ok(());
        }
        self.keys.stop();
        suspend::suspend(self.app.shared.mouse)?;
        self.keys = Keys::new();
        self.screen.forget();
        Ok(())
    }

    fn log(&mut self, at: DateTime<Utc>, severity: Severity, text: String) {
        let (level, weight) = match severity {
            Severity::Info => (log::Level::Info, Weight::Info),
            Severity::Warn => (log::Level::Warn, Weight::Warn),
            Severity::Error => (log::Level::Error, Weight::Error),
        };
        if let Some(kept) = &self.kept {
            let text = text.clone();
            kept.write(Line { at, weight, text });
        }
        let line = LogLine { at, severity, text };
        let shown = pane_record(&line);
        tui_logger::Drain::new().log(
            &log::Record::builder()
                .level(level)
                .target("pipeline-tui")
                .args(format_args!("{shown}"))
                .build(),
        );
        self.has_log = true;
        self.app.log(line);
    }

    fn draw(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.has_log) {
            tui_logger::move_events();
        }
        let now = self.clock.now();
        let mut buffer = Buffer::empty(size());
        let regions = render(&self.app, now, &mut buffer);
        self.screen.show(buffer, regions.cursor)?;
        let asked = [self.app.laid_out(&regions), self.app.refresh(now)];
        self.regions = regions;
        self.frame_is_over();
        for effect in asked.into_iter().flatten() {
            if let Effect::Send(command) = effect {
                self.send(command, now);
            }
        }
        Ok(())
    }

    /// Nothing is drawn until something changes.
    fn frame_is_over(&mut self) {
        self.pace.drawn(Instant::now());
        (self.is_changed, self.has_key) = (false, false);
    }

    fn ended(&self, failure: Option<String>) -> Ended {
        Ended {
            code: self.code,
            failure,
            last: self.app.shared.snapshot.clone(),
            goes_to_demo: self.app.goes_to_demo,
        }
    }
}

const fn severity(weight: Weight) -> Severity {
    match weight {
        Weight::Info => Severity::Info,
        Weight::Warn => Severity::Warn,
        Weight::Error => Severity::Error,
    }
}

/// Waits for something that may not be there; forever if it is not.
async fn maybe<F: Future + Unpin>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

/// The terminal's size; empty if the terminal does not report one, as Docker's before the first resize.
fn size() -> Rect {
    let size = rustix::termios::tcgetwinsize(io::stdout());
    size.map_or(Rect::ZERO, |size| {
        // A frame of a million cells is a mistake, not a screen, and would take seconds.
        Rect::new(0, 0, size.ws_col.min(1_000), size.ws_row.min(500))
    })
}
