//! How series stand: what is stored, what was asked for, and what is missing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::deadline;
use super::filling::Pairs;
use super::riders::Lacking;
use super::run::{Pipeline, RunRequest};
use super::source::{Range, Wish};
use crate::db::{BarQuery, DbError, Order, SeriesFacts};
use crate::model::ranges::{Stock, Stretch, stretches};
use crate::model::supposed::suppose_closed;
use crate::model::{
    Coverage, Declarations, Declared, Evidence, Grid, Known, Publishing, Segment, SeriesKey, Span,
    Truth, moment,
};

/// Days within which every exchange has a session.
const A_YEAR: TimeDelta = TimeDelta::days(366);
/// Bars that are read at a time when stock is taken.
const PIECE: u32 = 20_000;

/// A series and how it stands.
#[derive(Debug, Clone)]
pub struct Stand {
    /// The series.
    pub series: SeriesKey,
    /// Which of its bars can exist.
    pub grid: Grid,
    /// Which were asked for.
    pub coverage: Coverage,
    /// From when on its bars are wanted.
    pub since: Option<DateTime<Utc>>,
    /// How it stands.
    pub truth: Truth,
    /// The times that a fetch asks for now.
    pub wanted: Vec<Span>,
    /// Bars stored.
    pub bars: u64,
    /// Since when they can be asked for with the key; `None`: since the first there is.
    pub reach: Option<DateTime<Utc>>,
}

impl Stand {
    /// The holes that can be asked for with the key.
    #[must_use]
    pub fn askable(&self) -> Vec<Span> {
        within_reach(&self.grid, &self.truth.holes, self.reach)
    }

    /// Where the first bar begins that it lacks, or will lack next, of those that can be asked for;
    /// `waits_from`: where the first one begins that counts of a series that was never asked for.
    fn first_lacking(
        &self,
        waits_from: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let asked = self.coverage.asked().bounds();
        let known = asked.map_or(waits_from.min(now), |bounds| bounds.to);
        let hole = self.askable().first().map(|hole| hole.from);
        let later = Span::new(
            known.max(self.reach.unwrap_or(known)),
            now.max(known) + A_YEAR,
        );
        let next = self.grid.first(later).map(|slot| slot.span.from);
        let next = next.filter(|next| !self.coverage.elsewhere().contains(*next));
        hole.into_iter().chain(next).min()
    }
}

/// Of some times, those whose bars can be asked for.
#[must_use]
pub(super) fn within_reach(grid: &Grid, times: &[Span], reach: Option<DateTime<Utc>>) -> Vec<Span> {
    let reach = reach.unwrap_or(DateTime::<Utc>::MIN_UTC);
    times
        .iter()
        .map(|time| time.common(Span::new(reach, time.to)))
        .filter(|time| grid.count(*time) > 0)
        .collect()
}

impl Pipeline {
    /// Which bars of a series can exist.
    #[must_use]
    pub fn grid(&self, series: &SeriesKey) -> Grid {
        let lane = self.lane(&series.source);
        Grid {
            interval: series.interval,
            calendar: self.calendars.of(series),
            publishing: lane.map_or(Publishing::UNKNOWN, |lane| lane.source.publishing()),
        }
    }

    /// Since when bars of a series can be asked for; `None`: since the first there is.
    #[must_use]
    pub fn reach(&self, series: &SeriesKey) -> Option<DateTime<Utc>> {
        self.reach_at(series, self.clock.now())
    }

    fn reach_at(&self, series: &SeriesKey, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let source = &self.lane(&series.source)?.source;
        source.reach(series, &self.calendars.of(series), at)
    }

    /// From when on bars of a series are wanted, given what is declared of it; `None`: from the first
    /// one that was asked for. Daily and longer bars are few: all of them are wanted where the key's plan
    /// has them.
    #[must_use]
    pub fn since(&self, series: &SeriesKey, declared: &Declared) -> Option<DateTime<Utc>> {
        let publishing = self.lane(&series.source)?.source.publishing();
        let declared = declared.since;
        let declared = declared.map(|day| moment::midnight(day, publishing.zone));
        declared.or_else(|| self.usual_since(series))
    }

    /// From when on a fetch asks for bars that were never asked for. What a person declared to be
    /// wanted before that may take hundreds of requests: a backfill brings it, and no fetch of new bars
    /// waits for it.
    fn fetched_since(&self, series: &SeriesKey, declared: &Declared) -> Option<DateTime<Utc>> {
        let usual = self.usual_since(series)?;
        self.since(series, declared).map(|since| since.max(usual))
    }

