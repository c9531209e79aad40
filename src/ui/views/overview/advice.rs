//! The state of a series explained, and the keys that help: the strip under the table.

use chrono::{DateTime, Utc};

use crate::model::{ErrorClass, Fate, Interval, SeriesKey};
use crate::pipeline::narrate;
use crate::pipeline::snapshot::{PlannedFetch, SeriesState, Snapshot, WatchedSeries, Why, WhyNot};
use crate::ui::action::Action;
use crate::ui::fetch::spent_words;
use crate::ui::keymap::Keymap;
use crate::ui::keymap::binding::KeyContext;
use crate::ui::shared::Shared;
use crate::ui::standing;
use crate::ui::text;
use crate::ui::view_id::ViewId;

/// An explanation and the next steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What happened, what it cost, what happens next.
    pub text: String,
    /// What helps, each with its cost if it has one. The first is the suggested one.
    pub steps: Vec<(Action, String)>,
}

impl Advice {
    /// The steps with their keys: the first with the key for suggestions, others with their own.
    #[must_use]
    pub fn keyed(&self, keymap: &Keymap) -> Vec<(String, String, Action)> {
        let key = |at, action| {
            let action = if at == 0 { Action::Offer } else { action };
            keymap.key_of(KeyContext::View(ViewId::Overview), action)
        };
        (0..)
            .zip(&self.steps)
            .map(|(at, (action, label))| (key(at, *action), label.clone(), *action))
            .filter(|(key, ..)| !key.is_empty())
            .collect()
    }
}

/// Explains a line of the watch list.
#[must_use]
pub fn advice(status: &WatchedSeries, shared: &Shared, now: DateTime<Utc>) -> Advice {
    let Some(snapshot) = &shared.snapshot else {
        return Advice {
            text: "Opening the store.".to_owned(),
            steps: vec![],
        };
    };
    let problem = status.problem.as_ref();
    let text = match (status.state, problem) {
        (SeriesState::Blocked, Some((ErrorClass::DemoKey, _))) => {
            let source = shared.source(&status.key.source);
            let why = source.map_or_else(String::new, |source| {
                sentence(source.settings.words.without_key)
            });
            format!("{why} No request was spent.")
        }
        (SeriesState::Blocked, Some((ErrorClass::NotEntitled, said)))
            if status.key.interval.is_intraday() =>
        {
            let source = shared.source(&status.key.source);
            let more = source.and_then(|source| source.settings.words.more);
            match more {
                Some(more) => format!("Intraday bars need {more}. {}", spent(status)),
                None => sentence(said),
            }
        }
        (SeriesState::Blocked | SeriesState::Failed, Some((_, said))) => sentence(said),
        (SeriesState::Fetching, Some((class, _))) if status.retry_at.is_some() => {
            let again = status.retry_at.map_or_else(String::new, |at| {
                format!(
                    " Next attempt in {} s.",
                    ((at - now).num_milliseconds().max(0) + 999) / 1000
                )
            });
            format!(
                "{}{again} What is stored is safe.",
                sentence(narrate::upset(*class))
            )
        }
        (SeriesState::Fetching, _) => "The request was sent; waiting for the answer.".to_owned(),
        (SeriesState::Waiting, _) if snapshot.spent_until(&status.key.source).is_none() => {
            "In the current run; its request is sent as soon as the plan's pace allows.".to_owned()
        }
        (SeriesState::Due | SeriesState::Waiting, _) if status.fetched_at.is_none() => {
            format!("Not fetched yet.{}", when(status, snapshot, shared, now))
        }
        (SeriesState::Due | SeriesState::Waiting, _) => {
            let newer = standing::due(&status.grid, &status.truth, now, shared.zone);
            format!("{newer}{}", when(status, snapshot, shared, now))
        }
        (SeriesState::Behind, _) => {
            let behind = standing::behind(&status.grid, &status.truth, now, shared.zone);
            format!("{behind}{}", when(status, snapshot, shared, now))
        }
        (SeriesState::Closed, _) => {
            let closed = standing::closed(&status.grid, &status.truth, now, shared.zone);
            format!("{closed}{}", when(status, snapshot, shared, now))
        }
        (SeriesState::Holes, _) => {
            let beyond = shared.beyond(&status.key.source);
            standing::holes(&status.grid, &status.truth, status.reach, &beyond)
        }
        _ => fresh(status, snapshot, shared, now),
    };
    let fate = status.fate_told();
    Advice {
        text: fate.map_or_else(|| text.clone(), |fate| format!("{fate} {text}")),
        steps: steps(status, snapshot, shared),
    }
}

