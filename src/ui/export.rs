//! Names of the files that series are exported to.

use chrono::{DateTime, Utc};

use crate::model::SeriesKey;

/// The file that series are exported to unless another is typed; for many, what each name ends with.
#[must_use]
pub fn export_name(series: &[SeriesKey], now: DateTime<Utc>) -> String {
    let at = format!("{}.csv", now.format("%Y%m%d-%H%M%S"));
    match series {
        [one] => name_ending(one, &at),
        _ => at,
    }
}

/// A file name that begins with a series.
#[must_use]
pub fn name_ending(series: &SeriesKey, ending: &str) -> String {
    let symbol = safe_name(&series.instrument().to_string());
    let adjusted = if series.adjusted { "-adjusted" } else { "" };
    format!("{symbol}-{}{adjusted}-{ending}", series.interval)
}

/// A symbol as part of a file name: symbols may hold `/` and `:`.
fn safe_name(symbol: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' || c == '.' {
            c
        } else {
            '_'
        }
    };
    let name: String = symbol.chars().map(safe).collect();
    name.trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_make_harmless_file_names() {
        assert_eq!(
            ["BRK-B", "FRA:IQQE", "../x", "600104.SHH"].map(safe_name),
            ["BRK-B", "FRA_IQQE", "_x", "600104.SHH"]
        );
    }
}
