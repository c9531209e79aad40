//! Medians, and tables in Markdown.

pub(crate) use crate::percentile::percentile;

/// The middle one; NaN if there is none.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// Begins a table: the first column is text, the others are numbers.
pub(crate) fn head(columns: &[&str]) {
    println!("\n| {} |", columns.join(" | "));
    println!("|---{}|", "|--:".repeat(columns.len() - 1));
}

pub(crate) fn row(name: &str, cells: &[String]) {
    println!("| {name} | {} |", cells.join(" | "));
}

/// A number with enough digits to be compared; empty if there is none.
pub(crate) fn cell(value: f64) -> String {
    if !value.is_finite() {
        String::new()
    } else if value >= 1000.0 {
        grouped(value)
    } else if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// A large number with commas.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count as a number to calculate with.
pub(crate) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::NAN, f64::from)
}
