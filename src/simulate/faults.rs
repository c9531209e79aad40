//! Injected faults: what goes wrong, and with which requests.
//!
//! The grammar is `KIND[:ARG][@N | @N-M | @every=K][,symbol=S][,dialect=D]`. Each fault
//! counts the requests that it concerns, from 1. The first fault that applies wins.

pub(super) mod effect;

use std::str::FromStr;
use std::time::Duration;

use hyper::header::HeaderValue;

use self::effect::{Canned, ESCAPE, Effect, UNKNOWN};
use super::dialect::Dialect;
use super::reply::Delivery;
use super::scope::{Scope, ScopeError};

/// All kinds of fault, as an error message lists them.
const KINDS: &str = "burst, minute, day, premium, bad-key, demo-key, invalid, internal, \
    no-function, banned, location, unknown-text, artificial, empty, no-rows, status:CODE, html, forbidden, \
    redirect:URL, slow:MS, drip:BYTES_PER_S, stall, silent, cut:BYTES, reset, bomb:MB, \
    wrong-symbol, wrong-interval, token-repeats, page-empty, \
    page-shrinks, garbage, truncate:BYTES, bad-row, escape";
/// The largest bomb: 4 GiB of spaces in about 4 MB.
const MAX_BOMB_MB: u32 = 4_096;
const MAX_DELAY_MS: u64 = 3_600_000;

/// Something that goes wrong on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    kind: String,
    pub(super) effect: Effect,
    selection: Selection,
    scope: Scope,
}

/// Why a text is not a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No fault has this name.
    #[error("no fault is called {0:?}; use {KINDS}")]
    Kind(String),
    /// What follows the colon is missing or wrong.
    #[error("{kind} needs {needs} after a colon, for example {kind}:{example}; found {found:?}")]
    Argument {
        /// The fault.
        kind: &'static str,
        /// What it needs.
        needs: &'static str,
        /// A valid one.
        example: &'static str,
        /// What was found.
        found: String,
    },
    /// The fault takes nothing after a colon.
    #[error("{0} takes no argument")]
    NoArgument(String),
    /// What follows the `@` does not name requests.
    #[error("{0:?} after the @ names no requests; use @N, @N-M or @every=K, counted from 1")]
    Selection(String),
    /// What it concerns is wrong.
    #[error(transparent)]
    Scope(#[from] ScopeError),
}

/// Which of the requests that match a fault it applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Selection {
    Range(u64, u64),
    Every(u64),
}

impl Selection {
    const ALL: Self = Self::Every(1);

    const fn holds(self, n: u64) -> bool {
        match self {
            Self::Range(first, last) => first <= n && n <= last,
            Self::Every(step) => n.is_multiple_of(step),
        }
    }
}

impl FromStr for Selection {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let number = |part: &str| part.parse().ok().filter(|n: &u64| *n > 0);
        let selection = match (text.strip_prefix("every="), text.split_once('-')) {
            (Some(step), _) => number(step).map(Self::Every),
            (None, Some((first, last))) => number(first)
                .zip(number(last))
                .filter(|(first, last)| first <= last)
                .map(|(first, last)| Self::Range(first, last)),
            (None, None) => number(text).map(|n| Self::Range(n, n)),
        };
        selection.ok_or_else(|| FaultError::Selection(text.to_owned()))
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (text, scope) = Scope::split(text)?;
        let (text, selection) = match text.rsplit_once('@') {
            None => (text, Selection::ALL),
            Some((rest, tail)) => match tail.parse() {
                Ok(selection) => (rest, selection),
                // An address may contain an @.
                Err(_) if text.starts_with("redirect:") => (text, Selection::ALL),
                Err(error) => return Err(error),
            },
        };
        let (kind, argument) = match text.split_once(':') {
            Some((kind, argument)) => (kind, Some(argument)),
            None => (text, None),
        };
        Ok(Self {
            kind: kind.to_owned(),
            effect: effect(kind, argument)?,
            selection,
            scope,
        })
    }
}

/// What a kind of fault does.
fn effect(kind: &str, argument: Option<&str>) -> Result<Effect, FaultError> {
    if let Some(effect) = simple(kind) {
        return match argument {
            Some(_) => Err(FaultError::NoArgument(kind.to_owned())),
            None => Ok(effect),
        };
    }
    let text = argument.unwrap_or_default();
    let wrong = |kind, needs, example| FaultError::Argument {
        kind,
        needs,
        example,
        found: text.to_owned(),
    };
    let effect = match kind {
        "status" => text
            .parse()
            .ok()
            .filter(|code| (200..600).contains(code))
            .map(|code| Effect::Answer(Canned::Status(code)))
            .ok_or_else(|| wrong("status", "a code from 200 to 599", "503"))?,
        "redirect" => HeaderValue::from_str(text)
            .ok()
            .filter(|_| !text.is_empty())
            .map(|_| Effect::Answer(Canned::Redirect(text.to_owned())))
            .ok_or_else(|| wrong("redirect", "an address", "http://127.0.0.1:9/"))?,
        "bomb" => text
            .parse()
            .ok()
            .filter(|mb| (1..=MAX_BOMB_MB).contains(mb))
            .map(|mb| Effect::Answer(Canned::Bomb(mb)))
            .ok_or_else(|| wrong("bomb", "megabytes from 1 to 4096", "100"))?,
        "slow" => text
            .parse()
            .ok()
            .filter(|ms| *ms <= MAX_DELAY_MS)
            .map(|ms| Effect::Deliver(Delivery::Slow(Duration::from_millis(ms))))
            .ok_or_else(|| wrong("slow", "milliseconds up to an hour", "1500"))?,
        "drip" => text
            .parse()
            .ok()
            .filter(|speed| *speed > 0)
            .map(|speed| Effect::Deliver(Delivery::Drip(speed)))
            .ok_or_else(|| wrong("drip", "bytes per second", "100"))?,
        "cut" => text
            .parse()
            .map(|bytes| Effect::Deliver(Delivery::Cut(bytes)))
            .map_err(|_| wrong("cut", "a number of bytes", "100"))?,
        "truncate" => text
            .parse()
            .map(Effect::Truncate)
            .map_err(|_| wrong("truncate", "a number of bytes", "100"))?,
        _ => return Err(FaultError::Kind(kind.to_owned())),
    };
    Ok(effect)
}

