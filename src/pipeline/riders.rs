//! Coarser series that ride along with a finer one: where a source's coarser bars are exactly what its
//! finer ones add up to, one request brings both. Pure.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::model::{Coverage, Grid, Interval, SeriesKey, SourceId, Span, Spans};

/// What a series was asked for, and what it is to be asked for now.
#[derive(Debug, Clone)]
pub(super) struct Lacking {
    pub asked: Spans,
    pub wanted: Vec<Span>,
    grid: Grid,
}

impl Lacking {
    /// What is known of a series, and what of it is wanted.
    pub fn of(coverage: &Coverage, wanted: Vec<Span>, grid: Grid) -> Self {
        Self {
            asked: coverage.asked().clone(),
            wanted,
            grid,
        }
    }

    /// Whether the answers that bring what it lacks are of all that a coarser series lacks. What is stored
    /// completes a bar that begins before an answer, and no earlier one.
    fn brings(&self, coarser: &Self) -> bool {
        let Some(known) = self.asked.bounds() else {
            return false;
        };
        let to_come = Span::new(known.to, DateTime::<Utc>::MAX_UTC);
        let answers = self.wanted.iter().copied().chain([to_come]);
        let completed = answers.map(|answer| {
            let begun = Span::new(coarser.grid.time_at(answer.from).from, answer.from);
            if self.asked.gaps(begun).is_empty() {
                Span::new(begun.from, answer.to)
            } else {
                answer
            }
        });
        let all: Spans = completed.collect();
        let mut lacks = coarser.wanted.iter().map(|span| coarser.whole(*span));
        !coarser.wanted.is_empty() && lacks.all(|span| all.gaps(span).is_empty())
    }

    /// A time from the first bar on that begins in it: where it begins within a bar, that one is known.
    fn whole(&self, time: Span) -> Span {
        let slot = self.grid.time_at(time.from);
        let from = if slot.from < time.from {
            slot.to
        } else {
            time.from
        };
        Span::new(from, time.to)
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
    use crate::model::calendar::{CalendarId, Calendars};
    use crate::model::{Known, Publishing, Segment};

    fn span(from: i64, to: i64) -> Span {
        let at = |minute| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        Span::new(at(from), at(to))
    }

    fn key(interval: Interval) -> SeriesKey {
        SeriesKey::raw("IBM".parse().unwrap(), interval)
    }

    fn of_size(interval: Interval, asked: &[(i64, i64)], wanted: &[(i64, i64)]) -> Lacking {
        let segment = |(from, to): &(i64, i64)| Segment {
            span: span(*from, *to),
            known: Known::Settled,
        };
        let coverage = Coverage::of(asked.iter().map(segment), None);
        let wanted = wanted.iter().map(|(from, to)| span(*from, *to));
        let grid = Grid {
            interval,
            calendar: Calendars::default().get(CalendarId::Always),
            publishing: Publishing::UNKNOWN,
        };
        Lacking::of(&coverage, wanted.collect(), grid)
    }

    fn fives(asked: &[(i64, i64)], wanted: &[(i64, i64)]) -> Lacking {
        of_size(Interval::Min5, asked, wanted)
    }

    fn hours(asked: &[(i64, i64)], wanted: &[(i64, i64)]) -> Lacking {
        of_size(Interval::Min60, asked, wanted)
    }

    #[test]
    fn a_series_rides_if_the_answers_to_a_finer_one_are_of_all_it_lacks() {
        let rides = |finer: Lacking, coarser: Lacking| {
            let [five, hour] = [Interval::Min5, Interval::Min60].map(key);
            let both = [(&hour, &coarser), (&five, &finer)];
            let riders = riders(both, |_, _, _| true);
            riders.get(&hour) == Some(&five)
        };
        // Asked for up to 10:35 and 10:00; now both want what came since.
        let since = || fives(&[(0, 635)], &[(635, 725)]);
        let coarser = || hours(&[(0, 600)], &[(600, 726)]);
        assert!(rides(since(), coarser()));
        let until_nine = hours(&[(0, 540)], &[(540, 726)]);
        assert!(!rides(since(), until_nine), "9:00 is not in the answer");
        let with_hole = || hours(&[(0, 60), (120, 600)], &[(60, 120), (600, 725)]);
        assert!(!rides(since(), with_hole()), "neither is the hole");
        let same_hole = fives(&[(0, 65), (120, 635)], &[(65, 120), (635, 725)]);
        assert!(rides(same_hole, with_hole()));
        let unknown = fives(&[(610, 635)], &[(635, 725)]);
        assert!(!rides(unknown, coarser()), "the hour has no beginning");
        assert!(!rides(fives(&[], &[]), coarser()), "never asked for");
        assert!(!rides(since(), hours(&[(0, 720)], &[])), "lacks nothing");
        let settling = hours(&[(0, 600)], &[(599, 726)]);
        assert!(rides(since(), settling), "no hour begins at 9:59");
        let older = hours(&[(0, 600)], &[(540, 545), (600, 726)]);
        assert!(!rides(since(), older), "an hour begins at 9:00");
    }

    #[test]
    fn a_series_rides_with_the_coarsest_that_does_not_ride_itself() {
        let [one, five, hour] = [Interval::Min1, Interval::Min5, Interval::Min60].map(key);
        let since = |interval| of_size(interval, &[(0, 635)], &[(635, 725)]);
        let coarser = hours(&[(0, 600)], &[(600, 726)]);
        let known = [since(Interval::Min1), since(Interval::Min5), coarser];
        let all = [(&one, &known[0]), (&five, &known[1]), (&hour, &known[2])];
        let of_all = riders(all, |_, _, coarser| coarser == Interval::Min60);
        assert_eq!(of_all, HashMap::from([(hour.clone(), five.clone())]));
        let of_all = riders(all, |_, _, _| true);
        assert_eq!(of_all.len(), 2);
        assert!(of_all.values().all(|base| *base == one));
        assert!(riders(all, |_, _, _| false).is_empty());
    }
}
