//! The configuration file: TOML, with the line of every value and every problem.

use toml_edit::{Document, Item, TableLike, Value};

use super::calendars::{self, CALENDARS, Overruled};
use super::error::shown;
use super::setting::{Kind, Setting};
use super::table::Table;
use crate::model::nearest::nearest;

/// The table whose keys are the panel's actions.
const KEYS: &str = "keys";

/// An action of the panel and the chords that replace its built-in ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBinding {
    /// The action's name, as in `[keys]`.
    pub action: String,
    /// The chords as written; an empty list takes the action off the keyboard.
    pub chords: Vec<String>,
    /// The line of the configuration file.
    pub line: usize,
}

/// A setting in the file, spelled as in a variable.
pub(super) struct Found {
    pub setting: &'static Setting,
    /// Its key as written: today's or an earlier one.
    pub key: &'static str,
    pub value: String,
    pub line: usize,
}

/// A line that cannot be used. It never contains a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadKey {
    pub line: usize,
    pub key: Option<String>,
    pub reason: String,
}

/// What a file contains.
#[derive(Default)]
pub(super) struct Contents {
    pub found: Vec<Found>,
    pub bindings: Vec<KeyBinding>,
    pub overruled: Overruled,
    pub faults: Vec<BadKey>,
}

/// Reads every key; a faulty one does not hide the others.
pub(super) fn parse(text: &str, known: Table) -> Contents {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        text,
        known,
        contents: Contents::default(),
    };
    match Document::parse(text) {
        Ok(document) => reader.walk(document.as_table(), ""),
        // The error's own text quotes the line, and with it perhaps a key.
        Err(error) => reader.contents.faults.push(BadKey {
            line: reader.line(error.span()),
            key: None,
            reason: format!("not valid TOML: {}", error.message()),
        }),
    }
    reader.contents
}

struct Reader<'a> {
    text: &'a str,
    known: Table,
    contents: Contents,
}

impl Reader<'_> {
    fn walk(&mut self, table: &dyn TableLike, prefix: &str) {
        for (name, item) in table.iter() {
            let key = match prefix {
                "" => name.to_owned(),
                prefix => format!("{prefix}.{name}"),
            };
            let span = table
                .get_key_value(name)
                .and_then(|(key, item)| key.span().or_else(|| item.span()));
            let line = self.line(span);
            if key == CALENDARS {
                self.overrule(item, line);
            } else if key == KEYS || prefix.split('.').next() == Some(KEYS) {
                self.bind(item, &key, line);
            } else if let Some((setting, written)) = self.known.by_key(&key) {
                match spelled(setting.kind, item) {
                    Ok(value) => self.contents.found.push(Found {
                        setting,
                        key: written,
                        value,
                        line,
                    }),
                    Err(expected) => self.fault(line, key, format!("must be {expected}")),
                }
            } else if tables(self.known).any(|table| table == key) {
                match item.as_table_like() {
                    Some(inner) => self.walk(inner, &key),
                    None => self.fault(line, key.clone(), format!("must be a table: [{key}]")),
                }
            } else {
                let reason = unknown(&key, item.is_table_like(), self.known);
                self.fault(line, key, reason);
            }
        }
    }

    /// Accepts one or more chords for an action of any name: the panel knows which actions exist.
    fn bind(&mut self, item: &Item, key: &str, line: usize) {
        if let Some(inner) = item.as_table_like() {
            return self.walk(inner, key);
        }
        let Some(action) = key.strip_prefix("keys.") else {
            return self.fault(line, key.to_owned(), "must be a table: [keys]".to_owned());
        };
        let chords = match item.as_value() {
            Some(Value::String(chord)) => Some(vec![chord.value().clone()]),
            Some(Value::Array(list)) => list
                .iter()
                .map(|chord| chord.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        match chords {
            Some(chords) => self.contents.bindings.push(KeyBinding {
                action: action.to_owned(),
                chords,
                line,
            }),
            None => self.fault(
                line,
                key.to_owned(),
                "must be a chord in quotes, or a list of them: \"ctrl-r\" or [\"r\", \"F5\"]"
                    .to_owned(),
            ),
        }
    }

    fn overrule(&mut self, item: &Item, line: usize) {
        let Some(calendars) = item.as_table_like() else {
            let reason = format!("must be a table: [{CALENDARS}]");
            return self.fault(line, CALENDARS.to_owned(), reason);
        };
        let (overruled, faults) = calendars::read(calendars, |span| self.line(span));
        self.contents.overruled = overruled;
        self.contents.faults.extend(faults);
    }

    fn fault(&mut self, line: usize, key: String, reason: String) {
        self.contents.faults.push(BadKey {
            line,
            key: Some(key),
            reason,
        });
    }

    fn line(&self, span: Option<std::ops::Range<usize>>) -> usize {
        let start = span.map_or(0, |span| span.start);
        1 + self
            .text
            .bytes()
            .take(start)
            .filter(|b| *b == b'\n')
            .count()
    }
}

/// Every table that holds a setting, and every table that holds such a table.
fn tables(known: Table) -> impl Iterator<Item = &'static str> {
    let of_settings = known.keys().flat_map(|key| {
        let dots = key.match_indices('.');
        dots.filter_map(|(dot, _)| key.get(..dot))
    });
    of_settings.chain([KEYS, CALENDARS])
}

