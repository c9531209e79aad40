//! The end of a symbol request.

use chrono::{DateTime, Utc};

use super::super::notice::What;
use super::super::source::SymbolWish;
use super::super::symbols::{Symbols, WhyNoSymbols};
use super::{Job, Load, State, tell};
use crate::db::DbError;
use crate::model::ErrorClass;

impl State {
    pub(super) fn symbols(
        &mut self,
        wish: &SymbolWish,
        ended: Result<Result<Symbols, WhyNoSymbols>, DbError>,
        now: DateTime<Utc>,
    ) -> Vec<Job> {
        let mut jobs = vec![];
        let outcome = ended.unwrap_or_else(|error| {
            jobs = self.store_failed(&error, now);
            Err((ErrorClass::Database, error.to_string()))
        });
        // What it says may be about watched series.
        let series = outcome.is_ok().then_some(Load::Series);
        self.search.answered(wish, outcome);
        let loads = [Load::Runs, Load::Ledger].into_iter().chain(series);
        jobs.extend(loads.map(Job::Load));
        jobs
    }

    /// The symbol request is over, and its run is to be marked as such.
    pub(super) fn symbols_crashed(
        &mut self,
        wish: &SymbolWish,
        text: String,
        now: DateTime<Utc>,
    ) -> Vec<Job> {
        let why = "internal error while asking the provider; please report this".to_owned();
        self.search.answered(wish, Err((ErrorClass::Unknown, why)));
        let mut jobs = vec![tell(now, What::Crashed(text)), Job::Rescue];
        jobs.extend([Load::Runs, Load::Ledger].map(Job::Load));
        jobs
    }
}
