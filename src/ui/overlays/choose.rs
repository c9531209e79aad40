//! A list that is searched as you type: help, palette, messages, an explanation.

use std::cmp::Reverse;

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::pipeline::narrate::Severity;
use crate::ui::action::Action;
use crate::ui::cursor::Cursor;
use crate::ui::input::TextInput;
use crate::ui::keymap::Keymap;
use crate::ui::keymap::binding::KeyContext;
use crate::ui::keymap::chord::{Chord, shown};
use crate::ui::messages::Messages;
use crate::ui::reply::{Explanation, Reply};
use crate::ui::view_id::ViewId;

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is searched and shown.
    pub text: String,
    /// What is shown before it: a key, a time.
    pub lead: String,
    /// Why it is not available now.
    pub disabled: Option<String>,
    /// What choosing it does.
    pub action: Option<Action>,
    /// The view that it goes to first.
    pub view: Option<ViewId>,
    /// Other words that find it.
    pub finds: &'static str,
    /// Whether it is the heading of the lines after it.
    pub is_head: bool,
}

impl Choice {
    fn line(lead: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            lead: lead.into(),
            disabled: None,
            action: None,
            view: None,
            finds: "",
            is_head: false,
        }
    }

    /// An action with its key.
    pub fn action(text: String, key: String, action: Action) -> Self {
        Self {
            action: Some(action),
            ..Self::line(key, text)
        }
    }

    /// The same, not available now if there is a reason.
    #[must_use]
    pub fn because(mut self, reason: Option<String>) -> Self {
        self.disabled = reason;
        self
    }

    /// The same, found by these words too.
    #[must_use]
    pub const fn found_by(mut self, words: &'static str) -> Self {
        self.finds = words;
        self
    }

    /// The same, in another view.
    #[must_use]
    pub const fn going(mut self, view: Option<ViewId>) -> Self {
        self.view = view;
        self
    }

    /// Whether it leads to another view.
    #[must_use]
    pub const fn is_elsewhere(&self) -> bool {
        self.view.is_some()
    }

    fn head(text: impl Into<String>) -> Self {
        Self {
            is_head: true,
            ..Self::line("", text)
        }
    }
}

/// The list.
#[derive(Debug, Clone)]
pub struct Choose {
    /// What it is.
    pub title: String,
    /// Whether a line can be chosen, or only read.
    pub is_choice: bool,
    /// Whether typing searches; otherwise the key shown before a line chooses it.
    pub is_searched: bool,
    /// The search text.
    pub input: TextInput,
    /// The selected line among those that match.
    pub cursor: Cursor,
    all: Vec<Choice>,
    matching: Vec<usize>,
}

/// Cells of a line that is read rather than chosen.
const LINE: usize = 70;
/// Lines that the page keys move by; drawing keeps the cursor in sight.
const PAGE: usize = 10;

impl Choose {
    /// A list under a title.
    #[must_use]
    pub fn new(title: impl Into<String>, all: Vec<Choice>, is_choice: bool) -> Self {
        let mut list = Self {
            title: title.into(),
            is_choice,
            is_searched: true,
            input: TextInput::default(),
            cursor: Cursor::default(),
            matching: vec![],
            all,
        };
        list.search();
        list
    }

    /// The lines that match, best first.
    pub fn lines(&self) -> impl Iterator<Item = &Choice> {
        self.matching.iter().filter_map(|at| self.all.get(*at))
    }

    /// How many match.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.matching.len()
    }

    fn search(&mut self) {
        let text = self.input.text();
        self.cursor = Cursor::default();
        if text.trim().is_empty() {
            self.matching = (0..self.all.len()).collect();
            return;
        }
        // Whole words as typed come first; letters in this order only if no line has the words.
        let mut found = self.scored(text, AtomKind::Substring);
        if found.is_empty() {
            found = self.scored(text, AtomKind::Fuzzy);
        }
        if self.is_choice {
            found.sort_unstable();
        }
        self.matching = found.into_iter().map(|(.., at)| at).collect();
    }

    /// The lines that contain a text, with what sorts the best first: by the title rather than by other
    /// words, then by how well they match.
    fn scored(&self, text: &str, kind: AtomKind) -> Vec<(bool, Reverse<u32>, usize)> {
        let pattern = Pattern::new(text, CaseMatching::Ignore, Normalization::Smart, kind);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = vec![];
        let mut score = |line: &str| pattern.score(Utf32Str::new(line, &mut buffer), &mut matcher);
        self.all
            .iter()
            .enumerate()
            .filter(|(_, choice)| !choice.is_head)
            .filter_map(|(at, choice)| {
                let title = format!("{} {}", choice.text, choice.lead);
                if let Some(score) = score(&title) {
                    return Some((false, Reverse(score), at));
                }
                let score = score(&format!("{title} {}", choice.finds))?;
                Some((true, Reverse(score), at))
            })
            .collect()
    }

    pub(super) fn key(&mut self, chord: Chord) -> Vec<Reply> {
        if !self.is_searched {
            let key = shown(chord);
            let chosen = self.all.iter().find(|choice| choice.lead == key);
            let action = chosen.and_then(|choice| choice.action);
            return action
                .map(|action| Reply::Close(Some(action)))
                .into_iter()
                .collect();
        }
        if self.input.key(chord) {
            self.search();
        }
        vec![]
    }

    pub(super) fn paste(&mut self, text: &str) {
        if self.is_searched {
            self.input.paste(text);
            self.search();
        }
    }

    pub(super) fn update(&mut self, action: Action) -> (bool, Vec<Reply>) {
        if action == Action::Accept {
            let chosen = self.lines().nth(self.cursor.at).cloned();
            return match chosen {
                Some(Choice {
                    disabled: Some(reason),
                    ..
                }) => (true, vec![Reply::Warn(reason)]),
                Some(Choice {
                    action: Some(action),
                    view,
                    ..
                }) if self.is_choice => {
                    let act = view.map_or(Reply::Act(action), |view| Reply::ActIn(view, action));
                    (false, vec![act])
                }
                _ => (!self.is_choice, vec![]),
            };
        }
        self.cursor.act(action, self.count(), PAGE);
        debug_assert!(
            self.matching.iter().all(|at| *at < self.all.len()),
            "what matches is in the list"
        );
        (true, vec![])
    }
}

