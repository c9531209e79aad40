//! Fetching what is missing of a series: what it costs is asked first, then whether to do it.

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;

use super::reply::{Confirm, Reply};
use crate::model::text::counted;
use crate::model::{SeriesKey, Span};
use crate::pipeline::command::{Command, PriceQuestion};
use crate::pipeline::snapshot::Preview;

/// From the first of these times to the end of the last.
#[must_use]
pub fn whole(spans: impl IntoIterator<Item = Span>) -> Option<Span> {
    let spans = spans.into_iter();
    spans.reduce(|all, span| Span::new(all.from.min(span.from), all.to.max(span.to)))
}

/// Asks what it costs to fetch what is missing of a series in a time.
#[must_use]
pub fn ask(series: SeriesKey, within: Span, now: DateTime<Utc>) -> Vec<Reply> {
    let at = now;
    vec![Reply::Price(PriceQuestion { series, within, at })]
}

/// What is asked while the price is being counted.
#[must_use]
pub fn counting(question: &PriceQuestion) -> Confirm {
    Confirm {
        question: title(&question.series),
        detail: "Counting the requests that it takes…".to_owned(),
        then: vec![],
    }
}

/// The question with its price, or why there is nothing to ask.
#[must_use]
pub fn question(preview: &Preview, now: DateTime<Utc>) -> Reply {
    let PriceQuestion { series, within, .. } = &preview.question;
    if preview.requests == 0 {
        let nothing = "nothing is missing in this time";
        let why = preview.refusal.as_deref().unwrap_or(nothing);
        return Reply::Warn(format!("{series}: {why}"));
    }
    let again = match preview.refused {
        0 => String::new(),
        refused => format!(
            " {} of them were refused before and are asked for again.",
            counted(refused, "bar")
        ),
    };
    let refused = preview.refusal.as_ref().map_or_else(String::new, |why| {
        format!(" The rest cannot be asked for: {why}.")
    });
    Reply::Confirm(Confirm {
        question: title(series),
        detail: format!(
            "{}, {}; {}.{again}{refused}",
            counted(preview.requests.into(), "request"),
            counted(preview.bars, "bar"),
            fits(preview, now)
        ),
        then: vec![Command::Backfill(series.clone(), *within).into()],
    })
}

fn title(series: &SeriesKey) -> String {
    format!("Fetch what is missing of {series}?")
}

/// What fits today, and when the rest is done.
fn fits(preview: &Preview, now: DateTime<Utc>) -> String {
    let Some(left) = &preview.left else {
        return "the plan has no daily limit".to_owned();
    };
    let today = now.with_timezone(&New_York).date_naive();
    match left.last_day(preview.requests, today) {
        None => format!("all fit today, {} left", left.left),
        Some(day) => format!(
            "{} fit today, done {} if asked again each day",
            left.left,
            day.format("%a %m-%d")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::quota::Left;
    use crate::model::{Interval, SourceId};
    use crate::ui::sample;

    fn preview(requests: u32, left: Option<u32>) -> Preview {
        let now = sample::now();
        Preview {
            question: PriceQuestion {
                series: sample::series("IBM", Interval::Min5),
                within: Span::new(now - chrono::TimeDelta::days(90), now),
                at: now,
            },
            bars: 12_402,
            refused: 0,
            requests,
            refusal: None,
            left: left.map(|left| Left {
                source: SourceId::DEFAULT,
                left,
                per_day: 25,
            }),
        }
    }

    #[test]
    fn the_question_tells_the_price_and_the_day_on_which_it_is_done() {
        let detail = |preview: &Preview| match question(preview, sample::now()) {
            Reply::Confirm(confirm) => confirm.detail,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            detail(&preview(60, Some(14))),
            "60 requests, 12,402 bars; 14 fit today, done Sun 11-22 if asked again each day."
        );
        assert_eq!(
            detail(&preview(1, Some(14))),
            "1 request, 12,402 bars; all fit today, 14 left."
        );
        assert_eq!(
            detail(&preview(6, None)),
            "6 requests, 12,402 bars; the plan has no daily limit."
        );
        let again = Preview {
            refused: 1_638,
            ..preview(6, None)
        };
        assert_eq!(
            detail(&again),
            "6 requests, 12,402 bars; the plan has no daily limit. \
             1,638 bars of them were refused before and are asked for again."
        );
    }

    #[test]
    fn yes_fetches_what_is_missing_and_what_cannot_be_fetched_says_why() {
        let asked = preview(6, None);
        let Reply::Confirm(confirm) = question(&asked, sample::now()) else {
            panic!("a question");
        };
        let wanted = Command::Backfill(asked.question.series.clone(), asked.question.within);
        assert!(
            matches!(confirm.then.as_slice(), [Reply::Do(crate::ui::action::Effect::Send(sent))] if *sent == wanted)
        );
        let refused = Preview {
            refusal: Some("intraday bars need a paid plan".to_owned()),
            ..preview(0, None)
        };
        for (preview, why) in [
            (refused, "IBM 5min: intraday bars need a paid plan"),
            (
                preview(0, None),
                "IBM 5min: nothing is missing in this time",
            ),
        ] {
            let reply = question(&preview, sample::now());
            assert!(
                matches!(&reply, Reply::Warn(text) if text == why),
                "{reply:?}"
            );
        }
    }
}
