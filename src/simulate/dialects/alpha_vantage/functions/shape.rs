//! The documented layouts: JSON with four spaces and no final newline, CSV with CRLF.

use std::fmt::Write as _;

use serde_json::Value;

use super::super::ask::{Ask, Entitlement, Function};
use crate::simulate::journal::Served;

/// One bar as texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::simulate::dialects::alpha_vantage) struct Row {
    pub label: String,
    pub fields: Vec<String>,
}

/// An answer before it is formatted.
#[derive(Debug, Clone)]
pub(in crate::simulate::dialects::alpha_vantage) struct Sheet {
    function: Function,
    symbol: String,
    information: String,
    interval: &'static str,
    full: bool,
    csv: bool,
    pub refreshed: String,
    pub rows: Vec<Row>,
}

impl Sheet {
    /// The answer to a request, newest row first.
    pub(super) fn new(ask: &Ask, refreshed: String, rows: Vec<Row>) -> Self {
        let decoration = match ask.entitlement {
            Some(Entitlement::Delayed) => " - DATA DELAYED BY 15 MINUTES",
            // No answer with this entitlement is recorded; the form is that of the other one.
            Some(Entitlement::Realtime) => " - REALTIME DATA",
            None => "",
        };
        Self {
            function: ask.function,
            symbol: ask.symbol.clone(),
            information: information(ask) + decoration,
            interval: ask.minutes.as_str(),
            full: ask.full,
            csv: ask.csv,
            refreshed,
            rows,
        }
    }

    /// The body in the requested format.
    pub(in crate::simulate::dialects::alpha_vantage) fn body(&self) -> String {
        if self.csv { self.csv() } else { self.json() }
    }

    /// The name under which a browser would save the answer; `None` for JSON.
    pub(in crate::simulate::dialects::alpha_vantage) fn file_name(&self) -> Option<String> {
        let kind = match self.function {
            Function::Intraday => format!("intraday_{}", self.interval),
            Function::Daily => "daily".to_owned(),
            Function::DailyAdjusted => "daily_adjusted".to_owned(),
            Function::Weekly => "weekly".to_owned(),
            Function::WeeklyAdjusted => "weekly_adjusted".to_owned(),
            Function::Monthly => "monthly".to_owned(),
            Function::MonthlyAdjusted => "monthly_adjusted".to_owned(),
        };
        self.csv.then(|| format!("{kind}_{}.csv", self.symbol))
    }

    /// What it brings.
    pub(in crate::simulate::dialects::alpha_vantage) fn served(&self) -> Served {
        let label = |row: Option<&Row>| row.map(|row| row.label.clone());
        Served {
            bars: self.rows.len(),
            newest: label(self.rows.first()),
            oldest: label(self.rows.last()),
        }
    }

    fn csv(&self) -> String {
        let mut text = format!("{}\r\n", csv_header(self.function));
        for row in &self.rows {
            text.push_str(&row.label);
            for field in &row.fields {
                text.push(',');
                text.push_str(field);
            }
            text.push_str("\r\n");
        }
        text
    }

    fn json(&self) -> String {
        let mut text = String::from("{\n    \"Meta Data\": {\n");
        object(&mut text, 8, &self.meta());
        let series = series_key(self.function, self.interval);
        // Writing to a string cannot fail.
        let _ = write!(text, "    }},\n    \"{series}\": {{");
        for (index, row) in self.rows.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(text, "{comma}\n        {}: {{\n", Value::from(&*row.label));
            let fields: Vec<_> = field_names(self.function)
                .iter()
                .zip(&row.fields)
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            object(&mut text, 12, &fields);
            text.push_str("        }");
        }
        text.push_str(if self.rows.is_empty() {
            "}\n}"
        } else {
            "\n    }\n}"
        });
        text
    }

    /// The meta data; the number before a name depends on which names there are.
    fn meta(&self) -> Vec<(&'static str, &str)> {
        let size = if self.full { "Full size" } else { "Compact" };
        let mut meta = vec![
            ("1. Information", self.information.as_str()),
            ("2. Symbol", &self.symbol),
            ("3. Last Refreshed", &self.refreshed),
        ];
        match self.function {
            Function::Intraday => meta.extend([
                ("4. Interval", self.interval),
                ("5. Output Size", size),
                ("6. Time Zone", "US/Eastern"),
            ]),
            Function::Daily | Function::DailyAdjusted => {
                meta.extend([("4. Output Size", size), ("5. Time Zone", "US/Eastern")]);
            }
            _ => meta.push(("4. Time Zone", "US/Eastern")),
        }
        meta
    }
}

/// Writes the members of an object of texts, one per line.
fn object(text: &mut String, indent: usize, members: &[(&str, &str)]) {
    for (index, (name, value)) in members.iter().enumerate() {
        let comma = if index + 1 < members.len() { "," } else { "" };
        let value = Value::from(*value);
        let _ = writeln!(text, "{:indent$}\"{name}\": {value}{comma}", "");
    }
}

