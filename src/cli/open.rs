//! Puts the parts together from the settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::exit::Failure;
use crate::config::{self, Database, Provider, Secret, Settings};
use crate::db::{self, Access, Credential, PgTarget, Store};
use crate::pipeline::credential::fingerprint;
use crate::pipeline::engine::Rekey;
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
        Database::Postgres { url, shown, .. } => {
            db::open_postgres(target(url, shown), access).await?
        }
    })
}

fn target(url: &Secret, shown: &str) -> PgTarget {
    PgTarget {
        url: url.clone(),
        shown: shown.to_owned(),
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
        Database::Postgres { url, shown, .. } => db::preview_postgres(target(url, shown)).await?,
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
    asking(
        &settings.provider,
        settings.answers_limit,
        spool,
        store,
        clock,
    )
}

fn asking(
    provider: &Provider,
    answers_limit: u64,
    spool: PathBuf,
    store: Arc<dyn Store>,
    clock: Clock,
) -> Result<Pipeline, String> {
    let source = AlphaVantage::new(
        provider.base_url.clone(),
        provider.key.clone(),
        provider.key_is_demo,
        clock.clone(),
    )
    .map_err(|error| error.to_string())?;
    Ok(Pipeline {
        store,
        source: Arc::new(source),
        credential: Credential {
            fingerprint: fingerprint(&provider.key),
            plan: provider.plan.to_string(),
        },
        limits: provider.plan.limits(),
        in_flight: provider.plan.in_flight(),
        answers_limit,
        waits: Waits::default(),
        persistence: Persistence::new(spool),
        clock,
    })
}

/// Applies a new key from the panel: same store and plan, new source and credential.
pub fn rekey(settings: &Settings, store: Arc<dyn Store>, clock: Clock) -> Rekey {
    let (provider, answers_limit) = (settings.provider.clone(), settings.answers_limit);
    let spool = settings.data_dir.join("spool");
    Arc::new(move |key| {
        let provider = Provider {
            key: config::check_key(key.expose())?,
            key_is_demo: false,
            ..provider.clone()
        };
        let store = Arc::clone(&store);
        asking(
            &provider,
            answers_limit,
            spool.clone(),
            store,
            clock.clone(),
        )
        .map(Arc::new)
    })
}
