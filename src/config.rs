//! Settings: where each value comes from, and what may never be shown.

pub mod secret;

pub use secret::Secret;
