//! What an answer speaks for: which bars it would hold if the provider had them.

use chrono::{DateTime, TimeDelta, Utc};

use super::describe::PUBLISHING;
use super::options::Outputsize;
use crate::model::{Bar, Coverage, Interval, Request, Span, Spoken};
use crate::pipeline::source::{Month, Range};

/// After so long without a newer bar there is none: before, the provider may only be late.
const LATE: TimeDelta = TimeDelta::days(14);

/// What an answer to a request says about the times of its series, whatever bars it holds.
pub(super) fn spoken(
    request: &Request,
    interval: Interval,
    bars: &[Bar],
    asked_at: DateTime<Utc>,
) -> Spoken {
    let slot = |bar: &Bar| PUBLISHING.slot(interval, bar.timestamp);
    let oldest = bars.first().map(|bar| slot(bar).from);
    // A bar of unfinished time says nothing yet.
    let finished = bars.iter().rev().find(|bar| bar.is_final);
    let newest = finished.map(|bar| slot(bar).to);
    let late = PUBLISHING.slot(interval, asked_at - LATE).from;
    let month = month(request);
    let is_whole = request.get("outputsize") == Some(Outputsize::Full.as_str())
        || matches!(interval, Interval::Weekly | Interval::Monthly);
    let asked = match month {
        Some(month) if is_whole => Span::new(month.from, month.to.min(asked_at)),
        Some(_) => Span::new(oldest.unwrap_or(asked_at), newest.unwrap_or(asked_at)),
        // Intraday bars without a month never come with their history.
        None if is_whole && !interval.is_intraday() => Span::new(Coverage::beginning(), asked_at),
        None => Span::new(oldest.unwrap_or(asked_at), asked_at),
    };
    let is_newest = month.is_none_or(|month| month.contains(asked_at));
    Spoken {
        asked,
        settled_to: PUBLISHING.settled(interval, asked_at),
        complete_to: newest.map_or(late, |newest| newest.max(late)),
        newest_at: is_newest.then_some(asked_at),
    }
}

