//! Lists of splits and dividends: one such errand at a time, beside the runs.

use chrono::{DateTime, Utc};

use super::super::events::EventList;
use super::super::notice::What;
use super::{Job, Load, State, tell};
use crate::db::DbError;
use crate::model::Instrument;

/// Why lists are not asked for.
const ONE_AT_A_TIME: &str =
    "splits and dividends are being asked for; try again when they are here";

impl State {
    /// Asks for the lists of these symbols.
    pub(super) fn ask_events(&mut self, wanted: &[Instrument]) -> Result<Job, String> {
        if wanted.is_empty() {
            return Err("nothing is selected".to_owned());
        }
        if std::mem::replace(&mut self.asks_events, true) {
            return Err(ONE_AT_A_TIME.to_owned());
        }
        Ok(Job::AskEvents(wanted.to_vec()))
    }

    /// The lists are stored: what is adjusted by them is read again.
    pub(super) fn events(
        &mut self,
        ended: Result<Vec<EventList>, DbError>,
        now: DateTime<Utc>,
    ) -> Vec<Job> {
        self.asks_events = false;
        let mut jobs = match ended {
            Ok(lists) => vec![tell(now, What::Events(lists))],
            Err(error) => self.store_failed(&error, now),
        };
        jobs.extend(self.after_events());
        jobs
    }

    /// Asking panicked, and its run is to be marked as such.
    pub(super) fn events_crashed(&mut self, text: String, now: DateTime<Utc>) -> Vec<Job> {
        self.asks_events = false;
        let mut jobs = vec![tell(now, What::Crashed(text)), Job::Rescue];
        jobs.extend(self.after_events());
        jobs
    }

    fn after_events(&self) -> impl Iterator<Item = Job> + use<> {
        let bars = self.wanted.bars.clone().map(Load::Bars);
        let system = self.wanted.system.then_some(Load::System);
        let loads = [Load::Runs, Load::Ledger].into_iter();
        loads.chain(bars).chain(system).map(Job::Load)
    }
}
