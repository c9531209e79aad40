//! Tests over real parts: PostgreSQL and SQLite, HTTP on loopback, the program itself.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on must fail loudly"
)]

mod acceptance;
mod adjusted;
mod alerts;
mod alpaca;
mod backfill;
mod bad_input;
mod contract;
mod contrib;
mod databases;
mod declared;
mod doctor;
mod engine;
mod events;
mod exits;
mod export;
mod first_start;
mod plan;
mod plants;
mod reading;
mod recorded;
mod restated;
mod settings;
mod simulate;
mod spelling;
mod support;
mod truth;
mod watch;
mod week;
