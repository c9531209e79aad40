//! Fetching what is missing of a series, and splits and dividends: what it costs is asked first, then
//! whether to do it.

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;

use super::reply::{Confirm, Reply};
use crate::model::text::counted;
use crate::model::{Instrument, SeriesKey, Span};
use crate::pipeline::command::{Command, PriceQuestion, Priced};
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
    let what = Priced::Missing(series, within);
    vec![Reply::Price(PriceQuestion { what, at: now })]
}

/// Asks what it costs to fetch the splits and dividends of the symbols of these series.
#[must_use]
pub fn ask_events(series: &[SeriesKey], now: DateTime<Utc>) -> Vec<Reply> {
    let mut instruments: Vec<Instrument> = vec![];
    for instrument in series.iter().map(SeriesKey::instrument) {
        if !instruments.contains(&instrument) {
            instruments.push(instrument);
        }
    }
    if instruments.is_empty() {
        return vec![];
    }
    let what = Priced::Events(instruments);
    vec![Reply::Price(PriceQuestion { what, at: now })]
}

/// What is asked while the price is being counted.
#[must_use]
pub fn counting(question: &PriceQuestion) -> Confirm {
    Confirm {
        question: title(&question.what),
        detail: "Counting the requests that it takes…".to_owned(),
        then: vec![],
    }
}

/// The question with its price, or why there is nothing to ask.
#[must_use]
pub fn question(preview: &Preview, now: DateTime<Utc>) -> Reply {
    let what = &preview.question.what;
    if preview.requests == 0 {
        let nothing = "nothing is missing in this time";
        let why = preview.refusal.as_deref().unwrap_or(nothing);
        return Reply::Warn(format!("{}: {why}", subject(what)));
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
    let requests = counted(preview.requests.into(), "request");
    let fits = fits(preview, now);
    let (detail, command) = match what {
        Priced::Missing(series, within) => (
            format!(
                "{requests}, {}; {fits}.{again}",
                counted(preview.bars, "bar")
            ),
            Command::Backfill(series.clone(), *within),
        ),
        Priced::Events(instruments) => {
            let known = preview.known_to.map_or_else(
                || "Not all of them were asked for yet.".to_owned(),
                |date| format!("Last asked for on {date}."),
            );
            (
                format!("{requests}; {fits}. {known}"),
                Command::FetchEvents(instruments.clone()),
            )
        }
    };
    Reply::Confirm(Confirm {
        question: title(what),
        detail: format!("{detail}{refused}"),
        then: vec![command.into()],
    })
}

/// What is asked about, in a few words.
fn subject(what: &Priced) -> String {
    match what {
        Priced::Missing(series, _) => series.to_string(),
        Priced::Events(instruments) => match instruments.as_slice() {
            [one] => one.to_string(),
            several => counted(several.len() as u64, "symbol"),
        },
    }
}

fn title(what: &Priced) -> String {
    let subject = subject(what);
    match what {
        Priced::Missing(..) => format!("Fetch what is missing of {subject}?"),
        Priced::Events(_) => format!("Ask for the splits and dividends of {subject}?"),
    }
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

    fn span() -> Span {
        let now = sample::now();
        Span::new(now - chrono::TimeDelta::days(90), now)
    }

    fn preview(requests: u32, left: Option<u32>) -> Preview {
        let now = sample::now();
        Preview {
            question: PriceQuestion {
                what: Priced::Missing(sample::series("IBM", Interval::Min5), span()),
                at: now,
            },
            known_to: None,
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
        let wanted = Command::Backfill(sample::series("IBM", Interval::Min5), span());
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

    #[test]
    fn events_are_asked_for_with_their_price_and_the_day_of_the_last_answer() {
        let series = ["IBM", "AAPL", "IBM"].map(|symbol| sample::series(symbol, Interval::Min5));
        let asked = ask_events(&series, sample::now());
        let [Reply::Price(asked)] = asked.as_slice() else {
            panic!("{asked:?}");
        };
        assert_eq!(
            counting(asked).question,
            "Ask for the splits and dividends of 2 symbols?"
        );
        let preview = Preview {
            question: asked.clone(),
            ..preview(4, Some(14))
        };
        let Reply::Confirm(confirm) = question(&preview, sample::now()) else {
            panic!("a question");
        };
        assert_eq!(
            confirm.detail,
            "4 requests; all fit today, 14 left. Not all of them were asked for yet."
        );
        let instruments = series[..2].iter().map(SeriesKey::instrument).collect();
        let wanted = Command::FetchEvents(instruments);
        assert!(
            matches!(confirm.then.as_slice(), [Reply::Do(crate::ui::action::Effect::Send(sent))] if *sent == wanted)
        );
        let known = Preview {
            known_to: "2026-11-18".parse().ok(),
            ..preview
        };
        let Reply::Confirm(confirm) = question(&known, sample::now()) else {
            panic!("a question");
        };
        assert!(confirm.detail.ends_with("Last asked for on 2026-11-18."));
    }
}
