//! Since when there can be bars of a series: what is older is never asked for.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::run::Pipeline;
use crate::db::DbError;
use crate::model::{Coverage, Interval, SeriesKey, moment};

/// The first time of which a series can have bars, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earliest {
    /// Its first instant.
    pub at: DateTime<Utc>,
    /// Its day at the exchange.
    date: NaiveDate,
    /// Whether it is the first day of the symbol; otherwise it is the first of the provider.
    is_listing: bool,
}

impl Earliest {
    /// Why there is nothing before it.
    #[must_use]
    pub fn words(&self, series: &SeriesKey) -> String {
        let Self {
            date, is_listing, ..
        } = self;
        if *is_listing {
            let instrument = series.instrument();
            format!("{instrument} has no bars before {date}, where its daily history begins")
        } else {
            format!("the provider has no bars before {date}")
        }
    }
}

impl Pipeline {
    /// Since when a series can have bars, if that is known. The daily history of a symbol comes whole,
    /// in one request, and its first day is that of shorter intervals too.
    pub async fn earliest(&self, series: &SeriesKey) -> Result<Option<Earliest>, DbError> {
        let Some(lane) = self.lane(&series.source) else {
            return Ok(None);
        };
        let publishing = lane.source.publishing();
        if series.interval.is_intraday() {
            let daily = SeriesKey::of(&series.instrument(), Interval::Daily);
            let facts = self.store.facts(self.stored_as(&daily)).await?;
            let bounds = facts.coverage.bounds();
            let is_whole = bounds.is_some_and(|bounds| bounds.from <= Coverage::beginning());
            if let Some(at) = facts.oldest.filter(|_| is_whole) {
                return Ok(Some(Earliest {
                    at,
                    date: at.with_timezone(&publishing.zone).date_naive(),
                    is_listing: true,
                }));
            }
        }
        let date = publishing.first_day;
        Ok((date > NaiveDate::MIN).then(|| Earliest {
            at: moment::midnight(date, publishing.zone),
            date,
            is_listing: false,
        }))
    }

    /// The same of several series.
    pub(super) async fn earliest_of(
        &self,
        series: impl IntoIterator<Item = &SeriesKey>,
    ) -> Result<BTreeMap<SeriesKey, Earliest>, DbError> {
        let mut all = BTreeMap::new();
        for series in series {
            let first = self.earliest(series).await?;
            all.extend(first.map(|first| (series.clone(), first)));
        }
        Ok(all)
    }
}
