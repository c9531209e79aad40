//! What a view or an overlay asks of the panel, as values: it knows neither.

use chrono::{DateTime, Utc};

use super::action::{Action, Effect};
use super::view_id::ViewId;
use crate::config::{EnteredKey, Secret};
use crate::model::{Interval, SeriesKey, SourceId, WatchEdit};
use crate::pipeline::command::{Command, PriceQuestion};

/// What a view or an overlay asks of the panel.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Do this outside the panel's state.
    Do(Effect),
    /// Show this message.
    Say(String),
    /// Show this message, which needs attention.
    Warn(String),
    /// Ask for a line of text, with this text in it.
    Prompt(PromptKind, String),
    /// Ask this question.
    Confirm(Confirm),
    /// Ask what it costs to fetch what is missing, then whether to do it.
    Price(PriceQuestion),
    /// Show this explanation.
    Explain(Explanation),
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
    Key(EnteredKey),
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

/// A sentence to read, and the keys that help.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What is explained.
    pub title: String,
    /// The sentence.
    pub text: String,
    /// The keys, what each does in words, and what it does.
    pub steps: Vec<(String, String, Action)>,
}

/// What an input line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptKind {
    /// Which lines of the view are shown.
    Filter,
    /// Series to watch.
    Add {
        /// Its interval, unless one is typed.
        interval: Interval,
    },
    /// The series to watch instead of these.
    Edit {
        /// The series.
        series: Vec<SeriesKey>,
    },
    /// The file that series are read from.
    Import,
    /// When runs start.
    Schedule,
    /// The source whose key is entered.
    KeyOf,
    /// A value of a source's key.
    Key {
        /// The source.
        source: SourceId,
        /// The values before it.
        values: Vec<Secret>,
    },
    /// A date or time to go to.
    GoTo,
    /// The files that series are written to.
    Export {
        /// The series.
        series: Vec<SeriesKey>,
    },
}
