//! What each source may still be sent, from its ledger: pure.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::snapshot::{QuotaStatus, RollingStatus};
use crate::model::quota::{self, Ledger, Quota};
use crate::model::{SeriesKey, SourceId};

/// The quotas of all sources, the default first.
#[derive(Debug)]
pub struct Quotas(Vec<Standing>);

#[derive(Debug)]
struct Standing {
    source: SourceId,
    quota: Quota,
    ledger: Ledger,
    /// The quota day of the ledger; that of another day does not count.
    day: Option<DateTime<Utc>>,
}

impl Standing {
    /// Whether a request may still be in a window of this time.
    fn sent_within(&self, span: TimeDelta, now: DateTime<Utc>) -> bool {
        let last = self.ledger.last_start;
        last.is_some_and(|last| now - last < span)
    }

    fn ledger(&self, at: DateTime<Utc>) -> Ledger {
        if self.day == Some(self.quota.day(at).0) {
            self.ledger
        } else {
            Ledger::default()
        }
    }
}

impl Quotas {
    /// Quotas of which nothing is read yet.
    pub fn new(quotas: Vec<(SourceId, Quota)>) -> Self {
        let standing = |(source, quota)| Standing {
            source,
            quota,
            ledger: Ledger::default(),
            day: None,
        };
        Self(quotas.into_iter().map(standing).collect())
    }

    /// Takes in what was read.
    pub fn read(&mut self, ledgers: Vec<(SourceId, Ledger)>, now: DateTime<Utc>) {
        for (source, ledger) in ledgers {
            if let Some(standing) = self.0.iter_mut().find(|standing| standing.source == source) {
                standing.day = Some(standing.quota.day(now).0);
                standing.ledger = ledger;
            }
        }
    }

    /// Whether a day has turned since something was read, or requests have left a window.
    pub fn is_outdated(&self, now: DateTime<Utc>) -> bool {
        let is_of_another_day = |standing: &Standing| {
            standing
                .day
                .is_some_and(|day| day != standing.quota.day(now).0)
        };
        let is_moving = |standing: &Standing| {
            let lately = standing.ledger.lately;
            lately.in_flight > 0 || lately.rolling.iter().any(|sent| *sent > 0)
        };
        let mut standings = self.0.iter();
        standings.any(|standing| is_of_another_day(standing) || is_moving(standing))
    }

    /// Until when nothing may be sent to a source.
    pub fn spent_until(&self, source: &SourceId, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let standing = self.of(source)?;
        quota::spent_until(&standing.ledger(now), &standing.quota, now)
    }

    /// Until when nothing may be sent to any source.
    pub fn all_spent_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let spent = |standing: &Standing| self.spent_until(&standing.source, now);
        self.0.iter().map(spent).min().flatten()
    }

    /// The sources with a limited day, and the requests that are left of it.
    pub fn limited(&self, now: DateTime<Utc>) -> impl Iterator<Item = (&SourceId, &Quota, u32)> {
        let limited = move |standing: &'_ Standing| left(standing, now);
        let limited = move |standing| Some((standing, limited(standing)?));
        let limited = self.0.iter().filter_map(limited);
        limited.map(|(standing, left)| (&standing.source, &standing.quota, left))
    }

    /// How many of these series can be fetched before their sources' days are over.
    pub fn sendable<'a>(
        &self,
        series: impl Iterator<Item = &'a SeriesKey>,
        now: DateTime<Utc>,
    ) -> usize {
        let mut wanted: HashMap<&SourceId, usize> = HashMap::new();
        for series in series {
            *wanted.entry(&series.source).or_default() += 1;
        }
        let sendable = |(source, wanted): (&SourceId, usize)| {
            let left = self.of(source).and_then(|standing| left(standing, now));
            left.map_or(wanted, |left| wanted.min(left as usize))
        };
        wanted.into_iter().map(sendable).sum()
    }

    /// The requests to a source.
    pub fn status(&self, source: &SourceId, now: DateTime<Utc>) -> QuotaStatus {
        let Some(standing) = self.of(source) else {
            return QuotaStatus::default();
        };
        let ledger = standing.ledger(now);
        let mut rolling = [None; quota::WINDOWS];
        let sent = standing
            .quota
            .rolling()
            .into_iter()
            .zip(ledger.lately.rolling);
        for (status, (window, used)) in rolling.iter_mut().zip(sent) {
            *status = window.map(|(limit, span)| RollingStatus {
                used: if standing.sent_within(span, now) {
                    used
                } else {
                    0
                },
                limit,
                span,
            });
        }
        QuotaStatus {
            used: ledger.today,
            limit: standing.quota.per_day(),
            gap: standing.quota.gap,
            rolling,
            in_flight: ledger.lately.in_flight,
            answered_at: ledger.lately.answered_at,
            class: ledger.lately.class,
            spent_until: quota::spent_until(&ledger, &standing.quota, now),
            renews_at: quota::renews_at(&ledger, &standing.quota, now),
        }
    }

    fn of(&self, source: &SourceId) -> Option<&Standing> {
        self.0.iter().find(|standing| standing.source == *source)
    }
}

