//! What a view is: its state, what keys do in it, and how it is drawn.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::action::Action;
use super::keymap::binding::Thing;
use super::regions::Regions;
use super::reply::Reply;
use super::shared::Shared;
use crate::model::SeriesKey;
use crate::pipeline::command::Command;

/// How much of a view the person sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Another view is on the screen.
    Hidden,
    /// It is on the screen, under an overlay.
    Covered,
    /// It is on the screen, and keys are its own.
    Open,
}

/// A view. Only `update` and `draw` are its own in any case; the rest does nothing unless it says so.
pub trait View {
    /// What an action does here.
    fn update(&mut self, action: Action, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply>;

    /// Draws it, and notes where things are.
    fn draw(
        &self,
        shared: &Shared,
        now: DateTime<Utc>,
        area: Rect,
        buf: &mut Buffer,
        regions: &mut Regions,
    );

    /// Takes the layout of the screen, and asks for what that leaves to be read.
    fn laid_out(&mut self, _regions: &Regions, _shared: &Shared) -> Option<Command> {
        None
    }

    /// Selects a line of the screen.
    fn select(&mut self, _row: usize, _shared: &Shared) -> Vec<Reply> {
        vec![]
    }

    /// Takes a new snapshot.
    fn observe(&mut self, _shared: &Shared, _sight: Sight) -> Vec<Reply> {
        vec![]
    }

    /// Comes on the screen, with the series that was selected in the view before.
    fn enter(&mut self, _series: Option<SeriesKey>, _shared: &Shared) -> Option<Command> {
        None
    }

    /// The series that the next view shows, if it shows one.
    fn leave(&self, _shared: &Shared) -> Option<SeriesKey> {
        None
    }

    /// Asks again for what is out of date, while it is on the screen.
    fn refresh(&mut self, _shared: &Shared, _now: DateTime<Utc>) -> Option<Command> {
        None
    }

    /// What was requested will not come: it may be requested again.
    fn forget(&mut self) {}

    /// What a line must match to be shown; `None`: every line is always shown.
    fn filter(&self) -> Option<&str> {
        None
    }

    /// Shows only what matches.
    fn set_filter(&mut self, _text: &str) {}

    /// What the key for suggestions does now.
    fn suggestion(&self, _shared: &Shared) -> Option<Action> {
        None
    }

    /// Whether there is such a thing for its keys to act on.
    fn has(&self, _thing: Thing, _shared: &Shared) -> bool {
        true
    }

    /// Why a key that works everywhere does not work here.
    fn declines(&self, _action: Action, _shared: &Shared) -> Option<&'static str> {
        None
    }

    /// What an action costs in requests or does next, after its word in the footer.
    fn hint(&self, _action: Action, _shared: &Shared, _regions: &Regions) -> String {
        String::new()
    }
}
