//! What an answer speaks for: the whole time of its request, once the last page is there.

use chrono::TimeDelta;

use super::plan;
use crate::model::{Bar, Publishing, Span, Spoken};
use crate::pipeline::source::Asked;

/// After so long without a newer bar there is none: before, the feed may only have been interrupted.
const LATE: TimeDelta = TimeDelta::days(3);

/// What a page says about the time of a series. All pages but the last say nothing yet: the symbols
/// follow each other, and a page may end within one.
pub(super) fn spoken(asked: &Asked<'_>, bars: &[Bar], publishing: &Publishing) -> Option<Spoken> {
    let Asked {
        request,
        series,
        at,
        is_last_page,
    } = *asked;
    let span = plan::time(request).filter(|_| is_last_page)?;
    let interval = series.interval;
    // The plan may have withheld what ended later, although a slow answer came when it was due.
    let known = at.min(span.to + publishing.delay);
    let is_newest = known + interval_or_hour(interval.length()) > at;
    // The current day, week or month is in the answer, as far as it goes.
    let is_current = is_newest && !interval.is_intraday();
    let to = if is_current { at } else { span.to };
    let finished = bars.iter().rev().find(|bar| bar.is_final);
    let newest = finished.map(|bar| publishing.slot(interval, bar.timestamp).to);
    let late = publishing.slot(interval, at - LATE).from;
    Some(Spoken {
        asked: Span::new(span.from, to),
        settled_to: publishing.settled(interval, at),
        complete_to: newest.map_or(late, |newest| newest.max(late)),
        newest_at: is_newest.then_some(known),
    })
}

/// An answer for the newest bars is at most so old when it comes.
fn interval_or_hour(length: TimeDelta) -> TimeDelta {
    length.min(TimeDelta::hours(1)) + TimeDelta::minutes(1)
}
