//! A table of rows as the provider may send it, flawed here and there, written as JSON and as CSV.

use std::fmt::Write as _;

use arbitrary::{Result, Unstructured};
use pipeline_tui::model::Interval;
use serde_json::Value;

/// Columns as JSON names them, without their numbers.
const PLAIN: &[&str] = &["open", "high", "low", "close", "volume"];
const WITH_DIVIDENDS: &[&str] = &[
    "open",
    "high",
    "low",
    "close",
    "adjusted close",
    "volume",
    "dividend amount",
];
const WITH_SPLITS: &[&str] = &[
    "open",
    "high",
    "low",
    "close",
    "adjusted close",
    "volume",
    "dividend amount",
    "split coefficient",
];

/// Values that providers and attackers have sent.
const STRANGE: &[&str] = &[
    "",
    "0",
    "-1",
    "+1",
    "1e400",
    "NaN",
    "inf",
    "None",
    "null",
    "1,234.5",
    "1_000",
    "1.",
    ".5",
    "0.000000001",
    "89999999999.99999999",
    "90000000000",
    "9223372036854775807",
    "9223372036854775808",
    "236.13099999999997",
    "111111111111111111111111111111",
    "\u{1b}[2J",
    "\u{202e}1",
    "\"1\"",
    "=cmd|' /C calc'!A0",
];

/// Labels at the edges of clocks and calendars.
const EDGES: &[&str] = &[
    "2026-02-30",
    "2026-03-08 02:30:00",
    "2026-11-01 01:30:00",
    "2026-05-15 10:00:60",
    "2016-12-31 23:59:60",
    "1969-12-31 19:00:00",
    "2038-01-19 03:14:08",
    "1899-12-31",
    "2200-12-31 23:59:59",
    "2201-01-01",
    "0000-01-01",
    "10000-01-01",
    "2026-05-15T10:00:00",
    "2026-05-15 10:00:00Z",
    " 2026-05-15",
];

/// A table, and what was requested.
#[derive(Debug)]
pub struct Sheet {
    pub interval: Interval,
    pub adjusted: bool,
    pub rows: Vec<(String, Vec<String>)>,
}

impl Sheet {
    pub fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let interval = *u.choose(&Interval::ALL)?;
        let adjusted = !interval.is_intraday() && u.arbitrary()?;
        let mut sheet = Self {
            interval,
            adjusted,
            rows: vec![],
        };
        let columns = sheet.columns().len();
        for _ in 0..u.int_in_range(0..=24)? {
            let label = label(u, interval.is_intraday())?;
            let mut cells = vec![];
            for column in 0..columns {
                cells.push(cell(u, column)?);
            }
            sheet.rows.push((label, cells));
        }
        Ok(sheet)
    }

    /// The columns of the requested function.
    pub fn columns(&self) -> &'static [&'static str] {
        match (self.adjusted, self.interval) {
            (true, Interval::Daily) => WITH_SPLITS,
            (true, _) => WITH_DIVIDENDS,
            _ => PLAIN,
        }
    }

    /// The answer as JSON, with members of the root before or after the series.
    pub fn json(&self, symbol: &str, extra: &str, extra_first: bool) -> String {
        let name = match self.interval {
            Interval::Daily => "Time Series (Daily)".to_owned(),
            Interval::Weekly => "Weekly Time Series".to_owned(),
            Interval::Monthly => "Monthly Time Series".to_owned(),
            minutes => format!("Time Series ({minutes})"),
        };
        let mut meta = format!("\"2. Symbol\": {}", Value::from(symbol));
        if self.interval.is_intraday() {
            let _ = write!(meta, ", \"4. Interval\": \"{}\"", self.interval);
        }
        let rows: Vec<String> = self.rows.iter().map(|row| self.json_row(row)).collect();
        let meta = format!("\"Meta Data\": {{{meta}, \"6. Time Zone\": \"US/Eastern\"}}");
        let series = format!("\"{name}\": {{{}}}", rows.join(", "));
        let members = if extra_first {
            [extra, &meta, &series]
        } else {
            [&meta, &series, extra]
        };
        let members: Vec<&str> = members
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect();
        format!("{{{}}}", members.join(", "))
    }

    fn json_row(&self, (label, cells): &(String, Vec<String>)) -> String {
        let cells = self.columns().iter().zip(cells).enumerate();
        let cells: Vec<String> = cells
            .map(|(at, (name, cell))| {
                format!("\"{}. {name}\": {}", at + 1, Value::from(cell.as_str()))
            })
            .collect();
        format!("{}: {{{}}}", Value::from(label.as_str()), cells.join(", "))
    }

    /// The answer as CSV.
    pub fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(vec![]);
        let names = self.columns().iter().map(|name| name.replace(' ', "_"));
        let header = std::iter::once("timestamp".to_owned()).chain(names);
        writer.write_record(header).unwrap();
        for (label, cells) in &self.rows {
            writer
                .write_record(std::iter::once(label).chain(cells))
                .unwrap();
        }
        writer.into_inner().unwrap()
    }
}

fn label(u: &mut Unstructured<'_>, is_intraday: bool) -> Result<String> {
    Ok(match u.int_in_range(0..=15)? {
        0 => (*u.choose(EDGES)?).to_owned(),
        1 => short(u)?,
        // Few days, so that instants and periods coincide.
        _ => {
            let date = format!(
                "2026-{:02}-{:02}",
                u.int_in_range(5..=6)?,
                u.int_in_range(1..=31)?
            );
            if is_intraday {
                format!(
                    "{date} {:02}:{:02}:00",
                    u.int_in_range(9..=10)?,
                    u.int_in_range(0..=3)?
                )
            } else {
                date
            }
        }
    })
}

fn cell(u: &mut Unstructured<'_>, column: usize) -> Result<String> {
    // Four prices that mostly fit together: open, high, low, close.
    let around = match column {
        1 => 200..=209,
        2 => 190..=199,
        _ => 199..=200,
    };
    Ok(match u.int_in_range(0..=31)? {
        0 => (*u.choose(STRANGE)?).to_owned(),
        1 => short(u)?,
        2 => format!("{}.{}", u.int_in_range(around)?, u.arbitrary::<u32>()?),
        _ => u.int_in_range(around)?.to_string(),
    })
}

/// Any text of some characters.
pub fn short(u: &mut Unstructured<'_>) -> Result<String> {
    let length = u.int_in_range(0..=12)?;
    (0..length).map(|_| u.arbitrary::<char>()).collect()
}

/// All that remains, as text.
pub fn rest(u: &mut Unstructured<'_>) -> Result<String> {
    let rest = u.bytes(u.len())?;
    Ok(String::from_utf8_lossy(rest).into_owned())
}
