//! The views, and what they can ask of the panel.

pub mod bars;
pub mod log;
pub mod overview;
pub mod runs;
pub mod system;

use chrono::{DateTime, Utc};

use super::action::{Action, Effect};
use super::keymap::Context;
use super::overlays::Overlay;
use crate::config::Secret;
use crate::model::{SeriesKey, WatchEdit};
use crate::pipeline::command::Command;

/// A view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewId {
    /// The watch list and its state.
    Overview,
    /// One series as a table and a chart.
    Bars,
    /// Past runs and how they ended.
    Runs,
    /// What happened.
    Log,
    /// Where everything is, and the settings.
    System,
}

/// The views in the order of their number keys.
pub const VIEWS: [ViewId; 5] = [
    ViewId::Overview,
    ViewId::Bars,
    ViewId::Runs,
    ViewId::Log,
    ViewId::System,
];

impl ViewId {
    /// The number on its tab, which is its key. It never changes: the gaps are for future views.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Overview => 1,
            Self::Bars => 2,
            Self::Runs => 5,
            Self::Log => 6,
            Self::System => 7,
        }
    }

    /// Its name on its tab.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Bars => "Bars",
            Self::Runs => "Runs",
            Self::Log => "Log",
            Self::System => "System",
        }
    }

    /// The context of its keys.
    #[must_use]
    pub const fn context(self) -> Context {
        match self {
            Self::Overview => Context::Overview,
            Self::Bars => Context::Bars,
            Self::Runs => Context::Runs,
            Self::Log => Context::Log,
            Self::System => Context::System,
        }
    }

    /// The action that goes to it.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::Overview => Action::ViewOverview,
            Self::Bars => Action::ViewBars,
            Self::Runs => Action::ViewRuns,
            Self::Log => Action::ViewLog,
            Self::System => Action::ViewSystem,
        }
    }
}

/// What a view or an overlay asks of the panel.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Do this outside the panel's state.
    Do(Effect),
    /// Show this message.
    Say(String),
    /// Show this message, which needs attention.
    Warn(String),
    /// Open this over the view.
    Ask(Box<Overlay>),
    /// Show another view.
    Go(ViewId),
    /// Show the bars of a series.
    Bars(SeriesKey),
    /// Do this as if its key had been pressed.
    Act(Action),
    /// Do this in another view, as if its key had been pressed there.
    ActIn(ViewId, Action),
    /// Change the watch list, so that it can be undone.
    Change(WatchEdit),
    /// Use this provider key from now on.
    Key(Secret),
    /// Show the bars of this instant.
    GoTo(DateTime<Utc>),
    /// Close the overlay, then do this.
    Close(Option<Action>),
    /// Show only what matches.
    Filter(String),
}

impl From<Command> for Reply {
    fn from(command: Command) -> Self {
        Self::Do(Effect::Send(command))
    }
}

impl From<Overlay> for Reply {
    fn from(overlay: Overlay) -> Self {
        Self::Ask(Box::new(overlay))
    }
}

/// Whether a line matches every word of a filter: `ibm`, a field as `state:failed`, `!` for the
/// opposite. `is` says whether it matches one word, in lower case, of a field or of any.
pub fn matches(filter: &str, is: impl Fn(Option<&str>, &str) -> bool) -> bool {
    filter.split_whitespace().all(|word| {
        let (word, wanted) = match word.strip_prefix('!') {
            Some(rest) if !rest.is_empty() => (rest, false),
            _ => (word, true),
        };
        let word = word.to_lowercase();
        let found = match word.split_once(':') {
            Some((field, text)) => is(Some(field), text),
            None => is(None, &word),
        };
        found == wanted
    })
}

/// The selected line of a list that may be longer than its area on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The selected line.
    pub at: usize,
    /// The first line on the screen.
    pub top: usize,
}

impl Cursor {
    /// Moves by an action, in a list of `count` lines of which `page` fit; `false`: not a move.
    pub fn act(&mut self, action: Action, count: usize, page: usize) -> bool {
        let last = count.saturating_sub(1);
        let page = page.max(1);
        self.at = match action {
            Action::Up => self.at.saturating_sub(1),
            Action::Down => self.at + 1,
            Action::PageUp => self.at.saturating_sub(page),
            Action::PageDown => self.at + page,
            Action::HalfPageUp => self.at.saturating_sub(page.div_ceil(2)),
            Action::HalfPageDown => self.at + page.div_ceil(2),
            Action::First => 0,
            Action::Last => last,
            _ => return false,
        }
        .min(last);
        self.keep_in_sight(count, page);
        true
    }

    /// Keeps the selected line on the screen, with no more empty lines than needed.
    pub fn keep_in_sight(&mut self, count: usize, page: usize) {
        let page = page.max(1);
        self.at = self.at.min(count.saturating_sub(1));
        self.top = self
            .top
            .min(self.at)
            .max((self.at + 1).saturating_sub(page))
            .min(count.saturating_sub(page));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_view_is_its_key() {
        let keymap = crate::ui::keymap::Keymap::default();
        for view in VIEWS {
            let key = keymap.key_of(Context::Global, view.action());
            assert_eq!(key, view.number().to_string(), "{view:?}");
        }
    }

    #[test]
    fn the_selected_line_stays_in_sight() {
        let mut cursor = Cursor::default();
        assert!(cursor.act(Action::Last, 100, 10));
        assert_eq!((cursor.at, cursor.top), (99, 90));
        assert!(cursor.act(Action::PageUp, 100, 10));
        assert_eq!((cursor.at, cursor.top), (89, 89));
        assert!(cursor.act(Action::HalfPageDown, 100, 10));
        assert_eq!((cursor.at, cursor.top), (94, 89));
        cursor.keep_in_sight(3, 10);
        assert_eq!((cursor.at, cursor.top), (2, 0));
        assert!(cursor.act(Action::Down, 0, 10));
        assert_eq!((cursor.at, cursor.top), (0, 0));
        assert!(!cursor.act(Action::Fetch, 3, 10));
    }
}
