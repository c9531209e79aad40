//! What the answers about a series spoke for: which times were asked for, and which of them are
//! settled, so that what is not there the provider does not have.

use chrono::{DateTime, TimeZone, Utc};
use serde::Serialize;

use super::span::{Span, Spans};
use super::spoken::Spoken;
use super::words::words;

words! {
    /// What is known of a time of a series.
    pub enum Known {
        /// Asked for after it could change no more: a bar that is not there does not exist.
        Settled = "settled",
        /// Asked for, but corrections and late bars may follow.
        Asked = "asked",
        /// Asked for, and the provider refuses to answer.
        Refused = "refused",
        /// Rolled up from finer bars after they could change no more.
        Derived = "derived",
        /// Rolled up from finer bars, which may change.
        Deriving = "deriving",
        /// Asked for before the provider adjusted it again: it counts as never asked for, and the bars
        /// stored are on an earlier scale.
        Restated = "restated",
    }
}

/// A time of a series of which one thing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Segment {
    /// The time, by the labels of the bars in it.
    #[serde(flatten)]
    pub span: Span,
    /// What is known of it.
    pub known: Known,
}

/// What is known of a series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    settled: Spans,
    /// All that was asked for, settled or not.
    asked: Spans,
    /// What of that was asked for as finer bars, and rolled up.
    derived: Spans,
    refused: Spans,
    restated: Spans,
    /// What another source gives, whose gaps this series fills. It is worked out, never kept.
    elsewhere: Spans,
    /// When the newest bars were last asked for.
    asked_at: Option<DateTime<Utc>>,
}

impl Coverage {
    /// The beginning of the time before any bar.
    #[must_use]
    pub fn beginning() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(1900, 1, 1, 0, 0, 0)
            .single()
            .unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Coverage as it was kept.
    #[must_use]
    pub fn of(
        segments: impl IntoIterator<Item = Segment>,
        asked_at: Option<DateTime<Utc>>,
    ) -> Self {
        let mut coverage = Self {
            asked_at,
            ..Self::default()
        };
        for Segment { span, known } in segments {
            match known {
                Known::Settled => {
                    coverage.settled.add(span);
                    coverage.asked.add(span);
                }
                Known::Asked => coverage.asked.add(span),
                Known::Derived => {
                    coverage.settled.add(span);
                    coverage.asked.add(span);
                    coverage.derived.add(span);
                }
                Known::Deriving => {
                    coverage.asked.add(span);
                    coverage.derived.add(span);
                }
                Known::Refused => coverage.refused.add(span),
                Known::Restated => coverage.restated.add(span),
            }
        }
        coverage
    }

    /// The same as segments in order, none over another.
    #[must_use]
    pub fn segments(&self) -> Vec<Segment> {
        let each = |spans: &Spans, known| {
            let segment = |span: &Span| Segment { span: *span, known };
            spans.as_slice().iter().map(segment).collect::<Vec<_>>()
        };
        let (own, unsettled) = (self.asked.without(&self.derived), self.unsettled());
        let mut segments = each(&self.settled.without(&self.derived), Known::Settled);
        segments.extend(each(&unsettled.without(&self.derived), Known::Asked));
        segments.extend(each(&self.settled.without(&own), Known::Derived));
        segments.extend(each(&unsettled.without(&own), Known::Deriving));
        // Where the provider refuses to bring what it restated, the mark is worth more than the refusal.
        segments.extend(each(&self.restated, Known::Restated));
        let refused = self.refused.without(&self.asked).without(&self.restated);
        segments.extend(each(&refused, Known::Refused));
        segments.sort_unstable();
        segments
    }

    /// The same of an answer with finer bars, from which those of the series were rolled up.
    pub fn hear_rolled_up(&mut self, spoken: &Spoken, newest: Option<DateTime<Utc>>) {
        self.hear(spoken, newest);
        self.derived.add(spoken.asked);
    }

