//! What the tests stand on.

pub mod cluster;
pub mod product;
pub mod program;
