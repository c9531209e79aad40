//! Fetch, validate, upsert: what a run does, and the provider it asks.

pub mod alpha_vantage;
pub mod source;
