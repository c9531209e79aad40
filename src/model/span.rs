//! Spans of time, and sets of them.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// A time from its first instant up to, and without, its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: DateTime<Utc>,
}

impl Span {
    /// The span between two instants; empty if they are not in order.
    #[must_use]
    pub const fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        Self { from, to }
    }

    /// Whether no instant is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.from >= self.to
    }

    /// Whether an instant is in it.
    #[must_use]
    pub fn contains(self, at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.to
    }

    /// What it has in common with another.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self::new(self.from.max(other.from), self.to.min(other.to))
    }
}

/// A set of instants as spans in order, none empty, with a gap between any two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spans(Vec<Span>);

impl Spans {
    /// The spans, oldest first.
    #[must_use]
    pub fn as_slice(&self) -> &[Span] {
        &self.0
    }

    /// Whether it holds no instant.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The whole time from its first instant to its end, gaps included.
    #[must_use]
    pub fn bounds(&self) -> Option<Span> {
        Some(Span::new(self.0.first()?.from, self.0.last()?.to))
    }

    /// Whether it holds an instant.
    #[must_use]
    pub fn contains(&self, at: DateTime<Utc>) -> bool {
        self.around(at).is_some()
    }

    /// The span that holds an instant.
    #[must_use]
    pub fn around(&self, at: DateTime<Utc>) -> Option<Span> {
        let after = self.0.partition_point(|span| span.from <= at);
        let span = self.0.get(after.checked_sub(1)?)?;
        span.contains(at).then_some(*span)
    }

    /// Adds a span; it joins those that it overlaps or touches.
    pub fn add(&mut self, mut span: Span) {
        if span.is_empty() {
            return;
        }
        let first = self.0.partition_point(|other| other.to < span.from);
        let end = self.0.partition_point(|other| other.from <= span.to);
        for other in self.0.drain(first..end) {
            span.from = span.from.min(other.from);
            span.to = span.to.max(other.to);
        }
        self.0.insert(first, span);
    }

    /// Takes a span out.
    pub fn cut(&mut self, span: Span) {
        if span.is_empty() {
            return;
        }
        let first = self.0.partition_point(|other| other.to <= span.from);
        let end = self.0.partition_point(|other| other.from < span.to);
        let cut: Vec<Span> = self.0.drain(first..end).collect();
        let left = cut.first().map(|other| Span::new(other.from, span.from));
        let right = cut.last().map(|other| Span::new(span.to, other.to));
        let rest = left
            .into_iter()
            .chain(right)
            .filter(|span| !span.is_empty());
        self.0.splice(first..first, rest);
    }

    /// The parts of a span that it does not hold, oldest first.
    #[must_use]
    pub fn gaps(&self, within: Span) -> Vec<Span> {
        let mut gaps = Self::default();
        gaps.add(within);
        let first = self.0.partition_point(|span| span.to <= within.from);
        for span in self
            .0
            .iter()
            .skip(first)
            .take_while(|span| span.from < within.to)
        {
            gaps.cut(*span);
        }
        gaps.0
    }

    /// What it holds and the other does not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(self.0.iter().flat_map(|span| other.gaps(*span)).collect())
    }
}

impl FromIterator<Span> for Spans {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut set = Self::default();
        for span in spans {
            set.add(span);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn span(from: i64, to: i64) -> Span {
        let at = |hour| DateTime::from_timestamp(hour * 3600, 0).unwrap();
        Span::new(at(from), at(to))
    }

    #[test]
    fn spans_that_touch_are_one() {
        let mut spans: Spans = [span(1, 2), span(5, 6), span(2, 3)].into_iter().collect();
        assert_eq!(spans.as_slice(), [span(1, 3), span(5, 6)]);
        spans.add(span(3, 5));
        assert_eq!(spans.as_slice(), [span(1, 6)]);
        spans.add(span(4, 4));
        spans.add(span(9, 8));
        assert_eq!(spans.bounds(), Some(span(1, 6)));
    }

    #[test]
    fn a_cut_leaves_both_sides() {
        let mut spans: Spans = [span(1, 9)].into_iter().collect();
        spans.cut(span(3, 4));
        assert_eq!(spans.as_slice(), [span(1, 3), span(4, 9)]);
        assert!(!spans.is_empty());
        assert_eq!(
            spans.gaps(span(0, 10)),
            [span(0, 1), span(3, 4), span(9, 10)]
        );
        assert_eq!(Spans::default().gaps(span(0, 2)), [span(0, 2)]);
        spans.cut(span(0, 20));
        assert!(spans.is_empty() && spans.bounds().is_none());
    }

    /// What a list of changes leaves, hour by hour.
    fn naive(changes: &[(bool, i64, i64)]) -> BTreeSet<i64> {
        let mut hours = BTreeSet::new();
        for (adds, from, to) in changes {
            for hour in *from..*to {
                if *adds {
                    hours.insert(hour);
                } else {
                    hours.remove(&hour);
                }
            }
        }
        hours
    }

    proptest! {
        #[test]
        fn it_holds_what_a_naive_set_holds(changes in prop::collection::vec((any::<bool>(), 0_i64..40, 0_i64..40), 0..30)) {
            let mut spans = Spans::default();
            for (adds, from, to) in &changes {
                if *adds { spans.add(span(*from, *to)) } else { spans.cut(span(*from, *to)) }
            }
            let hours = naive(&changes);
            for hour in 0..40 {
                prop_assert_eq!(spans.contains(span(hour, hour).from), hours.contains(&hour));
            }
            prop_assert!(spans.as_slice().windows(2).all(|two| two[0].to < two[1].from));
            prop_assert!(spans.as_slice().iter().all(|span| !span.is_empty()));
            let gaps: Spans = spans.gaps(span(5, 35)).into_iter().collect();
            for hour in 5..35 {
                prop_assert_ne!(gaps.contains(span(hour, hour).from), hours.contains(&hour));
            }
        }
    }
}
