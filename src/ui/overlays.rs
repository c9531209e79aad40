//! What is drawn over a view: help, palette, messages, a question, an input line.

mod choose;
mod draw;
mod prompt;

pub use self::choose::{Choice, Choose};
pub use self::draw::draw;
pub use self::prompt::{Prompt, key_question, question};
use super::action::Action;
use super::keymap::Keymap;
use super::keymap::binding::KeyContext;
use super::keymap::chord::Chord;
use super::messages::Messages;
use super::reply::{Confirm, Explanation, Reply};
use super::shared::Shared;
use super::view_id::ViewId;
use crate::pipeline::command::PriceQuestion;

/// Something drawn over the view.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// A list to search: help, palette, messages, an explanation.
    Choose(Choose),
    /// An input line.
    Prompt(Prompt),
    /// A question.
    Confirm(Confirm),
    /// A question whose price is being counted.
    Price(PriceQuestion),
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

    /// Lines to read under headings, each with what is shown before it.
    #[must_use]
    pub fn page(title: &str, sections: Vec<(&str, Vec<(String, String)>)>) -> Self {
        Self::Choose(choose::page(title, sections))
    }

    /// A sentence to read, and the keys that help, each with what it does.
    #[must_use]
    pub fn explain(explanation: Explanation) -> Self {
        Self::Choose(choose::explanation(explanation))
    }

    /// The context of keys while this is open.
    #[must_use]
    pub const fn context(&self) -> KeyContext {
        match self {
            Self::Choose(_) => KeyContext::List,
            Self::Prompt(_) => KeyContext::Prompt,
            Self::Confirm(_) | Self::Price(_) => KeyContext::Confirm,
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
            Self::Price(_) => (action != Action::No, vec![]),
        }
    }

    /// Handles a key that is not an action here: it edits the text, if there is one.
    pub fn key(&mut self, chord: Chord) -> Vec<Reply> {
        match self {
            Self::Choose(choose) => choose.key(chord),
            Self::Prompt(prompt) => prompt.key(chord),
            Self::Confirm(_) | Self::Price(_) => vec![],
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
            Self::Confirm(_) | Self::Price(_) => vec![],
        }
    }

    /// Takes a new snapshot, which may matter here.
    pub fn observe(&mut self, shared: &Shared) {
        if let Self::Prompt(prompt) = self {
            prompt.observe(shared);
        }
    }
}