/// The keys of a view, then the global keys, by group.
pub(super) fn help(keymap: &Keymap, view: ViewId) -> Choose {
    let mut all = vec![];
    for (place, name) in [
        (KeyContext::View(view), view.title()),
        (KeyContext::Global, "Everywhere"),
    ] {
        let mut groups: Vec<&str> = vec![];
        for row in keymap.of(place) {
            if !groups.contains(&row.binding.group) {
                groups.push(row.binding.group);
            }
        }
        for group in groups {
            all.push(Choice::head(format!("{name}: {}", group.to_lowercase())));
            for row in keymap.of(place).filter(|row| row.binding.group == group) {
                let keys = row.keys();
                let keys = if keys.is_empty() {
                    "palette".to_owned()
                } else {
                    keys
                };
                all.push(Choice::line(keys, row.binding.title).found_by(row.binding.finds));
            }
        }
    }
    Choose::new(
        format!("Keys in {}, then global keys", view.title()),
        all,
        false,
    )
}

pub(super) fn messages(messages: &Messages, zone: chrono_tz::Tz) -> Choose {
    let mut all = vec![];
    for message in messages.kept().rev() {
        let local = message.at.with_timezone(&zone);
        let mark = if message.severity == Severity::Info {
            " "
        } else {
            "!"
        };
        let mut lead = format!("{} {mark}", local.format("%H:%M:%S"));
        for line in crate::ui::text::wrap(&message.text, LINE - 12) {
            all.push(Choice::line(std::mem::take(&mut lead), line));
        }
    }
    Choose::new("Messages, newest first", all, false)
}

/// Lines to read under headings, each with what is shown before it.
pub(super) fn page(title: &str, sections: Vec<(&str, Vec<(String, String)>)>) -> Choose {
    let sections = sections.into_iter().flat_map(|(head, lines)| {
        let lines = lines
            .into_iter()
            .map(|(lead, text)| Choice::line(lead, text));
        std::iter::once(Choice::head(head)).chain(lines)
    });
    Choose::new(title, sections.collect(), false)
}

/// Sentences, then the keys that help: they act at once, without searching.
pub(super) fn explanation(explanation: Explanation) -> Choose {
    let Explanation { title, text, steps } = explanation;
    let mut all: Vec<Choice> = text
        .lines()
        .flat_map(|line| crate::ui::text::wrap(line, LINE))
        .map(Choice::head)
        .collect();
    let first = all.len();
    all.extend(steps.into_iter().map(|(key, label, action)| Choice {
        action: Some(action),
        ..Choice::line(key, label)
    }));
    let mut list = Choose::new(title, all, true);
    list.is_searched = false;
    list.cursor.at = first.min(list.count().saturating_sub(1));
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(text: &str, action: Action, disabled: Option<&str>) -> Choice {
        Choice {
            action: Some(action),
            disabled: disabled.map(str::to_owned),
            ..Choice::line("k", text)
        }
    }

    #[test]
    fn typing_finds_and_enter_acts_unless_there_is_a_reason_why_not() {
        let all = vec![
            choice("Fetch all that is due", Action::FetchDue, None),
            choice("Fetch selected or marked", Action::Fetch, None),
            choice("Pause or resume", Action::Pause, Some("read-only")),
        ];
        let mut list = Choose::new("x", all, true);
        list.paste("sel");
        assert_eq!(list.count(), 1);
        let (stays, replies) = list.update(Action::Accept);
        assert!(!stays && matches!(replies.as_slice(), [Reply::Act(Action::Fetch)]));
        list.input = TextInput::default();
        list.paste("pause");
        let (stays, replies) = list.update(Action::Accept);
        assert!(stays && matches!(replies.as_slice(), [Reply::Warn(_)]));
    }

    #[test]
    fn the_help_begins_with_the_view_and_holds_every_key_of_it() {
        let keymap = crate::ui::views::keymap();
        for view in ViewId::all() {
            let list = help(&keymap, view);
            let first = list.lines().next().unwrap();
            assert!(first.is_head && first.text.starts_with(view.title()));
            for row in keymap
                .of(KeyContext::View(view))
                .chain(keymap.of(KeyContext::Global))
            {
                let is_there = list.lines().any(|line| line.text == row.binding.title);
                assert!(is_there, "{}", row.binding.title);
            }
        }
    }
}
