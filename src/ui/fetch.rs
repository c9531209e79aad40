//! What is fetched when a person asks for it: what key and plan allow, after a question where requests
//! are scarce or can bring nothing.

use chrono::{DateTime, Utc};

use super::reply::{Confirm, Reply};
use super::shared::{RESERVE, Shared};
use super::text::{self, count};
use crate::model::{ErrorClass, SeriesKey, SourceId};
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
    let is_spent = shared.spent_until(&series.source).is_some();
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
    let spent = |key: &SeriesKey| shared.spent_until(&key.source);
    if let (Some(until), Some(one)) = (series.iter().map(spent).min().flatten(), series.first()) {
        return vec![Reply::Warn(spent_words(&one.source, until, shared, now))];
    }
    let first = series.first().cloned();
    series.retain(|key| !is_in_the_run(key, shared));
    if let (true, Some(one)) = (series.is_empty(), first) {
        return vec![Reply::Warn(format!("{one} is in the current run already"))];
    }
    let wanted = series.len();
    // Where requests are not scarce, one in vain is no loss.
    let is_scarce = |key: &&SeriesKey| shared.requests_left(&key.source).is_some();
    let scarce = series.iter().filter(is_scarce);
    let vain: Vec<&SeriesKey> = scarce.filter(|key| is_vain(key, shared)).collect();
    let doubt = match vain.as_slice() {
        [] => None,
        [one] if wanted == 1 => Some(doubt(one, shared, now)),
        all if all.len() == wanted => Some(format!(
            "None of these {wanted} series can have new bars yet."
        )),
        some => Some(format!(
            "{} of these {wanted} series cannot have new bars yet.",
            some.len()
        )),
    };
    let costs = costs(&series, shared);
    guarded(Command::Fetch(series), &costs, doubt, shared)
}

/// What a fetch of series sends to each of their sources.
fn costs(series: &[SeriesKey], shared: &Shared) -> Vec<(SourceId, usize)> {
    let mut sources: Vec<&SourceId> = series.iter().map(|key| &key.source).collect();
    sources.sort_unstable();
    sources.dedup();
    let cost = |source: &SourceId| {
        let of_it = series.iter().filter(|key| key.source == *source);
        (source.clone(), price(of_it, shared))
    };
    sources.into_iter().map(cost).collect()
}

/// What a fetch of all that is due sends to each source now.
#[must_use]
pub fn due_costs(shared: &Shared) -> Vec<(SourceId, usize)> {
    let sources = shared
        .snapshot
        .iter()
        .flat_map(|snapshot| &snapshot.sources);
    let due = sources.filter(|source| source.sendable > 0);
    due.map(|source| (source.id.clone(), source.sendable))
        .collect()
}

/// Says that nothing more may be sent to a source today.
#[must_use]
pub fn spent_words(
    source: &SourceId,
    until: DateTime<Utc>,
    shared: &Shared,
    now: DateTime<Utc>,
) -> String {
    let whose = match shared.watched_sources().as_slice() {
        [_, _, ..] => format!(" of {}", shared.source_name(source)),
        _ => String::new(),
    };
    format!(
        "today's requests{whose} are used up; more from {} {}",
        text::near(until, now, shared.zone),
        text::zone_name(shared.zone)
    )
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

/// Sends a command that spends requests, so many of each source, after a question if there is a
/// reason to ask.
#[must_use]
pub fn guarded(
    command: Command,
    costs: &[(SourceId, usize)],
    doubt: Option<String>,
    shared: &Shared,
) -> Vec<Reply> {
    let takes = |(source, requests): &&(SourceId, usize)| {
        *requests > 0 && shared.takes_reserve(source, *requests)
    };
    let limited = |(source, _): &&(SourceId, usize)| shared.requests_left(source).is_some();
    let scarce = costs.iter().find(takes);
    if doubt.is_none() && scarce.is_none() {
        return vec![command.into()];
    }
    let asked = scarce.or(costs.iter().find(limited));
    let (requests, left) = asked.map_or((0, 0), |(source, requests)| {
        (*requests, shared.requests_left(source).unwrap_or(0))
    });
    let of = match asked {
        Some((source, _)) if shared.watched_sources().len() > 1 => {
            format!(" of {}", shared.source_name(source))
        }
        _ => String::new(),
    };
    let (question, detail) = if scarce.is_some() {
        let reserve =
            format!("The last {RESERVE} requests of a day are kept for what matters most.");
        let detail = doubt.map_or(reserve.clone(), |doubt| format!("{doubt} {reserve}"));
        (reserve_question(requests, left, &of), detail)
    } else {
        let requests = count(requests, "request");
        (
            format!("Fetch anyway, {requests} of {left} left{of} today?"),
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

fn reserve_question(requests: usize, left: u32, of: &str) -> String {
    let wanted = count(requests, "request");
    if requests > left as usize {
        format!("{wanted}{of} needed, {left} left today: send these?")
    } else {
        format!("Spend {wanted} of the last {left}{of} today?")
    }
}
