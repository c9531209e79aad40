//! What is known about the terminal's clipboard: whether to send text there, and what to report.
//!
//! A terminal takes text by an escape sequence (OSC 52) and does not answer: all that can be reported
//! is that it was sent. Where it is known not to work, or the same text is copied again at once, the
//! text goes into a file.

use std::time::{Duration, Instant};

use crate::ui::text::{count, size};

/// The most bytes that are sent: what terminals accept in a sequence, 100,000 bytes, in base64.
const MOST: usize = 74_994;
/// Copying the same text again within this time means it was not in the clipboard.
const AGAIN: Duration = Duration::from_secs(10);
/// Characters of a message that fit into the last line of 80 columns.
const LINE: usize = 78;

/// Where copied text goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyRoute {
    /// To the terminal, with this message.
    Terminal(String),
    /// To a file, for this reason.
    File(String),
}

/// What is known about the terminal's clipboard.
#[derive(Debug, Default)]
pub struct Clipboard {
    /// Why the terminal does not accept text, if that is known.
    refuses: Option<&'static str>,
    /// Whether tmux is between the program and the terminal.
    is_tmux: bool,
    /// Whether the user was told how to get the text otherwise.
    is_explained: bool,
    /// What was sent last, and when.
    last: Option<(String, Instant)>,
}

impl Clipboard {
    /// The clipboard of this process's terminal.
    #[must_use]
    pub fn of_process() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is = |name: &str, value: &str| variable(name).as_deref() == Some(value);
        let is_tmux = variable("TMUX").is_some();
        let refuses = if is("TERM", "linux") {
            Some("the Linux console has no clipboard")
        } else if is("TERM_PROGRAM", "Apple_Terminal") {
            Some("Apple's Terminal does not accept text from programs")
        } else if variable("STY").is_some() && !is("TERM_PROGRAM", "tmux") {
            Some("GNU screen does not pass it on to the terminal's clipboard")
        } else {
            None
        };
        Self {
            refuses,
            is_tmux,
            ..Self::default()
        }
    }

    /// Where text that is copied now goes.
    pub fn way(&mut self, text: &str, what: &str, now: Instant) -> CopyRoute {
        if let Some(why) = self.refuses {
            return CopyRoute::File(why.to_owned());
        }
        if text.len() > MOST {
            let bytes = size(text.len() as u64);
            return CopyRoute::File(format!(
                "{bytes} is more than a terminal's clipboard accepts"
            ));
        }
        let last = self.last.replace((text.to_owned(), now));
        let is_again = |(before, at): (String, Instant)| before == text && now - at < AGAIN;
        if last.is_some_and(is_again) {
            self.last = None;
            let why = if self.is_tmux {
                "tmux passes it on only with: set -g set-clipboard on"
            } else {
                "the terminal may not have accepted it"
            };
            return CopyRoute::File(why.to_owned());
        }
        let bytes = count(text.len(), "byte");
        let sent = format!("sent {what} to the terminal's clipboard ({bytes})");
        let explained = format!("{sent}; repeat to save it");
        if self.is_explained || explained.chars().count() > LINE {
            return CopyRoute::Terminal(sent);
        }
        self.is_explained = true;
        CopyRoute::Terminal(explained)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clipboard(variables: &[(&str, &str)]) -> Clipboard {
        Clipboard::of(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn way(clipboard: &mut Clipboard, text: &str) -> CopyRoute {
        clipboard.way(text, "1 bar", Instant::now())
    }

    #[test]
    fn what_is_sent_is_called_sent_and_the_other_way_is_told_once() {
        let mut clipboard = clipboard(&[("TERM", "xterm-256color")]);
        let sent = "sent 1 bar to the terminal's clipboard (3 bytes)";
        let first = way(&mut clipboard, "one");
        assert_eq!(
            first,
            CopyRoute::Terminal(format!("{sent}; repeat to save it"))
        );
        assert_eq!(
            way(&mut clipboard, "two"),
            CopyRoute::Terminal(sent.to_owned())
        );
        // The longest that a view copies fits into the last line with all of it.
        let mut other = self::clipboard(&[]);
        let text = "x".repeat(1_000);
        let CopyRoute::Terminal(longest) = other.way(&text, "the report", Instant::now()) else {
            panic!("it goes to the terminal");
        };
        assert!(longest.ends_with("repeat to save it"), "{longest}");
        assert!(longest.len() <= LINE, "{longest}");
    }

    #[test]
    fn the_same_again_at_once_goes_into_a_file_and_later_to_the_terminal() {
        let mut clipboard = clipboard(&[]);
        let now = Instant::now();
        let mut at =
            |seconds, text| clipboard.way(text, "1 bar", now + Duration::from_secs(seconds));
        let why = "the terminal may not have accepted it".to_owned();
        assert!(matches!(at(0, "one"), CopyRoute::Terminal(_)));
        assert_eq!(at(9, "one"), CopyRoute::File(why));
        assert!(
            matches!(at(10, "one"), CopyRoute::Terminal(_)),
            "a file was enough"
        );
        assert!(matches!(at(11, "two"), CopyRoute::Terminal(_)));
        assert!(matches!(at(12, "one"), CopyRoute::Terminal(_)));
        assert!(
            matches!(at(22, "one"), CopyRoute::Terminal(_)),
            "much later"
        );
        let mut tmux = self::clipboard(&[("TMUX", "/tmp/tmux-0/default,1,0")]);
        assert!(matches!(way(&mut tmux, "one"), CopyRoute::Terminal(_)));
        assert!(
            matches!(way(&mut tmux, "one"), CopyRoute::File(why) if why.contains("set-clipboard on"))
        );
    }

    #[test]
    fn what_is_known_not_to_arrive_goes_into_a_file() {
        for (variables, word) in [
            (&[("TERM", "linux")][..], "Linux console"),
            (&[("TERM", "screen"), ("STY", "1.tty")][..], "GNU screen"),
            (
                &[
                    ("TERM", "xterm-256color"),
                    ("TERM_PROGRAM", "Apple_Terminal"),
                ][..],
                "Terminal",
            ),
        ] {
            let way = way(&mut clipboard(variables), "one");
            assert!(
                matches!(&way, CopyRoute::File(why) if why.contains(word)),
                "{way:?}"
            );
        }
        // tmux within screen, and another machine's tmux, may pass it on.
        for variables in [
            &[("STY", "1.tty"), ("TERM_PROGRAM", "tmux")][..],
            &[("TERM", "screen-256color")][..],
        ] {
            let way = way(&mut clipboard(variables), "one");
            assert!(matches!(way, CopyRoute::Terminal(_)), "{way:?}");
        }
    }

    #[test]
    fn a_text_is_sent_up_to_what_terminals_take_and_not_beyond() {
        let most = "x".repeat(MOST);
        assert!(matches!(
            way(&mut clipboard(&[]), &most),
            CopyRoute::Terminal(_)
        ));
        let beyond = way(&mut clipboard(&[]), &format!("{most}x"));
        let why = "74.9 kB is more than a terminal's clipboard accepts".to_owned();
        assert_eq!(beyond, CopyRoute::File(why));
    }
}
