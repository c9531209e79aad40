//! Follows which terminal modes a stream has switched on, to find what an exit left behind.

use std::collections::BTreeSet;

use super::tokens::Token;

/// The private modes that a fresh terminal has on: lines wrap, the cursor shows.
const FRESH: [u16; 2] = [7, 25];
const ALTERNATE: [u16; 3] = [47, 1047, 1049];

/// The state of a terminal, as far as a program switches it.
#[derive(Debug)]
pub struct Modes {
    private: BTreeSet<u16>,
    /// How deep the stack of keyboard flags is, on the normal and on the alternate screen.
    keyboard: [usize; 2],
    keypad: bool,
    scroll_region: bool,
    cursor_shape: bool,
    style: BTreeSet<&'static str>,
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            private: FRESH.into(),
            keyboard: [0; 2],
            keypad: false,
            scroll_region: false,
            cursor_shape: false,
            style: BTreeSet::new(),
        }
    }
}

impl Modes {
    /// Whether the alternate screen is shown.
    pub fn is_alternate(&self) -> bool {
        ALTERNATE.iter().any(|mode| self.private.contains(mode))
    }

    /// What differs from a fresh terminal, in words.
    pub fn left_on(&self) -> Vec<String> {
        let fresh = BTreeSet::from(FRESH);
        let mut left: Vec<String> = self
            .private
            .difference(&fresh)
            .map(|&mode| name(mode))
            .collect();
        left.extend(
            fresh
                .difference(&self.private)
                .map(|&mode| format!("no {}", name(mode))),
        );
        for (screen, depth) in ["normal", "alternate"].iter().zip(self.keyboard) {
            if depth > 0 {
                left.push(format!(
                    "keyboard flags on the {screen} screen, {depth} deep"
                ));
            }
        }
        let flags = [
            (self.keypad, "application keypad"),
            (self.scroll_region, "scroll region"),
            (self.cursor_shape, "cursor shape"),
        ];
        left.extend(
            flags
                .iter()
                .filter(|(on, _)| *on)
                .map(|(_, name)| (*name).to_owned()),
        );
        left.extend(self.style.iter().map(|style| format!("style: {style}")));
        left
    }

    /// Follows one piece of the stream.
    pub fn apply(&mut self, token: &Token) {
        match token {
            Token::Escape(text) => match text.as_str() {
                "=" => self.keypad = true,
                ">" => self.keypad = false,
                "c" => *self = Self::default(),
                _ => {}
            },
            Token::Csi(body, last) => self.csi(body, *last),
            _ => {}
        }
    }

    fn csi(&mut self, body: &str, last: char) {
        match (body.chars().next(), last) {
            (Some('?'), 'h') => self.private.extend(numbers(&body[1..])),
            (Some('?'), 'l') => {
                for mode in numbers(&body[1..]) {
                    self.private.remove(&mode);
                }
            }
            (Some('>'), 'u') => self.keyboard[usize::from(self.is_alternate())] += 1,
            (Some('<'), 'u') => {
                let count = numbers(&body[1..]).next().unwrap_or(1);
                let depth = &mut self.keyboard[usize::from(self.is_alternate())];
                *depth = depth.saturating_sub(usize::from(count));
            }
            (_, 'q') if body.ends_with(' ') => {
                self.cursor_shape = numbers(body.trim_end()).any(|shape| shape != 0);
            }
            (_, 'r') => self.scroll_region = !body.is_empty(),
            (Some('0'..='9' | ';') | None, 'm') => self.style(body),
            _ => {}
        }
    }

    fn style(&mut self, body: &str) {
        let mut codes = body.split(';').map(|code| code.split(':'));
        while let Some(mut code) = codes.next() {
            let first = code.next().unwrap_or_default().parse().unwrap_or(0);
            let (style, on): (&[&str], bool) = match first {
                0 => {
                    self.style.clear();
                    continue;
                }
                1 => (&["bold"], true),
                2 => (&["dim"], true),
                22 => (&["bold", "dim"], false),
                3 | 23 => (&["italic"], first < 10),
                4 => (&["underline"], code.next() != Some("0")),
                21 => (&["underline"], true),
                24 => (&["underline"], false),
                5 | 6 | 25 => (&["blink"], first < 10),
                7 | 27 => (&["reverse"], first < 10),
                8 | 28 => (&["hidden"], first < 10),
                9 | 29 => (&["struck"], first < 10),
                30..=38 | 90..=97 => (&["foreground"], true),
                39 => (&["foreground"], false),
                40..=48 | 100..=107 => (&["background"], true),
                49 => (&["background"], false),
                58 | 59 => (&["underline colour"], first == 58),
                _ => (&["unknown"], true),
            };
            for name in style {
                if on {
                    self.style.insert(name);
                } else {
                    self.style.remove(name);
                }
            }
            if matches!(first, 38 | 48 | 58) && code.next().is_none() {
                let parts = match codes.next().and_then(|mut kind| kind.next()) {
                    Some("2") => 3,
                    _ => 1,
                };
                codes.by_ref().take(parts).for_each(drop);
            }
        }
    }
}

