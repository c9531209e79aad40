//! What each table of the store takes, and what keeps it bounded.

use crate::model::text::counted;
use crate::model::{Retention, TableSize};
use crate::ui::sources::Told;
use crate::ui::text;

/// The tables that are shown each; the others are one line.
const LARGEST: usize = 8;
/// Lines of the section.
pub(super) const TABLES: usize = LARGEST + 1;

/// The largest tables, and the others together.
pub(super) fn tables(all: &[TableSize], retention: Retention) -> [Told; TABLES] {
    let taken = |rows, bytes| format!("{}, {}", text::size(bytes), counted(rows, "row"));
    let (largest, others) = all.split_at(all.len().min(LARGEST));
    let mut told = [const { ("", String::new(), String::new()) }; TABLES];
    for (line, one) in told.iter_mut().zip(largest) {
        *line = (
            one.table.as_str(),
            taken(one.rows, one.bytes),
            one.table.kept(retention),
        );
    }
    if let (Some(last), false) = (told.last_mut(), others.is_empty()) {
        let sum = |of: fn(&TableSize) -> u64| others.iter().map(of).sum();
        let grow = others
            .iter()
            .filter(|one| one.table.grows() && one.rows > 0);
        let grow: Vec<&str> = grow.map(|one| one.table.as_str()).collect();
        *last = (
            "others",
            taken(sum(|one| one.rows), sum(|one| one.bytes)),
            grow.join(", "),
        );
    }
    told
}
