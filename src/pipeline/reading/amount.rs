//! Reads prices and volumes from the text of an answer, to the last digit.

use std::borrow::Cow;

use rust_decimal::Decimal;

use crate::model::price::PriceError;
use crate::model::volume::VolumeError;
use crate::model::{Price, Volume};

/// A number of JSON without an exponent; one that is too small or too large for that stays as it is.
#[must_use]
pub fn plain(number: &str) -> Cow<'_, str> {
    if !number.contains(['e', 'E']) {
        return Cow::Borrowed(number);
    }
    let value = Decimal::from_scientific(number);
    value.map_or(Cow::Borrowed(number), |value| Cow::Owned(value.to_string()))
}

/// A price, and whether it was rounded: as [`Price::parse`], in one pass over what the provider nearly always sends.
#[inline]
pub fn price(text: &str) -> Result<(Price, bool), PriceError> {
    plain_amount(text.as_bytes()).map_or_else(|| Price::parse(text), |amount| Ok((amount, false)))
}

/// At most ten digits, and a point and up to eight digits after them.
fn plain_amount(text: &[u8]) -> Option<Price> {
    let (whole, places, rest) = digits(0, text);
    let (units, fraction) = match rest {
        [] => (whole, 0),
        [b'.', rest @ ..] => match digits(whole, rest) {
            (units, fraction @ 1..=8, []) => (units, fraction),
            _ => return None,
        },
        _ => return None,
    };
    let scale = 10_i64.pow(Price::SCALE.checked_sub(fraction)?);
    (1..=10)
        .contains(&places)
        .then(|| Price::from_units(units * scale))
}

/// Reads digits after those of `units`: the number, how many there were, and what follows. More
/// than eighteen are not a number.
fn digits(mut units: i64, text: &[u8]) -> (i64, u32, &[u8]) {
    let mut places = 0;
    let mut rest = text;
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        units = units.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
        places += 1;
        rest = behind;
    }
    (units, places, rest)
}

/// A volume, and whether it was rounded: as [`Volume::parse`], in one pass over what the provider nearly always sends.
#[inline]
pub fn volume(text: &str) -> Result<(Volume, bool), VolumeError> {
    plain_volume(text.as_bytes()).map_or_else(|| Volume::parse(text), |volume| Ok((volume, false)))
}

/// At most eighteen digits, which always fit.
fn plain_volume(text: &[u8]) -> Option<Volume> {
    match digits(0, text) {
        (whole, 1..=18, []) => Volume::new(whole, 0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_short_way_to_an_amount_agrees_with_the_long_one(
            text in "[0-9]{0,12}(\\.[0-9]{0,10})?|[0-9.+e,-]{0,24}",
        ) {
            prop_assert_eq!(price(&text), Price::parse(&text));
        }

        #[test]
        fn the_short_way_to_a_volume_agrees_with_the_long_one(
            text in "[0-9]{0,22}(\\.[0-9]{0,10})?|[0-9.+e,-]{0,24}",
        ) {
            prop_assert_eq!(volume(&text), Volume::parse(&text));
        }
    }
}
