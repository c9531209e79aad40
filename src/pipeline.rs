//! Fetch, validate, upsert: what a run does, and the provider it fetches from.

pub mod command;
pub mod credential;
pub mod engine;
mod errand;
mod event;
mod explain;
pub mod export;
mod freshness;
pub mod http;
mod job;
mod learned;
pub mod narrate;
pub mod notice;
mod persist;
mod retry;
mod run;
pub mod schedule;
pub mod search;
mod settings;
mod show;
pub mod snapshot;
pub mod source;
pub mod sources;
mod spool;
mod state;
pub mod symbols;
mod watching;

pub use event::{Event, Observer, RunReport};
pub use persist::Persistence;
pub use retry::Waits;
pub use run::{Pipeline, RunRequest};
