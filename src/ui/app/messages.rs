//! What the panel announces: the newest in the status line, the last of them in a list.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use crate::pipeline::narrate::Severity;

/// Announcements that are kept.
const KEPT: usize = 200;
/// Seconds for which an announcement stays in the status line, unless a key is pressed.
const SHOWN: i32 = 10;

/// An announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// When.
    pub at: DateTime<Utc>,
    /// How bad it is.
    pub severity: Severity,
    /// What.
    pub text: String,
}

/// Announcements, oldest first.
#[derive(Debug, Clone)]
pub struct Messages {
    kept: VecDeque<Message>,
    current: Option<Message>,
    /// How long one is shown, by the clock of the panel.
    shown: TimeDelta,
}

impl Messages {
    /// None yet; the panel's clock runs so many times as fast as a person's.
    #[must_use]
    pub fn at_speed(speed: i32) -> Self {
        Self {
            kept: VecDeque::new(),
            current: None,
            shown: TimeDelta::seconds(1) * SHOWN * speed.max(1),
        }
    }

    /// Announces something.
    pub fn say(&mut self, text: impl Into<String>, at: DateTime<Utc>) {
        self.add(Severity::Info, text.into(), at);
    }

    /// Announces something that wants attention.
    pub fn warn(&mut self, text: impl Into<String>, at: DateTime<Utc>) {
        self.add(Severity::Warn, text.into(), at);
    }

    /// Shows something that is not worth keeping.
    pub fn hint(&mut self, text: impl Into<String>, at: DateTime<Utc>) {
        self.current = Some(Message {
            at,
            severity: Severity::Info,
            text: text.into(),
        });
    }

    fn add(&mut self, severity: Severity, text: String, at: DateTime<Utc>) {
        let message = Message { at, severity, text };
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(message.clone());
        self.current = Some(message);
    }

    /// A key was pressed: whoever pressed it has read the line.
    pub fn seen(&mut self) {
        self.current = None;
    }

    /// What the status line shows.
    #[must_use]
    pub fn current(&self, now: DateTime<Utc>) -> Option<&Message> {
        self.current
            .as_ref()
            .filter(|message| (now - message.at).abs() <= self.shown)
    }

    /// All that is kept, oldest first.
    #[must_use]
    pub fn kept(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.kept.iter()
    }
}
