//! Keeps an SQL store of market bars complete, correct and fresh within what a data plan allows.
//!
//! ```text
//!  cli ──> pipeline ──> pipeline::source (Alpha Vantage over HTTP)
//!              │
//!              └──────> db::Store (PostgreSQL or SQLite)
//!  simulate: a stand-in for the provider, on the other side of HTTP
//! ```
//!
//! Who may import whom is a table in `docs/architecture.md`; `tests/architecture.rs` enforces it.

pub mod cli;
pub mod config;
pub mod db;
pub mod model;
pub mod monitor;
pub mod pipeline;
pub mod simulate;
pub mod telemetry;
pub mod time;
pub mod ui;
