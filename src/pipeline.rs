//! Fetch, validate, upsert: what a run does, and the provider it asks.

pub mod alpha_vantage;
pub mod credential;
mod explain;
mod job;
mod learned;
mod retry;
mod run;
pub mod source;

pub use retry::Waits;
pub use run::{Event, Observer, Pipeline, RunReport, RunRequest};