fn numbers(text: &str) -> impl Iterator<Item = u16> {
    text.split(';').filter_map(|number| number.parse().ok())
}

fn name(mode: u16) -> String {
    let what = match mode {
        1 => "application cursor keys",
        7 => "wrapping of lines",
        12 => "blinking cursor",
        25 => "cursor",
        47 | 1047 | 1049 => "alternate screen",
        1000 | 1002 | 1003 | 1005 | 1006 | 1015 | 1016 => "mouse",
        1004 => "focus",
        2004 => "bracketed paste",
        2026 => "synchronised update",
        _ => "unknown mode",
    };
    format!("{what} ({mode})")
}

#[cfg(test)]
mod tests {
    use super::super::tokens::Tokenizer;
    use super::*;

    fn after(stream: &str) -> Vec<String> {
        let mut modes = Modes::default();
        Tokenizer::default().feed(stream.as_bytes(), |token| modes.apply(&token));
        modes.left_on()
    }

    #[test]
    fn each_mode_is_told_until_it_is_off_again() {
        for (on, off, told) in [
            ("\x1b[?1049h", "\x1b[?1049l", "alternate screen (1049)"),
            ("\x1b[?47h", "\x1b[?47l", "alternate screen (47)"),
            ("\x1b[?1000;1006h", "\x1b[?1006l\x1b[?1000l", "mouse (1000)"),
            ("\x1b[?2004h", "\x1b[?2004l", "bracketed paste (2004)"),
            ("\x1b[?1004h", "\x1b[?1004l", "focus (1004)"),
            ("\x1b[?2026h", "\x1b[?2026l", "synchronised update (2026)"),
            ("\x1b[?25l", "\x1b[?25h", "no cursor (25)"),
            ("\x1b[?7l", "\x1b[?7h", "no wrapping of lines (7)"),
            ("\x1b[?1h", "\x1b[?1l", "application cursor keys (1)"),
            ("\x1b=", "\x1b>", "application keypad"),
            (
                "\x1b[>1u",
                "\x1b[<1u",
                "keyboard flags on the normal screen, 1 deep",
            ),
            ("\x1b[2;5r", "\x1b[r", "scroll region"),
            ("\x1b[2 q", "\x1b[0 q", "cursor shape"),
            ("\x1b[1m", "\x1b[22m", "style: bold"),
            ("\x1b[4:3m", "\x1b[4:0m", "style: underline"),
            ("\x1b[38;5;1m", "\x1b[39m", "style: foreground"),
            ("\x1b[48;2;0;0;0m", "\x1b[49m", "style: background"),
            ("\x1b[58:5:1m", "\x1b[m", "style: underline colour"),
        ] {
            let left = after(on);
            assert_eq!(left.first().map(String::as_str), Some(told), "{on:?}");
            assert!(after(&format!("{on}{off}")).is_empty(), "{on:?} {off:?}");
        }
    }

    #[test]
    fn parameters_of_a_colour_are_no_styles() {
        assert_eq!(after("\x1b[38;2;1;4;7m"), ["style: foreground"]);
        assert_eq!(
            after("\x1b[0;38;5;9;3m"),
            ["style: foreground", "style: italic"]
        );
    }

    #[test]
    fn keyboard_flags_belong_to_the_screen_they_were_pushed_on() {
        let wrong = "\x1b[?1049h\x1b[>1u\x1b[?1049l\x1b[<1u";
        assert_eq!(
            after(wrong),
            ["keyboard flags on the alternate screen, 1 deep"]
        );
        assert!(after("\x1b[>1u\x1b[?1049h\x1b[?1049l\x1b[<1u").is_empty());
        assert!(after("\x1b[<1u").is_empty(), "leaving twice does no harm");
    }
}
