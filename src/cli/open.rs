//! Puts the parts together from the settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::exit::Failure;
use crate::config::{self, Database, Key, Server, Settings, SourceAccess};
use crate::db::{self, Access, Credential, PgTarget, Store};
use crate::pipeline::credential::fingerprint;
use crate::pipeline::engine::{Rekey, Rekeyed};
use crate::pipeline::sources::alpha_vantage::AlphaVantage;
use crate::pipeline::{Persistence, Pipeline, Waits};
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

/// Opens the store that the settings name.
pub async fn store(settings: &Settings, read_only: bool) -> Result<Arc<dyn Store>, Failure> {
    let access = if read_only {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    };
    Ok(match &settings.database {
        Database::Sqlite { path } => {
            if let (Access::ReadWrite, Some(folder)) = (access, path.parent()) {
                make_folder(folder, &settings.data_dir)?;
            }
            db::open_sqlite(path, access).await?
        }
        Database::Postgres(server) => db::open_postgres(target(server), access).await?,
    })
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
    let parts = parts(settings, store, Clock::system()).map_err(Failure::usage)?;
    Ok(Arc::new(Pipeline {
        persistence: parts.persistence.with_patience(PATIENCE),
        waits: Waits::once(),
        ..parts
    }))
}

fn parts(settings: &Settings, store: Arc<dyn Store>, clock: Clock) -> Result<Pipeline, String> {
    let spool = settings.data_dir.join("spool");
    asking(&settings.usual, settings.answers_limit, spool, store, clock)
}

fn asking(
    access: &SourceAccess,
    answers_limit: u64,
    spool: PathBuf,
    store: Arc<dyn Store>,
    clock: Clock,
) -> Result<Pipeline, String> {
    let (Some(address), Some(key)) = (access.addresses.first(), access.key.values.first()) else {
        let name = access.settings.name;
        return Err(format!("{name} has no address or no key"));
    };
    let source = AlphaVantage::new(
        address.clone(),
        key.clone(),
        !access.key.is_own,
        clock.clone(),
    )
    .map_err(|error| error.to_string())?;
    Ok(Pipeline {
        store,
        source: Arc::new(source),
        credential: credential(access),
        limits: access.plan.limits,
        in_flight: access.plan.in_flight,
        answers_limit,
        waits: Waits::default(),
        persistence: Persistence::new(spool),
        clock,
    })
}

/// The name under which the store remembers a source's key, and its plan.
pub fn credential(access: &SourceAccess) -> Credential {
    Credential {
        fingerprint: fingerprint(&access.key.values),
        plan: access.plan.name.to_owned(),
    }
}

/// Applies a new key from the panel: same store and plan, new source and credential.
pub fn rekey(settings: &Settings, store: Arc<dyn Store>, clock: Clock) -> Rekey {
    let (access, answers_limit) = (settings.usual.clone(), settings.answers_limit);
    let spool = settings.data_dir.join("spool");
    Arc::new(move |key| {
        let key = config::check_key(key.expose()).map_err(|wrong| wrong.to_string())?;
        let access = SourceAccess {
            key: Key::own(vec![key]),
            ..access.clone()
        };
        let (spool, store, clock) = (spool.clone(), Arc::clone(&store), clock.clone());
        let pipeline = asking(&access, answers_limit, spool, store, clock)?;
        Ok(Rekeyed {
            pipeline: Arc::new(pipeline),
            plan: access.plan_words(),
        })
    })
}
