//! What the tests share.

pub mod cluster;
pub mod lane;
pub mod paged;
pub mod pooler;
pub mod program;
