//! Coarser series that ride along with a finer one: where a source's coarser bars are exactly what its
//! finer ones add up to, one request brings both. Pure.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::model::{Coverage, Interval, SeriesKey, SourceId, Span, Spans};

/// What a series was asked for, and what it is to be asked for now.
#[derive(Debug, Clone, Default)]
pub(super) struct Lacking {
    pub asked: Spans,
    pub wanted: Vec<Span>,
}

impl Lacking {
    /// What is known of a series, and what of it is wanted.
    pub fn of(coverage: &Coverage, wanted: Vec<Span>) -> Self {
        Self {
            asked: coverage.asked().clone(),
            wanted,
        }
    }

    /// Whether its bars, when what it lacks has come, are all that a coarser series lacks.
    fn brings(&self, coarser: &Self) -> bool {
        let Some(known) = self.asked.bounds() else {
            return false;
        };
        let wanted = self.wanted.iter().copied();
        let to_come = Span::new(known.to, DateTime::<Utc>::MAX_UTC);
        let all = self.asked.as_slice().iter().copied();
        let all: Spans = all.chain(wanted).chain([to_come]).collect();
        let lacks = &coarser.wanted;
        !lacks.is_empty() && lacks.iter().all(|span| all.gaps(*span).is_empty())
    }
}

/// The series that ride along, each with the one that is asked for: of those that bring all it lacks the
/// coarsest, which has the fewest bars.
pub(super) fn riders<'a>(
    series: impl IntoIterator<Item = (&'a SeriesKey, &'a Lacking)>,
    rolls_up: impl Fn(&SourceId, Interval, Interval) -> bool,
) -> HashMap<SeriesKey, SeriesKey> {
    let mut alike: HashMap<_, Vec<(&SeriesKey, &Lacking)>> = HashMap::new();
    for (key, lacking) in series {
        let of = (&key.source, &key.symbol, key.adjusted);
        alike.entry(of).or_default().push((key, lacking));
    }
    let mut riders = HashMap::new();
    for mut alike in alike.into_values() {
        alike.sort_by_key(|(key, _)| key.interval.length());
        let mut asked: Vec<(&SeriesKey, &Lacking)> = vec![];
        for (key, lacking) in alike {
            let base = asked.iter().rev().find(|(base, known)| {
                rolls_up(&key.source, base.interval, key.interval) && known.brings(lacking)
            });
            match base {
                Some((base, _)) => {
                    riders.insert(key.clone(), (*base).clone());
                }
                None => asked.push((key, lacking)),
            }
        }
    }
    riders
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::model::{Known, Segment};

    fn span(from: i64, to: i64) -> Span {
        let at = |minute| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        Span::new(at(from), at(to))
    }

    fn lacking(asked: &[(i64, i64)], wanted: &[(i64, i64)]) -> Lacking {
        let segment = |(from, to): &(i64, i64)| Segment {
            span: span(*from, *to),
            known: Known::Settled,
        };
        let coverage = Coverage::of(asked.iter().map(segment), None);
        let wanted = wanted.iter().map(|(from, to)| span(*from, *to));
        Lacking::of(&coverage, wanted.collect())
    }

    #[test]
    fn a_series_rides_if_a_finer_one_brings_all_it_lacks() {
        let key = |interval| SeriesKey::raw("IBM".parse().unwrap(), interval);
        let [one, five, hour] = [Interval::Min1, Interval::Min5, Interval::Min60].map(key);
        let of = |finer: Lacking, coarser: Lacking| {
            let both = [(&hour, &coarser), (&five, &finer)];
            riders(both, |_, _, _| true).remove(&hour)
        };
        // Asked for up to 10:35 and 10:00; now both want what came since.
        let since = || lacking(&[(0, 635)], &[(635, 725)]);
        let coarser = || lacking(&[(0, 600)], &[(600, 726)]);
        assert_eq!(of(since(), coarser()).as_ref(), Some(&five));
        let with_hole = lacking(&[(0, 600)], &[(60, 120), (600, 725)]);
        assert_eq!(of(since(), with_hole).as_ref(), Some(&five));
        let older = lacking(&[(120, 635)], &[(635, 725)]);
        let history = lacking(&[(600, 660)], &[(0, 600), (660, 725)]);
        assert_eq!(
            of(older, history),
            None,
            "the finer one does not reach back"
        );
        assert_eq!(of(lacking(&[], &[]), coarser()), None, "never asked for");
        assert_eq!(
            of(since(), lacking(&[(0, 720)], &[])),
            None,
            "lacks nothing"
        );
        // Of two that would do, the one with fewer bars; nothing rides on what rides itself.
        let known = [since(), since(), coarser()];
        let all = [(&one, &known[0]), (&five, &known[1]), (&hour, &known[2])];
        let of_all = riders(all, |_, _, coarser| coarser == Interval::Min60);
        assert_eq!(of_all, HashMap::from([(hour.clone(), five.clone())]));
        let of_all = riders(all, |_, _, _| true);
        assert_eq!(of_all.len(), 2);
        assert!(of_all.values().all(|base| *base == one));
        assert!(riders(all, |_, _, _| false).is_empty());
    }
}
