//! Whether an action may be done now, and if not, why: one answer for keys, footer and palette.

use chrono::{DateTime, Utc};

use super::App;
use crate::pipeline::snapshot::SeriesState;
use crate::ui::action::Action;
use crate::ui::overlays::Choice;
use crate::ui::views::ViewId;

/// Whether an action may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It may.
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

/// Whether an action may be done now.
#[must_use]
pub fn of(action: Action, app: &App, now: DateTime<Utc>) -> Availability {
    if app.overlay.is_some() {
        return Availability::Ready;
    }
    why_not(action, app, now).map_or(Availability::Ready, Availability::Disabled)
}

fn why_not(action: Action, app: &App, now: DateTime<Utc>) -> Option<String> {
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
            | Action::Schedule
            | Action::Undo
            | Action::Rerun
            | Action::Cancel
            | Action::Export
    );
    if needs_engine {
        if let Some(reason) = &shared.stopped {
            return Some(format!("the engine has stopped ({reason}); q leaves"));
        }
        if shared.snapshot.is_none() {
            return because("the store is not open yet");
        }
        if shared.is_read_only() && action != Action::Export {
            return because("read-only: nothing is spent or changed");
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
            "today's requests are spent; more from {} {}",
            crate::ui::text::near(until, now, shared.zone),
            crate::ui::text::zone_name(shared.zone)
        ));
    }
    match (action, app.view) {
        (Action::Undo, _) if shared.undo.is_none() => because("there is nothing to undo"),
        (Action::SaveKey, _) if shared.entered_key.is_none() => {
            because("no key was entered in this session; K enters one")
        }
        (Action::Cancel, _) if shared.run().is_none() => because("no run is at work"),
        (Action::Filter, ViewId::Runs) if app.runs.opened.is_some() => {
            because("Esc closes the run; then its list can be filtered")
        }
        (Action::Copy | Action::Export | Action::Save, ViewId::Bars)
            if app.bars.selected(shared).is_none() =>
        {
            because("there is no bar; f fetches some")
        }
        (Action::Filter, ViewId::Bars) => because("bars are found by time: t goes to one"),
        (
            Action::Fetch
            | Action::Open
            | Action::Remove
            | Action::Edit
            | Action::Why
            | Action::GoTo,
            ViewId::Overview,
        ) if app.overview.selected_status(shared).is_none() => {
            because("nothing is selected; a adds a series")
        }
        (Action::ToDaily | Action::ToWeekly, ViewId::Overview) => {
            let selected = app.overview.selected_status(shared);
            match selected {
                Some(status) if status.state == SeriesState::Parked => None,
                _ => because("only a parked series is switched; E edits any"),
            }
        }
        (Action::Curl | Action::Report, ViewId::Runs) if app.runs.detail(shared).is_none() => {
            because("Enter opens a run first")
        }
        (Action::Curl, ViewId::Runs) if app.runs.request(shared).is_none() => {
            because("this series sent no request")
        }
        _ => None,
    }
}

impl App {
    /// Every action that has a name here, what can be done first.
    #[must_use]
    pub fn palette(&self, now: DateTime<Utc>) -> Vec<Choice> {
        let context = self.view.context();
        let keymap = &self.shared.keymap;
        let places = [context, crate::ui::keymap::Context::Global];
        let mut choices: Vec<Choice> = vec![];
        for entry in places.into_iter().flat_map(|place| keymap.of(place)) {
            if matches!(
                entry.binding.action,
                Action::Palette
                    | Action::Back
                    | Action::Up
                    | Action::Down
                    | Action::Left
                    | Action::Right
                    | Action::PageUp
                    | Action::PageDown
                    | Action::HalfPageUp
                    | Action::HalfPageDown
            ) {
                continue;
            }
            choices.push(Choice {
                text: entry.binding.title.to_owned(),
                lead: entry.key(),
                disabled: of(entry.binding.action, self, now)
                    .reason()
                    .map(str::to_owned),
                action: Some(entry.binding.action),
                is_head: false,
            });
        }
        choices.sort_by_key(|choice| choice.disabled.is_some());
        choices
    }
}
