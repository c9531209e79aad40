//! Sizes as people write them: `256MiB`.

use super::error::ConfigError;
use super::layers::Layers;
use super::setting::Setting;
use super::table;

/// The default in the table, in bytes.
const ANSWERS_LIMIT: u64 = 256 << 20;

const UNITS: [(&str, u64); 8] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// The most bytes that kept answers may take.
pub(super) fn answers_limit(layers: &Layers) -> Result<u64, ConfigError> {
    Ok(of(layers, &table::ANSWERS_LIMIT)?.unwrap_or(ANSWERS_LIMIT))
}

/// The bytes that a setting names, if it is set.
pub(super) fn of(layers: &Layers, setting: &Setting) -> Result<Option<u64>, ConfigError> {
    let Some(given) = layers.get(setting) else {
        return Ok(None);
    };
    let bytes = parse(given.value.trim());
    let wrong = || given.error("is not a size; write for example \"256MiB\" or \"2GiB\"");
    bytes.map(Some).ok_or_else(wrong)
}

/// The bytes that `text` stands for; a number without a unit counts bytes.
fn parse(text: &str) -> Option<u64> {
    let (number, unit) = UNITS
        .iter()
        .find_map(|(name, bytes)| Some((text.strip_suffix(name)?, *bytes)))
        .unwrap_or((text, 1));
    number.trim().parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_what_the_table_says() {
        assert_eq!(parse(table::ANSWERS_LIMIT.default), Some(ANSWERS_LIMIT));
    }

    #[test]
    fn reads_binary_and_decimal_units_and_refuses_the_rest() {
        for (text, bytes) in [
            ("256MiB", Some(268_435_456)),
            ("1 GiB", Some(1_073_741_824)),
            ("5MB", Some(5_000_000)),
            ("12", Some(12)),
            ("7B", Some(7)),
            ("", None),
            ("-1", None),
            ("1.5GiB", None),
            ("99999999999TiB", None),
        ] {
            assert_eq!(parse(text), bytes, "{text}");
        }
    }
}
