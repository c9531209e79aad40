//! Tables as comma-separated values that a spreadsheet opens without running anything in them.

use crate::model::text::without_formula;

/// Formats a header and rows.
pub fn table(head: &[&str], lines: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(vec![]);
    // Writing to memory fails only for rows of unequal length, and all rows are made here.
    let _ = writer.write_record(head);
    for line in lines {
        let _ = writer.write_record(line.iter().map(|cell| without_formula(cell)));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_not_run() {
        let line = ["=1+2", "-1.5", "a,\"b\""].map(str::to_owned).to_vec();
        assert_eq!(
            table(&["a", "b", "c"], std::iter::once(line)),
            "a,b,c\n'=1+2,-1.5,\"a,\"\"b\"\"\"\n"
        );
    }
}
