//! What the tests share.

pub mod cluster;
pub mod pooler;
pub mod program;