fn unknown(key: &str, is_table: bool, known: Table) -> String {
    let (what, near) = if is_table {
        ("table", nearest(key, tables(known)))
    } else {
        ("setting", nearest(key, known.keys()))
    };
    match near {
        Some(near) => format!("there is no such {what}; did you mean {near}?"),
        None => match key.strip_prefix("sources.") {
            Some(source) if is_table => {
                format!(
                    "this version does not know the source {}; remove the table",
                    shown(source)
                )
            }
            _ => format!("there is no such {what}; remove it"),
        },
    }
}

/// The value as in a variable, or what was expected instead.
fn spelled(kind: Kind, item: &Item) -> Result<String, &'static str> {
    let value = item.as_value();
    match (kind, value) {
        (Kind::Text | Kind::Number, Some(Value::String(text))) => Ok(text.value().clone()),
        (Kind::Number, Some(Value::Integer(number))) => Ok(number.value().to_string()),
        (Kind::Switch, Some(Value::Boolean(switch))) => Ok(switch.value().to_string()),
        (Kind::List | Kind::Program, Some(Value::Array(list))) => list
            .iter()
            .map(Value::as_str)
            .collect::<Option<Vec<_>>>()
            .filter(|texts| !texts.iter().any(|text| text.contains('\n')))
            .map(|texts| texts.join(if kind == Kind::List { "," } else { "\n" }))
            .ok_or(expected(kind)),
        _ => Err(expected(kind)),
    }
}

const fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text in quotes",
        Kind::Number => "a whole number, or text in quotes",
        Kind::Switch => "true or false, without quotes",
        Kind::List => "a list of texts in quotes: [\"IBM\", \"AAPL\"]",
        Kind::Program => "a program and its arguments, each in quotes: [\"program\", \"argument\"]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::rows::SOURCES;

    #[test]
    fn finds_settings_and_their_lines_in_every_notation() {
        let text = "\u{feff}# head\r\nsymbols = [\"IBM\", \"BRK-B\"]\r\ninterval = 'daily'\r\n\r\n\
                    [sources.first]\r\nplan = 75\r\nallow_http = true\r\n";
        let Contents { found, faults, .. } = parse(text, Table::new(SOURCES));
        assert_eq!(faults, []);
        let found: Vec<_> = found
            .iter()
            .map(|f| (f.setting.name, f.value.as_str(), f.line))
            .collect();
        assert_eq!(
            found,
            [
                ("PIPELINE_SYMBOLS", "IBM,BRK-B", 2),
                ("PIPELINE_INTERVAL", "daily", 3),
                ("FIRST_PLAN", "75", 6),
                ("FIRST_ALLOW_HTTP", "true", 7),
            ]
        );
        for text in ["database.port = 1", "database = { port = 1 }"] {
            let Contents { found, faults, .. } = parse(text, Table::new(SOURCES));
            assert_eq!((found.len(), faults.len()), (1, 0), "{text}");
        }
    }

    #[test]
    fn every_fault_has_its_line_its_key_and_advice() {
        for (text, line, key, reason) in [
            (
                "interval = 'daily'\n[sources.first]\npaln = 1",
                3,
                "sources.first.paln",
                "did you mean sources.first.plan?",
            ),
            ("plan = 75", 1, "plan", "did you mean sources.first.plan?"),
            (
                "\n[sources.frist]\nplan = 1",
                2,
                "sources.frist",
                "table; did you mean sources.first?",
            ),
            ("colour = 1", 1, "colour", "no such setting; remove it"),
            (
                "[sources.first]\napi_key = 12",
                2,
                "sources.first.api_key",
                "text in quotes",
            ),
            ("symbols = 'IBM'", 1, "symbols", "a list of texts"),
            ("symbols = ['IBM', 1]", 1, "symbols", "a list of texts"),
            ("keys = 1", 1, "keys", "must be a table: [keys]"),
            ("[keys]\nquit = 1", 2, "keys.quit", "a chord in quotes"),
            ("[keys]\nquit = [1]", 2, "keys.quit", "a chord in quotes"),
            (
                "calendars = 1",
                1,
                "calendars",
                "must be a table: [calendars]",
            ),
            ("store = 1", 1, "store", "must be a table: [store]"),
            ("[[database]]\nurl = ''", 1, "database", "must be a table"),
            (
                "[sources.first]\nallow_http = '1'",
                2,
                "sources.first.allow_http",
                "true or false",
            ),
            ("[database.url]\nx = 1", 1, "database.url", "text in quotes"),
        ] {
            let faults = parse(text, Table::new(SOURCES)).faults;
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            assert_eq!(
                (faults[0].line, faults[0].key.as_deref()),
                (line, Some(key)),
                "{text}"
            );
            assert!(faults[0].reason.contains(reason), "{text}: {faults:?}");
        }
    }

    #[test]
    fn chords_are_taken_for_any_action_in_every_notation() {
        let text = "[keys]\nquit = 'ctrl-q'\n'bars.copy' = ['y', 'ctrl-c']\nhelp = []\n\n[keys.series]\nadd = 'a'\n";
        let Contents {
            found,
            bindings,
            faults,
            ..
        } = parse(text, Table::new(SOURCES));
        assert!(found.is_empty() && faults.is_empty(), "{faults:?}");
        let bindings: Vec<_> = bindings
            .iter()
            .map(|binding| {
                (
                    binding.action.as_str(),
                    binding.chords.join(" "),
                    binding.line,
                )
            })
            .collect();
        assert_eq!(
            bindings,
            [
                ("quit", "ctrl-q".to_owned(), 2),
                ("bars.copy", "y ctrl-c".to_owned(), 3),
                ("help", String::new(), 4),
                ("series.add", "a".to_owned(), 7),
            ]
        );
    }

    #[test]
    fn broken_toml_names_the_line_and_never_quotes_it() {
        for text in [
            "a = 1\n[sources.first]\napi_key = \"canary-91",
            "a = 1\n[sources.first]\napi_key = canary-91",
            "a = 1\n\napi_key \"canary-91\"",
            "a = 1\nb = 'x'\napi_key = 'canary-91'\napi_key = 'canary-91'",
        ] {
            let Contents { found, faults, .. } = parse(text, Table::new(SOURCES));
            assert!(found.is_empty());
            assert_eq!((faults.len(), faults[0].line >= 3), (1, true), "{faults:?}");
            assert!(!format!("{faults:?}").contains("canary"), "{faults:?}");
        }
    }
}