    /// Takes in what an answer speaks for; `newest` is the label of the newest bar of the series.
    pub fn hear(&mut self, spoken: &Spoken, newest: Option<DateTime<Utc>>) {
        self.asked.add(spoken.asked);
        self.derived.cut(spoken.asked);
        self.settled.add(spoken.settled(newest));
        self.refused.cut(spoken.asked);
        self.restated.cut(spoken.asked);
        self.asked_at = self.asked_at.max(spoken.newest_at);
    }

    /// Takes in that the provider refuses to answer for a time.
    pub fn refuse(&mut self, span: Span) {
        self.refused.add(span);
    }

    /// Takes in that an answer whose bars are of a time showed the series to be restated: what was
    /// asked for before that time is on an earlier scale. If the event came `later` than that time,
    /// so is what follows it without a gap.
    pub fn restate(&mut self, told: Span, later: bool) {
        let mut outdated = vec![Span::new(Self::beginning(), told.from)];
        let following = self.asked.around(told.to).filter(|_| later);
        outdated.extend(following.map(|span| Span::new(told.to, span.to)));
        for span in outdated {
            let asked: Vec<Span> = self.asked.as_slice().to_vec();
            for asked in asked {
                self.restated.add(asked.common(span));
            }
            self.asked.cut(span);
            self.settled.cut(span);
            self.derived.cut(span);
        }
    }

    /// What was asked for, settled or not.
    #[must_use]
    pub const fn asked(&self) -> &Spans {
        &self.asked
    }

    /// What is settled.
    #[must_use]
    pub const fn settled(&self) -> &Spans {
        &self.settled
    }

    /// What was asked for as finer bars, and rolled up.
    #[must_use]
    pub const fn derived(&self) -> &Spans {
        &self.derived
    }

    /// What the provider refused to answer for.
    #[must_use]
    pub const fn refused(&self) -> &Spans {
        &self.refused
    }

    /// What was asked for and is on an earlier scale since: it counts as never asked for.
    #[must_use]
    pub const fn restated(&self) -> &Spans {
        &self.restated
    }

    /// What another source gives: it is neither missing nor due here.
    #[must_use]
    pub const fn elsewhere(&self) -> &Spans {
        &self.elsewhere
    }

    /// The same with what another source gives.
    pub fn leave(&mut self, elsewhere: Spans) {
        self.elsewhere = elsewhere;
    }

    /// What a series gives that can be asked for since `reach` and has no bar before `earliest`: all but
    /// what was refused and what can no longer be asked for.
    #[must_use]
    pub fn given(&self, reach: Option<DateTime<Utc>>, earliest: Option<DateTime<Utc>>) -> Spans {
        let mut given = self.asked.clone();
        let first = reach.max(earliest).unwrap_or(DateTime::<Utc>::MIN_UTC);
        given.add(Span::new(first, DateTime::<Utc>::MAX_UTC));
        if let Some(earliest) = earliest {
            given.cut(Span::new(DateTime::<Utc>::MIN_UTC, earliest));
        }
        given.without(&self.refused.without(&self.asked))
    }

    /// From the first time that an answer spoke for to the end of the last one.
    #[must_use]
    pub fn bounds(&self) -> Option<Span> {
        let both = [self.asked.bounds(), self.restated.bounds()];
        let join =
            |one: Span, other: Span| Span::new(one.from.min(other.from), one.to.max(other.to));
        both.into_iter().flatten().reduce(join)
    }

    /// When the newest bars were last asked for.
    #[must_use]
    pub const fn asked_at(&self) -> Option<DateTime<Utc>> {
        self.asked_at
    }

    /// What is known of the bar at an instant; `None`: it was never asked for.
    #[must_use]
    pub fn known(&self, at: DateTime<Utc>) -> Option<Known> {
        if self.settled.contains(at) {
            Some(Known::Settled)
        } else if self.asked.contains(at) {
            Some(Known::Asked)
        } else if self.restated.contains(at) {
            Some(Known::Restated)
        } else if self.refused.contains(at) {
            Some(Known::Refused)
        } else {
            None
        }
    }

