//! The one place that reads keys from the terminal.

use crossterm::event::{
    Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};
use futures_util::StreamExt as _;

use crate::ui::keymap::chord::{Chord, KeyCap, Named};

/// What the user did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserInput {
    /// Pressed a key.
    Key(Chord),
    /// Pasted a text.
    Paste(String),
    /// Resized the window.
    Resize,
    /// Clicked.
    Click(u16, u16),
    /// Turned the wheel; `true`: down.
    Wheel(bool),
    /// The terminal is gone.
    Gone,
}

/// The keys. Dropped, not paused, while the terminal belongs to someone else.
#[derive(Debug, Default)]
pub struct Keys(Option<EventStream>);

impl Keys {
    /// Starts reading.
    #[must_use]
    pub fn new() -> Self {
        Self(Some(EventStream::new()))
    }

    /// Stops reading.
    pub fn stop(&mut self) {
        self.0 = None;
    }

    /// Completes at the next input.
    pub async fn next(&mut self) -> UserInput {
        loop {
            let Some(stream) = &mut self.0 else {
                return std::future::pending().await;
            };
            let Some(Ok(event)) = stream.next().await else {
                self.0 = None;
                return UserInput::Gone;
            };
            if let Some(input) = understood(event) {
                return input;
            }
        }
    }

    /// The next input that has already arrived, without waiting.
    ///
    /// Polls with the waker of the task that also waits: the stream keeps the first waker it sees
    /// until something happens, and one that wakes nobody would delay the next key.
    pub async fn next_now(&mut self) -> Option<UserInput> {
        tokio::select! {
            biased;
            input = self.next() => Some(input),
            () = std::future::ready(()) => None,
        }
    }
}

fn understood(event: Event) -> Option<UserInput> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => chord(key).map(UserInput::Key),
        Event::Paste(text) => Some(UserInput::Paste(text)),
        Event::Resize(..) => Some(UserInput::Resize),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                Some(UserInput::Click(mouse.column, mouse.row))
            }
            MouseEventKind::ScrollDown => Some(UserInput::Wheel(true)),
            MouseEventKind::ScrollUp => Some(UserInput::Wheel(false)),
            _ => None,
        },
        _ => None,
    }
}

fn chord(event: KeyEvent) -> Option<Chord> {
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let alt = event.modifiers.contains(KeyModifiers::ALT);
    let mut shift = event.modifiers.contains(KeyModifiers::SHIFT);
    let named = |named| Some(KeyCap::Named(named));
    let key = match event.code {
        KeyCode::Char(c) => {
            // Shift is in the character; some terminals send it in lower case with the modifier.
            let c = if shift && c.is_lowercase() && !ctrl {
                c.to_uppercase().next().unwrap_or(c)
            } else if ctrl {
                c.to_ascii_lowercase()
            } else {
                c
            };
            shift = false;
            Some(KeyCap::Char(c))
        }
        KeyCode::F(number) => Some(KeyCap::F(number)),
        KeyCode::Enter => named(Named::Enter),
        KeyCode::Esc => named(Named::Esc),
        KeyCode::Tab => named(Named::Tab),
        KeyCode::BackTab => {
            shift = true;
            named(Named::Tab)
        }
        KeyCode::Backspace => named(Named::Backspace),
        KeyCode::Delete => named(Named::Delete),
        KeyCode::Insert => named(Named::Insert),
        KeyCode::Up => named(Named::Up),
        KeyCode::Down => named(Named::Down),
        KeyCode::Left => named(Named::Left),
        KeyCode::Right => named(Named::Right),
        KeyCode::Home => named(Named::Home),
        KeyCode::End => named(Named::End),
        KeyCode::PageUp => named(Named::PageUp),
        KeyCode::PageDown => named(Named::PageDown),
        _ => None,
    }?;
    Some(Chord {
        key,
        ctrl,
        alt,
        shift,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(code: KeyCode, modifiers: KeyModifiers) -> String {
        chord(KeyEvent::new(code, modifiers)).unwrap().to_string()
    }

    #[test]
    fn keys_are_read_as_they_are_spelled() {
        for (code, modifiers, text) in [
            (KeyCode::Char('f'), KeyModifiers::NONE, "f"),
            (KeyCode::Char('F'), KeyModifiers::SHIFT, "F"),
            (KeyCode::Char('f'), KeyModifiers::SHIFT, "F"),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, "ctrl-c"),
            (KeyCode::BackTab, KeyModifiers::SHIFT, "shift-tab"),
            (KeyCode::F(12), KeyModifiers::NONE, "f12"),
            (KeyCode::Char('?'), KeyModifiers::SHIFT, "?"),
        ] {
            assert_eq!(read(code, modifiers), text);
        }
    }
}