/// The month that a request names.
pub(super) fn month(request: &Request) -> Option<Span> {
    let month: Month = request.get("month")?.parse().ok()?;
    match month.range() {
        Range::Between(span) => Some(span),
        Range::Newest | Range::Missing(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Price, SeriesKey, SourceId};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn bar(label: &str, is_final: bool) -> Bar {
        let price = Price::from_units(1);
        Bar {
            timestamp: at(label),
            trading_date: at(label).date_naive(),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 1.into(),
            is_final,
            adjusted_close: None,
            dividend_amount: None,
            split_coefficient: None,
        }
    }

    fn request(interval: Interval, parameters: &[(&str, &str)]) -> Request {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Request {
            source: SourceId::DEFAULT,
            endpoint: String::new(),
            parameters: parameters.iter().map(pair).collect(),
            series: vec![SeriesKey::raw("IBM".parse().unwrap(), interval)],
            riders: vec![],
            page: 1,
        }
    }

    /// From, to, settled to, complete to, and whether it asked for the newest bars.
    fn said(
        interval: Interval,
        parameters: &[(&str, &str)],
        bars: &[(&str, bool)],
        asked_at: &str,
    ) -> ([String; 4], bool) {
        let bars: Vec<Bar> = bars.iter().map(|(label, done)| bar(label, *done)).collect();
        let spoken = spoken(
            &request(interval, parameters),
            interval,
            &bars,
            at(asked_at),
        );
        let text = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M").to_string();
        let Span { from, to } = spoken.asked;
        let times = [from, to, spoken.settled_to, spoken.complete_to].map(text);
        (times, spoken.newest_at.is_some())
    }

    fn expected(times: [&str; 4], newest: bool) -> ([String; 4], bool) {
        (times.map(str::to_owned), newest)
    }

    const COMPACT: (&str, &str) = ("outputsize", "compact");
    const FULL: (&str, &str) = ("outputsize", "full");
    const MAY: (&str, &str) = ("month", "2026-05");

    #[test]
    fn the_newest_bars_speak_from_the_oldest_of_them_and_are_complete_to_the_newest_that_is_finished()
     {
        let bars = [
            ("2026-11-20T14:30:00Z", true),
            ("2026-11-20T14:35:00Z", true),
            ("2026-11-20T14:40:00Z", false),
        ];
        assert_eq!(
            said(Interval::Min5, &[COMPACT], &bars, "2026-11-20T14:42:00Z"),
            expected(
                [
                    "2026-11-20 14:30",
                    "2026-11-20 14:42",
                    "2026-11-20 05:00",
                    "2026-11-20 14:40"
                ],
                true
            )
        );
        // Without a month, `full` brings the last 30 days, not the history.
        assert_eq!(
            said(Interval::Min5, &[FULL], &bars[..2], "2026-11-21T14:42:00Z"),
            expected(
                [
                    "2026-11-20 14:30",
                    "2026-11-21 14:42",
                    "2026-11-21 05:00",
                    "2026-11-20 14:40"
                ],
                true
            )
        );
    }

    #[test]
    fn a_month_speaks_for_all_of_it_unless_only_its_newest_bars_were_asked_for() {
        let bars = [
            ("2026-05-04T13:30:00Z", true),
            ("2026-05-29T19:55:00Z", true),
        ];
        let later = "2026-11-20T15:00:00Z";
        assert_eq!(
            said(Interval::Min5, &[MAY, FULL], &bars, later),
            expected(
                [
                    "2026-05-01 04:00",
                    "2026-06-01 04:00",
                    "2026-11-20 05:00",
                    "2026-11-06 15:00"
                ],
                false
            )
        );
        assert_eq!(
            said(Interval::Min5, &[MAY, COMPACT], &bars, later),
            expected(
                [
                    "2026-05-04 13:30",
                    "2026-05-29 20:00",
                    "2026-11-20 05:00",
                    "2026-11-06 15:00"
                ],
                false
            )
        );
        // The month is not over.
        let now = "2026-05-29T20:10:00Z";
        assert_eq!(
            said(Interval::Min5, &[MAY, FULL], &bars, now),
            expected(
                [
                    "2026-05-01 04:00",
                    "2026-05-29 20:10",
                    "2026-05-29 04:00",
                    "2026-05-29 20:00"
                ],
                true
            )
        );
    }

    #[test]
    fn a_whole_history_speaks_for_the_time_before_the_listing_too() {
        let bars = [
            ("2026-11-18T05:00:00Z", true),
            ("2026-11-19T05:00:00Z", true),
        ];
        let morning = "2026-11-20T15:00:00Z";
        assert_eq!(
            said(Interval::Daily, &[FULL], &bars, morning),
            expected(
                [
                    "1900-01-01 00:00",
                    "2026-11-20 15:00",
                    "2026-11-20 05:00",
                    "2026-11-20 05:00"
                ],
                true
            )
        );
        assert_eq!(
            said(Interval::Daily, &[COMPACT], &bars, morning),
            expected(
                [
                    "2026-11-18 05:00",
                    "2026-11-20 15:00",
                    "2026-11-20 05:00",
                    "2026-11-20 05:00"
                ],
                true
            )
        );
        let week = [
            ("2026-11-13T05:00:00Z", true),
            ("2026-11-19T05:00:00Z", false),
        ];
        assert_eq!(
            said(Interval::Weekly, &[], &week, morning),
            expected(
                [
                    "1900-01-01 00:00",
                    "2026-11-20 15:00",
                    "2026-11-16 05:00",
                    "2026-11-16 05:00"
                ],
                true
            )
        );
    }

    #[test]
    fn a_provider_without_a_newer_bar_may_be_late_for_a_fortnight() {
        let bars = [("2026-11-10T05:00:00Z", true)];
        assert_eq!(
            said(Interval::Daily, &[COMPACT], &bars, "2026-11-20T15:00:00Z").0[3],
            "2026-11-11 05:00"
        );
        assert_eq!(
            said(Interval::Daily, &[COMPACT], &bars, "2026-12-20T15:00:00Z").0[3],
            "2026-12-06 05:00",
            "nothing was traded for weeks"
        );
    }
}