    /// The times within a span that were never asked for, are not refused and come from no other source,
    /// oldest first.
    #[must_use]
    pub fn never_asked(&self, within: Span) -> Vec<Span> {
        let unasked = self.asked.gaps(within);
        unasked
            .into_iter()
            .flat_map(|gap| self.refused.gaps(gap))
            .flat_map(|gap| self.elsewhere.gaps(gap))
            .collect()
    }

    /// The times that were asked for too early: corrections may have followed.
    #[must_use]
    pub fn unsettled(&self) -> Spans {
        self.asked.without(&self.settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + day * 86_400, 0).unwrap()
    }

    fn span(from: i64, to: i64) -> Span {
        Span::new(day(from), day(to))
    }

    fn newest(from: i64, to: i64, settled: i64) -> Spoken {
        Spoken {
            asked: span(from, to),
            settled_to: day(settled),
            complete_to: day(to),
            newest_at: Some(day(to)),
        }
    }

    #[test]
    fn what_was_asked_for_too_early_is_settled_by_a_later_answer() {
        let mut coverage = Coverage::default();
        coverage.hear(&newest(0, 10, 9), None);
        assert_eq!(coverage.known(day(8)), Some(Known::Settled));
        assert_eq!(coverage.known(day(9)), Some(Known::Asked));
        assert_eq!(coverage.known(day(10)), None);
        coverage.hear(&newest(5, 12, 11), None);
        assert_eq!(coverage.known(day(9)), Some(Known::Settled));
        assert_eq!(coverage.settled().as_slice(), [span(0, 11)]);
        assert_eq!(coverage.unsettled().as_slice(), [span(11, 12)]);
        assert_eq!(coverage.asked_at(), Some(day(12)));
    }

    #[test]
    fn between_two_answers_that_do_not_meet_nothing_was_asked_for() {
        let mut coverage = Coverage::default();
        coverage.hear(&newest(0, 10, 9), None);
        coverage.hear(&newest(20, 30, 29), None);
        assert_eq!(
            coverage.never_asked(span(-5, 30)),
            [span(-5, 0), span(10, 20)]
        );
        coverage.refuse(span(12, 15));
        assert_eq!(
            coverage.never_asked(span(0, 30)),
            [span(10, 12), span(15, 20)]
        );
        assert_eq!(coverage.known(day(13)), Some(Known::Refused));
        let past = Spoken {
            asked: span(10, 20),
            settled_to: day(30),
            complete_to: day(20),
            newest_at: None,
        };
        coverage.hear(&past, None);
        assert_eq!(coverage.never_asked(span(0, 30)), []);
        assert_eq!(coverage.known(day(13)), Some(Known::Settled));
        assert_eq!(coverage.asked_at(), Some(day(30)), "the past is not now");
    }

    #[test]
    fn what_was_restated_counts_as_never_asked_for_until_it_is_fetched_again() {
        let held = || {
            let mut coverage = Coverage::default();
            coverage.hear(&newest(0, 10, 9), None);
            coverage.hear(&newest(15, 30, 29), None);
            coverage
        };
        let mut coverage = held();
        coverage.restate(span(25, 28), false);
        assert_eq!(coverage.restated().as_slice(), [span(0, 10), span(15, 25)]);
        assert_eq!(coverage.never_asked(span(0, 30)), [span(0, 25)]);
        assert_eq!(coverage.known(day(9)), Some(Known::Restated));
        assert_eq!(coverage.known(day(12)), None, "it was not asked for at all");
        assert_eq!(coverage.bounds(), Some(span(0, 30)));
        coverage.refuse(span(0, 12));
        let again = Coverage::of(coverage.segments(), None);
        assert_eq!(
            again.restated(),
            coverage.restated(),
            "a refusal does not hide it"
        );
        coverage.hear(&newest(20, 30, 29), None);
        assert_eq!(coverage.restated().as_slice(), [span(0, 10), span(15, 20)]);
        // The event came after the month that showed it: what follows is on the earlier scale too.
        let mut coverage = held();
        coverage.restate(span(2, 5), true);
        assert_eq!(coverage.restated().as_slice(), [span(0, 2), span(5, 10)]);
        assert_eq!(coverage.asked().as_slice(), [span(2, 5), span(15, 30)]);
    }

