//! What it costs to bring what is missing, before anything is sent.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::events::{EventRequest, both};
use super::learned::{Learned, Verdict};
use super::run::Pipeline;
use super::source::{Range, Wish};
use super::stock::within_reach;
use crate::db::DbError;
use crate::model::quota::{Ledger, Left};
use crate::model::{
    Coverage, Declared, Evidence, Fill, Grid, Instrument, Interval, SeriesKey, SourceId, Span,
};

/// What is missing of a series in a range, and what it costs.
#[derive(Debug, Clone)]
pub struct Cost {
    /// The series.
    pub series: SeriesKey,
    /// Which of its bars can exist.
    pub grid: Grid,
    /// The times that are missing.
    pub missing: Vec<Span>,
    /// Bars that they have room for.
    pub bars: u64,
    /// Those of them that the provider refused before.
    pub refused: u64,
    /// Requests that bring them: the most there can be, where answers have several pages.
    pub requests: u32,
    /// Why they cannot be asked for, if known without a request.
    pub refusal: Option<String>,
}

/// What it costs to ask for the lists of splits and dividends of a symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCost {
    /// The symbol at its source.
    pub instrument: Instrument,
    /// Requests.
    pub requests: u32,
    /// Why a list cannot be asked for, if known without a request.
    pub refusal: Option<String>,
    /// Up to when both lists are known.
    pub known_to: Option<NaiveDate>,
}

impl Pipeline {
    /// What it costs to ask for the lists of splits and dividends of symbols.
    pub async fn event_costs(&self, instruments: &[Instrument]) -> Result<Vec<EventCost>, DbError> {
        let learned = self.all_learned().await?;
        let learned_of = |source: &SourceId| {
            let mut learned = learned.iter();
            learned
                .find(|(of, _)| of == source)
                .map(|(_, learned)| learned)
        };
        let mut costs: BTreeMap<&Instrument, EventCost> = BTreeMap::new();
        for instrument in instruments {
            let (_, known) = self.store.adjustments(instrument.clone()).await?;
            let cost = EventCost {
                instrument: instrument.clone(),
                requests: 0,
                refusal: None,
                known_to: known.splits.min(known.dividends),
            };
            costs.insert(instrument, cost);
        }
        for EventRequest { lists, request } in self.event_requests(&both(instruments), learned_of) {
            // What is asked for together costs the first of them.
            let asked = lists
                .iter()
                .take(if request.is_ok() { 1 } else { lists.len() });
            for (instrument, _) in asked {
                let Some(cost) = costs.get_mut(instrument) else {
                    continue;
                };
                match &request {
                    Ok(_) => cost.requests += 1,
                    Err((_, why)) => cost.refusal = Some(why.clone()),
                }
            }
        }
        let cost = |instrument| costs.get(instrument).cloned();
        Ok(instruments.iter().filter_map(cost).collect())
    }

    /// What a backfill of series asks for, and what it costs.
    pub async fn costs(&self, series: &[SeriesKey], fill: Fill) -> Result<Vec<Cost>, DbError> {
        let mut known: BTreeMap<SeriesKey, Coverage> =
            self.store.coverage().await?.into_iter().collect();
        let (learned, now) = (self.all_learned().await?, self.clock.now());
        let (nothing, default) = (Coverage::default(), Declared::default());
        let declared = self.declared().await?;
        self.leave_to_others(series, &declared, &mut known).await?;
        let first = self.earliest_of(series).await?;
        let costs = series.iter().map(|key| {
            let series = self.stored_as(key);
            let grid = self.grid(&series);
            let evidence = Evidence {
                grid: &grid,
                coverage: known.get(&self.kept_as(key)).unwrap_or(&nothing),
                recent: &[],
                since: self.since(
                    &series,
                    declared.get(&self.kept_as(key)).unwrap_or(&default),
                ),
            };
            let first = first.get(key);
            let missing = evidence.wanted_by(fill, now);
            let missing = within_reach(&grid, &missing, first.map(|first| first.at));
            let reach = self.reach(&series);
            let askable = within_reach(&grid, &missing, reach);
            let (requests, refusal) = self.priced(&series, &askable, &learned);
            let is_beyond = |reach: &DateTime<Utc>| missing.iter().any(|time| time.from < *reach);
            let beyond = reach.filter(is_beyond).map(|reach| {
                let date = reach.with_timezone(&grid.publishing.zone).date_naive();
                format!("what is before {date} {}", self.beyond(&series.source))
            });
            let before = first.filter(|first| fill.to <= first.at);
            let before = before.map(|first| first.words(&series));
            let refusal = before.or(refusal).or(beyond);
            Cost {
                bars: missing.iter().map(|span| grid.count(*span)).sum(),
                refused: evidence.refused_among(&askable),
                requests,
                refusal,
                series,
                grid,
                missing,
            }
        });
        Ok(costs.collect())
    }

