//! Common tasks and their keys: a section of the page of keys, and a test.

/// One press, or text that is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A key, as the table spells it.
    Key(&'static str),
    /// Text.
    Type(&'static str),
}

/// A task that starts in the overview, and its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// What the user wants.
    pub want: &'static str,
    /// How.
    pub steps: &'static [Step],
}

impl Task {
    /// Keys pressed, not counting typed text.
    #[must_use]
    pub fn keys(&self) -> usize {
        let is_key = |step: &&Step| matches!(step, Step::Key(_));
        self.steps.iter().filter(is_key).count()
    }
}

const fn task(want: &'static str, steps: &'static [Step]) -> Task {
    Task { want, steps }
}

use Step::{Key, Type};

/// Twenty tasks.
pub const TASKS: [Task; 20] = [
    task("fetch one series", &[Key("f")]),
    task("fetch all that is due", &[Key("F")]),
    task(
        "add a series by its company's name",
        &[Key("a"), Type("apple"), Key("enter")],
    ),
    task(
        "add five at once",
        &[Key("a"), Type("NVDA AMZN META TSLA ORCL"), Key("enter")],
    ),
    task("remove one, and undo that", &[Key("x"), Key("y"), Key("u")]),
    task("see the bars of a series", &[Key("enter")]),
    task("go to a date", &[Key("t"), Type("2025"), Key("enter")]),
    task(
        "read a value and its time in the chart",
        &[Key("enter"), Key("v"), Key("left")],
    ),
    task("see why a series is not fetched", &[Key("w")]),
    task("copy the request as a curl command", &[Key("5"), Key("c")]),
    task(
        "see what the provider answered",
        &[Key("5"), Key("enter"), Key("tab")],
    ),
    task("pause the schedule", &[Key("p")]),
    task(
        "change the schedule",
        &[Key("S"), Key("down"), Key("down"), Key("enter")],
    ),
    task(
        "change the whole list to daily",
        &[Key("*"), Key("i"), Type("daily"), Key("enter")],
    ),
    task(
        "export three series",
        &[
            Key("space"),
            Key("space"),
            Key("space"),
            Key("e"),
            Key("enter"),
        ],
    ),
    task("see where the data is", &[Key("7")]),
    task(
        "enter your own key",
        &[Key("K"), Type("your key"), Key("enter")],
    ),
    task("see the requests left, and when they renew", &[Key("7")]),
    task("rerun what failed", &[Key("5"), Key(".")]),
    task("see only errors", &[Key("6"), Key("!")]),
];
