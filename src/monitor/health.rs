//! Whether the engine does its work: what is tried for it, and the verdict.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::{SILENCE, Watched};
use crate::model::text::clean;
use crate::time::Clock;

/// How long what was tried counts, however often somebody asks.
const FRESH: Duration = Duration::from_secs(10);
/// How long the store may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Room for the largest answer: what cannot be stored waits on the disk.
const ROOM: u64 = 8 << 20;

/// One thing that must be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    ok: bool,
    says: String,
}

impl Check {
    fn of(tried: Result<String, String>) -> Self {
        let ok = tried.is_ok();
        let says = clean(&tried.unwrap_or_else(|why| why));
        Self { ok, says }
    }
}

/// What the store and the disk said.
#[derive(Debug, Clone)]
struct Tried {
    at: Instant,
    schedule: Check,
    store: Check,
    disk: Check,
}

/// The answer to whoever asks.
#[derive(Debug, Serialize)]
pub(super) struct Diagnosis {
    status: &'static str,
    failing: Vec<&'static str>,
    checks: BTreeMap<&'static str, Check>,
    newest_success: Option<DateTime<Utc>>,
}

impl Diagnosis {
    pub(super) fn is_good(&self) -> bool {
        self.failing.is_empty()
    }

    fn of(checks: [(&'static str, Check); 4], newest_success: Option<DateTime<Utc>>) -> Self {
        let failing: Vec<_> = checks
            .iter()
            .filter(|(_, check)| !check.ok)
            .map(|(name, _)| *name)
            .collect();
        Self {
            status: if failing.is_empty() { "ok" } else { "failing" },
            failing,
            checks: checks.into(),
            newest_success,
        }
    }
}

/// Tries the store and the disk, once for all who ask at the same time.
#[derive(Debug, Default)]
pub(super) struct Doctor(Mutex<Option<Tried>>);

impl Doctor {
    pub(super) async fn examine(&self, watched: &Watched) -> Diagnosis {
        let tried = {
            let mut last = self.0.lock().await;
            match last.take().filter(|tried| tried.at.elapsed() < FRESH) {
                Some(fresh) => last.insert(fresh).clone(),
                None => last.insert(try_all(watched).await).clone(),
            }
        };
        let fetched = {
            let snapshot = watched.snapshots.borrow();
            let series = snapshot.series.iter();
            series.filter_map(|series| series.fetched_at).max()
        };
        let checks = [
            ("engine", engine(watched.silence())),
            ("schedule", tried.schedule),
            ("store", tried.store),
            ("disk", tried.disk),
        ];
        Diagnosis::of(checks, fetched)
    }
}

fn engine(silence: Duration) -> Check {
    let seconds = silence.as_secs_f64();
    Check::of(if silence <= SILENCE {
        Ok(format!("took a turn {seconds:.1} s ago"))
    } else {
        Err(format!("has not taken a turn for {seconds:.0} s"))
    })
}

async fn try_all(watched: &Watched) -> Tried {
    let at = Instant::now();
    let store = &watched.store;
    let owned = async {
        match store.engines().await {
            Ok(engines) if engines.is_one_at_work() => Ok("an engine follows it".to_owned()),
            Ok(_) => Err("no engine follows it".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    };
    let written = async {
        let stamp = Clock::system().now().to_rfc3339();
        match store.set_setting("written_at".into(), stamp).await {
            Ok(()) => Ok("took a write".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    };
    let silent = || {
        Err(format!(
            "the store has not answered for {} s",
            PATIENCE.as_secs()
        ))
    };
    let (owned, written) = tokio::join!(timeout(PATIENCE, owned), timeout(PATIENCE, written));
    Tried {
        at,
        schedule: Check::of(owned.unwrap_or_else(|_| silent())),
        store: Check::of(written.unwrap_or_else(|_| silent())),
        disk: Check::of(room(&watched.data_dir)),
    }
}

fn room(folder: &Path) -> Result<String, String> {
    let disk = rustix::fs::statvfs(folder).map_err(|error| error.to_string())?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let told = format!("{} MiB are free in {}", free >> 20, folder.display());
    if free < ROOM { Err(told) } else { Ok(told) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_that_is_wrong_is_enough_and_is_named() {
        let good = || Check::of(Ok("fine".into()));
        let health = |silence, store| {
            let engine = engine(Duration::from_secs(silence));
            let checks = [
                ("engine", engine),
                ("schedule", good()),
                ("store", store),
                ("disk", good()),
            ];
            Diagnosis::of(checks, None)
        };
        assert!(health(1, good()).is_good());
        assert_eq!(health(11, good()).failing, ["engine"]);
        let gone = health(1, Check::of(Err("gone".into())));
        assert_eq!((gone.status, gone.failing), ("failing", vec!["store"]));
    }
}
