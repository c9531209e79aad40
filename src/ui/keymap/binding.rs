//! A row of the table of keys: the keys, what they do, where, and what that needs.

use std::fmt;

use crate::ui::action::Action;
use crate::ui::view_id::ViewId;

/// Where a key applies. The innermost context is tried first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyContext {
    /// Everywhere.
    Global,
    /// In a view.
    View(ViewId),
    /// A line of text is being entered.
    Prompt,
    /// A list is searched: palette, help, messages.
    List,
    /// A question waits for yes or no.
    Confirm,
}

impl fmt::Display for KeyContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Global => "everywhere",
            Self::View(view) => view.title(),
            Self::Prompt => "entering text",
            Self::List => "help, palette, messages",
            Self::Confirm => "questions",
        })
    }
}

impl KeyContext {
    /// Whether keys that type a character type it here.
    #[must_use]
    pub const fn takes_text(self) -> bool {
        matches!(self, Self::Prompt | Self::List)
    }

    /// Whether this is drawn over a view.
    #[must_use]
    pub const fn is_overlay(self) -> bool {
        matches!(self, Self::Prompt | Self::List | Self::Confirm)
    }
}

/// What an action needs of the engine, the store and the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A running engine on an open store.
    Engine,
    /// A store that may be changed, and requests that may be sent.
    Writable,
    /// A request that is left today.
    Request,
}

/// What an action acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A series on the watch list.
    Watched,
    /// A change of the watch list that can be undone.
    Change,
    /// A key that was entered and is not saved.
    EnteredKey,
    /// A current run.
    CurrentRun,
    /// A current export.
    CurrentExport,
    /// A line of the view that is selected.
    Selection,
    /// Bars that were never asked for, of what is selected.
    Hole,
    /// A request that was sent for what is selected.
    SentRequest,
    /// A suggested action.
    Suggestion,
}

/// What only reads needs: export while another process writes.
pub const READS: &[Need] = &[Need::Engine];
/// What changes something needs.
pub const WRITES: &[Need] = &[Need::Engine, Need::Writable];
/// What sends a request needs.
pub const SPENDS: &[Need] = &[Need::Engine, Need::Writable, Need::Request];

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// What happens.
    pub action: Action,
    /// Where.
    pub context: KeyContext,
    /// Its keys; none: from the palette only.
    pub chords: &'static [&'static str],
    /// What happens, verb first.
    pub title: &'static str,
    /// Its word in the footer.
    pub hint: &'static str,
    /// The heading under which the help shows it.
    pub group: &'static str,
    /// The footer drops high ranks first when it is narrow; the highest is never shown there.
    pub rank: u8,
    /// Other words that find it in the palette: what people call it.
    pub finds: &'static str,
    /// What it needs of the engine and the store, in the order in which reasons are given.
    pub needs: &'static [Need],
    /// What it acts on, each with the reason shown where there is none.
    pub acts_on: &'static [(Thing, &'static str)],
}

/// A row without hint, group and needs.
#[must_use]
pub const fn row(
    context: KeyContext,
    action: Action,
    chords: &'static [&'static str],
    title: &'static str,
) -> Binding {
    Binding {
        action,
        context,
        chords,
        title,
        hint: "",
        group: "",
        rank: u8::MAX,
        finds: "",
        needs: &[],
        acts_on: &[],
    }
}

impl Binding {
    /// The same with a word in the footer.
    #[must_use]
    pub const fn hint(mut self, rank: u8, hint: &'static str) -> Self {
        (self.rank, self.hint) = (rank, hint);
        self
    }

    /// The same under a heading of the help.
    #[must_use]
    pub const fn group(mut self, group: &'static str) -> Self {
        self.group = group;
        self
    }

    /// The same, found by these words too.
    #[must_use]
    pub const fn finds(mut self, words: &'static str) -> Self {
        self.finds = words;
        self
    }

    /// The same, unavailable without these.
    #[must_use]
    pub const fn needs(mut self, needs: &'static [Need]) -> Self {
        self.needs = needs;
        self
    }

    /// The same, unavailable with nothing to act on.
    #[must_use]
    pub const fn acts_on(mut self, things: &'static [(Thing, &'static str)]) -> Self {
        self.acts_on = things;
        self
    }
}

/// Heading: moving.
pub const MOVE: &str = "Moving";
/// Heading: the program itself.
pub const PROGRAM: &str = "Program";
/// Heading: what sends requests, and when.
pub const FETCH: &str = "Fetching";
/// Heading: the watch list.
pub const LIST: &str = "Watch list";
/// Heading: what is on the screen.
pub const SHOW: &str = "Showing";
/// Heading: what leaves the program.
pub const TAKE: &str = "Copying and saving";
