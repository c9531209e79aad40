//! Fetch, validate, upsert: what a run does, and the provider it asks.

pub mod alpha_vantage;
pub mod command;
pub mod credential;
pub mod engine;
mod explain;
mod freshness;
mod job;
mod learned;
pub mod notice;
mod retry;
mod run;
pub mod schedule;
pub mod search;
pub mod snapshot;
pub mod source;
mod state;
pub mod symbols;

pub use retry::Waits;
pub use run::{Event, Observer, Pipeline, RunReport, RunRequest};
