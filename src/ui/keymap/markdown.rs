//! The table as a page.

use std::fmt::Write as _;

use super::Keymap;
use super::binding::KeyContext;
use super::tasks::{Step, TASKS};
use crate::ui::view_id::ViewId;

/// Every context: the views first, then what is drawn over them.
fn contexts() -> impl Iterator<Item = KeyContext> {
    let views = ViewId::all().map(KeyContext::View);
    views.chain([
        KeyContext::Global,
        KeyContext::Prompt,
        KeyContext::List,
        KeyContext::Confirm,
    ])
}

/// The table in Markdown, one section per context.
#[must_use]
pub fn page(keymap: &Keymap) -> String {
    let mut page = String::new();
    for place in contexts() {
        let _ = writeln!(
            page,
            "## {}\n\n| key | what it does | action |\n|---|---|---|",
            heading(place)
        );
        for row in keymap.of(place) {
            let keys: Vec<String> = row
                .chords
                .iter()
                .map(|chord| format!("`{}`", super::chord::shown(*chord)))
                .collect();
            let keys = if keys.is_empty() {
                "palette".to_owned()
            } else {
                keys.join(" ")
            };
            let _ = writeln!(
                page,
                "| {keys} | {} | `{}` |",
                row.binding.title, row.binding.action
            );
        }
        page.push('\n');
    }
    page.push_str(&tasks());
    page
}

/// Common tasks and their keys.
fn tasks() -> String {
    let mut page = String::from("## Twenty tasks\n\n| task | keys |\n|---|---|\n");
    for task in TASKS {
        let keys: Vec<String> = task
            .steps
            .iter()
            .map(|step| match step {
                Step::Key(key) => key.parse().map_or_else(
                    |_| format!("`{key}`"),
                    |chord| format!("`{}`", super::chord::shown(chord)),
                ),
                Step::Type(text) => format!("type {text}"),
            })
            .collect();
        let _ = writeln!(page, "| {} | {} |", task.want, keys.join(" "));
    }
    page
}

/// The table as plain text for a terminal.
#[must_use]
pub fn plain(keymap: &Keymap) -> String {
    let mut text = String::new();
    for place in contexts() {
        let _ = writeln!(text, "{}", heading(place));
        for row in keymap.of(place) {
            let _ = writeln!(
                text,
                "  {:<16} {:<28} {}",
                row.keys(),
                row.binding.title,
                row.binding.action
            );
        }
        text.push('\n');
    }
    text
}

fn heading(place: KeyContext) -> String {
    let name = place.to_string();
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
