//! Why a series stands as it does, and which keys help: what the strip under the table says.

use chrono::{DateTime, Utc};

use crate::model::ErrorClass;
use crate::pipeline::narrate;
use crate::pipeline::snapshot::{SeriesState, SeriesStatus, Snapshot};
use crate::ui::action::Action;
use crate::ui::app::Shared;
use crate::ui::text;

/// An explanation and the next steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What happened, what it cost, what happens next.
    pub text: String,
    /// Keys that help, with what each does.
    pub steps: Vec<(Action, String)>,
}

/// Explains a line of the watch list.
#[must_use]
pub fn advice(status: &SeriesStatus, shared: &Shared, now: DateTime<Utc>) -> Advice {
    let Some(snapshot) = &shared.snapshot else {
        return Advice {
            text: "The store is being opened.".to_owned(),
            steps: vec![],
        };
    };
    let problem = status.problem.as_ref();
    let text = match (status.state, problem) {
        (SeriesState::Parked, Some((ErrorClass::DemoKey, _))) => {
            "The key demo serves IBM alone; this series needs your own key (free, \
             alphavantage.co/support/#api-key). Nothing was spent."
                .to_owned()
        }
        (SeriesState::Parked, Some((ErrorClass::NotEntitled, _)))
            if status.key.interval.is_intraday() =>
        {
            format!(
                "Intraday needs a paid Alpha Vantage plan. {}, nothing stored.",
                spent(status)
            )
        }
        (SeriesState::Parked | SeriesState::Failed, Some((_, said))) => sentence(said),
        (SeriesState::Retrying, Some((class, _))) => {
            let again = status.retry_at.map_or_else(String::new, |at| {
                format!(
                    " Again in {} s.",
                    ((at - now).num_milliseconds().max(0) + 999) / 1000
                )
            });
            format!(
                "{}{again} What is stored is safe.",
                sentence(narrate::upset(*class))
            )
        }
        (SeriesState::Fetching, _) => {
            "The provider was asked; its answer is on the way.".to_owned()
        }
        (SeriesState::Waiting, _) => {
            "In the run at work; it is asked as soon as the plan's pace allows.".to_owned()
        }
        (SeriesState::Due, _) if status.fetched_at.is_none() => {
            format!("Not fetched yet.{}", when(status, snapshot, shared, now))
        }
        (SeriesState::Due | SeriesState::Stale, _) => {
            format!(
                "New bars can have come since it was fetched.{}",
                when(status, snapshot, shared, now)
            )
        }
        _ => fresh(status, snapshot, shared, now),
    };
    Advice {
        text,
        steps: steps(status, snapshot),
    }
}

fn fresh(
    status: &SeriesStatus,
    snapshot: &Snapshot,
    shared: &Shared,
    now: DateTime<Utc>,
) -> String {
    let newest = status.last_bar.as_ref().map_or_else(String::new, |bar| {
        let label = text::bar_time(bar, status.key.interval, false, shared.zone);
        format!(", newest {label}")
    });
    format!(
        "Up to date: {}{newest}.{}",
        text::count(usize::try_from(status.bars).unwrap_or(usize::MAX), "bar"),
        when(status, snapshot, shared, now)
    )
}

fn when(status: &SeriesStatus, snapshot: &Snapshot, shared: &Shared, now: DateTime<Utc>) -> String {
    let schedule = &snapshot.schedule;
    if let Some(until) = snapshot.quota.spent_until {
        return format!(
            " Today's requests are spent; more from {} {}.",
            text::near(until, now, shared.zone),
            text::zone_name(shared.zone)
        );
    }
    if schedule.paused {
        return " The schedule is paused.".to_owned();
    }
    status.next_at.map_or_else(String::new, |at| {
        format!(
            " Fetched next at {} {}.",
            text::near(at, now, shared.zone),
            text::zone_name(shared.zone)
        )
    })
}

fn spent(status: &SeriesStatus) -> String {
    match status.requests {
        0 => "Not asked again: 0 requests".to_owned(),
        requests => format!("{} spent", text::count(requests as usize, "request")),
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

fn steps(status: &SeriesStatus, snapshot: &Snapshot) -> Vec<(Action, String)> {
    let step = |action, label: &str| (action, label.to_owned());
    let class = status.problem.as_ref().map(|(class, _)| *class);
    match (status.state, class) {
        (SeriesState::Parked, Some(ErrorClass::DemoKey | ErrorClass::BadKey)) => {
            vec![step(Action::EnterKey, "enter your key")]
        }
        (SeriesState::Parked, Some(ErrorClass::NotEntitled))
            if status.key.interval.is_intraday() =>
        {
            vec![
                step(Action::ToDaily, "daily, free"),
                step(Action::ToWeekly, "weekly, whole history, 1 request"),
                step(Action::EnterKey, "another key"),
            ]
        }
        (SeriesState::Parked, Some(ErrorClass::NotEntitled)) => {
            vec![step(Action::EnterKey, "another key")]
        }
        (SeriesState::Failed, Some(ErrorClass::BadRequest)) => vec![
            step(Action::Remove, "remove it"),
            step(Action::Edit, "another interval"),
            step(Action::Fetch, "ask again, 1 request"),
        ],
        (SeriesState::Failed, _) => vec![
            step(Action::Fetch, "ask again, 1 request"),
            step(Action::ViewRuns, "what happened"),
        ],
        (SeriesState::Due | SeriesState::Stale, _) if snapshot.quota.spent_until.is_none() => {
            vec![step(Action::Fetch, "fetch now, 1 request")]
        }
        (SeriesState::Fresh, _) => vec![step(Action::Open, "its bars")],
        _ => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
            aapl.text.contains("slow down. Again in 41 s."),
            "{}",
            aapl.text
        );
        assert_eq!(
            msft.text,
            "Intraday needs a paid Alpha Vantage plan. 1 request spent, nothing stored."
        );
        assert_eq!(msft.steps[0], (Action::ToDaily, "daily, free".to_owned()));
        assert!(
            googl.text.starts_with("Not fetched yet. Fetched next at"),
            "{}",
            googl.text
        );
        assert_eq!(googl.steps[0].0, Action::Fetch);
    }
}
