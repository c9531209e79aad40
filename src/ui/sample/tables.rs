//! Made-up sizes of tables.

use crate::model::{StoreTable, TableSize};

/// What the tables take, the largest first.
pub fn tables() -> Vec<TableSize> {
    let sizes = [
        (StoreTable::Bars, 412_880, 61_210_624),
        (StoreTable::RunSeries, 81_204, 12_533_760),
        (StoreTable::Requests, 20_311, 8_912_896),
        (StoreTable::Events, 44_120, 6_291_456),
        (StoreTable::Answers, 212, 4_440_064),
        (StoreTable::Listings, 13_402, 2_293_760),
        (StoreTable::RequestSeries, 20_311, 1_900_544),
        (StoreTable::Ticks, 2_004, 286_720),
        (StoreTable::Coverage, 812, 139_264),
        (StoreTable::Lanes, 2, 49_152),
    ];
    let size = |(table, rows, bytes)| TableSize { table, rows, bytes };
    sizes.map(size).into()
}
