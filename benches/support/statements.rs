//! How long the statements take that keep what was asked for, as the database driver reports it.

use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// The tables in which coverage is kept.
const TABLES: [&str; 3] = ["coverage", "asked", "held_counts"];

static SPENT: Mutex<f64> = Mutex::new(0.0);

/// Begins to listen to the driver.
pub(crate) fn listen() {
    tracing_subscriber::registry().with(Listener).init();
}

/// Milliseconds of the statements since this was last called.
pub(crate) fn take() -> f64 {
    std::mem::take(&mut *SPENT.lock().unwrap())
}

struct Listener;

impl<S: tracing::Subscriber> Layer<S> for Listener {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut seen = Statement::default();
        event.record(&mut seen);
        if seen.keeps_coverage {
            *SPENT.lock().unwrap() += seen.seconds * 1e3;
        }
    }
}

#[derive(Default)]
struct Statement {
    keeps_coverage: bool,
    seconds: f64,
}

impl Visit for Statement {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.seconds = value;
        }
    }

    fn record_str(&mut self, _: &Field, value: &str) {
        let mut words = value.split(|c: char| !c.is_alphanumeric() && c != '_');
        self.keeps_coverage |= words.any(|word| TABLES.contains(&word));
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
