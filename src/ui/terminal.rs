//! Takes the terminal and restores it: one list of modes, set and reset.

pub mod clipboard;
pub mod input;
pub mod notification;
pub mod panic;
pub mod signals;
pub mod suspend;

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};

/// Whether the terminal is ours now.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// Holds the terminal; dropping it restores the terminal.
#[derive(Debug)]
pub struct Guard;

impl Guard {
    /// Takes the terminal.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        enter(mouse)?;
        Ok(Self)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        leave();
    }
}

/// Takes the terminal. After an error, what was set before it is reset.
pub fn enter(mouse: bool) -> io::Result<()> {
    IS_OURS.store(true, Ordering::SeqCst);
    let entered = enable_raw_mode().and_then(|()| {
        let mut out = io::stdout();
        execute!(
            out,
            EnterAlternateScreen,
            EnableBracketedPaste,
            DisableLineWrap
        )?;
        if mouse {
            execute!(out, EnableMouseCapture)?;
        }
        Ok(())
    });
    if entered.is_err() {
        leave();
    }
    entered
}

/// Takes the terminal again after an unannounced stop: the shell may have changed the modes.
pub fn enter_again(mouse: bool) -> io::Result<()> {
    // Raw mode is set only if it is not believed to be set already.
    let _ = disable_raw_mode();
    enter(mouse)
}

/// Restores the terminal: the exact reverse of entering. Every step is tried even if the one before
/// failed, and a second call does nothing.
pub fn leave() {
    if !IS_OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = queue!(out, EndSynchronizedUpdate);
    let _ = queue!(out, DisableMouseCapture);
    let _ = queue!(out, EnableLineWrap);
    let _ = queue!(out, DisableBracketedPaste);
    let _ = queue!(out, ResetColor);
    let _ = queue!(out, LeaveAlternateScreen);
    let _ = queue!(out, Show);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Whether the terminal is ours now.
pub(super) fn is_ours() -> bool {
    IS_OURS.load(Ordering::SeqCst)
}
