//! Puts the parts together from the settings.

use std::path::Path;
use std::sync::Arc;

use super::Context;
use super::exit::Failure;
use crate::config::{self, Database, Provider, Settings};
use crate::db::{self, Access, Credential, PgTarget, Store};
use crate::pipeline::alpha_vantage::AlphaVantage;
use crate::pipeline::credential::fingerprint;
use crate::pipeline::engine::Rekey;
use crate::pipeline::{Pipeline, Waits};
use crate::time::Clock;

/// Reads the settings and passes their warnings on.
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
            let target = PgTarget {
                url: url.clone(),
                shown: shown.clone(),
            };
            db::open_postgres(target, access).await?
        }
    })
}

/// Makes the data folder; any other folder must be there, so that a typo does not grow a tree.
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
            "the data folder {} cannot be made ({error}); name another with PIPELINE_DATA_DIR",
            folder.display()
        ))
    })
}

/// The pipeline over a store, asking the configured provider.
pub fn pipeline(settings: &Settings, store: Arc<dyn Store>) -> Result<Arc<Pipeline>, Failure> {
    asking(&settings.provider, settings.answers_limit, store).map_err(Failure::usage)
}

fn asking(
    provider: &Provider,
    answers_limit: u64,
    store: Arc<dyn Store>,
) -> Result<Arc<Pipeline>, String> {
    let clock = Clock::system();
    let source = AlphaVantage::new(
        provider.base_url.clone(),
        provider.key.clone(),
        provider.key_is_demo,
        clock.clone(),
    )
    .map_err(|error| error.to_string())?;
    Ok(Arc::new(Pipeline {
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
        clock,
    }))
}

/// How a panel's new key comes into use: the same store and plan, another source and credential.
pub fn rekey(settings: &Settings, store: Arc<dyn Store>) -> Rekey {
    let (provider, answers_limit) = (settings.provider.clone(), settings.answers_limit);
    Arc::new(move |key| {
        let provider = Provider {
            key: config::check_key(key.expose())?,
            key_is_demo: false,
            ..provider.clone()
        };
        asking(&provider, answers_limit, Arc::clone(&store))
    })
}
