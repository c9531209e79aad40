//! What is wrong in answers that look right.

use super::ask::{Ask, Function, Minutes};
use super::functions::shape::{Row, Sheet};
use crate::simulate::dialect::Twist;

/// The symbol in an answer for another symbol.
const WRONG_SYMBOL: &str = "WRONG";

/// The request that is answered instead of the one received.
pub(super) fn ask(twist: Twist, mut ask: Ask) -> Ask {
    match twist {
        Twist::WrongSymbol => WRONG_SYMBOL.clone_into(&mut ask.symbol),
        Twist::WrongInterval if ask.function == Function::Intraday => {
            ask.minutes = match ask.minutes {
                Minutes::Five => Minutes::Fifteen,
                _ => Minutes::Five,
            };
        }
        Twist::WrongInterval => {
            ask.function = match ask.function {
                Function::Daily => Function::Weekly,
                Function::DailyAdjusted => Function::WeeklyAdjusted,
                Function::WeeklyAdjusted | Function::MonthlyAdjusted => Function::DailyAdjusted,
                _ => Function::Daily,
            };
        }
        _ => {}
    }
    ask
}

/// Spoils the rows of an answer.
pub(super) fn spoil(twist: Twist, sheet: &mut Sheet) {
    match twist {
        Twist::NoRows => sheet.rows.clear(),
        Twist::BadRow => spoil_rows(&mut sheet.rows),
        _ => {}
    }
}

/// Spoils rows 2 to 6, counted from 1, each in its own way.
fn spoil_rows(rows: &mut [Row]) {
    let [first, crossed, negative, exponent, impossible, repeated, ..] = rows else {
        return;
    };
    if let [_, high, low, ..] = crossed.fields.as_mut_slice() {
        std::mem::swap(high, low);
        // Equal prices would still be in order.
        "0.0001".clone_into(high);
    }
    let volume = if negative.fields.len() > 5 { 5 } else { 4 };
    if let Some(volume) = negative.fields.get_mut(volume) {
        "-5".clone_into(volume);
    }
    if let Some(open) = exponent.fields.first_mut() {
        "1e5".clone_into(open);
    }
    let time = impossible.label.split_once(' ').map(|(_, time)| time);
    impossible.label = match time {
        Some(time) => format!("2026-02-30 {time}"),
        None => "2026-02-30".to_owned(),
    };
    repeated.label.clone_from(&first.label);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_rows_are_spoiled() {
        let row = |n: u32| Row {
            label: format!("2026-05-15 10:{n:02}:00"),
            fields: ["2.0000", "3.0000", "1.0000", "2.5000", "7"]
                .map(str::to_owned)
                .into(),
        };
        let mut rows: Vec<_> = (0..8).map(row).collect();
        spoil_rows(&mut rows);
        let high_and_low: Vec<f64> = rows[1].fields[1..3]
            .iter()
            .map(|field| field.parse().unwrap())
            .collect();
        assert!(high_and_low[0] < high_and_low[1]);
        assert_eq!(rows[2].fields[4], "-5");
        assert_eq!(rows[3].fields[0], "1e5");
        assert_eq!(rows[4].label, "2026-02-30 10:04:00");
        assert_eq!(rows[5].label, rows[0].label);
        assert_eq!(rows[6], row(6));
    }
}