fn information(ask: &Ask) -> String {
    match ask.function {
        Function::Intraday => format!(
            "Intraday ({}) open, high, low, close prices and volume",
            ask.minutes
        ),
        Function::Daily => "Daily Prices (open, high, low, close) and Volumes".to_owned(),
        Function::DailyAdjusted => "Daily Time Series with Splits and Dividend Events".to_owned(),
        Function::Weekly => "Weekly Prices (open, high, low, close) and Volumes".to_owned(),
        Function::WeeklyAdjusted => "Weekly Adjusted Prices and Volumes".to_owned(),
        Function::Monthly => "Monthly Prices (open, high, low, close) and Volumes".to_owned(),
        Function::MonthlyAdjusted => "Monthly Adjusted Prices and Volumes".to_owned(),
    }
}

fn series_key(function: Function, interval: &str) -> String {
    match function {
        Function::Intraday => format!("Time Series ({interval})"),
        Function::Daily | Function::DailyAdjusted => "Time Series (Daily)".to_owned(),
        Function::Weekly => "Weekly Time Series".to_owned(),
        Function::WeeklyAdjusted => "Weekly Adjusted Time Series".to_owned(),
        Function::Monthly => "Monthly Time Series".to_owned(),
        Function::MonthlyAdjusted => "Monthly Adjusted Time Series".to_owned(),
    }
}

const fn field_names(function: Function) -> &'static [&'static str] {
    match function {
        Function::DailyAdjusted => &[
            "1. open",
            "2. high",
            "3. low",
            "4. close",
            "5. adjusted close",
            "6. volume",
            "7. dividend amount",
            "8. split coefficient",
        ],
        Function::WeeklyAdjusted | Function::MonthlyAdjusted => &[
            "1. open",
            "2. high",
            "3. low",
            "4. close",
            "5. adjusted close",
            "6. volume",
            "7. dividend amount",
        ],
        _ => &["1. open", "2. high", "3. low", "4. close", "5. volume"],
    }
}

const fn csv_header(function: Function) -> &'static str {
    match function {
        Function::DailyAdjusted => {
            "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient"
        }
        // These two have spaces where the daily one has underscores.
        Function::WeeklyAdjusted | Function::MonthlyAdjusted => {
            "timestamp,open,high,low,close,adjusted close,volume,dividend amount"
        }
        _ => "timestamp,open,high,low,close,volume",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::query::Query;

    fn sheet(function: Function, query: &str, rows: &[&[&str]]) -> Sheet {
        let ask = Ask::read(function, &Query::decode(query)).unwrap();
        let rows = rows
            .iter()
            .map(|row| Row {
                label: row[0].to_owned(),
                fields: row[1..].iter().map(|&field| field.to_owned()).collect(),
            })
            .collect();
        Sheet::new(&ask, "2025-07-11 19:55:00".to_owned(), rows)
    }

    const BAR: &[&str] = &[
        "2025-07-11 19:55:00",
        "283.5300",
        "283.5699",
        "283.5300",
        "283.5699",
        "8",
    ];

    #[test]
    fn intraday_json_is_the_recorded_layout() {
        let expected = r#"{
    "Meta Data": {
        "1. Information": "Intraday (5min) open, high, low, close prices and volume",
        "2. Symbol": "IBM",
        "3. Last Refreshed": "2025-07-11 19:55:00",
        "4. Interval": "5min",
        "5. Output Size": "Compact",
        "6. Time Zone": "US/Eastern"
    },
    "Time Series (5min)": {
        "2025-07-11 19:55:00": {
            "1. open": "283.5300",
            "2. high": "283.5699",
            "3. low": "283.5300",
            "4. close": "283.5699",
            "5. volume": "8"
        },
        "2025-07-11 19:55:00": {
            "1. open": "283.5300",
            "2. high": "283.5699",
            "3. low": "283.5300",
            "4. close": "283.5699",
            "5. volume": "8"
        }
    }
}"#;
        let sheet = sheet(Function::Intraday, "symbol=IBM&interval=5min", &[BAR, BAR]);
        assert_eq!(sheet.body(), expected);
        assert_eq!(sheet.file_name(), None);
    }

    #[test]
    fn csv_has_crlf_and_the_header_of_its_function() {
        let query = "symbol=IBM&interval=5min&datatype=csv";
        let intraday = sheet(Function::Intraday, query, &[BAR]);
        assert_eq!(
            intraday.body(),
            "timestamp,open,high,low,close,volume\r\n\
             2025-07-11 19:55:00,283.5300,283.5699,283.5300,283.5699,8\r\n"
        );
        assert_eq!(intraday.file_name().unwrap(), "intraday_5min_IBM.csv");
        let weekly = sheet(Function::WeeklyAdjusted, "symbol=IBM&datatype=csv", &[]);
        assert_eq!(
            weekly.body(),
            "timestamp,open,high,low,close,adjusted close,volume,dividend amount\r\n"
        );
    }

    #[test]
    fn entitlement_decorates_the_information() {
        let query = "symbol=IBM&interval=5min&entitlement=delayed";
        let sheet = sheet(Function::Intraday, query, &[]);
        assert!(
            sheet
                .body()
                .contains("close prices and volume - DATA DELAYED BY 15 MINUTES\",")
        );
        assert!(sheet.body().ends_with("\"Time Series (5min)\": {}\n}"));
    }
}
