//! The program in a real pseudo-terminal: what it draws, what keys do, and how it leaves the terminal.
//!
//! `deaths` needs a build with `debug_assertions`: only such a build has the faults that it provokes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on must fail loudly"
)]

mod alerts;
mod container;
mod coverage;
mod deaths;
mod first_start;
mod journeys;
mod locale;
mod no_engine;
mod outage;
mod pictures;
mod rig;
mod scenes;
mod secrets;
mod support;
mod truth;
