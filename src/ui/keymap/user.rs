//! What the configuration file changes in the table: `[keys]`, an action's name and its keys.

use super::Keymap;
use super::binding::KeyContext;
use super::chord::Chord;
use crate::config::KeyBinding;
use crate::ui::action::Action;

impl Keymap {
    /// The same with the user's own keys, and the errors in those: a wrong line changes nothing.
    #[must_use]
    pub fn rebound(self, bindings: &[KeyBinding]) -> (Self, Vec<String>) {
        let mut keymap = self;
        let mut problems = vec![];
        for binding in bindings {
            if let Err(reason) = keymap.rebind(binding) {
                problems.push(format!(
                    "config.toml line {}, keys.{}: {reason}",
                    binding.line, binding.action
                ));
            }
        }
        (keymap, problems)
    }

    fn rebind(&mut self, binding: &KeyBinding) -> Result<(), String> {
        let action: Action = binding
            .action
            .parse()
            .map_err(|_| "no action has this name; list them with: pipeline-tui keys".to_owned())?;
        let mut chords = Vec::with_capacity(binding.chords.len());
        for text in &binding.chords {
            let chord: Chord = text.parse().map_err(|error| format!("{error}"))?;
            chords.push(chord);
        }
        let places: Vec<KeyContext> = self
            .rows
            .iter()
            .filter(|row| row.binding.action == action)
            .map(|row| row.binding.context)
            .collect();
        if let Some(kept) = always(action)
            && !chords.contains(&kept)
        {
            chords.push(kept);
        }
        for row in &self.rows {
            let there = row.binding.context;
            // A global key applies in every view as well.
            let meets = |place: &KeyContext| {
                *place == there
                    || (*place == KeyContext::Global && !there.is_overlay())
                    || (there == KeyContext::Global && !place.is_overlay())
            };
            let is_near = places.iter().any(meets) && row.binding.action != action;
            if let Some(chord) = chords
                .iter()
                .find(|chord| is_near && row.chords.contains(chord))
            {
                return Err(format!(
                    "{chord} already means {} ({}); give that another key first",
                    row.binding.action, row.binding.context
                ));
            }
        }
        for row in &mut self.rows {
            if row.binding.action == action {
                row.chords.clone_from(&chords);
            }
        }
        Ok(())
    }
}

/// A key that an action keeps whatever the user binds: the ways out.
fn always(action: Action) -> Option<Chord> {
    let text = match action {
        Action::Quit => "ctrl-c",
        Action::Back => "esc",
        _ => return None,
    };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::view_id::ViewId;

    fn binding(action: &str, chords: &[&str], line: usize) -> KeyBinding {
        KeyBinding {
            action: action.to_owned(),
            chords: chords.iter().map(|text| (*text).to_owned()).collect(),
            line,
        }
    }

    #[test]
    fn a_persons_keys_take_the_place_of_ours() {
        let (keymap, problems) =
            crate::ui::views::keymap().rebound(&[binding("fetch", &["r", "f5"], 3)]);
        assert_eq!(problems, Vec::<String>::new());
        let chord = |text: &str| text.parse::<Chord>().unwrap();
        for (key, action) in [
            ("r", Some(Action::Fetch)),
            ("f5", Some(Action::Fetch)),
            ("f", None),
        ] {
            assert_eq!(
                keymap.action(KeyContext::View(ViewId::Overview), chord(key)),
                action,
                "{key}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_the_rest_still_works() {
        let (keymap, problems) = crate::ui::views::keymap().rebound(&[
            binding("fetsch", &["r"], 2),
            binding("fetch", &["hyper-r"], 3),
            binding("add", &["p"], 4),
            binding("why", &["r"], 5),
            binding("next-pane", &["x"], 6),
            binding("quit", &["Q"], 7),
        ]);
        let all = problems.join("\n");
        assert_eq!(problems.len(), 4, "{all}");
        assert!(all.contains("line 2, keys.fetsch"), "{all}");
        assert!(
            all.contains("line 3, keys.fetch: \"hyper-r\" is not a key"),
            "{all}"
        );
        assert!(
            all.contains("line 4, keys.add: p already means pause"),
            "{all}"
        );
        assert!(
            all.contains("line 6, keys.next-pane: x already means remove"),
            "{all}"
        );
        let ctrl_c: Chord = "ctrl-c".parse().unwrap();
        assert_eq!(
            keymap.action(KeyContext::View(ViewId::Bars), ctrl_c),
            Some(Action::Quit)
        );
        assert_eq!(
            keymap.key_of(KeyContext::View(ViewId::Overview), Action::Why),
            "r"
        );
        assert_eq!(
            keymap.key_of(KeyContext::View(ViewId::Overview), Action::Add),
            "a"
        );
    }
}
