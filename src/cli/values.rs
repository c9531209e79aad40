//! Values of flags and arguments, read from text; each error says what to use.

use std::net::SocketAddr;

use crate::model::text::{clean_to, either};
use crate::model::{Datatype, Entitlement, Outputsize};
use crate::simulate::Plan;

/// Parses a word of the model; the error lists the valid ones.
pub fn word<T>(text: &str) -> Result<T, String>
where
    T: std::str::FromStr + Words,
{
    text.parse()
        .map_err(|_| format!("use {}", either(&T::names())))
}

/// Parses a limit of printed lines.
pub fn parse_limit(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|limit| *limit > 0)
        .ok_or_else(|| format!("use a whole number from 1 to {}", u32::MAX))
}

pub fn parse_speed(text: &str) -> Result<i32, String> {
    text.parse()
        .ok()
        .filter(|speed| (1..=100_000).contains(speed))
        .ok_or_else(|| "use a whole number from 1 to 100000".to_owned())
}

pub fn parse_seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("use a whole number from 0 to {}", u64::MAX))
}

pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "use an IP address and a port, for example 127.0.0.1:8600".to_owned())
}

pub fn parse_run(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| {
        let shown = clean_to(text, 40);
        format!("{shown:?} is not a run number; list them with: pipeline-tui runs")
    })
}

/// The words that a value can be.
pub trait Words {
    /// All of them.
    fn names() -> Vec<&'static str>;
}

macro_rules! named {
    ($($name:ty),+) => {
        $(impl Words for $name {
            fn names() -> Vec<&'static str> {
                Self::ALL.iter().map(|word| word.as_str()).collect()
            }
        })+
    };
}
named!(Outputsize, Datatype, Entitlement, Plan);
