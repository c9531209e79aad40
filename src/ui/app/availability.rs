//! Whether an action is available now, and if not, why: one answer for keys, footer and palette.

use chrono::{DateTime, Utc};

use crate::ui::action::Action;
use crate::ui::keymap::binding::{Binding, KeyContext, Need, Thing};
use crate::ui::shared::Shared;
use crate::ui::text;
use crate::ui::view_id::ViewId;
use crate::ui::views::Views;

/// Why an action is not available in a view now: what its row of the key table needs and lacks, or what
/// the view says.
#[must_use]
pub fn why_not(
    action: Action,
    id: ViewId,
    views: &Views,
    shared: &Shared,
    now: DateTime<Utc>,
) -> Option<String> {
    let row = shared.keymap.row(KeyContext::View(id), action)?;
    hinders(&row.binding, id, views, shared, now)
}

/// The same of a row of the table.
#[must_use]
pub fn hinders(
    binding: &Binding,
    id: ViewId,
    views: &Views,
    shared: &Shared,
    now: DateTime<Utc>,
) -> Option<String> {
    let (view, action) = (views.get(id), binding.action);
    let missing = binding
        .needs
        .iter()
        .find_map(|need| lacks(*need, shared, now));
    if missing.is_some() {
        return missing;
    }
    let suggestion = || view.suggestion(shared);
    let is_there = |thing| match thing {
        Thing::Watched => !shared.series().is_empty(),
        Thing::Change => !shared.undos.is_empty(),
        Thing::EnteredKey => !shared.entered.is_empty(),
        Thing::CurrentRun => shared.run().is_some(),
        Thing::CurrentExport => shared.export().is_some(),
        Thing::Suggestion => suggestion().is_some_and(|action| action != Action::Offer),
        Thing::Selection | Thing::Hole | Thing::SentRequest => view.has(thing, shared),
    };
    let mut things = binding.acts_on.iter();
    let nothing = things.find(|(thing, _)| !is_there(*thing));
    if let Some((_, reason)) = nothing {
        return Some((*reason).to_owned());
    }
    if action == Action::Offer {
        return suggestion().and_then(|suggested| why_not(suggested, id, views, shared, now));
    }
    view.declines(action, shared).map(str::to_owned)
}

fn lacks(need: Need, shared: &Shared, now: DateTime<Utc>) -> Option<String> {
    match need {
        Need::Engine => {
            if let Some(reason) = &shared.stopped {
                return Some(format!("the engine has stopped ({reason}); q quits"));
            }
            let is_open = shared.snapshot.is_some();
            (!is_open).then(|| "the store is not open yet".to_owned())
        }
        Need::Writable => shared
            .is_read_only()
            .then(|| "read-only: no requests, no changes".to_owned()),
        Need::Request => {
            let until = shared.all_spent_until()?;
            Some(format!(
                "today's requests are used up; more from {} {}",
                text::near(until, now, shared.zone),
                text::zone_name(shared.zone)
            ))
        }
    }
}
