//! What a process shows that runs no engine: how an engine on this store would see the watch list, and
//! what it would ask for next.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::planner::FetchPlan;
use super::run::Pipeline;
use super::schedule::Schedule;
use super::settings::remembered;
use super::snapshot::{StoreStatus, WatchedSeries};
use super::state::{Input, Loaded, NEXT_TICKS, Start, State};
use super::watching::Watching;
use crate::db::DbError;
use crate::model::tick::NextTick;
use crate::model::{Declaring, SeriesKey};

impl Pipeline {
    /// What an engine would ask for next if this were the watch list, with these changes of what is
    /// declared; `schedule` is the one of a store that remembers none. Sends nothing.
    pub async fn fetch_plan(
        &self,
        wished: Vec<(SeriesKey, Declaring)>,
        schedule: Schedule,
    ) -> Result<FetchPlan, DbError> {
        let (state, now) = self.as_an_engine(wished, schedule).await?;
        Ok(state.planned(now))
    }

    /// How the lines of a watch list stand, as an engine on this store would show them.
    pub async fn watched(
        &self,
        series: Vec<SeriesKey>,
        schedule: Schedule,
    ) -> Result<Arc<[WatchedSeries]>, DbError> {
        let as_it_is = series.into_iter().map(|key| (key, Declaring::default()));
        let (state, now) = self.as_an_engine(as_it_is.collect(), schedule).await?;
        Ok(state.watched(now))
    }

    /// The next instants of the schedule, and what an engine would ask for then.
    pub async fn next_ticks(
        &self,
        series: Vec<SeriesKey>,
        schedule: Schedule,
    ) -> Result<Vec<NextTick>, DbError> {
        let as_it_is = series.into_iter().map(|key| (key, Declaring::default()));
        let (state, now) = self.as_an_engine(as_it_is.collect(), schedule).await?;
        Ok(state.next_ticks(&state.planned(now), NEXT_TICKS, now))
    }

    /// The state of an engine that would start now.
    async fn as_an_engine(
        &self,
        wished: Vec<(SeriesKey, Declaring)>,
        schedule: Schedule,
    ) -> Result<(State, DateTime<Utc>), DbError> {
        let remembered = remembered(&self.store).await?;
        let watching = Watching {
            only: Some(wished.iter().map(|(key, _)| key.clone()).collect()),
            instead_of_none: None,
            readings: Arc::default(),
        };
        let list = watching.list_with(self, wished).await?;
        let mut state = State::new(Start {
            sources: self.sources(),
            store: StoreStatus {
                backend: self.store.backend(),
                location: self.store.location().to_owned(),
                bars: 0,
                lost: None,
                spooled: 0,
            },
            quotas: self.quotas(),
            calendars: self.calendars.clone(),
            read_only: true,
            own_list: true,
            schedule: remembered.schedule.unwrap_or(schedule),
            paused: remembered.is_paused,
        });
        let now = self.clock.now();
        state.step(Input::Loaded(Loaded::Series(list)), now);
        let ledgers = self.ledgers().await?;
        state.step(Input::Loaded(Loaded::Ledgers(ledgers)), now);
        Ok((state, now))
    }
}
