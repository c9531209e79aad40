//! Instants of the schedule, and what became of each for each source.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::text::counted;
use super::words::words;
use super::{RunId, RunStatus, SourceId};

/// What is no delay: how long it takes to read what is due.
const PROMPT: TimeDelta = TimeDelta::minutes(1);

/// What a clock noted for so much later was noted by one that was wrong.
pub const FAR_AHEAD: TimeDelta = TimeDelta::days(1);

words! {
    /// What became of an instant.
    pub enum TickOutcome {
        /// It has come, and its run has not begun yet.
        Due = "due",
        /// A run began.
        Done = "done",
        /// There was nothing to ask for, or nothing was to be asked.
        Skipped = "skipped",
        /// It passed while nothing could act on it.
        Missed = "missed",
        /// Something was due, and nothing may be sent.
        Refused = "refused",
    }
}

words! {
    /// Why an instant was skipped or refused.
    pub enum TickWhy {
        /// The schedule was paused.
        Paused = "paused",
        /// No series was due.
        NotDue = "not_due",
        /// The source or the plan of the key refuses every series that was due.
        Blocked = "blocked",
        /// Too many runs were waiting.
        Busy = "busy",
        /// The requests of the day were used up.
        DaySpent = "day_spent",
        /// The requests that were left are kept for other series, or for a person.
        NoRoom = "no_room",
    }
}

impl TickWhy {
    /// As people say it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Paused => "the schedule was paused",
            Self::NotDue => "nothing was due",
            Self::Blocked => "what was due cannot be asked for",
            Self::Busy => "too many runs were waiting",
            Self::DaySpent => "the requests of the day were used up",
            Self::NoRoom => "the requests that were left are kept for others",
        }
    }
}

/// An instant of the schedule, for one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tick {
    /// The instant.
    pub at: DateTime<Utc>,
    /// The source.
    pub source: SourceId,
    /// What became of it.
    pub outcome: TickOutcome,
    /// Why there was no run.
    pub why: Option<TickWhy>,
    /// The run that began, or that made up for it.
    pub run: Option<RunId>,
    /// When that was decided, by the engine's clock.
    pub decided_at: DateTime<Utc>,
}

impl Tick {
    /// An instant that has come.
    #[must_use]
    pub const fn due(at: DateTime<Utc>, source: SourceId, now: DateTime<Utc>) -> Self {
        Self {
            at,
            source,
            outcome: TickOutcome::Due,
            why: None,
            run: None,
            decided_at: now,
        }
    }

    /// What became of it, in words; `clock` shows an instant.
    #[must_use]
    pub fn words(&self, clock: &dyn Fn(DateTime<Utc>) -> String) -> String {
        let why = self.why.map_or_else(String::new, |why| why.words().into());
        match (self.outcome, self.run) {
            (TickOutcome::Due, _) => "its run has not begun yet".to_owned(),
            (TickOutcome::Missed, Some(run)) => {
                format!("made up at {} by run {run}", clock(self.decided_at))
            }
            (_, Some(run)) if self.decided_at - self.at > PROMPT => {
                format!("run {run}, at {}", clock(self.decided_at))
            }
            (_, Some(run)) => format!("run {run}"),
            (_, None) => why,
        }
    }
}

/// An instant as it is read again, with how its run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotedTick {
    /// The instant.
    #[serde(flatten)]
    pub tick: Tick,
    /// How its run stands, or has ended.
    pub run_status: Option<RunStatus>,
}

impl NotedTick {
    /// What became of it, in words, with how its run stands where it has not succeeded.
    #[must_use]
    pub fn words(&self, clock: &dyn Fn(DateTime<Utc>) -> String) -> String {
        let words = self.tick.words(clock);
        match self.run_status {
            None | Some(RunStatus::Succeeded) => words,
            Some(status) => format!("{words} ({status})"),
        }
    }
}

/// An instant to come, and what would be asked for then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NextTick {
    /// The instant.
    pub at: DateTime<Utc>,
    /// Series that are planned for it.
    pub series: u32,
    /// Their requests.
    pub requests: u32,
}

impl NextTick {
    /// What would be asked for, in words.
    #[must_use]
    pub fn words(&self) -> String {
        if self.series == 0 {
            return "nothing planned yet".to_owned();
        }
        let series = match self.series {
            1 => "1 series".to_owned(),
            many => format!("{many} series"),
        };
        format!("{series}, {}", counted(self.requests.into(), "request"))
    }
}

#[cfg(test)]
mod tests {
    use TickOutcome::{Done, Due, Missed, Refused, Skipped};

    use super::*;

    #[test]
    fn an_instant_says_what_became_of_it_and_how_late() {
        let at = |text: &str| -> DateTime<Utc> { text.parse().unwrap() };
        let clock = |at: DateTime<Utc>| at.format("%H:%M").to_string();
        let due = Tick::due(
            at("2026-11-20T21:20:00Z"),
            SourceId::DEFAULT,
            at("2026-11-20T21:20:01Z"),
        );
        let ended = |outcome, why, run: Option<i64>, decided: &str| {
            let tick = Tick {
                outcome,
                why,
                run: run.map(RunId),
                decided_at: at(decided),
                ..due.clone()
            };
            tick.words(&clock)
        };
        let soon = "2026-11-20T21:20:02Z";
        let later = "2026-11-21T16:05:00Z";
        assert_eq!(ended(Due, None, None, soon), "its run has not begun yet");
        assert_eq!(ended(Done, None, Some(7), soon), "run 7");
        assert_eq!(ended(Done, None, Some(7), later), "run 7, at 16:05");
        assert_eq!(
            ended(Missed, None, Some(7), later),
            "made up at 16:05 by run 7"
        );
        assert_eq!(ended(Missed, None, None, later), "");
        let paused = Some(TickWhy::Paused);
        assert_eq!(
            ended(Skipped, paused, None, soon),
            "the schedule was paused"
        );
        let spent = Some(TickWhy::DaySpent);
        assert_eq!(
            ended(Refused, spent, None, soon),
            "the requests of the day were used up"
        );
    }
}
