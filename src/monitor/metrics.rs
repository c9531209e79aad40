//! What Prometheus reads. Figures of the store are the same at every engine that shares it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::db::{CountedTo, EndedSince};
use crate::model::alert::SeriesHealth;
use crate::pipeline::snapshot::{SeriesState, Snapshot};

type Labels = Vec<(&'static str, String)>;
type Value = Gauge<f64, AtomicU64>;

/// What has ended in the store, added up.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) counted: CountedTo,
    requests: BTreeMap<(String, String), u64>,
    runs: BTreeMap<String, u64>,
}

impl Totals {
    pub(super) fn add(&mut self, ended: EndedSince) {
        self.counted = ended.counted;
        for (source, class, number) in ended.requests {
            *self.requests.entry((source, class)).or_default() += number;
        }
        for (status, number) in ended.runs {
            *self.runs.entry(status).or_default() += number;
        }
    }
}

/// The figures as text.
pub(super) fn text(
    totals: &Totals,
    snapshot: &Snapshot,
    bytes: Option<u64>,
    silence: Duration,
) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("pipeline");
    count(
        &mut registry,
        "requests",
        "Requests that have ended, by source and by their class or state",
        totals.requests.iter().map(|((source, class), number)| {
            (
                vec![("source", source.clone()), ("class", class.clone())],
                *number,
            )
        }),
    );
    count(
        &mut registry,
        "runs",
        "Runs that have ended, by status",
        totals
            .runs
            .iter()
            .map(|(status, number)| (vec![("status", status.clone())], *number)),
    );
    let series = SeriesState::ALL.iter().map(|state| {
        let such = snapshot
            .series
            .iter()
            .filter(|series| series.state == *state);
        (
            vec![("state", state.to_string())],
            float(such.count() as u64),
        )
    });
    measure(
        &mut registry,
        "series",
        "Series of the watch list, by state",
        series,
    );
    let left = snapshot.sources.iter().filter_map(|source| {
        let left = source.quota.left()?;
        Some((vec![("source", source.id.to_string())], f64::from(left)))
    });
    measure(
        &mut registry,
        "quota_left",
        "Requests left today, where a plan has a limit",
        left,
    );
    let behind = snapshot.series.iter().map(|series| {
        SeriesHealth::of(
            series.key.clone(),
            &series.grid,
            &series.truth,
            series.reach,
        )
        .behind
    });
    let newest = snapshot
        .series
        .iter()
        .filter_map(|series| series.fetched_at)
        .max();
    for (name, help, value) in [
        ("bars", "Bars stored", Some(float(snapshot.store.bars))),
        (
            "stalest_sessions",
            "Sessions that the stalest series lacks",
            Some(float(behind.max().unwrap_or(0))),
        ),
        (
            "alerts_open",
            "Open alerts",
            Some(float(snapshot.alerts.open.len() as u64)),
        ),
        ("store_bytes", "Size of the store", bytes.map(float)),
        (
            "engine_silence_seconds",
            "Time since the engine took its last turn",
            Some(silence.as_secs_f64()),
        ),
        (
            "schedule_owned",
            "1 at the engine that follows the schedule",
            Some(f64::from(u8::from(snapshot.schedule.is_owner))),
        ),
        (
            "newest_success_timestamp_seconds",
            "When a series was last fetched with success",
            newest.map(|at| float(at.timestamp().unsigned_abs())),
        ),
    ] {
        let value = value.map(|value| (vec![], value));
        measure(&mut registry, name, help, value.into_iter());
    }
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn count(
    registry: &mut Registry,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (Labels, u64)>,
) {
    let family = Family::<Labels, Counter>::default();
    for (labels, value) in values {
        family.get_or_create(&labels).inc_by(value);
    }
    registry.register(name, help, family);
}

fn measure(
    registry: &mut Registry,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (Labels, f64)>,
) {
    let family = Family::<Labels, Value>::default();
    for (labels, value) in values {
        family.get_or_create(&labels).set(value);
    }
    registry.register(name, help, family);
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus has no other numbers"
)]
const fn float(number: u64) -> f64 {
    number as f64
}
