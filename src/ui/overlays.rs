//! What is drawn over a view: help, palette, messages, a question, an input line.

mod choose;
mod draw;
mod prompt;

pub use self::choose::{Choice, Choose};
pub use self::draw::draw;
pub use self::prompt::{Prompt, PromptKind, question};
use super::action::Action;
use super::app::{Messages, Shared};
use super::keymap::chord::Chord;
use super::keymap::{Context, Keymap};
use super::views::{Reply, ViewId};

/// Something drawn over the view.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// A list to search: help, palette, messages, an explanation.
    Choose(Choose),
    /// An input line.
    Prompt(Prompt),
    /// A question.
    Confirm(Confirm),
}

/// A question; yes is never the key that opened it, nor Enter.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// The question.
    pub question: String,
    /// What to know before answering.
    pub detail: String,
    /// What yes does.
    pub then: Vec<Reply>,
}

impl Overlay {
    /// The keys: those of the view first, then the global keys.
    #[must_use]
    pub fn help(keymap: &Keymap, view: ViewId) -> Self {
        Self::Choose(choose::help(keymap, view))
    }

    /// Every action, found by its name.
    #[must_use]
    pub fn palette(choices: Vec<Choice>) -> Self {
        Self::Choose(Choose::new("Find an action", choices, true))
    }

    /// Past messages, newest first.
    #[must_use]
    pub fn messages(messages: &Messages, zone: chrono_tz::Tz) -> Self {
        Self::Choose(choose::messages(messages, zone))
    }

    /// A sentence to read, and the keys that help, each with what it does.
    #[must_use]
    pub fn explain(title: String, text: &str, steps: Vec<(String, String, Action)>) -> Self {
        Self::Choose(choose::explanation(title, text, steps))
    }

    /// The context of keys while this is open.
    #[must_use]
    pub const fn context(&self) -> Context {
        match self {
            Self::Choose(_) => Context::List,
            Self::Prompt(_) => Context::Prompt,
            Self::Confirm(_) => Context::Confirm,
        }
    }

    /// What an action does here; `false`: this closes.
    pub fn update(&mut self, action: Action, shared: &Shared) -> (bool, Vec<Reply>) {
        if action == Action::Back {
            let replies = match self {
                Self::Prompt(prompt) => prompt.given_up(),
                _ => vec![],
            };
            return (false, replies);
        }
        match self {
            Self::Choose(choose) => choose.update(action),
            Self::Prompt(prompt) => prompt.update(action, shared),
            Self::Confirm(confirm) => match action {
                Action::Yes => (false, std::mem::take(&mut confirm.then)),
                Action::No => (false, vec![]),
                _ => (true, vec![]),
            },
        }
    }

    /// Handles a key that is not an action here: it edits the text, if there is one.
    pub fn key(&mut self, chord: Chord) -> Vec<Reply> {
        match self {
            Self::Choose(choose) => choose.key(chord),
            Self::Prompt(prompt) => prompt.key(chord),
            Self::Confirm(_) => vec![],
        }
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str, shared: &Shared) -> Vec<Reply> {
        match self {
            Self::Choose(choose) => {
                choose.paste(text);
                vec![]
            }
            Self::Prompt(prompt) => prompt.paste(text, shared),
            Self::Confirm(_) => vec![],
        }
    }

    /// Takes a new snapshot, which may matter here.
    pub fn observe(&mut self, shared: &Shared) {
        if let Self::Prompt(prompt) = self {
            prompt.observe(shared);
        }
    }
}
