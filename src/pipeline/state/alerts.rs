//! When to look for what a person should know, and what this process knows of it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::alerts::Round;
use super::super::notice::What;
use super::super::snapshot::AlertsView;
use super::{Job, State, tell};
use crate::db::DbError;
use crate::model::SourceId;
use crate::model::alert::{Engine, Facts, SeriesHealth, SpentSource};

/// How often everything is looked at.
const EVERY: TimeDelta = TimeDelta::minutes(1);
/// How often a process that only shows alerts reads them, and one with messages that wait tries again.
const SOON: TimeDelta = TimeDelta::seconds(10);

/// What is known of alerts, and when it was last looked at.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub view: Arc<AlertsView>,
    began_at: Option<DateTime<Utc>>,
    is_looking: bool,
    wanted: Wanted,
}

/// Whether a look is to come before its time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Wanted {
    #[default]
    No,
    /// A run has ended: once the watch list is read again.
    AfterList,
    /// Now, or as soon as the look before it is over.
    Now,
}

impl State {
    /// A run may have changed how series stand.
    pub(super) fn want_alerts(&mut self) {
        self.alerts.wanted = Wanted::AfterList;
    }

    /// The watch list was read: if a run has ended before, everything is looked at.
    pub(super) fn alerts_after_run(&mut self, now: DateTime<Utc>) -> Option<Job> {
        if self.alerts.wanted == Wanted::AfterList && self.run.is_none() {
            self.alerts.wanted = Wanted::Now;
        }
        self.alerts_in_time(now)
    }

    /// Looks for what a person should know, if it is time.
    pub(super) fn alerts_in_time(&mut self, now: DateTime<Utc>) -> Option<Job> {
        let is_soon = !self.lanes.has_upkeep() || !self.alerts.view.undelivered.is_empty();
        let wait = if is_soon { SOON } else { EVERY };
        let is_time = |began: DateTime<Utc>| now - began >= wait || now < began;
        let is_wanted = self.alerts.wanted == Wanted::Now;
        let is_time = is_wanted || self.alerts.began_at.is_none_or(is_time);
        (self.list_reading > 0 && is_time).then(|| self.look_for_alerts(now))?
    }

    fn look_for_alerts(&mut self, now: DateTime<Utc>) -> Option<Job> {
        if self.alerts.is_looking || self.store.lost.is_some() || self.is_ending {
            return None;
        }
        let is_first = self.alerts.began_at.replace(now).is_none();
        self.alerts.is_looking = true;
        // At a start, what is due is about to be fetched.
        let is_start = is_first && self.alerts.wanted != Wanted::Now;
        let judges = self.lanes.has_upkeep() && !is_start;
        if self.alerts.wanted == Wanted::Now {
            self.alerts.wanted = Wanted::No;
        }
        Some(if judges {
            Job::Watch(Box::new(self.facts(now)))
        } else {
            Job::LookAtAlerts(self.schedule.clone())
        })
    }

    /// What is known here. While a run changes how series stand, they are not judged.
    fn facts(&self, now: DateTime<Utc>) -> Facts {
        let stands = || {
            let states = self.entries.iter().zip(self.states(now));
            let of = states.map(|(entry, (truth, _))| {
                SeriesHealth::of(
                    entry.subject.series.clone(),
                    &entry.grid,
                    &truth,
                    entry.reach,
                )
            });
            of.collect()
        };
        let due = |source: &SourceId| self.due(now).filter(|key| key.source == *source).count();
        let spent = self.sources.iter().filter_map(|source| {
            let quota = self.quotas.status(&source.id, now);
            (quota.left() == Some(0)).then_some(SpentSource {
                name: source.id.to_string(),
                limit: quota.limit?,
                due: due(&source.id) as u64,
                renews_at: quota.renews_at?,
            })
        });
        Facts {
            series: self.run.is_none().then(stands),
            spent: Some(spent.collect()),
            engine: Some(Engine::Works),
            ..Facts::default()
        }
    }

    /// What a look has brought.
    pub(super) fn looked_at_alerts(
        &mut self,
        round: Result<Round, DbError>,
        now: DateTime<Utc>,
    ) -> Vec<Job> {
        self.alerts.is_looking = false;
        let Round {
            view,
            told,
            not_sent,
        } = match round {
            Ok(round) => round,
            Err(error) => return self.store_failed(&error, now),
        };
        if *self.alerts.view != view {
            self.alerts.view = Arc::new(view);
            self.revision += 1;
        }
        let told = told.into_iter().map(What::Alert);
        let not_sent = not_sent.into_iter().map(What::AlertNotSent);
        told.chain(not_sent).map(|what| tell(now, what)).collect()
    }

    /// A look that panicked is over too.
    pub(super) fn alerts_crashed(&mut self) {
        self.alerts.is_looking = false;
    }
}
