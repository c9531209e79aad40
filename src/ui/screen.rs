//! What the terminal shows: each frame is sent as the difference from the one before.
//!
//! Not `ratatui::Terminal`: that asks the terminal where its cursor is on every change of size, and
//! waits two seconds for terminals that do not answer.

use std::io::{self, Write};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::backend::{Backend as _, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// The screen behind a writer.
#[derive(Debug)]
pub struct Screen<W: Write> {
    backend: CrosstermBackend<W>,
    shown: Buffer,
    cursor: Option<Position>,
    /// What is shown is not known: the screen is cleared before the next frame.
    is_unknown: bool,
    #[cfg(test)]
    frames: u64,
}

impl<W: Write> Screen<W> {
    /// A screen with unknown content.
    pub fn new(out: W) -> Self {
        Self {
            backend: CrosstermBackend::new(out),
            shown: Buffer::empty(Rect::ZERO),
            cursor: None,
            is_unknown: true,
            #[cfg(test)]
            frames: 0,
        }
    }

    /// Something else may have written to the terminal: the next frame draws everything.
    pub const fn forget(&mut self) {
        self.is_unknown = true;
    }

    /// Frames that were written.
    #[cfg(test)]
    const fn frames(&self) -> u64 {
        self.frames
    }

    /// Shows a frame; writes nothing if it is already shown.
    pub fn show(&mut self, next: Buffer, cursor: Option<Position>) -> io::Result<()> {
        let is_new = self.is_unknown || self.shown.area != next.area;
        if is_new {
            self.shown = Buffer::empty(next.area);
        }
        let changes = self.shown.diff(&next);
        if changes.is_empty() && cursor == self.cursor && !is_new {
            return Ok(());
        }
        queue!(self.backend, BeginSynchronizedUpdate, Hide)?;
        if is_new {
            queue!(self.backend, Clear(ClearType::All))?;
        }
        self.backend.draw(changes.into_iter())?;
        if let Some(at) = cursor {
            queue!(self.backend, MoveTo(at.x, at.y), Show)?;
        }
        queue!(self.backend, EndSynchronizedUpdate)?;
        io::Write::flush(&mut self.backend)?;
        (self.shown, self.cursor, self.is_unknown) = (next, cursor, false);
        #[cfg(test)]
        {
            self.frames += 1;
        }
        Ok(())
    }

    /// Writes something other than a frame, such as text for the clipboard.
    pub fn write(&mut self, command: impl crossterm::Command) -> io::Result<()> {
        queue!(self.backend, command)?;
        io::Write::flush(&mut self.backend)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Wire(Arc<Mutex<Vec<u8>>>);

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Wire {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
        }
    }

    fn frame(text: &str) -> Buffer {
        Buffer::with_lines([text])
    }

    #[test]
    fn only_what_changed_is_written_and_nothing_when_nothing_did() {
        let wire = Wire::default();
        let mut screen = Screen::new(wire.clone());
        screen.show(frame("next in 00:10"), None).unwrap();
        assert!(wire.take().contains("00:10"));
        screen.show(frame("next in 00:09"), None).unwrap();
        let written = wire.take();
        assert!(
            written.contains("09") && !written.contains("next"),
            "{written:?}"
        );
        screen.show(frame("next in 00:09"), None).unwrap();
        assert_eq!(wire.take(), "");
        screen.forget();
        screen.show(frame("next in 00:09"), None).unwrap();
        assert!(wire.take().contains("next"));
        assert_eq!(screen.frames(), 3);
    }

    #[test]
    fn no_frame_asks_the_terminal_anything() {
        let wire = Wire::default();
        let mut screen = Screen::new(wire.clone());
        for width in [1, 80, 3] {
            let buffer = Buffer::empty(Rect::new(0, 0, width, 2));
            screen.show(buffer, Some(Position::new(0, 1))).unwrap();
        }
        let written = wire.take();
        assert!(
            !written.contains("\u{1b}[6n") && !written.contains("\u{1b}[c"),
            "{written:?}"
        );
    }
}
