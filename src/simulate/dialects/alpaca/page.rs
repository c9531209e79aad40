//! A page of bars, and the token that leads to the next.

use std::fmt::Write as _;

use hyper::StatusCode;

use super::refusal::JSON;
use super::tape::Bar;
use crate::simulate::calendar::instant;
use crate::simulate::decimal::trimmed;
use crate::simulate::dialect::Twist;
use crate::simulate::journal::Served;
use crate::simulate::query::Query;
use crate::simulate::reply::Reply;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const NANOSECONDS: i64 = 1_000_000_000;

/// Where a page ended: after a bar of a symbol. Times are instants in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub symbol: String,
    pub kind: char,
    pub at: i64,
}

impl Place {
    /// The token.
    pub(super) fn token(&self) -> String {
        let Self { symbol, kind, at } = self;
        encoded(format!("{symbol}|{kind}|{}", at.saturating_mul(NANOSECONDS)).as_bytes())
    }

    /// The place that a token leads to.
    pub(super) fn read(token: &str) -> Option<Self> {
        let text = String::from_utf8(decoded(token)?).ok()?;
        let mut parts = text.split('|');
        let (symbol, kind, at) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            symbol: symbol.to_owned(),
            kind: kind.chars().next()?,
            at: at.parse::<i64>().ok()?.div_euclid(NANOSECONDS),
        })
    }
}

/// Base64 with padding.
pub(super) fn encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word = group
            .iter()
            .fold(0_u32, |word, byte| (word << 8) | u32::from(*byte));
        let word = word << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = (word >> (18 - 6 * place)) & 63;
            let digit = DIGITS.get(digit as usize).filter(|_| place <= group.len());
            text.push(digit.map_or('=', |digit| char::from(*digit)));
        }
    }
    text
}

/// The bytes of a text in base64.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::new();
    let (mut word, mut bits) = (0_u32, 0);
    for letter in text.bytes() {
        let digit = DIGITS.iter().position(|digit| *digit == letter)?;
        word = (word << 6) | u32::try_from(digit).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((word >> bits) & 255).ok()?);
        }
    }
    Some(bytes)
}

/// Bars of some symbols, each with its bars oldest first, and where the next page begins.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub bars: Vec<(String, Vec<Bar>)>,
    pub kind: char,
    pub is_last: bool,
}

/// The symbol in an answer for another symbol.
const WRONG_SYMBOL: &str = "WRONG";

impl Page {
    /// After which bar the next page begins.
    fn end(&self) -> Option<Place> {
        let (symbol, bars) = self.bars.last()?;
        Some(Place {
            symbol: symbol.clone(),
            kind: self.kind,
            at: instant(bars.last()?.start).timestamp(),
        })
    }

    /// The answer with what is wrong in it.
    pub(super) fn twisted(mut self, twist: Option<Twist>, query: &Query) -> Sent {
        let asked = query.get("page_token");
        let end = self.end().map(|place| place.token());
        let mut token = end.clone().filter(|_| !self.is_last);
        match twist {
            Some(Twist::NoRows) => {
                self.bars.clear();
                token = None;
            }
            Some(Twist::BadRow) => self.spoil(),
            Some(Twist::WrongSymbol) => {
                self.bars.truncate(1);
                for (symbol, _) in &mut self.bars {
                    WRONG_SYMBOL.clone_into(symbol);
                }
            }
            Some(Twist::TokenRepeats) => {
                token = if asked.is_empty() {
                    end
                } else {
                    Some(asked.to_owned())
                };
            }
            Some(Twist::PageEmpty) => {
                self.bars.clear();
                token = end;
            }
            Some(Twist::PageShrinks) => {
                self.halve();
                token = self.end().map(|place| place.token());
            }
            Some(Twist::WrongInterval) | None => {}
        }
        Sent {
            bars: self.bars,
            token,
        }
    }

    /// Leaves the first half of the bars, and one at least.
    fn halve(&mut self) {
        let all: usize = self.bars.iter().map(|(_, bars)| bars.len()).sum();
        let mut left = all.div_ceil(2);
        for (_, bars) in &mut self.bars {
            bars.truncate(left);
            left -= bars.len();
        }
        self.bars.retain(|(_, bars)| !bars.is_empty());
    }

    /// Spoils the second to the fourth bar of each symbol, each in its own way.
    fn spoil(&mut self) {
        for (_, bars) in &mut self.bars {
            if let [first, crossed, negative, repeated, ..] = bars.as_mut_slice() {
                crossed.high = 1;
                negative.volume = -5;
                repeated.start = first.start;
            }
        }
    }
}

/// A page as it is sent.
#[derive(Debug)]
pub(super) struct Sent {
    bars: Vec<(String, Vec<Bar>)>,
    token: Option<String>,
}

impl Sent {
    /// The answer.
    pub(super) fn reply(&self) -> Reply {
        let mut body = String::from("{\"bars\":{");
        for (place, (symbol, bars)) in self.bars.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            let _ = write!(body, "{comma}\"{symbol}\":[");
            for (place, bar) in bars.iter().enumerate() {
                if place > 0 {
                    body.push(',');
                }
                write(&mut body, bar);
            }
            body.push(']');
        }
        let token = serde_json::Value::from(self.token.as_deref());
        let _ = write!(body, "}},\"next_page_token\":{token}}}");
        let label = |bar: &Bar| instant(bar.start).to_rfc3339();
        let all = || self.bars.iter().flat_map(|(_, bars)| bars);
        Reply::new("data", StatusCode::OK, JSON, body).serving(Served {
            bars: all().count(),
            newest: all().max_by_key(|bar| bar.start).map(label),
            oldest: all().min_by_key(|bar| bar.start).map(label),
        })
    }
}

/// One bar; the names in the order of the alphabet, as they come now.
fn write(body: &mut String, bar: &Bar) {
    let price = |ticks: i64| trimmed(ticks * 10_000);
    let time = instant(bar.start).format("%Y-%m-%dT%H:%M:%SZ");
    // Writing to a string cannot fail.
    let _ = write!(
        body,
        "{{\"c\":{},\"h\":{},\"l\":{},\"n\":{},\"o\":{},\"t\":\"{time}\",\"v\":{},\"vw\":{}}}",
        price(bar.close),
        price(bar.high),
        price(bar.low),
        bar.trades,
        price(bar.open),
        bar.volume,
        trimmed(bar.mean() * 100),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_opaque_and_leads_back() {
        let place = Place {
            symbol: "META".to_owned(),
            kind: 'D',
            at: 1_654_747_200,
        };
        assert_eq!(place.token(), "TUVUQXxEfDE2NTQ3NDcyMDAwMDAwMDAwMDA=");
        assert_eq!(Place::read(&place.token()), Some(place));
        assert_eq!(Place::read("undefined"), None);
        assert_eq!(Place::read(""), None);
    }
}
