//! The program in a real pseudo-terminal: what it draws, what keys do, and how it leaves the terminal.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on must fail loudly"
)]

mod rig;
mod support;
