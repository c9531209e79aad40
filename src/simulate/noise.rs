//! Numbers that look random and depend only on their arguments.

/// Mixes two words into one, with every bit of both in every bit of the result (`SplitMix64`).
pub(super) const fn mix(stream: u64, index: u64) -> u64 {
    let mut word = stream ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// The word of a text.
pub(super) fn mix_text(stream: u64, text: &str) -> u64 {
    text.bytes()
        .fold(mix(stream, 0x51), |word, byte| mix(word, u64::from(byte)))
}

/// A fraction in [0, 1) from the high bits of a word.
pub(super) fn unit(word: u64) -> f64 {
    f64::from((word >> 32) as u32) / 4_294_967_296.0
}

/// A whole number below `bound` from a word.
pub(super) fn below(word: u64, bound: u32) -> u32 {
    u32::try_from(((word >> 32) * u64::from(bound)) >> 32).unwrap_or(0)
}

/// Smooth noise in [-1, 1]: a random level at each multiple of `period`, eased between.
pub(super) fn smooth(stream: u64, at: i64, period: i64) -> f64 {
    let step = at.div_euclid(period);
    let part = fraction(at.rem_euclid(period), period);
    let eased = part * part * (3.0 - 2.0 * part);
    let (from, to) = (level(stream, step), level(stream, step + 1));
    from + (to - from) * eased
}

/// One whole number of seconds as a fraction of another; both are below 2³².
pub(super) fn fraction(part: i64, whole: i64) -> f64 {
    let float = |seconds: i64| f64::from(u32::try_from(seconds).unwrap_or(u32::MAX));
    float(part) / float(whole)
}

fn level(stream: u64, step: i64) -> f64 {
    2.0 * unit(mix(stream, step.cast_unsigned())) - 1.0
}

/// The nearest whole number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "prices and volumes are far below 2⁶³, and a cast saturates"
)]
pub(super) fn nearest(value: f64) -> i64 {
    value.round() as i64
}

/// A whole number as a float.
#[expect(
    clippy::cast_precision_loss,
    reason = "prices and volumes are far below 2⁵³"
)]
pub(super) fn float(value: i64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_noise_is_continuous_and_bounded() {
        for at in -10_000..10_000 {
            let (here, next) = (smooth(7, at, 240), smooth(7, at + 1, 240));
            assert!((-1.0..=1.0).contains(&here));
            assert!((here - next).abs() < 0.02, "{here} {next}");
        }
    }

    #[test]
    fn streams_differ() {
        assert_ne!(mix_text(1, "IBM"), mix_text(2, "IBM"));
        assert_ne!(mix_text(1, "AB"), mix_text(1, "BA"));
        assert!((0..1000).all(|index| below(mix(3, index), 5) < 5));
    }
}
