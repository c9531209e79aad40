//! Whether an action is available now, and if not, why: one answer for keys, footer and palette.

use chrono::{DateTime, Utc};

use super::App;
use crate::ui::action::Action;
use crate::ui::views::{ViewId, overview};

/// Whether an action is available.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It is.
    Ready,
    /// Not now, for this reason.
    Disabled(String),
}

impl Availability {
    /// Why not, if not.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::Disabled(reason) => Some(reason),
        }
    }
}

/// Whether an action is available in a view now.
#[must_use]
pub fn of(action: Action, view: ViewId, app: &App, now: DateTime<Utc>) -> Availability {
    if app.overlay.is_some() {
        return Availability::Ready;
    }
    why_not(action, view, app, now).map_or(Availability::Ready, Availability::Disabled)
}

fn why_not(action: Action, view: ViewId, app: &App, now: DateTime<Utc>) -> Option<String> {
    if action == Action::Offer {
        return match (view, offered(view, app)) {
            (_, Some(Action::Offer) | None) => {
                Some("there is no suggestion for this line".to_owned())
            }
            (view, Some(action)) => why_not(action, view, app, now),
        };
    }
    let shared = &app.shared;
    let because = |reason: &str| Some(reason.to_owned());
    let needs_engine = matches!(
        action,
        Action::Fetch
            | Action::FetchDue
            | Action::Add
            | Action::Remove
            | Action::Edit
            | Action::Pause
            | Action::ToDaily
            | Action::ToWeekly
            | Action::EnterKey
            | Action::ImportList
            | Action::ExportList
            | Action::Schedule
            | Action::Undo
            | Action::Rerun
            | Action::Cancel
            | Action::Export
    );
    if needs_engine {
        if let Some(reason) = &shared.stopped {
            return Some(format!("the engine has stopped ({reason}); q quits"));
        }
        if shared.snapshot.is_none() {
            return because("the store is not open yet");
        }
        if shared.is_read_only() && !matches!(action, Action::Export | Action::ExportList) {
            return because("read-only: no requests, no changes");
        }
    }
    let spends = matches!(
        action,
        Action::Fetch | Action::FetchDue | Action::Rerun | Action::ToDaily | Action::ToWeekly
    );
    if spends
        && let Some(until) = shared
            .snapshot
            .as_ref()
            .and_then(|snapshot| snapshot.quota.spent_until)
    {
        return Some(format!(
            "today's requests are used up; more from {} {}",
            crate::ui::text::near(until, now, shared.zone),
            crate::ui::text::zone_name(shared.zone)
        ));
    }
    why_not_here(action, view, app)
}

/// Why an action has nothing to act on in a view.
fn why_not_here(action: Action, view: ViewId, app: &App) -> Option<String> {
    let shared = &app.shared;
    let because = |reason: &str| Some(reason.to_owned());
    match (action, view) {
        (Action::ExportList, _) if shared.series().is_empty() => because("the watch list is empty"),
        (Action::Undo, _) if shared.edits.is_empty() => because("there is nothing to undo"),
        (Action::SaveKey, _) if shared.entered_key.is_none() => {
            because("no key was entered in this session; K enters one")
        }
        (Action::Cancel, _) if shared.run().is_none() => because("no run is in progress"),
        (Action::Filter, ViewId::Runs) if app.runs.opened.is_some() => {
            because("close the run with Esc to filter the list")
        }
        (Action::Copy | Action::Export | Action::Save, ViewId::Bars)
            if app.bars.selected(shared).is_none() =>
        {
            because("no bars yet; f fetches some")
        }
        (Action::Filter, ViewId::Bars) => {
            because("bars cannot be filtered; t goes to a date or time")
        }
        (
            Action::Fetch
            | Action::Open
            | Action::Remove
            | Action::Edit
            | Action::Interval
            | Action::Why
            | Action::Copy
            | Action::Export
            | Action::ToDaily
            | Action::ToWeekly
            | Action::GoTo,
            ViewId::Overview,
        ) if app.overview.selected_status(shared).is_none() => {
            because("nothing is selected; a adds a series")
        }
        (Action::Open | Action::Rerun | Action::Curl | Action::Copy, ViewId::Runs)
            if app.runs.rows(shared).is_empty() =>
        {
            because("there is no run yet")
        }
        (Action::Curl, ViewId::Runs)
            if app.runs.detail(shared).is_some() && app.runs.request(shared).is_none() =>
        {
            because("no request was sent for this series")
        }
        _ => None,
    }
}

/// What `.` does in a view now.
#[must_use]
pub fn offered(view: ViewId, app: &App) -> Option<Action> {
    match view {
        ViewId::Overview => overview::offer(&app.overview, &app.shared).map(|(action, _)| action),
        ViewId::Runs => app.runs.offer(&app.shared),
        _ => None,
    }
}
