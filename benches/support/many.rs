//! A store of many series, filled by the program's own transactions.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use pipeline_tui::db::{Credential, Reservation, Reserved, Store};
use pipeline_tui::model::adjustment::Rule;
use pipeline_tui::model::calendar::CalendarId;
use pipeline_tui::model::quota::Quota;
use pipeline_tui::model::{
    Answer, Bar, Batch, Coverage, Grid, Interval, Known, Price, Request, RunId, RunStatus, Segment,
    SeriesKey, SourceId, Span, Spoken,
};
use pipeline_tui::pipeline::sources::{self, alpha_vantage};
use pipeline_tui::time::Clock;
use uuid::Uuid;

/// Bytes of kept answers.
const KEPT: u64 = 256 << 20;
/// Every tenth series has this many holes of a week.
const HOLES: i32 = 5;

/// Many series of one interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Many {
    pub(crate) interval: Interval,
    pub(crate) series: usize,
    /// How far back each was asked for.
    pub(crate) days: i64,
    /// The most bars that each has, the newest.
    pub(crate) bars: usize,
}

/// 26 years of daily bars, all of them.
pub(crate) const DAILY: Many = Many {
    interval: Interval::Daily,
    series: 1_000,
    days: 26 * 365 + 7,
    bars: usize::MAX,
};

impl Many {
    pub(crate) fn keys(self) -> Vec<SeriesKey> {
        (1..=self.series)
            .map(|number| SeriesKey::raw(format!("SYM{number:04}").parse().unwrap(), self.interval))
            .collect()
    }

    pub(crate) fn grid(self) -> Grid {
        Grid {
            interval: self.interval,
            calendar: sources::calendars().get(CalendarId::Xnys),
            publishing: alpha_vantage::DESCRIPTION.publishing,
        }
    }

    /// The time up to now that was asked for.
    pub(crate) fn asked(self, now: DateTime<Utc>) -> Span {
        Span::new(now - TimeDelta::days(self.days), now)
    }

    /// What there is of each series.
    pub(crate) fn stored(self, now: DateTime<Utc>) -> Vec<Bar> {
        let grid = self.grid();
        let due = grid.newest_due(now).unwrap().span.to;
        let asked = Span::new(self.asked(now).from, due);
        let labels: Vec<DateTime<Utc>> = grid.slots(asked).map(|slot| slot.span.from).collect();
        let old = labels.len().saturating_sub(self.bars);
        labels.into_iter().skip(old).map(bar).collect()
    }

    /// Stores every series in one run.
    pub(crate) async fn fill(self, store: &Arc<dyn Store>, now: DateTime<Utc>) {
        let (keys, bars, asked) = (self.keys(), self.stored(now), self.asked(now));
        let settled_to = self.grid().publishing.settled(self.interval, now);
        let run = store.begin_run("bench", keys.clone()).await.unwrap();
        // The whole history was asked for, also what is before its first bar.
        let first = match self.interval {
            Interval::Daily => Coverage::beginning(),
            _ => asked.from,
        };
        for (number, series) in keys.into_iter().enumerate() {
            let has_holes = number % 10 == 0;
            let piece = (asked.to - asked.from) / (HOLES + 1);
            let from = if has_holes { asked.to - piece } else { first };
            let spoken = Spoken {
                asked: Span::new(from, asked.to),
                settled_to,
                complete_to: asked.to,
                newest_at: Some(now),
            };
            let batch = received(store, run.id, &series, &bars, Some(spoken)).await;
            store.apply(vec![batch], credential()).await.unwrap();
            if has_holes {
                let older = (0..HOLES).map(|place| {
                    let from = asked.from + piece * place;
                    let to = from + piece - TimeDelta::days(7);
                    let from = if place == 0 { first } else { from };
                    let (span, known) = (Span::new(from, to), Known::Settled);
                    Segment { span, known }
                });
                store.record(series, older.collect()).await.unwrap();
            }
        }
        store
            .finish_run(run.id, RunStatus::Succeeded)
            .await
            .unwrap();
    }
}

pub(crate) fn bar(timestamp: DateTime<Utc>) -> Bar {
    let units = 28_000_000_000 + timestamp.timestamp() / 60 * 7_919 % 9_973 * 1_000_000;
    let price = |more: i64| Price::from_units(units + more * 10_000_000);
    Bar {
        timestamp,
        trading_date: timestamp.with_timezone(&New_York).date_naive(),
        open: price(0),
        high: price(5),
        low: price(-5),
        close: price(1),
        volume: 1_000_000.into(),
        is_final: true,
        adjusted_close: None,
        dividend_amount: None,
        split_coefficient: None,
    }
}

/// An answer as a run of the pipeline receives it: its request is granted, and it is kept.
pub(crate) async fn received(
    store: &Arc<dyn Store>,
    run: RunId,
    series: &SeriesKey,
    bars: &[Bar],
    spoken: Option<Spoken>,
) -> Batch {
    let reservation = Reservation {
        attempt_id: Uuid::new_v4(),
        run,
        request: Request {
            source: SourceId::DEFAULT,
            endpoint: "TIME_SERIES_DAILY".to_owned(),
            series: vec![series.clone()],
            riders: vec![],
            page: 1,
            parameters: vec![],
        },
        credential: credential(),
        attempt: 1,
        quota: Quota::unlimited(New_York),
    };
    let request = match store.reserve(reservation).await.unwrap() {
        Reserved::Granted(request) => request,
        refused => unreachable!("an unlimited quota grants: {refused:?}"),
    };
    let answer = Answer {
        status: 200,
        content_type: None,
        body: Bytes::from_static(b"{}"),
        received_at: Clock::system().now(),
        elapsed_ms: 0,
        stated: None,
    };
    store.keep(request, answer, KEPT).await.unwrap();
    Batch {
        request,
        run,
        series: series.clone(),
        rule: Rule::CloseOfExDate,
        bars: bars.into(),
        rejected: vec![],
        received: u32::try_from(bars.len()).unwrap(),
        rounded: 0,
        set_aside: 0,
        parse_ms: 0,
        is_last: true,
        spoken,
        is_rolled_up: false,
    }
}

pub(crate) fn credential() -> Credential {
    Credential {
        source: SourceId::DEFAULT,
        fingerprint: "bench".to_owned(),
        plan: "unlimited".to_owned(),
    }
}
