//! The selected line of a list, and what of the list is on the screen.

use super::action::Action;

/// The selected line of a list that may be longer than its area on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The selected line.
    pub at: usize,
    /// The first line on the screen.
    pub top: usize,
}

impl Cursor {
    /// Moves by an action, in a list of `count` lines of which `page` fit; `false`: not a move.
    pub fn act(&mut self, action: Action, count: usize, page: usize) -> bool {
        let last = count.saturating_sub(1);
        let page = page.max(1);
        self.at = match action {
            Action::Up => self.at.saturating_sub(1),
            Action::Down => self.at + 1,
            Action::PageUp => self.at.saturating_sub(page),
            Action::PageDown => self.at + page,
            Action::HalfPageUp => self.at.saturating_sub(page.div_ceil(2)),
            Action::HalfPageDown => self.at + page.div_ceil(2),
            Action::First => 0,
            Action::Last => last,
            _ => return false,
        }
        .min(last);
        self.keep_in_sight(count, page);
        true
    }

    /// Keeps the selected line on the screen, with no more empty lines than needed.
    pub fn keep_in_sight(&mut self, count: usize, page: usize) {
        let page = page.max(1);
        self.at = self.at.min(count.saturating_sub(1));
        self.top = self
            .top
            .min(self.at)
            .max((self.at + 1).saturating_sub(page))
            .min(count.saturating_sub(page));
        debug_assert!(self.at < count.max(1), "the selected line is in the list");
        debug_assert!(
            (self.top..self.top + page).contains(&self.at),
            "the selected line is on the screen"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_line_stays_in_sight() {
        let mut cursor = Cursor::default();
        assert!(cursor.act(Action::Last, 100, 10));
        assert_eq!((cursor.at, cursor.top), (99, 90));
        assert!(cursor.act(Action::PageUp, 100, 10));
        assert_eq!((cursor.at, cursor.top), (89, 89));
        assert!(cursor.act(Action::HalfPageDown, 100, 10));
        assert_eq!((cursor.at, cursor.top), (94, 89));
        cursor.keep_in_sight(3, 10);
        assert_eq!((cursor.at, cursor.top), (2, 0));
        assert!(cursor.act(Action::Down, 0, 10));
        assert_eq!((cursor.at, cursor.top), (0, 0));
        assert!(!cursor.act(Action::Fetch, 3, 10));
    }
}