/// What a kind of fault without an argument does.
fn simple(kind: &str) -> Option<Effect> {
    if let Ok(refused) = kind.parse() {
        return Some(Effect::Refuse(refused));
    }
    if let Ok(twist) = kind.parse() {
        return Some(Effect::Twist(twist));
    }
    Some(match kind {
        "unknown-text" => Effect::Notice(UNKNOWN),
        "escape" => Effect::Notice(ESCAPE),
        "empty" => Effect::Answer(Canned::Empty),
        "html" => Effect::Answer(Canned::Html),
        "forbidden" => Effect::Answer(Canned::Forbidden),
        "garbage" => Effect::Answer(Canned::Garbage),
        "stall" => Effect::Deliver(Delivery::Stall),
        "silent" => Effect::Deliver(Delivery::Silent),
        "reset" => Effect::Deliver(Delivery::Reset),
        _ => return None,
    })
}

/// Faults, and how many requests each has matched.
#[derive(Debug, Default)]
pub(super) struct Armed(Vec<(Fault, u64)>);

impl Armed {
    /// Faults that have matched no request yet.
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self(faults.into_iter().map(|fault| (fault, 0)).collect())
    }

    /// Counts a request about some symbols in a dialect and names the first fault that applies to it.
    pub(super) fn meet(&mut self, dialect: Dialect, symbols: &[String]) -> Option<Fault> {
        let mut first = None;
        for (fault, met) in &mut self.0 {
            let scope = &fault.scope;
            if scope.has_dialect(dialect) && scope.has_any(symbols) {
                *met += 1;
                if first.is_none() && fault.selection.holds(*met) {
                    first = Some(&*fault);
                }
            }
        }
        first.cloned()
    }
}

impl Fault {
    /// What the journal calls an answer with this fault.
    pub(super) fn outcome(&self) -> String {
        format!("fault:{}", self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        text.parse().unwrap()
    }

    fn refused(text: &str) -> String {
        text.parse::<Fault>().unwrap_err().to_string()
    }

    #[test]
    fn every_listed_kind_is_known() {
        let arguments = [
            ("CODE", "503"),
            ("URL", "http://user@host:1/a,b"),
            ("MS", "5"),
            ("BYTES_PER_S", "7"),
            ("BYTES", "9"),
            ("MB", "1"),
        ];
        for listed in KINDS.split(", ") {
            let spec = match listed.split_once(':') {
                Some((kind, argument)) => {
                    let (_, value) = arguments
                        .iter()
                        .find(|(name, _)| *name == argument)
                        .unwrap();
                    format!("{kind}:{value}")
                }
                None => listed.to_owned(),
            };
            assert_eq!(fault(&spec).selection, Selection::ALL, "{spec}");
            assert_eq!(
                fault(&format!("{spec}@2,symbol=IBM"))
                    .scope
                    .symbol
                    .as_deref(),
                Some("IBM")
            );
        }
    }

    #[test]
    fn mistakes_are_told_with_what_would_do() {
        assert!(refused("bursts").contains("no fault is called \"bursts\"; use burst, minute"));
        assert!(refused("status:999").contains("a code from 200 to 599"));
        assert!(refused("cut").contains("cut:100"));
        assert!(refused("burst:3").contains("takes no argument"));
        assert!(refused("burst@0").contains("@N, @N-M or @every=K"));
        assert!(refused("burst@3-2").contains("\"3-2\""));
        assert!(refused("burst,symbol=").contains("symbol"));
        assert!(refused("bomb:5000").contains("4096"));
        assert!(!refused("x\u{1b}[2J\u{202e}").contains(['\u{1b}', '\u{202e}']));
    }

    #[test]
    fn selections_count_the_requests_the_symbol_matches() {
        let mut armed = Armed::new(vec![fault("burst@2-3,symbol=ibm"), fault("day@every=4")]);
        let mut next = |symbol: &str| {
            armed
                .meet(Dialect::Coinbase, &[symbol.to_owned()])
                .map(|fault| fault.outcome())
        };
        let met: Vec<_> = ["IBM", "AAPL", "IBM", "IBM", "IBM", "AAPL", "AAPL", "AAPL"]
            .map(|symbol| next(symbol).unwrap_or_default())
            .into();
        let (none, burst, day) = ("", "fault:burst", "fault:day");
        assert_eq!(met, [none, none, burst, burst, none, none, none, day]);
    }
}
