//! The table of sources: the only place that names them all.

pub mod alpaca;
pub mod alpha_vantage;
pub mod binance;
pub mod coinbase;

use super::lane::Lane;
use crate::config::{Settings, SourceAccess, SourceSettings};
use crate::model::calendar::Calendars;
use crate::time::Clock;

/// One source of the table.
struct Row {
    settings: &'static SourceSettings,
    lane: fn(&SourceAccess, &Clock) -> Result<Lane, String>,
}

/// The sources; the first is the one where none is named.
const ROWS: [Row; 5] = [
    Row {
        settings: &alpha_vantage::SETTINGS,
        lane: alpha_vantage::lane,
    },
    Row {
        settings: &alpaca::SETTINGS,
        lane: alpaca::lane,
    },
    Row {
        settings: &alpaca::IEX_SETTINGS,
        lane: alpaca::iex_lane,
    },
    Row {
        settings: &coinbase::SETTINGS,
        lane: coinbase::lane,
    },
    Row {
        settings: &binance::SETTINGS,
        lane: binance::lane,
    },
];

/// The settings of each source; the first is the one where none is named.
pub static SETTINGS: &[&SourceSettings] = &{
    let [first, ..] = ROWS;
    let mut all = [first.settings; ROWS.len()];
    let (mut rest, mut place): (&[Row], &mut [&SourceSettings]) = (&ROWS, &mut all);
    while let ([row, rows @ ..], [settings, places @ ..]) = (rest, place) {
        *settings = row.settings;
        (rest, place) = (rows, places);
    }
    all
};

/// The calendars of all sources' symbols, with nothing overruled.
#[must_use]
pub fn calendars() -> Calendars {
    Calendars::default().with(SETTINGS.iter().map(|source| source.calendar()))
}

/// The source whose answers `simulate` imitates.
pub static SIMULATED: &SourceSettings = &alpha_vantage::SETTINGS;

/// A lane for each source, the one where none is named first.
pub fn lanes(settings: &Settings, clock: &Clock) -> Result<Vec<Lane>, String> {
    settings
        .access()
        .map(|access| lane(access, clock))
        .collect()
}

/// The lane of one source.
pub fn lane(access: &SourceAccess, clock: &Clock) -> Result<Lane, String> {
    let row = ROWS
        .iter()
        .find(|row| row.settings.id == access.settings.id);
    let unknown = || format!("there is no source {}", access.settings.id);
    (row.ok_or_else(unknown)?.lane)(access, clock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Inputs};

    #[test]
    fn a_source_with_one_plan_never_speaks_of_another() {
        for settings in SETTINGS {
            let (words, has_plans) = (settings.words, !settings.plans.others.is_empty());
            assert_eq!(words.beyond().contains("paid"), has_plans, "{}", words.name);
        }
    }

    #[test]
    fn every_source_has_a_lane_also_without_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let settings = config::load(&Inputs::isolated(folder.path(), SETTINGS)).unwrap();
        let lanes = lanes(&settings, &Clock::system()).unwrap();
        let names: Vec<_> = lanes.iter().map(Lane::id).collect();
        let known: Vec<_> = SETTINGS.iter().map(|settings| &settings.id).collect();
        assert_eq!(names, known);
    }
}