fn fresh(
    status: &WatchedSeries,
    snapshot: &Snapshot,
    shared: &Shared,
    now: DateTime<Utc>,
) -> String {
    let newest = status.last_bar.as_ref().map_or_else(String::new, |bar| {
        let label = text::bar_time(bar, status.key.interval, false, shared.zone);
        format!(", newest {label}")
    });
    let next = standing::next(&status.grid, &status.truth, now, shared.zone);
    let rolled_up = status.subject.rolled_up();
    let rolled_up = rolled_up.map_or_else(String::new, |words| format!(" {words}"));
    format!(
        "Up to date: {}{rolled_up}{newest}.{next}{}",
        text::count(usize::try_from(status.bars).unwrap_or(usize::MAX), "bar"),
        when(status, snapshot, shared, now)
    )
}

fn when(
    status: &WatchedSeries,
    snapshot: &Snapshot,
    shared: &Shared,
    now: DateTime<Utc>,
) -> String {
    let schedule = &snapshot.schedule;
    let source = &status.key.source;
    if let Some(until) = snapshot.spent_until(source) {
        return format!(" {}", sentence(&spent_words(source, until, shared, now)));
    }
    if let Some((until, why)) = snapshot
        .source(source)
        .and_then(|source| source.pause.as_ref())
        && *until > now
    {
        return format!(
            " {} asks for a pause until {} {}: {why}.",
            shared.source_name(source),
            text::near(*until, now, shared.zone),
            text::zone_name(shared.zone)
        );
    }
    if schedule.paused {
        return " The schedule is paused.".to_owned();
    }
    let planned = snapshot.plan.line(&status.key);
    let is_pressed = |line: &&PlannedFetch| {
        let is_quota = matches!(line.why_not_now, Some(WhyNot::Quota { .. }));
        is_quota || line.why == Some(Why::AboutToBeLost) || line.loses()
    };
    let why = planned.filter(is_pressed).map_or_else(String::new, |line| {
        format!(": {}", in_words(line, shared, now))
    });
    status.next_at.map_or_else(String::new, |at| {
        format!(
            " Next fetch: {} {}{why}.",
            text::near(at, now, shared.zone),
            text::zone_name(shared.zone)
        )
    })
}

/// Why a series is asked for when it is, and why not now.
fn in_words(line: &PlannedFetch, shared: &Shared, now: DateTime<Utc>) -> String {
    line.words(&|at| text::near(at, now, shared.zone))
}

/// What is planned for a series, in full: the words of the view and of the command.
pub(super) fn planned(
    status: &WatchedSeries,
    shared: &Shared,
    now: DateTime<Utc>,
) -> Option<String> {
    let line = shared.snapshot.as_ref()?.plan.line(&status.key)?;
    let at = line.at.map_or_else(
        || "Not planned".to_owned(),
        |at| format!("Planned for {}", text::near(at.max(now), now, shared.zone)),
    );
    Some(format!("{at}: {}.", in_words(line, shared, now)))
}

fn spent(status: &WatchedSeries) -> String {
    match status.requests {
        0 => "Nothing was stored.".to_owned(),
        requests => {
            let requests = text::count(requests as usize, "request");
            format!("{requests} spent, nothing stored.")
        }
    }
}

fn sentence(said: &str) -> String {
    let mut letters = said.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    format!("{first}{}.", letters.as_str())
}

/// What helps and can be done here, the best first. The key that is entered here is the usual source's.
pub(super) fn steps(
    status: &WatchedSeries,
    snapshot: &Snapshot,
    shared: &Shared,
) -> Vec<(Action, String)> {
    let source = shared.source(&status.key.source);
    let takes_key = source.is_some_and(|source| !source.settings.key.is_empty());
    let mut steps = what_helps(status, snapshot);
    steps.splice(0..0, about_its_symbol(status, snapshot));
    steps.retain(|(action, _)| takes_key || *action != Action::EnterKey);
    steps
}

/// What helps where the symbol was renamed, or is no longer traded.
fn about_its_symbol(status: &WatchedSeries, snapshot: &Snapshot) -> Option<(Action, String)> {
    let Some(successor) = status.successor() else {
        let is_delisted = matches!(status.fate(), Some(Fate::Delisted(_)));
        return is_delisted.then(|| (Action::Remove, "remove it".to_owned()));
    };
    let is_watched = snapshot.series.iter().any(|other| other.key == successor);
    Some(if is_watched {
        (Action::Remove, format!("remove it; {successor} is watched"))
    } else {
        (Action::ToNewSymbol, format!("watch {successor} instead"))
    })
}

