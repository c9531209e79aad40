//! What is fetched when a person asks for it: what key and plan allow, after a question where requests
//! are scarce or can bring nothing.

use chrono::{DateTime, Utc};

use super::reply::{Confirm, Reply};
use super::shared::{RESERVE, Shared};
use super::text::{self, count};
use crate::model::{ErrorClass, SeriesKey};
use crate::pipeline::command::Command;
use crate::pipeline::snapshot::SeriesState;

/// Whether a request for a series would end like the last one, as far as is known of key and plan.
#[must_use]
pub fn is_forbidden(series: &SeriesKey, shared: &Shared) -> bool {
    shared.status(series).is_some_and(|status| {
        let class = status.problem.as_ref().map(|(class, _)| *class);
        status.state == SeriesState::Blocked
            && matches!(
                class,
                Some(ErrorClass::NotEntitled | ErrorClass::DemoKey | ErrorClass::BadKey)
            )
    })
}

/// Whether the current run sends a request for a series, or will.
fn is_in_the_run(series: &SeriesKey, shared: &Shared) -> bool {
    let is_spent = shared
        .snapshot
        .as_ref()
        .is_some_and(|snapshot| snapshot.quota.spent_until.is_some());
    shared
        .status(series)
        .is_some_and(|status| match status.state {
            SeriesState::Fetching => true,
            SeriesState::Waiting => !is_spent,
            _ => false,
        })
}

/// Whether a request for a series can bring nothing, as far as is known.
fn is_vain(series: &SeriesKey, shared: &Shared) -> bool {
    shared.status(series).is_some_and(|status| {
        let class = status.problem.as_ref().map(|(class, _)| *class);
        status.state == SeriesState::Fresh
            || status.state == SeriesState::Blocked && class == Some(ErrorClass::BadRequest)
    })
}

/// Requests that a fetch of series sends, as far as is known.
#[must_use]
pub fn price<'a>(series: impl IntoIterator<Item = &'a SeriesKey>, shared: &Shared) -> usize {
    let of_one = |key| shared.status(key).map_or(1, |status| status.fetch_price);
    series.into_iter().map(of_one).sum::<u32>() as usize
}

/// Fetches what key and plan allow. It asks first where that takes from the day's reserve, or where
/// requests of a limited day can bring nothing.
#[must_use]
pub fn fetch_of(series: Vec<SeriesKey>, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
    let first = series.first().cloned();
    let mut series = series;
    series.retain(|key| !is_forbidden(key, shared));
    if let (true, Some(blocked)) = (series.is_empty(), first) {
        return vec![Reply::Warn(format!(
            "{blocked} is blocked: a request would be refused again; w explains what helps"
        ))];
    }
    let first = series.first().cloned();
    series.retain(|key| !is_in_the_run(key, shared));
    if let (true, Some(one)) = (series.is_empty(), first) {
        return vec![Reply::Warn(format!("{one} is in the current run already"))];
    }
    let wanted = series.len();
    let vain: Vec<&SeriesKey> = series.iter().filter(|key| is_vain(key, shared)).collect();
    let doubt = match vain.as_slice() {
        [] => None,
        _ if shared.requests_left().is_none() => None,
        [one] if wanted == 1 => Some(doubt(one, shared, now)),
        all if all.len() == wanted => Some(format!(
            "None of these {wanted} series can have new bars yet."
        )),
        some => Some(format!(
            "{} of these {wanted} series cannot have new bars yet.",
            some.len()
        )),
    };
    let requests = price(&series, shared);
    guarded(Command::Fetch(series), requests, doubt, shared)
}

fn doubt(series: &SeriesKey, shared: &Shared, now: DateTime<Utc>) -> String {
    let status = shared.status(series);
    match status {
        Some(status) if status.state == SeriesState::Fresh => {
            let next = status.next_at.map_or_else(String::new, |at| {
                format!(
                    " before {} {}",
                    text::near(at, now, shared.zone),
                    text::zone_name(shared.zone)
                )
            });
            format!("{series} cannot have new bars{next}.")
        }
        _ => format!("The provider did not know {series} at the last request."),
    }
}

/// Sends a command that spends requests, after a question if there is a reason to ask.
#[must_use]
pub fn guarded(
    command: Command,
    requests: usize,
    doubt: Option<String>,
    shared: &Shared,
) -> Vec<Reply> {
    let takes_reserve = requests > 0 && shared.takes_reserve(requests);
    if doubt.is_none() && !takes_reserve {
        return vec![command.into()];
    }
    let left = shared.requests_left().unwrap_or(0);
    let (question, detail) = if takes_reserve {
        let reserve =
            format!("The last {RESERVE} requests of a day are kept for what matters most.");
        let detail = doubt.map_or(reserve.clone(), |doubt| format!("{doubt} {reserve}"));
        (reserve_question(requests, left), detail)
    } else {
        (
            format!(
                "Fetch anyway, {} of {left} left today?",
                count(requests, "request")
            ),
            doubt.unwrap_or_default(),
        )
    };
    let confirm = Confirm {
        question,
        detail,
        then: vec![command.into()],
    };
    vec![Reply::Confirm(confirm)]
}

fn reserve_question(requests: usize, left: u32) -> String {
    let wanted = count(requests, "request");
    if requests > left as usize {
        format!("{wanted} needed, {left} left today: send these?")
    } else {
        format!("Spend {wanted} of the last {left} today?")
    }
}