    fn usual_since(&self, series: &SeriesKey) -> Option<DateTime<Utc>> {
        let lane = self.lane(&series.source)?;
        let publishing = lane.source.publishing();
        let wants_all = !series.interval.is_intraday() && self.reach(series).is_none();
        wants_all.then(|| moment::midnight(publishing.first_day, publishing.zone))
    }

    /// What is declared of each series, by its name in the store.
    pub(super) async fn declared(&self) -> Result<Declarations, DbError> {
        let declared = self.store.declared().await?;
        let declared = declared.into_iter();
        let kept = declared.map(|(series, declared)| (self.kept_as(&series), declared));
        Ok(kept.collect())
    }

    /// How series stand now; those after `since`, where that is given.
    pub async fn stands(
        &self,
        series: &[SeriesKey],
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Stand>, DbError> {
        let stored: Vec<SeriesKey> = series.iter().map(|key| self.stored_as(key)).collect();
        let mut facts = self.store.facts_of(stored.clone()).await?;
        let (declared, nothing) = (self.declared().await?, Declared::default());
        let pairs = Pairs::of(&declared);
        for (series, facts) in stored.iter().zip(&mut facts) {
            self.leave(&self.kept_as(series), &pairs, facts).await?;
        }
        let mut stands = Vec::with_capacity(series.len());
        for (series, facts) in stored.into_iter().zip(&facts) {
            let earliest = match since {
                Some(_) => self.earliest(&series).await?.map(|earliest| earliest.at),
                None => None,
            };
            let declared = declared.get(&self.kept_as(&series)).unwrap_or(&nothing);
            stands.push(self.stand(series, facts, declared, since.max(earliest)));
        }
        suppose_closed(
            stands
                .iter_mut()
                .map(|stand| (&stand.series.symbol, &stand.grid, &mut stand.truth)),
        );
        Ok(stands)
    }

    /// How a series stands of which the store knows this.
    #[must_use]
    pub fn stand(
        &self,
        series: SeriesKey,
        facts: &SeriesFacts,
        declared: &Declared,
        since: Option<DateTime<Utc>>,
    ) -> Stand {
        let grid = self.grid(&series);
        let since = since.or_else(|| self.since(&series, declared));
        let evidence = Evidence {
            grid: &grid,
            coverage: &facts.coverage,
            recent: &facts.recent,
            since,
        };
        let fetched = Evidence {
            since: self.fetched_since(&series, declared),
            ..evidence
        };
        let now = self.clock.now();
        Stand {
            truth: evidence.truth(now),
            wanted: fetched.wanted(now),
            reach: self.reach(&series),
            coverage: facts.coverage.clone(),
            bars: facts.bars,
            series,
            grid,
            since,
        }
    }

    /// Until when every bar that a series lacks can be asked for with its key; `None`: always. One that was
    /// never asked for waits since `added_at`: it lacks the bars from then on, and older ones if all that are
    /// wanted could be asked for then.
    #[must_use]
    pub fn safe_until(&self, stand: &Stand, added_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let reach = |at| self.reach_at(&stand.series, at);
        let could_be_had =
            |since: &DateTime<Utc>| reach(added_at).is_none_or(|reach| reach <= *since);
        let since = stand.since.filter(could_be_had);
        let begins = stand.first_lacking(since.unwrap_or(added_at), self.clock.now())?;
        deadline::last_reach(begins, &reach, self.clock.now())
    }

    /// Requests that bring what is missing of a series.
    #[must_use]
    pub fn price(&self, series: &SeriesKey, missing: &[Span]) -> u32 {
        let Some(lane) = self.lane(&series.source).filter(|_| !missing.is_empty()) else {
            return 0;
        };
        let wish = Wish {
            range: Range::Missing(missing.to_vec()),
            ..Wish::newest(series.clone())
        };
        let planned = lane.plan(&[wish]).requests;
        let pages = planned.iter().map(|request| lane.source.pages(request));
        pages.fold(0, u32::saturating_add)
    }

    /// A series from the first bar that is wanted until now, with what is there and why not.
    pub async fn stretches(&self, stand: &Stand) -> Result<Vec<Stretch>, DbError> {
        let stock = self.stock(&stand.series, None).await?;
        let held = stock.held.bounds();
        let bounds = [held, stand.coverage.bounds()];
        let first = bounds.into_iter().flatten().map(|bounds| bounds.from);
        let from = stand.since.into_iter().chain(first).min();
        let newest = stand.truth.newest_due.map(|slot| slot.span.to);
        let Some(wanted) = from.zip(newest).map(|(from, to)| Span::new(from, to)) else {
            return Ok(vec![]);
        };
        // What is before the first bar was asked for and is not there: it needs no line.
        let mut never = stand.coverage.never_asked(wanted).into_iter();
        let never = never.find_map(|never| stand.grid.first(never));
        let listed = held.map(|bounds| bounds.from);
        let begin = listed
            .into_iter()
            .chain(never.map(|slot| slot.span.from))
            .min();
        let extra = stock.extra.last().map(|(extra, _)| extra.to);
        let end = extra.map_or(wanted.to, |extra| extra.max(wanted.to));
        let within = Span::new(begin.unwrap_or(wanted.from), end);
        Ok(stretches(&stand.grid, &stand.coverage, &stock, within))
    }

    /// What the series of a run lack that is to bring what is missing.
    pub(super) async fn lacking(
        &self,
        request: &RunRequest,
    ) -> Result<HashMap<SeriesKey, Lacking>, DbError> {
        let options = &request.options;
        let is_told_how_much = options
            .extras
            .iter()
            .any(|extra| extra.name == "outputsize");
        if options.range != Range::Newest || is_told_how_much {
            return Ok(HashMap::new());
        }
        let wanted: BTreeSet<SeriesKey> = request
            .series
            .iter()
            .map(|series| self.kept_as(series))
            .collect();
        let now = self.clock.now();
        let first = match request.within {
            Some(_) => self.earliest_of(&wanted).await?,
            None => BTreeMap::new(),
        };
        let mut known: BTreeMap<SeriesKey, Coverage> =
            self.store.coverage().await?.into_iter().collect();
        let (declared, nothing) = (self.declared().await?, Declared::default());
        let pairs = Pairs::of(&declared);
        let mut lacking = HashMap::with_capacity(wanted.len());
        for series in wanted {
            let coverage = known.remove(&series).unwrap_or_default();
            let declared = declared.get(&series).unwrap_or(&nothing);
            let grid = self.grid(&series);
            let mut facts;
            let mut evidence = Evidence {
                grid: &grid,
                coverage: &coverage,
                recent: &[],
                since: self.fetched_since(&series, declared),
            };
            let spans = match request.within {
                Some(fill) => {
                    facts = self.store.facts(series.clone()).await?;
                    self.leave(&series, &pairs, &mut facts).await?;
                    (evidence.coverage, evidence.recent) = (&facts.coverage, &facts.recent);
                    evidence.since = self.since(&series, declared);
                    let wanted = evidence.wanted_by(fill, now);
                    let first = first.get(&series).map(|first| first.at);
                    within_reach(&grid, &wanted, self.reach(&series).max(first))
                }
                None => evidence.wanted(now),
            };
            let known = Lacking::of(&coverage, spans, grid);
            lacking.insert(series, known);
        }
        Ok(lacking)
    }

    /// The series as the store names it.
    pub(super) fn kept_as(&self, series: &SeriesKey) -> SeriesKey {
        let series = self.stored_as(series);
        SeriesKey {
            adjusted: series.is_stored_adjusted(),
            ..series
        }
    }

    /// Notes for bars that were stored before anybody noted what was asked for that they are there. A
    /// slot without a bar counts as never asked for.
    pub async fn take_stock(&self) -> Result<(), DbError> {
        if self.stocktaking.is_done() {
            return Ok(());
        }
        let months = self.store.months().await?;
        let stored: BTreeSet<&SeriesKey> = months.iter().map(|held| &held.series).collect();
        for (series, coverage) in self.store.coverage().await? {
            if coverage == Coverage::default() && stored.contains(&series) {
                let held = self.stock(&series, None).await?.held;
                let segment = |span: &Span| Segment {
                    span: *span,
                    known: Known::Settled,
                };
                let segments = held.as_slice().iter().map(segment).collect();
                self.store.record(series, segments).await?;
            }
        }
        self.stocktaking.done();
        Ok(())
    }

    /// What stored bars tell; those that begin in a time, if one is given.
    pub(super) async fn stock(
        &self,
        series: &SeriesKey,
        within: Option<Span>,
    ) -> Result<Stock, DbError> {
        let grid = self.grid(series);
        // The label of a week or a month may be at its end.
        let to = within.map(|within| within.to + grid.interval.length());
        let mut stock = Stock::default();
        let mut from = within.map(|within| within.from);
        loop {
            let query = BarQuery {
                series: series.clone(),
                from,
                to,
                limit: PIECE,
                order: Order::OldestFirst,
            };
            let bars = self.store.bars(query).await?;
            stock.take(&grid, bars.iter().filter(|bar| bar.is_final));
            match bars.last() {
                Some(bar) if bars.len() == PIECE as usize => {
                    from = Some(bar.timestamp + TimeDelta::seconds(1));
                }
                _ => return Ok(stock),
            }
        }
    }
}
