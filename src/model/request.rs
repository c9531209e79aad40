//! One question to one source: everything that the ledger, recovery and a person need to know of it.

use std::collections::BTreeSet;

use super::{SeriesKey, SourceId};

/// One question to one source, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who is asked.
    pub source: SourceId,
    /// What of the source is asked: what an entitlement is about.
    pub endpoint: String,
    /// Parameters in the order in which they are sent.
    pub parameters: Vec<(String, String)>,
    /// The series that the answer fills; none: it is about symbols.
    pub series: Vec<SeriesKey>,
    /// Coarser series of the same instruments, whose bars are rolled up from those.
    pub riders: Vec<SeriesKey>,
    /// Which page of the answer is asked for, from 1.
    pub page: u32,
}

impl Request {
    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The series that the answer fills, and those that ride along with one of them.
    pub fn filled(&self) -> impl Iterator<Item = &SeriesKey> {
        let rides = |rider: &&SeriesKey| self.series.iter().any(|base| rider.is_coarser_than(base));
        self.series.iter().chain(self.riders.iter().filter(rides))
    }

    /// The same about these series as they were kept together: those of the finest interval are asked for,
    /// and coarser ones ride along.
    #[must_use]
    pub fn about(self, filled: &[SeriesKey]) -> Self {
        let is_carried = |key: &SeriesKey| filled.iter().any(|base| key.is_coarser_than(base));
        let (riders, series) = filled.iter().cloned().partition(is_carried);
        Self {
            series,
            riders,
            ..self
        }
    }

    /// Whether the answer fills no series.
    #[must_use]
    pub const fn is_about_symbols(&self) -> bool {
        self.series.is_empty()
    }

    /// The same question for the next page, which these parameters name.
    #[must_use]
    pub fn next_page<'a>(&self, more: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let more: Vec<(&str, &str)> = more.into_iter().collect();
        let is_kept = |(name, _): &&(String, String)| more.iter().all(|(new, _)| new != name);
        let kept = self.parameters.iter().filter(is_kept).cloned();
        let named = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            parameters: kept.chain(named).collect(),
            page: self.page.saturating_add(1),
            ..self.clone()
        }
    }

    /// Whether `later` is a page of what this asks for.
    #[must_use]
    pub fn is_continued_by(&self, later: &Self) -> bool {
        let same = |request: &Self| {
            let series: BTreeSet<SeriesKey> = request.series.iter().cloned().collect();
            (request.source.clone(), request.endpoint.clone(), series)
        };
        let is_asked = |(name, value): &(String, String)| later.get(name) == Some(value);
        later.page > self.page && same(self) == same(later) && self.parameters.iter().all(is_asked)
    }

    /// What it is about, for people.
    #[must_use]
    pub fn subject(&self) -> String {
        match self.series.as_slice() {
            [] => self.endpoint.clone(),
            [series] => series.to_string(),
            many => format!("{} series", many.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Interval;

    fn request() -> Request {
        Request {
            source: SourceId::DEFAULT,
            endpoint: "bars".into(),
            parameters: vec![("symbol".into(), "IBM".into())],
            series: vec![SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily)],
            riders: vec![],
            page: 1,
        }
    }

    #[test]
    fn coarser_series_of_the_same_instrument_ride_along() {
        let key = |symbol: &str, interval| SeriesKey::raw(symbol.parse().unwrap(), interval);
        let asked = [key("A", Interval::Min5), key("B", Interval::Min5)];
        let riders = [key("A", Interval::Min15), key("B", Interval::Min60)];
        let filled = vec![
            riders[0].clone(),
            asked[0].clone(),
            riders[1].clone(),
            asked[1].clone(),
        ];
        let mut request = request().about(&filled);
        assert_eq!(
            (&request.series[..], &request.riders[..]),
            (&asked[..], &riders[..])
        );
        // Without its base, nothing rides.
        request.series.truncate(1);
        let filled: Vec<&SeriesKey> = request.filled().collect();
        assert_eq!(filled, [&asked[0], &riders[0]]);
    }

    #[test]
    fn a_page_is_the_same_question_with_another_token() {
        let second = request().next_page([("token", "a")]);
        let third = second.next_page([("token", "b")]);
        assert_eq!((second.page, third.page), (2, 3));
        assert_eq!(
            (second.get("token"), third.get("token")),
            (Some("a"), Some("b"))
        );
        assert_eq!(third.parameters.len(), 2, "{third:?}");
        assert!(request().is_continued_by(&third));
        assert!(!third.is_continued_by(&second) && !request().is_continued_by(&request()));
    }

    #[test]
    fn another_question_is_no_page_of_this_one() {
        let second = request().next_page([("token", "a")]);
        let other = |change: fn(&mut Request)| {
            let mut other = second.clone();
            change(&mut other);
            other
        };
        for other in [
            other(|request| request.source = SourceId::known("other")),
            other(|request| request.endpoint.push('s')),
            other(|request| request.series.clear()),
            other(|request| request.parameters = vec![("symbol".into(), "MSFT".into())]),
        ] {
            assert!(!request().is_continued_by(&other), "{other:?}");
        }
    }

    #[test]
    fn a_request_says_what_it_is_about() {
        let mut request = request();
        assert_eq!(request.subject(), "IBM daily");
        request.series.push(request.series[0].clone());
        assert_eq!(request.subject(), "2 series");
        request.series.clear();
        assert!(request.is_about_symbols());
        assert_eq!(request.subject(), "bars");
    }
}
