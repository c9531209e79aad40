//! What the tests share.

pub mod bookkeeping;
pub mod cluster;
pub mod first_release;
pub mod lane;
pub mod mount;
pub mod paged;
pub mod pooler;
pub mod program;
pub mod receiver;
pub mod scripted;
pub mod wall;