    #[test]
    fn a_source_gives_what_it_was_asked_for_and_what_is_within_its_reach() {
        let mut first = Coverage::default();
        let never = Span::new(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        assert_eq!(first.given(None, None).as_slice(), [never]);
        let from = |at| Span::new(day(at), DateTime::<Utc>::MAX_UTC);
        assert_eq!(first.given(Some(day(50)), None).as_slice(), [from(50)]);
        assert_eq!(
            first.given(Some(day(50)), Some(day(60))).as_slice(),
            [from(60)]
        );
        first.hear(&newest(0, 10, 9), None);
        first.hear(&newest(20, 30, 29), None);
        first.refuse(span(8, 15));
        first.refuse(span(55, 57));
        let given = first.given(Some(day(50)), Some(day(5)));
        let last = [span(50, 55), from(57)];
        assert_eq!(
            given.as_slice(),
            [&[span(5, 10), span(20, 30)][..], &last].concat()
        );
        // What fills its gaps lacks the rest.
        let mut second = Coverage::default();
        second.leave(given.clone());
        assert_eq!(second.elsewhere(), &given);
        assert_eq!(
            second.never_asked(span(0, 60)),
            [span(0, 5), span(10, 20), span(30, 50), span(55, 57)]
        );
        second.hear(&newest(12, 35, 30), None);
        assert_eq!(
            second.never_asked(span(0, 60)),
            [span(0, 5), span(10, 12), span(35, 50), span(55, 57)]
        );
        assert_eq!(
            Coverage::of(second.segments(), None).elsewhere().as_slice(),
            []
        );
    }

    #[test]
    fn what_was_rolled_up_is_marked_until_it_is_asked_for_itself() {
        let mut coverage = Coverage::default();
        coverage.hear(&newest(0, 10, 8), None);
        coverage.hear_rolled_up(&newest(6, 20, 18), None);
        let known = |coverage: &Coverage| -> Vec<(Known, Span)> {
            let segments = coverage.segments().into_iter();
            segments.map(|one| (one.known, one.span)).collect()
        };
        let rolled = [
            (Known::Settled, span(0, 6)),
            (Known::Derived, span(6, 18)),
            (Known::Deriving, span(18, 20)),
        ];
        assert_eq!(known(&coverage), rolled);
        let again = Coverage::of(coverage.segments(), coverage.asked_at());
        assert_eq!(again, coverage, "as it is kept");
        assert_eq!(coverage.never_asked(span(0, 20)), []);
        assert_eq!(coverage.unsettled().as_slice(), [span(18, 20)]);
        coverage.hear(&newest(10, 21, 19), None);
        assert_eq!(coverage.derived().as_slice(), [span(6, 10)]);
        coverage.restate(span(18, 21), false);
        assert_eq!(coverage.derived().as_slice(), []);
    }

    #[test]
    fn it_is_kept_as_segments() {
        let mut coverage = Coverage::default();
        coverage.hear(&newest(0, 10, 9), None);
        coverage.hear(&newest(20, 30, 29), None);
        coverage.refuse(span(8, 15));
        let segments = coverage.segments();
        let known: Vec<_> = segments
            .iter()
            .map(|segment| segment.known.as_str())
            .collect();
        assert_eq!(known, ["settled", "asked", "refused", "settled", "asked"]);
        assert!(
            segments
                .windows(2)
                .all(|two| two[0].span.to <= two[1].span.from)
        );
        let again = Coverage::of(segments.clone(), coverage.asked_at());
        assert_eq!(
            (again.segments(), again.asked_at()),
            (segments, coverage.asked_at())
        );
    }
}