/// A step with the requests that it takes.
fn priced(action: Action, label: &str, requests: u32) -> (Action, String) {
    let price = text::count(requests as usize, "request");
    (action, format!("{label}, {price}"))
}

fn what_helps(status: &WatchedSeries, snapshot: &Snapshot) -> Vec<(Action, String)> {
    let step = |action, label: &str| (action, label.to_owned());
    let is_spent = snapshot.spent_until(&status.key.source).is_some();
    let class = status.problem.as_ref().map(|(class, _)| *class);
    match (status.state, class) {
        (SeriesState::Blocked, Some(ErrorClass::DemoKey | ErrorClass::BadKey)) => {
            vec![step(Action::EnterKey, "enter your key")]
        }
        (SeriesState::Blocked, Some(ErrorClass::NotEntitled))
            if status.key.interval.is_intraday() =>
        {
            let daily = SeriesKey::of(&status.key.instrument(), Interval::Daily);
            let is_watched = snapshot.series.iter().any(|other| other.key == daily);
            let first = if is_watched {
                step(Action::Remove, "remove it; its daily bars are watched")
            } else {
                step(Action::ToDaily, "switch to daily bars, 1 request")
            };
            vec![
                first,
                step(Action::Edit, "another interval"),
                step(Action::EnterKey, "another key"),
            ]
        }
        (SeriesState::Blocked, Some(ErrorClass::NotEntitled)) => {
            vec![step(Action::EnterKey, "another key")]
        }
        (SeriesState::Blocked, Some(ErrorClass::BadRequest)) => vec![
            step(Action::Remove, "remove it"),
            step(Action::Edit, "another interval"),
            priced(Action::Fetch, "try again", status.fetch_price),
        ],
        (SeriesState::Failed | SeriesState::Blocked, _) => vec![
            priced(Action::Fetch, "try again", status.fetch_price),
            step(Action::ViewRuns, "see what happened"),
        ],
        (SeriesState::Holes, _) if !is_spent && status.closing_price > 0 => {
            vec![
                priced(Action::Backfill, "fetch them", status.closing_price),
                step(Action::Open, "show its bars"),
            ]
        }
        (SeriesState::Due | SeriesState::Behind, _) if !is_spent => {
            vec![priced(Action::Fetch, "fetch now", status.fetch_price)]
        }
        (SeriesState::Fresh | SeriesState::Closed | SeriesState::Holes, _) => {
            vec![step(Action::Open, "show its bars")]
        }
        (SeriesState::Fetching | SeriesState::Waiting, _) if snapshot.run.is_some() => {
            vec![step(Action::ViewRuns, "show the run")]
        }
        _ => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Listing, NameChange, Status};
    use crate::ui::sample;

    #[test]
    fn every_state_says_why_and_what_to_press() {
        let shared = sample::shared(sample::normal());
        let said: Vec<Advice> = shared
            .series()
            .iter()
            .map(|status| advice(status, &shared, sample::now()))
            .collect();
        let [ibm, aapl, msft, googl] = said.as_slice() else {
            panic!("four series");
        };
        assert!(
            ibm.text.starts_with("Up to date: 41,208 bars, newest"),
            "{}",
            ibm.text
        );
        assert!(
            aapl.text.contains("slow down. Next attempt in 41 s."),
            "{}",
            aapl.text
        );
        assert_eq!(
            msft.text,
            "Intraday bars need a paid Alpha Vantage plan. 1 request spent, nothing stored."
        );
        assert_eq!(
            msft.steps[0],
            (
                Action::ToDaily,
                "switch to daily bars, 1 request".to_owned()
            )
        );
        let keys: Vec<String> = msft
            .keyed(&shared.keymap)
            .into_iter()
            .map(|(key, ..)| key)
            .collect();
        assert_eq!(keys, [".", "E", "K"]);
        assert!(
            googl.text.starts_with("Not fetched yet. Next fetch: "),
            "{}",
            googl.text
        );
        assert_eq!(googl.steps[0].0, Action::Fetch);
    }

    #[test]
    fn what_does_not_fit_says_why_and_the_full_plan_has_the_words_of_the_view() {
        let mut snapshot = sample::normal();
        let googl = snapshot.series[3].clone();
        let plan = std::sync::Arc::make_mut(&mut snapshot.plan);
        let mut lines = plan.lines.iter_mut();
        let line = lines.find(|line| line.series == googl.key).unwrap();
        line.why_not_now = Some(WhyNot::Quota { before: 40 });
        let shared = sample::shared(snapshot);
        let strip = advice(&googl, &shared, sample::now()).text;
        let why = "not asked for yet; 40 requests before it, and none is left today.";
        assert!(strip.ends_with(&format!("16:20 ET: {why}")), "{strip}");
        let full = planned(&googl, &shared, sample::now());
        assert_eq!(full, Some(format!("Planned for 16:20: {why}")));
        let msft = planned(&shared.series()[2], &shared, sample::now()).unwrap();
        assert!(msft.starts_with("Not planned: this key's plan"), "{msft}");
    }

    /// The advice for the first series, whose source says this.
    fn advised(listing: Listing) -> Advice {
        let mut snapshot = sample::normal();
        let mut series = snapshot.series.to_vec();
        series[0].listing = Some(listing.into());
        snapshot.series = series.into();
        let shared = sample::shared(snapshot);
        advice(&shared.series()[0], &shared, sample::now())
    }

    #[test]
    fn a_renamed_symbol_is_told_and_offered_to_be_followed() {
        let renamed = |to: &str| {
            let change = NameChange {
                from: "IBM".parse().unwrap(),
                to: to.parse().unwrap(),
                date: "2022-06-09".parse().unwrap(),
            };
            let [before, _] = change.listings();
            advised(before)
        };
        let advice = renamed("META");
        let said = &advice.text;
        assert!(
            said.starts_with("IBM was renamed META on 2022-06-09. Up to date"),
            "{said}"
        );
        let follow = (Action::ToNewSymbol, "watch META daily instead".to_owned());
        assert_eq!(advice.steps[0], follow);
        let watched = (
            Action::Remove,
            "remove it; AAPL daily is watched".to_owned(),
        );
        assert_eq!(renamed("AAPL").steps[0], watched);
    }

    #[test]
    fn a_delisted_symbol_is_told() {
        let gone = Listing {
            status: Status::Delisted,
            ..Listing::of("IBM".parse().unwrap())
        };
        let advice = advised(gone);
        assert!(
            advice.text.starts_with("IBM is delisted. Up to date"),
            "{}",
            advice.text
        );
        assert_eq!(advice.steps[0].0, Action::Remove);
    }

    #[test]
    fn a_step_says_the_requests_that_it_takes() {
        let shared = sample::shared(sample::normal());
        let snapshot = shared.snapshot.as_ref().unwrap();
        let mut status = snapshot.series[0].clone();
        (status.closing_price, status.fetch_price) = (6, 7);
        for (state, action, label) in [
            (
                SeriesState::Holes,
                Action::Backfill,
                "fetch them, 6 requests",
            ),
            (SeriesState::Due, Action::Fetch, "fetch now, 7 requests"),
            (SeriesState::Failed, Action::Fetch, "try again, 7 requests"),
        ] {
            status.state = state;
            let first = steps(&status, snapshot, &shared).into_iter().next();
            assert_eq!(first, Some((action, label.to_owned())), "{state}");
        }
        // A plan that has none of them.
        (status.state, status.closing_price) = (SeriesState::Holes, 0);
        assert_eq!(steps(&status, snapshot, &shared)[0].0, Action::Open);
    }

    #[test]
    fn a_day_on_which_no_series_has_a_bar_is_told_as_probably_closed() {
        let shared = sample::shared(sample::normal());
        let now = "2026-11-18T22:00:00Z".parse().unwrap();
        let mut status = shared.series()[0].clone();
        status.state = SeriesState::Closed;
        status.truth.standing = crate::model::Standing::Closed;
        status.truth.newest_due = status.grid.newest_due(now);
        let said = advice(&status, &shared, now).text;
        let words = "NYSE was probably closed on Wed 11-18: no series has a bar of that day.";
        assert!(said.starts_with(words), "{said}");
    }

    #[test]
    fn a_key_is_asked_for_only_where_it_would_be_used() {
        let shared = sample::shared(sample::normal());
        let snapshot = shared.snapshot.as_ref().unwrap();
        let mut status = snapshot.series[0].clone();
        status.state = SeriesState::Blocked;
        status.problem = Some((ErrorClass::BadKey, "no key".to_owned()));
        let offered = |status: &WatchedSeries| steps(status, snapshot, &shared);
        assert_eq!(offered(&status)[0].0, Action::EnterKey);
        status.key.source = crate::model::SourceId::known("second");
        assert_eq!(offered(&status), []);
    }
}
