//! `run`: the engine without a screen, one line per event, until a signal stops it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::sync::mpsc;

use super::context::Context;
use super::exit::{self, Failure, Stop, StopSignals};
use super::panel::kept_log;
use super::{first, open, output};
use crate::config::Settings;
use crate::model::{Instrument, SeriesKey};
use crate::monitor::{Manager, Monitor, Stage, Watched};
use crate::pipeline::alerts::Alerts;
use crate::pipeline::command::Command;
use crate::pipeline::engine::{self, EngineOptions, Handle};
use crate::pipeline::narrate::{self, Severity};
use crate::pipeline::notice::Notice;
use crate::pipeline::schedule::Schedule;
use crate::telemetry::kept::{KeptLog, Line};
use crate::telemetry::{Record, Weight};
use crate::time::Clock;

/// `lease`: seconds for which a lane is this engine's after it was last heard of, if not the usual.
pub async fn run(
    context: &Context,
    records: Option<mpsc::Receiver<Record>>,
    lease: Option<u64>,
) -> Result<u8, Failure> {
    if context.read_only {
        return Err(Failure::usage(
            "run fetches on schedule; leave out --read-only",
        ));
    }
    let mut signals = StopSignals::new();
    let settings = open::settings(context)?;
    let store = match open::store(&settings, false).await {
        // What its supervisor wanted.
        Err(Failure::Stopped(Stop::Terminate)) => return Ok(exit::DONE),
        opened => opened?,
    };
    let ways = first::ways(&settings, &store).await?;
    let pipeline = open::pipeline(&settings, Arc::clone(&store))?;
    let mut handle = {
        let options = EngineOptions {
            rekey: Some(open::rekey(&settings, Arc::clone(&store), Clock::system())),
            lease: lease.map_or(engine::LEASE, Duration::from_secs),
            ..options(&settings)
        };
        engine::start(pipeline, options).await?
    };
    let clock = Clock::system();
    let (_, kept) = kept_log(&settings, clock.now());
    let mut log = Log {
        clock,
        kept,
        records,
    };
    log.say(opening(&handle))?;
    let watched = Watched::of(&handle, Arc::clone(&store), settings.data_dir.clone());
    let monitor = match settings.metrics {
        Some(address) => Some(
            Monitor::start(address, watched.clone())
                .await
                .map_err(|error| Failure::usage(error.to_string()))?,
        ),
        None => None,
    };
    if let Some(monitor) = &monitor {
        log.say(format!(
            "serving /metrics and /health on http://{}",
            monitor.address
        ))?;
    }
    let manager = Manager::watching(watched);
    manager.tell(Stage::Ready);
    if let Some(ways) = ways {
        log.say(ways)?;
    }
    let stop = until_stopped(&mut handle, &mut signals, &mut log, &manager).await?;
    open::close(&store).await;
    Ok(match stop {
        Stop::Terminate => exit::DONE,
        Stop::Interrupt => exit::INTERRUPTED,
    })
}

/// The engine's options, from the settings.
pub fn options(settings: &Settings) -> EngineOptions {
    let interval = settings.interval.unwrap_or(settings.defaults.interval);
    let raw = |symbols: &[Instrument]| -> Vec<SeriesKey> {
        let series = symbols.iter().map(|one| SeriesKey::of(one, interval));
        series.collect()
    };
    EngineOptions {
        watch: if settings.is_blank {
            vec![]
        } else {
            raw(&settings.defaults.symbols)
        },
        only: settings.symbols.as_deref().map(raw),
        schedule: if settings.leading().plan.quota.per_day().is_some() {
            Schedule::after_close()
        } else {
            Schedule::through_the_session(interval.minutes().unwrap_or(60))
        },
        tick: None,
        read_only: false,
        rekey: None,
        exports: std::path::PathBuf::from("."),
        alerts: Arc::new(Alerts::new(&settings.alerts, settings.data_dir.clone())),
        retention: settings.retention,
        lease: engine::LEASE,
    }
}

fn opening(handle: &Handle) -> String {
    let snapshot = handle.snapshots.borrow();
    let schedule = &snapshot.schedule;
    let next = schedule.next_at.map_or_else(
        || "never".to_owned(),
        |next| {
            next.with_timezone(&chrono_tz::America::New_York)
                .format("%a %Y-%m-%d %H:%M ET")
                .to_string()
        },
    );
    let paused = if schedule.paused { ", paused" } else { "" };
    format!(
        "engine started: {} {}, schedule {}{paused}, next {next}",
        snapshot.store.backend, snapshot.store.location, schedule.schedule
    )
}

/// Prints what happens until a signal, then shuts the engine down in order.
async fn until_stopped(
    handle: &mut Handle,
    signals: &mut StopSignals,
    log: &mut Log,
    manager: &Manager,
) -> Result<Stop, Failure> {
    let mut stopped = std::pin::pin!(signals.next());
    let stop = loop {
        tokio::select! {
            stop = &mut stopped => break stop,
            Some(notice) = handle.notices.recv() => {
                log.notice(&notice)?;
            }
            Some(record) = next(&mut log.records) => {
                log.keep(log.clock.now(), record.weight, record.text);
            }
            _ = &mut handle.ended => {
                return Err(Failure::Told { code: exit::SOME, text: "the engine stopped unexpectedly; please report this".to_owned() });
            }
        }
    };
    manager.tell(Stage::Stopping);
    let _ = handle.commands.send(Command::Shutdown).await;
    let _ = (&mut handle.ended).await;
    while let Ok(notice) = handle.notices.try_recv() {
        log.notice(&notice)?;
    }
    log.say("engine stopped; what is stored is safe".to_owned())?;
    Ok(stop)
}

/// What is printed on stdout and kept on disk.
struct Log {
    clock: Clock,
    kept: Option<KeptLog>,
    /// Records that go to stderr, to be kept as well.
    records: Option<mpsc::Receiver<Record>>,
}

impl Log {
    /// Prints a line about the engine itself.
    fn say(&self, text: String) -> Result<(), Failure> {
        output::print(&text)?;
        self.keep(self.clock.now(), Weight::Info, text);
        Ok(())
    }

    /// Prints a notice on one line, unless it is a step that only a screen shows.
    fn notice(&self, notice: &Notice) -> Result<(), Failure> {
        let Some((severity, text)) = narrate::sentence(notice) else {
            return Ok(());
        };
        let at = notice.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        output::print(&format!("{at} {text}"))?;
        let weight = match severity {
            Severity::Info => Weight::Info,
            Severity::Warn => Weight::Warn,
            Severity::Error => Weight::Error,
        };
        self.keep(notice.at, weight, text);
        Ok(())
    }

    fn keep(&self, at: DateTime<Utc>, weight: Weight, text: String) {
        if let Some(kept) = &self.kept {
            kept.write(Line { at, weight, text });
        }
    }
}

/// The next record; never, if there are none.
async fn next(records: &mut Option<mpsc::Receiver<Record>>) -> Option<Record> {
    match records {
        Some(records) => records.recv().await,
        None => std::future::pending().await,
    }
}
