//! Watches for what a person should know: completes the facts, opens and ends alerts, sends messages.

mod deliver;
mod program;
mod webhook;

use std::fmt;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;

use self::program::Program;
use self::webhook::Webhook;
use super::run::Pipeline;
use super::schedule::Schedule;
use super::settings::remembered;
use super::snapshot::AlertsView;
use crate::config::AlertSettings;
use crate::db::DbError;
use crate::model::SourceId;
use crate::model::alert::{AlertRules, Channel, Engine, Facts, Message, Space, changes, judge};
use crate::time::is_far_ahead;

/// How late a run of the schedule may begin before no engine is there.
const LATE: TimeDelta = TimeDelta::minutes(1);

/// What opens an alert, and where messages go.
#[derive(Default)]
pub struct Alerts {
    rules: AlertRules,
    store_limit: Option<u64>,
    /// A folder on the disk that is watched.
    disk: Option<PathBuf>,
    channels: Vec<Channel>,
    webhook: Option<Webhook>,
    program: Option<Program>,
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alerts")
            .field("rules", &self.rules)
            .field("channels", &self.channels)
            .finish_non_exhaustive()
    }
}

/// What a look at everything has brought.
#[derive(Debug, Default)]
pub struct Round {
    /// The alerts as they are now.
    pub view: AlertsView,
    /// What was told for the first time.
    pub told: Vec<Message>,
    /// Why messages did not arrive.
    pub not_sent: Vec<String>,
}

impl Alerts {
    /// From the settings; the disk that is watched is that of the data folder.
    #[must_use]
    pub fn new(settings: &AlertSettings, data_dir: PathBuf) -> Self {
        Self {
            rules: settings.rules.clone(),
            store_limit: settings.store_limit,
            disk: Some(data_dir),
            channels: settings.channels(),
            webhook: settings.webhook.clone().map(Webhook::new),
            program: Program::new(&settings.command),
        }
    }

    /// Looks at what is known and what the store and the disk tell, notes what has changed, and sends
    /// what waits. One process does this: the one that follows the schedule.
    pub async fn watch(&self, pipeline: &Pipeline, facts: Facts) -> Result<Round, DbError> {
        let told = self
            .note(pipeline, self.completed(facts, pipeline).await?)
            .await?;
        let not_sent = self.deliver(pipeline).await?;
        Ok(Round {
            told,
            not_sent,
            view: look(pipeline).await?,
        })
    }

    /// Only reads the alerts; whether an engine is there, a person sees here too.
    pub async fn look(&self, pipeline: &Pipeline, usual: &Schedule) -> Result<Round, DbError> {
        let engine = pipeline.engine_now(usual).await?;
        let here = judge(&only(engine), &self.rules).conditions;
        let view = look(pipeline).await?;
        Ok(Round {
            view: AlertsView { here, ..view },
            ..Round::default()
        })
    }

    /// Tells that no engine follows the schedule, for a process that is none itself.
    pub async fn watch_engine(&self, pipeline: &Pipeline, engine: Engine) -> Result<(), DbError> {
        // That one is there again, it tells itself.
        if engine != Engine::Works {
            self.note(pipeline, only(engine)).await?;
            self.deliver(pipeline).await?;
        }
        Ok(())
    }

    async fn note(&self, pipeline: &Pipeline, facts: Facts) -> Result<Vec<Message>, DbError> {
        let open = pipeline.store.open_alerts().await?;
        let now = pipeline.clock.now();
        let changes = changes(judge(&facts, &self.rules), &open, now);
        if changes.is_none() {
            return Ok(vec![]);
        }
        let channels = self.channels.clone();
        pipeline.store.change_alerts(changes, channels, now).await
    }

    /// Adds what the store and the disk tell. While a run changes how series stand, they are not judged.
    async fn completed(&self, facts: Facts, pipeline: &Pipeline) -> Result<Facts, DbError> {
        let store = &pipeline.store;
        let tried = match &facts.series {
            None => None,
            Some(_) => Some(store.tried().await?),
        };
        let limited = match self.store_limit {
            None => None,
            Some(all) => store.size().await?.bytes.map(|used| Space {
                name: format!("the store {}", store.location()),
                used,
                all,
            }),
        };
        let mut facts = Facts {
            tried,
            disk: self.disk.as_deref().and_then(disk),
            store: limited,
            ..facts
        };
        for spent in facts.spent.iter_mut().flatten() {
            let id: Option<SourceId> = spent.name.parse().ok();
            if let Some(lane) = id.and_then(|id| pipeline.lane(&id)) {
                let name = lane.source.describe().settings.words.name;
                name.clone_into(&mut spent.name);
            }
        }
        Ok(facts)
    }
}

/// Facts about the engine alone.
fn only(engine: Engine) -> Facts {
    Facts {
        engine: Some(engine),
        ..Facts::default()
    }
}

async fn look(pipeline: &Pipeline) -> Result<AlertsView, DbError> {
    Ok(AlertsView {
        open: pipeline.store.open_alerts().await?,
        undelivered: pipeline.store.undelivered().await?,
        here: vec![],
    })
}

/// What is taken of the disk of a folder, as far as this user may take it.
fn disk(folder: &Path) -> Option<Space> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    let used = bytes(disk.f_blocks.saturating_sub(disk.f_bfree));
    Some(Space {
        name: format!("the disk of {}", folder.display()),
        used,
        all: used.saturating_add(bytes(disk.f_bavail)),
    })
}

impl Pipeline {
    /// Whether an engine follows the schedule: none does if nobody has it and a run of it did not start.
    /// `usual` is the schedule of a store that has none.
    pub async fn engine_now(&self, usual: &Schedule) -> Result<Engine, DbError> {
        if self.store.engines().await?.is_one_at_work() {
            return Ok(Engine::Works);
        }
        let remembered = remembered(&self.store).await?;
        let is_on = !remembered.is_paused && !self.store.watch_list().await?.is_empty();
        let now = self.clock.now();
        let schedule = remembered.schedule.as_ref().unwrap_or(usual);
        let lanes = self.store.last_ticks().await?.into_iter();
        let last = lanes.map(|(_, last)| last);
        let last = last.filter(|last| is_on && !is_far_ahead(*last, now)).max();
        let next = last.and_then(|last| schedule.next_after(&self.calendars, last));
        let missed = next.filter(|next| *next + LATE <= now);
        Ok(missed.map_or(Engine::Works, Engine::Missing))
    }
}
