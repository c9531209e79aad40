//! What dead processes left: their runs are marked, and the answers they had paid for are stored.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

use super::consequence::consequence;
use super::event::{Event, Observer};
use super::exchange::{Exchange, Judging};
use super::lane::Lane;
use super::learned::Lesson;
use super::persist::Waiting;
use super::run::Pipeline;
use super::source::Refusal;
use super::spool::SpoolError;
use crate::db::{DbError, KeptAnswer};
use crate::model::causes::Causes;
use crate::model::{Request, SeriesKey, SeriesReport, SeriesStatus};

/// Whether it was said that there are answers which this version cannot read: once is enough.
#[derive(Debug, Default)]
pub struct Unreadable(AtomicBool);

impl Pipeline {
    /// Recovers outside a run: what dead processes left must not wait for the next one.
    pub async fn rescue(
        &self,
        observer: &Observer,
        cancel: &CancellationToken,
    ) -> Result<(), DbError> {
        self.recover(Waiting { cancel, observer }).await
    }

    /// Marks runs of dead processes and stores the answers that they had paid for and kept, each read
    /// by the source it came from.
    pub(super) async fn recover(&self, waiting: Waiting<'_>) -> Result<(), DbError> {
        let observer = waiting.observer;
        let interrupted = self.store.sweep().await?;
        if !interrupted.is_empty() {
            observer(Event::Interrupted(interrupted));
        }
        self.take_stock().await?;
        self.recall_pauses().await?;
        self.take_in_spooled(waiting).await?;
        let mut unreadable = vec![];
        for kept in self.store.unapplied().await? {
            let Some(lane) = self.lane(&kept.request.source) else {
                unreadable.push(kept.request.source);
                continue;
            };
            let exchange = Exchange {
                pipeline: self,
                lane,
                run: kept.run,
                waiting,
                store: &self.store,
                hold: None,
            };
            if self.recover_events(&kept, exchange).await?.is_some() {
                continue;
            }
            if kept.request.is_about_symbols() {
                self.recover_symbols(&kept, exchange).await?;
                continue;
            }
            for report in exchange.recovered(&kept).await? {
                observer(Event::Recovered(report));
            }
        }
        if let Some(first) = unreadable.first()
            && !self.unreadable.0.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                source = %first,
                answers = unreadable.len(),
                "kept answers are of a source that this version does not know; they stay for one that does"
            );
        }
        Ok(())
    }

    /// Stores answers that a process kept on disk while the store was away. Those of another store
    /// stay for it.
    async fn take_in_spooled(&self, waiting: Waiting<'_>) -> Result<(), DbError> {
        let spool = &self.persistence.spool;
        let told = |error: SpoolError| tracing::warn!(error = %Causes(&error), "answers kept on disk cannot be read");
        for attempt in spool.waiting().await.map_err(told).unwrap_or_default() {
            let Some(answer) = spool.get(attempt).await.map_err(told).unwrap_or_default() else {
                continue;
            };
            if let Some(request) = self.store.attempt(attempt).await? {
                self.move_in(request, attempt, &answer, waiting).await?;
            } else {
                tracing::warn!(%attempt, "an answer kept on disk belongs to another store");
            }
        }
        Ok(())
    }

    /// Lets requests go on at the first page that is missing where an earlier run was cut short
    /// between two pages: the last page that is stored names the next one.
    pub(super) async fn go_on(
        &self,
        lane: &Lane,
        requests: &mut Vec<Request>,
    ) -> Result<(), DbError> {
        if lane.policy.most_pages <= 1 {
            return Ok(());
        }
        for kept in self.store.unfinished(lane.id().clone()).await? {
            let next = lane.source.read(&kept.request, &kept.answer);
            let Some(next) = next.ok().and_then(|page| page.next) else {
                continue;
            };
            if next.page > lane.policy.most_pages {
                continue;
            }
            let left = |wanted: &Request| lane.source.continued(wanted, &next);
            let mut places = requests.iter().enumerate();
            if let Some((place, left)) =
                places.find_map(|(place, wanted)| Some((place, left(wanted)?)))
            {
                tracing::info!(series = %next.subject(), page = next.page, "an earlier run goes on");
                requests.splice(place..=place, left);
            }
        }
        Ok(())
    }
}

/// What else its run would have asked is not known.
const ALONE: Judging = Judging {
    minute_means_day: false,
    is_last: true,
};

impl Exchange<'_> {
    /// Stores a kept answer. Its series are complete if it is the last page.
    async fn recovered(&self, kept: &KeptAnswer) -> Result<Vec<SeriesReport>, DbError> {
        let series = kept.request.filled();
        let mut reports: Vec<SeriesReport> = series
            .map(|series| {
                let mut report = SeriesReport::new(series.clone(), SeriesStatus::Interrupted);
                (report.attempts, report.requests) = (1, 1);
                report
            })
            .collect();
        match self.digest(kept, ALONE).await? {
            Ok(digest) => {
                digest.add_to(&mut reports);
                if digest.next.is_none() {
                    for report in &mut reports {
                        report.status = SeriesStatus::Succeeded;
                    }
                }
                Ok(reports)
            }
            Err(refusal) => self.recovered_refusal(kept, reports, &refusal).await,
        }
    }

    /// Records a refusal that was kept but not read before its process died.
    async fn recovered_refusal(
        &self,
        kept: &KeptAnswer,
        reports: Vec<SeriesReport>,
        refusal: &Refusal,
    ) -> Result<Vec<SeriesReport>, DbError> {
        let (store, source) = (&self.pipeline.store, self.lane.source.as_ref());
        let rest = source.amend(&kept.request, refusal);
        let rest = rest.map(|rest| rest.filled().cloned().collect());
        let rest: Vec<SeriesKey> = rest.unwrap_or_default();
        let mut ended = Vec::with_capacity(reports.len());
        for report in reports {
            // The next run asks for it without those that are refused.
            if rest.contains(&report.series) {
                ended.push(report);
                continue;
            }
            let (status, text, lesson) = consequence(source, &kept.request, &report, refusal);
            if let Lesson::Refused(refused) = lesson {
                store
                    .learn_refusal(kept.credential.clone(), refused)
                    .await?;
            }
            let report = report.with_error(status, refusal.class, text);
            store.finish_series(kept.run, report.clone()).await?;
            ended.push(report);
        }
        Ok(ended)
    }
}
