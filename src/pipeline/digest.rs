//! What a kept answer about bars becomes: stored, in one transaction.

use super::exchange::{Exchange, Judging};
use super::source::{Asked, Page, Refusal};
use crate::db::{DbError, KeptAnswer};
use crate::model::{
    Answer, Batch, Counts, ErrorClass, Reading, Request, SeriesKey, SeriesReport, Spoken,
};

/// What one answer brought.
#[derive(Debug)]
pub(super) struct Digest {
    /// What was stored, by series.
    stored: Vec<(Batch, Counts)>,
    /// The request for the next page.
    pub next: Option<Request>,
}

impl Exchange<'_> {
    /// Reads a kept answer and stores what it holds; used by the run that requested it and by the
    /// next start after a crash.
    pub async fn digest(
        &self,
        kept: &KeptAnswer,
        judging: Judging,
    ) -> Result<Result<Digest, Refusal>, DbError> {
        let delay = self.lane.source.publishing().delay;
        let read = |request: &Request, answer: &Answer| {
            let read = self.lane.source.read(request, answer);
            let page = read.map_err(|mut refusal| {
                if judging.minute_means_day && refusal.class == ErrorClass::Minute {
                    refusal.class = ErrorClass::Day;
                }
                refusal
            })?;
            let mut page = complete(request, page)?;
            for (series, reading) in &mut page.parts {
                let calendar = self.pipeline.calendars.of(series);
                reading.mark_unfinished(series.interval, answer.asked_at() - delay, &calendar);
            }
            Ok(page)
        };
        let (page, parse_ms) = match self.read(kept, read).await? {
            Ok(read) => read,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let is_last = judging.is_last && page.next.is_none();
        let is_last_page = page.next.is_none();
        let batch = |(series, reading): (SeriesKey, Reading)| Batch {
            spoken: self.spoken((kept, is_last_page), &series, &reading),
            request: kept.id,
            run: kept.run,
            series,
            rule: self.lane.source.rule(),
            bars: reading.bars.into(),
            rejected: reading.rejected,
            received: reading.received,
            rounded: reading.rounded,
            set_aside: reading.set_aside,
            parse_ms,
            is_last,
            is_rolled_up: false,
        };
        let mut batches: Vec<Batch> = page.parts.into_iter().map(batch).collect();
        // Of several pages the last one speaks for the bars of all, and has only its own.
        if is_last_page && kept.request.page == 1 {
            let rolled = || self.rolled_up(&kept.request, &batches);
            batches.extend(self.pipeline.write(self.waiting, rolled).await?);
        }
        let apply = || self.store.apply(batches.clone(), kept.credential.clone());
        let counts = self.pipeline.write(self.waiting, apply).await?;
        debug_assert_eq!(counts.len(), batches.len(), "counts for each series");
        Ok(Ok(Digest {
            stored: batches.into_iter().zip(counts).collect(),
            next: page.next,
        }))
    }
}

impl Exchange<'_> {
    fn spoken(
        &self,
        (kept, is_last_page): (&KeptAnswer, bool),
        series: &SeriesKey,
        reading: &Reading,
    ) -> Option<Spoken> {
        let asked = Asked {
            request: &kept.request,
            series,
            at: kept.answer.asked_at(),
            is_last_page,
        };
        let spoken = self.lane.source.spoken(&asked, &reading.bars)?;
        let grid = self.pipeline.grid(series);
        Some(spoken.of_due(&grid, &reading.bars, asked.at))
    }
}

/// The page with a part for each series of the request. A series that is not in the answer has no
/// bars there; one that was not requested shows that the answer is to something else.
fn complete(request: &Request, mut page: Page) -> Result<Page, Refusal> {
    let strange = page
        .parts
        .iter()
        .find(|(series, _)| !request.series.contains(series));
    if let Some((series, _)) = strange {
        let text = format!("the answer holds {series}, which was not requested");
        return Err(Refusal::new(ErrorClass::Malformed, text));
    }
    for series in &request.series {
        if page.parts.iter().all(|(there, _)| there != series) {
            page.parts.push((series.clone(), Reading::default()));
        }
    }
    Ok(page)
}

impl Digest {
    /// Adds what was stored to the reports of its series.
    pub fn add_to(&self, reports: &mut [SeriesReport]) {
        for report in reports {
            let mine = self
                .stored
                .iter()
                .filter(|(batch, _)| batch.series == report.series);
            for (batch, counts) in mine {
                let bars = u32::try_from(batch.bars.len()).unwrap_or(u32::MAX);
                report.received += batch.received;
                report.rejected += batch.received.saturating_sub(bars);
                report.rounded += batch.rounded;
                report.set_aside += batch.set_aside;
                // What the run has done for the series, this answer included.
                report.counts = *counts;
                let (first, last) = (batch.bars.first(), batch.bars.last());
                let first = first.map(|bar| bar.timestamp);
                report.first = report.first.into_iter().chain(first).min();
                report.last = report.last.max(last.map(|bar| bar.timestamp));
            }
        }
    }
}
