//! What the tests share.

pub mod cluster;
pub mod lane;
pub mod pooler;
pub mod program;
