//! How each source stands, and what is known of it.

use chrono::{DateTime, TimeDelta, Utc};

use super::lane::Lane;
use super::run::Pipeline;
use super::snapshot::{SourceFacts, SourceStatus};
use super::state::Quotas;
use crate::db::DbError;
use crate::model::{SourceId, text};

impl Pipeline {
    /// How each source stands, before anything is known of its requests.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceStatus> {
        self.lanes.iter().map(Lane::status).collect()
    }

    /// How each source stands now.
    pub async fn sources_now(&self) -> Result<Vec<SourceStatus>, DbError> {
        let now = self.clock.now();
        let mut quotas = Quotas::new(self.quotas());
        quotas.read(self.ledgers().await?, now);
        let mut all = self.sources();
        for source in &mut all {
            source.quota = quotas.status(&source.id, now);
            source.pause = self.pause(&source.id, now);
        }
        Ok(all)
    }

    /// The pause that a source asked for: until when, and why.
    #[must_use]
    pub fn pause(&self, source: &SourceId, now: DateTime<Utc>) -> Option<(DateTime<Utc>, String)> {
        let pause = self.lane(source)?.source.pause()?;
        let left = TimeDelta::from_std(pause.left).ok()?;
        Some((now + left, pause.why.text))
    }

    /// What is known of each source.
    pub async fn source_facts(&self) -> Result<Vec<SourceFacts>, DbError> {
        let mut all = Vec::with_capacity(self.lanes.len());
        for lane in &self.lanes {
            let mut entitlements = self.store.entitlements(lane.credential.clone()).await?;
            for known in &mut entitlements {
                known.endpoint = text::clean(&known.endpoint);
                known.parameter = text::clean(&known.parameter);
            }
            entitlements.sort_by(|one, next| one.endpoint.cmp(&next.endpoint));
            let events = match lane.source.events() {
                Some(_) => Some(self.store.events_asked(lane.id().clone()).await?),
                None => None,
            };
            all.push(SourceFacts {
                id: lane.id().clone(),
                fingerprint: lane.credential.fingerprint.clone(),
                entitlements,
                events,
            });
        }
        Ok(all)
    }
}
