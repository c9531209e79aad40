//! What a refusal means for its series, and what it teaches about others. Pure.

use super::explain;
use super::learned::Lesson;
use super::source::{Refusal, Source};
use crate::db::Entitlement;
use crate::model::{ErrorClass, Request, SeriesReport, SeriesStatus};

/// How a refused series ends, in which words, and what its refusal teaches about the others.
pub(super) fn consequence(
    source: &dyn Source,
    request: &Request,
    report: &SeriesReport,
    refusal: &Refusal,
) -> (SeriesStatus, String, Lesson) {
    let text = explain::sentence(source, (request, &report.series), refusal);
    let (status, lesson) = lesson(request, refusal, &text);
    (status, text, lesson)
}

/// How a refused request ends, and what its refusal, in these words, teaches about others.
pub(super) fn lesson(request: &Request, refusal: &Refusal, text: &str) -> (SeriesStatus, Lesson) {
    match refusal.class {
        ErrorClass::NotEntitled => {
            let refused = Entitlement {
                endpoint: request.endpoint.clone(),
                parameter: refusal.parameter.clone().unwrap_or_default(),
                granted: false,
                message: Some(text.to_owned()),
            };
            (SeriesStatus::Refused, Lesson::Refused(refused))
        }
        ErrorClass::BadRequest => {
            let about = refusal.parameter.as_deref();
            let symbol = about.and_then(|about| about.split_once('='));
            let lesson = symbol.map_or(Lesson::Nothing, |(_, symbol)| {
                Lesson::Refused(Entitlement::unaccepted(symbol, &refusal.text))
            });
            (SeriesStatus::Failed, lesson)
        }
        class @ (ErrorClass::BadKey | ErrorClass::Day | ErrorClass::Blocked) => {
            (SeriesStatus::Refused, Lesson::Stop(class, text.to_owned()))
        }
        class @ (ErrorClass::Outage | ErrorClass::Network) => {
            (SeriesStatus::Failed, Lesson::Down(class, text.to_owned()))
        }
        ErrorClass::DemoKey => (SeriesStatus::Refused, Lesson::Nothing),
        _ => (SeriesStatus::Failed, Lesson::Nothing),
    }
}
