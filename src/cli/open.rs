//! Puts the parts together from the settings.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::exit::{Failure, unless_stopped};
use crate::config::{self, Database, Server, Settings};
use crate::db::{self, Access, Adoption, PgTarget, Store};
use crate::model::Interval;
use crate::pipeline::engine::Rekey;
use crate::pipeline::sources;
use crate::pipeline::{Once, Persistence, Pipeline, Unreadable, Waits};
use crate::time::Clock;

/// How long a command that ends by itself waits for an unreachable store.
const PATIENCE: Duration = Duration::from_mins(2);

/// How long closing the store may take.
const CLOSING: Duration = Duration::from_secs(1);

/// Reads the settings and prints their warnings.
pub fn settings(context: &Context) -> Result<Settings, Failure> {
    let settings = config::load(&context.inputs)?;
    for warning in &settings.warnings {
        context.narrator.say(&format!("warning: {warning}"));
    }
    Ok(settings)
}

/// Opens the store that the settings name. A signal stops even a migration, which is then undone.
pub async fn store(settings: &Settings, read_only: bool) -> Result<Arc<dyn Store>, Failure> {
    unless_stopped(opened(settings, read_only)).await
}

async fn opened(settings: &Settings, read_only: bool) -> Result<Arc<dyn Store>, Failure> {
    let access = if read_only {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    };
    let store = match &settings.database {
        Database::Sqlite { path } => {
            if let (Access::ReadWrite, Some(folder)) = (access, path.parent()) {
                make_folder(folder, &settings.data_dir)?;
            }
            db::open_sqlite(path, access).await?
        }
        Database::Postgres(server) => db::open_postgres(target(server), access).await?,
    };
    if let (Access::ReadWrite, Some(order)) = (access, &settings.preference) {
        store.rank_sources(order.clone()).await?;
    }
    Ok(store)
}

fn target(server: &Server) -> PgTarget {
    PgTarget {
        url: server.url.clone(),
        shown: server.shown.clone(),
    }
}

/// What the first start would create in the store, without creating it; `None` if nothing is missing.
pub async fn preview(settings: &Settings) -> Result<Option<String>, Failure> {
    Ok(match &settings.database {
        Database::Sqlite { path } if !path.exists() => Some(format!(
            "{}: the first start will create this file",
            settings.database
        )),
        Database::Sqlite { path } => db::preview_sqlite(path).await?,
        Database::Postgres(server) => db::preview_postgres(target(server)).await?,
    })
}

/// Takes over the bars of the pipeline that this program replaces, or only says what would happen.
pub async fn adopt(
    settings: &Settings,
    interval: Interval,
    is_trial: bool,
) -> Result<Adoption, Failure> {
    match &settings.database {
        Database::Sqlite { .. } => Err(Failure::usage(
            "adopt takes over bars from a PostgreSQL database; name it with DATABASE_URL or POSTGRES_HOST",
        )),
        Database::Postgres(server) => {
            let adopted =
                async { Ok(db::adopt_postgres(target(server), interval, is_trial).await?) };
            unless_stopped(adopted).await
        }
    }
}

/// Closes the store. A connection in use or a silent server must not delay the exit.
pub async fn close(store: &Arc<dyn Store>) {
    let _ = tokio::time::timeout(CLOSING, store.close()).await;
}

/// Creates the data folder. Any other folder must exist, so that a typo creates no folders.
fn make_folder(folder: &Path, data_dir: &Path) -> Result<(), Failure> {
    if folder != data_dir || folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        Failure::usage(format!(
            "the data folder {} cannot be created ({error}); set another with PIPELINE_DATA_DIR",
            folder.display()
        ))
    })
}

/// The pipeline for a store and the configured provider.
pub fn pipeline(settings: &Settings, store: Arc<dyn Store>) -> Result<Arc<Pipeline>, Failure> {
    pipeline_at(settings, store, Clock::system())
}

/// The same with another clock.
pub fn pipeline_at(
    settings: &Settings,
    store: Arc<dyn Store>,
    clock: Clock,
) -> Result<Arc<Pipeline>, Failure> {
    parts(settings, store, clock)
        .map(Arc::new)
        .map_err(Failure::usage)
}

/// The pipeline of a command that someone waits for: it does not wait for every outage to end.
pub fn impatient(settings: &Settings, store: Arc<dyn Store>) -> Result<Arc<Pipeline>, Failure> {
    let parts = parts(settings, store, Clock::system()).map_err(Failure::usage)?;
    Ok(Arc::new(Pipeline {
        persistence: parts.persistence.with_patience(PATIENCE),
        ..parts
    }))
}

/// The same, with one request per series and no retry.
pub fn once(settings: &Settings, store: Arc<dyn Store>) -> Result<Arc<Pipeline>, Failure> {
    let mut parts = parts(settings, store, Clock::system()).map_err(Failure::usage)?;
    for lane in &mut parts.lanes {
        lane.policy.waits = Waits::once();
    }
    Ok(Arc::new(Pipeline {
        persistence: parts.persistence.with_patience(PATIENCE),
        ..parts
    }))
}

fn parts(settings: &Settings, store: Arc<dyn Store>, clock: Clock) -> Result<Pipeline, String> {
    Ok(Pipeline {
        calendars: settings.calendars.clone(),
        store,
        lanes: sources::lanes(settings, &clock)?,
        answers_limit: settings.answers_limit,
        persistence: Persistence::new(settings.data_dir.join("spool")),
        clock,
        unreadable: Unreadable::default(),
        stocktaking: Once::default(),
    })
}

/// Applies the keys that were entered in the panel: same store and plans, new sources and credentials.
pub fn rekey(settings: &Settings, store: Arc<dyn Store>, clock: Clock) -> Rekey {
    let settings = settings.clone();
    Arc::new(move |keys| {
        let settings = keys.iter().fold(settings.clone(), Settings::rekeyed);
        parts(&settings, Arc::clone(&store), clock.clone()).map(Arc::new)
    })
}
