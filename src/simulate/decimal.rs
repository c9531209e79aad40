//! Decimals of eight digits after the point as text.

use super::piece::Units;

const ONE: Units = 100_000_000;

/// All eight digits after the point.
pub(super) fn padded(value: Units) -> String {
    format!("{}.{:08}", value / ONE, value % ONE)
}

/// As a number of JSON: no more digits than needed, and no point without a digit after it.
pub(super) fn trimmed(value: Units) -> String {
    let text = padded(value);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_or_left_out() {
        assert_eq!(padded(6_542_600_000_000), "65426.00000000");
        assert_eq!(trimmed(6_542_600_000_000), "65426");
        assert_eq!(trimmed(619_702_944_527), "6197.02944527");
        assert_eq!(trimmed(10_000_000), "0.1");
        assert_eq!(trimmed(1), "0.00000001");
    }
}