fn left(standing: &Standing, now: DateTime<Utc>) -> Option<u32> {
    quota::left(&standing.ledger(now), &standing.quota, now)
}

#[cfg(test)]
mod tests {
    use chrono_tz::UTC;

    use super::*;
    use crate::model::Interval;

    const OTHER: SourceId = SourceId::known("other");

    fn quotas() -> Quotas {
        let limited = Quota::daily(TimeDelta::zero(), Some(5), UTC);
        Quotas::new(vec![
            (SourceId::DEFAULT, limited),
            (OTHER, Quota::unlimited(UTC)),
        ])
    }

    fn used(today: u32) -> Ledger {
        Ledger {
            today,
            ..Ledger::default()
        }
    }

    #[test]
    fn a_spent_day_of_one_source_holds_up_no_other() {
        let now = "2026-11-23T15:00:00Z".parse().unwrap();
        let mut quotas = quotas();
        quotas.read(vec![(SourceId::DEFAULT, used(5)), (OTHER, used(500))], now);
        assert!(quotas.spent_until(&SourceId::DEFAULT, now).is_some());
        assert_eq!(quotas.spent_until(&OTHER, now), None);
        assert_eq!(quotas.all_spent_until(now), None);
        let limited: Vec<_> = quotas.limited(now).collect();
        assert!(matches!(limited.as_slice(), [(source, _, 0)] if **source == SourceId::DEFAULT));
        let ibm = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
        let other = SeriesKey {
            source: OTHER,
            ..ibm.clone()
        };
        let due = [&ibm, &other, &ibm, &other, &other];
        assert_eq!(quotas.sendable(due.into_iter(), now), 3);
        let tomorrow = now + TimeDelta::days(1);
        assert!(quotas.is_outdated(tomorrow) && !quotas.is_outdated(now));
        assert_eq!(quotas.sendable(due.into_iter(), tomorrow), 5);
    }

    fn noon() -> DateTime<Utc> {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn nothing_is_sent_while_the_days_of_all_sources_are_over() {
        let limited = |limit| Quota::daily(TimeDelta::zero(), Some(limit), UTC);
        let two = vec![(SourceId::DEFAULT, limited(5)), (OTHER, limited(9))];
        let mut quotas = Quotas::new(two);
        let refused = Ledger {
            day_refusal: Some(noon()),
            ..used(1)
        };
        quotas.read(vec![(SourceId::DEFAULT, used(5))], noon());
        assert_eq!(quotas.all_spent_until(noon()), None);
        quotas.read(vec![(OTHER, refused)], noon());
        let probed = noon() + TimeDelta::hours(1);
        assert_eq!(quotas.all_spent_until(noon()), Some(probed));
    }

    #[test]
    fn what_was_counted_in_a_window_is_shown_until_the_last_request_has_left_it() {
        let minute = TimeDelta::seconds(60);
        let window = quota::Window {
            limit: 75,
            span: quota::WindowSpan::Rolling(minute),
        };
        let quota = Quota {
            windows: [Some(window), None, None],
            ..Quota::unlimited(UTC)
        };
        let mut quotas = Quotas::new(vec![(OTHER, quota)]);
        let mut lately = quota::Lately::default();
        let mut used_at = |last_start, sent: u32, now| {
            lately.rolling[0] = sent;
            let ledger = Ledger {
                last_start,
                lately,
                ..used(sent)
            };
            quotas.read(vec![(OTHER, ledger)], noon());
            quotas.status(&OTHER, now).rolling[0].map(|window| window.used)
        };
        let just_before = noon() + minute - TimeDelta::milliseconds(1);
        assert_eq!(used_at(Some(noon()), 7, just_before), Some(7));
        assert_eq!(used_at(Some(noon()), 7, noon() + minute), Some(0));
        assert_eq!(used_at(None, 7, noon()), Some(0));
    }

    #[test]
    fn what_moves_by_itself_is_read_again() {
        let outdated = |in_flight, rolling| {
            let mut quotas = quotas();
            let lately = quota::Lately {
                in_flight,
                rolling: [0, rolling, 0],
                ..quota::Lately::default()
            };
            let ledger = Ledger { lately, ..used(1) };
            quotas.read(vec![(OTHER, ledger)], noon());
            quotas.is_outdated(noon())
        };
        assert!(!outdated(0, 0));
        assert!(outdated(1, 0), "an answer is awaited");
        assert!(outdated(0, 1), "a request leaves its window");
    }
}
