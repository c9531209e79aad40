//! A lane for a pipeline in this process.

use std::sync::Arc;

use pipeline_tui::db::Credential;
use pipeline_tui::pipeline::Lane;
use pipeline_tui::pipeline::source::{Policy, Source};

/// A lane of a source whose policy a test changes.
pub fn lane(
    source: impl Source + 'static,
    (fingerprint, plan): (&str, &str),
    change: impl FnOnce(&mut Policy),
) -> Lane {
    let credential = Credential {
        source: source.describe().id().clone(),
        fingerprint: fingerprint.to_owned(),
        plan: plan.to_owned(),
    };
    let mut lane = Lane::of(Arc::new(source), credential);
    change(&mut lane.policy);
    lane
}
