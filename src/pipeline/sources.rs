//! The table of sources: the only place that names them all.

pub mod alpha_vantage;
