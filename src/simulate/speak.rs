//! What a dialect is: one provider's way to be asked and to answer, over the one market.

use std::fmt::Debug;

use hyper::HeaderMap;

use super::dialect::{Refused, Twist};
use super::market::Market;
use super::plan::Plan;
use super::query::Query;
use super::replay::Replay;
use super::reply::Reply;
use crate::time::Clock;

/// A request, as far as a dialect looks at it.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// The path after that of the dialect.
    pub path: String,
    pub query: Query,
    pub headers: HeaderMap,
}

/// What a dialect speaks about, and how.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub market: Market,
    pub clock: Clock,
    pub plan: Plan,
    pub replay: Option<Replay>,
}

/// Speaks a dialect.
pub(super) trait Speak: Debug + Send + Sync {
    /// The symbols that a request is about, as it spells them.
    fn symbols(&self, asked: &Asked) -> Vec<String>;

    /// What can be wrong in its answers.
    fn twists(&self) -> &'static [Twist];

    /// The answer, with one of its twists if that is asked for.
    fn answer(&self, asked: &Asked, twist: Option<Twist>) -> Reply;

    /// A refusal; `None` where the provider has none of the kind.
    fn refuse(&self, asked: &Asked, refused: Refused) -> Option<Reply>;

    /// A text where bars were expected.
    fn notice(&self, text: &str) -> Reply;
}
