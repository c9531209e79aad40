//! The panel's messages: the newest in the status line, the last of them in a list.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use crate::pipeline::narrate::Severity;

/// Messages that are kept.
const KEPT: usize = 200;
/// Seconds that a message stays in the status line, unless a key is pressed.
const SHOWN: i32 = 10;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusMessage {
    /// When.
    pub at: DateTime<Utc>,
    /// How bad it is.
    pub severity: Severity,
    /// What.
    pub text: String,
}

/// Messages, oldest first.
#[derive(Debug, Clone)]
pub struct Messages {
    kept: VecDeque<StatusMessage>,
    current: Option<StatusMessage>,
    /// How long one is shown, by the clock of the panel.
    shown: TimeDelta,
}

impl Messages {
    /// None yet; the panel's clock runs `speed` times as fast as real time.
    #[must_use]
    pub fn at_speed(speed: i32) -> Self {
        Self {
            kept: VecDeque::new(),
            current: None,
            shown: TimeDelta::seconds(1) * SHOWN * speed.max(1),
        }
    }

    /// Shows a message.
    pub fn say(&mut self, text: impl Into<String>, at: DateTime<Utc>) {
        self.add(Severity::Info, text.into(), at);
    }

    /// Shows a message that needs attention.
    pub fn warn(&mut self, text: impl Into<String>, at: DateTime<Utc>) {
        self.add(Severity::Warn, text.into(), at);
    }

    /// Shows a message that is not kept.
    pub fn hint(&mut self, text: impl Into<String>, at: DateTime<Utc>) {
        self.current = Some(StatusMessage {
            at,
            severity: Severity::Info,
            text: text.into(),
        });
    }

    fn add(&mut self, severity: Severity, text: String, at: DateTime<Utc>) {
        let message = StatusMessage { at, severity, text };
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(message.clone());
        self.current = Some(message);
    }

    /// A key was pressed: the user has read the line.
    pub fn seen(&mut self) {
        self.current = None;
    }

    /// What the status line shows.
    #[must_use]
    pub fn current(&self, now: DateTime<Utc>) -> Option<&StatusMessage> {
        self.current
            .as_ref()
            .filter(|message| (now - message.at).abs() <= self.shown)
    }

    /// All messages kept, oldest first.
    #[must_use]
    pub fn kept(&self) -> impl DoubleEndedIterator<Item = &StatusMessage> {
        self.kept.iter()
    }
}
