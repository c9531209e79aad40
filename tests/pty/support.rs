//! What the tests in a terminal share: the terminal and the oracles over its stream.

mod allowed;
mod keys;
mod modes;
mod record;
pub mod terminal;
mod tokens;

/// The size that most people see most.
pub const SIZE: (u16, u16) = (24, 80);