    /// Requests that a fetch of the newest bars of these series sends, once each of them was fetched:
    /// several may share one, those that are rolled up from a finer one of them cost none, and those
    /// for which there can be no request neither.
    #[must_use]
    pub fn each_fetch(&self, series: &[SeriesKey]) -> usize {
        let mut alike: HashMap<_, Vec<Interval>> = HashMap::new();
        for key in series {
            let of = (&key.source, &key.symbol, key.adjusted);
            alike.entry(of).or_default().push(key.interval);
        }
        let rides = |key: &SeriesKey| {
            let beside = alike.get(&(&key.source, &key.symbol, key.adjusted));
            let is_finer = |one: &Interval| one.length() < key.interval.length();
            let mut finer = beside.into_iter().flatten().filter(|one| is_finer(one));
            finer.any(|finer| self.rolls_up(&key.source, *finer, key.interval))
        };
        let of_a_lane = self.lanes.iter().map(|lane| {
            let asked = series.iter().filter(|key| key.source == *lane.id());
            let asked = asked.filter(|key| !rides(key));
            let wishes: Vec<Wish> = asked.cloned().map(Wish::newest).collect();
            lane.source.plan(&wishes).requests.len()
        });
        of_a_lane.sum()
    }

    /// Requests that bring what is missing of a series, and why some cannot be sent.
    fn priced(
        &self,
        series: &SeriesKey,
        missing: &[Span],
        learned: &[(SourceId, Learned)],
    ) -> (u32, Option<String>) {
        let Some(lane) = self.lane(&series.source).filter(|_| !missing.is_empty()) else {
            return (0, None);
        };
        let wish = Wish {
            range: Range::Missing(missing.to_vec()),
            ..Wish::newest(series.clone())
        };
        let planned = lane.plan(&[wish]);
        let refused = planned.refused.into_iter().next();
        let mut why = refused.map(|(_, refusal)| refusal.text);
        let learned = learned.iter().find(|(source, _)| source == lane.id());
        let can_be_sent = planned.requests.iter().filter(|request| {
            let verdict = learned.map(|(_, learned)| learned.verdict(request, &BTreeSet::new()));
            match verdict {
                Some(Verdict::Refuse(_, text)) => {
                    why = Some(text);
                    false
                }
                _ => true,
            }
        });
        let pages = can_be_sent.map(|request| lane.source.pages(request));
        let requests = pages.fold(0, u32::saturating_add);
        (requests, why)
    }

    /// What each source with a daily limit may still be sent today.
    pub async fn left_today(&self) -> Result<Vec<Left>, DbError> {
        let mut all = vec![];
        for lane in &self.lanes {
            let Some(per_day) = lane.policy.quota.per_day() else {
                continue;
            };
            let used = self.used_today(lane.id()).await?;
            all.push(Left {
                source: lane.id().clone(),
                left: per_day.saturating_sub(used),
                per_day,
            });
        }
        Ok(all)
    }

    /// Requests sent to a source today.
    pub async fn used_today(&self, source: &SourceId) -> Result<u32, DbError> {
        let ledgers = self.ledgers().await?;
        let ledger: Option<Ledger> = ledgers
            .into_iter()
            .find_map(|(of, ledger)| (of == *source).then_some(ledger));
        Ok(ledger.map_or(0, |ledger| ledger.today))
    }

    async fn all_learned(&self) -> Result<Vec<(SourceId, Learned)>, DbError> {
        let mut all = Vec::with_capacity(self.lanes.len());
        for lane in &self.lanes {
            let known = self.store.entitlements(lane.credential.clone()).await?;
            all.push((lane.id().clone(), Learned::new(known)));
        }
        Ok(all)
    }
}
