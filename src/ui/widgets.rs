//! Pieces of the screen: plain data in, cells out.

pub mod candles;
pub mod footer;
pub mod header;
pub mod list;
pub mod trend;
