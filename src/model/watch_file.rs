//! The watch list as a file: one series per line, as people write it and as `watch export` prints it.

use std::fmt;

use chrono::NaiveDate;

use super::text::clean_to;
use super::{Declarations, Declared, Declaring, Interval, SeriesKey, SourceId, Sources, WatchEdit};

/// The largest file that is read: room for half a million series.
pub const MAX_BYTES: usize = 8 << 20;

/// The first line of a file that this program writes.
const HEAD: [&str; 4] = ["symbol", "interval", "adjusted", "declared"];

/// A line that names no series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, counted from 1 as editors do.
    pub line: usize,
    /// What is wrong with it and what to write.
    pub text: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

/// The text of a file, or why it cannot be used.
pub fn text(bytes: &[u8]) -> Result<&str, &'static str> {
    if bytes.len() > MAX_BYTES {
        return Err("it is larger than 8 MiB; split it");
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("it is UTF-16 text; save it as UTF-8");
    }
    std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text; save it as UTF-8")
}

/// The series that a text names, in its order; or every line that names none.
///
/// A line is a symbol with or without its source, an interval (`interval` where it has none) and
/// `adjusted` or `raw`, and what is declared of it, as `since=2020-01-31` (up to today), `priority=high`,
/// `fresh_within=2h` and `group=tech`, between commas, semicolons or spaces. Empty lines, comments after `#` and a first line of column names
/// are skipped.
pub fn parse(
    text: &str,
    interval: Interval,
    sources: &Sources,
    today: NaiveDate,
) -> Result<Vec<(SeriesKey, Declaring)>, Vec<BadLine>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines = (1..).zip(text.split('\n'));
    let mut lines = lines
        .map(|(number, line)| (number, without_comment(line).trim()))
        .filter(|(_, line)| !line.is_empty())
        .peekable();
    lines.next_if(|(_, line)| is_head(line));
    let (mut series, mut problems) = (Vec::new(), Vec::new());
    for (line, content) in lines {
        let begins = |declaring: &Declaring| {
            let begins = declaring.begins_by(today);
            begins.map_err(|why| format!("since={why}"))
        };
        let one = one(content, interval, sources);
        match one.and_then(|one| begins(&one.1).map(|()| one)) {
            Ok(one) => series.push(one),
            Err(text) => problems.push(BadLine { line, text }),
        }
    }
    if problems.is_empty() {
        Ok(series)
    } else {
        Err(problems)
    }
}

/// Adds the series of a file and declares what it says of them.
#[must_use]
pub fn adding(lines: Vec<(SeriesKey, Declaring)>) -> WatchEdit {
    declaring(WatchEdit::Add, lines)
}

/// The same instead of the whole list.
#[must_use]
pub fn replacing(lines: Vec<(SeriesKey, Declaring)>) -> WatchEdit {
    declaring(WatchEdit::Set, lines)
}

fn declaring(
    edit: impl Fn(Vec<SeriesKey>) -> WatchEdit,
    lines: Vec<(SeriesKey, Declaring)>,
) -> WatchEdit {
    let edit = edit(lines.iter().map(|(key, _)| key.clone()).collect());
    let said = lines.into_iter().filter(|(_, said)| !said.is_empty());
    let said: Vec<_> = said.collect();
    if said.is_empty() {
        edit
    } else {
        WatchEdit::Several(vec![edit, WatchEdit::Declare(said)])
    }
}

/// The file of a list, with a line of column names; the last only where something is declared. The
/// source stands in front of a symbol unless `usual` and every other program takes it for granted.
#[must_use]
pub fn write(list: &[SeriesKey], declared: &Declarations, usual: &SourceId) -> String {
    let written: Vec<String> = list
        .iter()
        .map(|key| {
            declared
                .get(key)
                .map_or_else(String::new, Declared::written)
        })
        .collect();
    let is_plain = written.iter().all(String::is_empty);
    let columns = HEAD.len() - usize::from(is_plain);
    let head: Vec<&str> = HEAD.into_iter().take(columns).collect();
    let lines = list.iter().zip(written).map(|(key, declared)| {
        let SeriesKey {
            source,
            symbol,
            interval,
            adjusted,
        } = key;
        let has_colon = symbol.as_str().contains(':');
        let prefix = if source == usual && source.is_default() && !has_colon {
            String::new()
        } else {
            format!("{source}:")
        };
        let gap = if is_plain { "" } else { "," };
        format!("{prefix}{symbol},{interval},{adjusted}{gap}{declared}\n")
    });
    let head = head.join(",") + "\n";
    std::iter::once(head).chain(lines).collect()
}

/// A symbol may contain `#`: it starts a comment only at the beginning of a word.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if c == '#' && is_gap(before) {
            return line.get(..at).unwrap_or(line);
        }
        before = c;
    }
    line
}

fn is_gap(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';')
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(is_gap)
        .map(|word| word.trim_matches('"'))
        .filter(|word| !word.is_empty())
}

fn is_head(line: &str) -> bool {
    let mut names = words(line).zip(HEAD);
    words(line).count() <= HEAD.len() && names.all(|(word, name)| word.eq_ignore_ascii_case(name))
}

/// Whether a word is an interval, or the kind of prices.
fn is_setting(word: &str) -> bool {
    let kinds = ["adjusted", "raw"];
    word.parse::<Interval>().is_ok() || kinds.iter().any(|kind| word.eq_ignore_ascii_case(kind))
}

fn one(
    line: &str,
    interval: Interval,
    sources: &Sources,
) -> Result<(SeriesKey, Declaring), String> {
    // An empty first column must not turn the second into a symbol.
    let has_symbol = !line.starts_with([',', ';']);
    let (mut plain, mut declaring) = (Vec::new(), Declaring::default());
    let mut declared: Vec<&str> = vec![];
    let mut before = None;
    for word in words(line).filter(|_| has_symbol) {
        let group = before.take();
        plain.push(match word.split_once('=') {
            _ if plain.is_empty() => word,
            Some((name, value)) if declaring.take(name, value)? => {
                if declared.contains(&name) {
                    return Err(format!("{name}= stands there twice; write it once"));
                }
                declared.push(name);
                before = (name == "group").then_some(value);
                continue;
            }
            _ if word.eq_ignore_ascii_case("true") => "adjusted",
            _ if word.eq_ignore_ascii_case("false") => "raw",
            None if !is_setting(word) => {
                if let Some(group) = group {
                    let word = clean_to(word, 32);
                    return Err(format!(
                        "a group has no spaces: {word:?} follows group={group}; write one word"
                    ));
                }
                word
            }
            _ => word,
        });
    }
    let key = SeriesKey::from_words(&plain.join(" "), interval, sources);
    Ok((key.map_err(|error| error.to_string())?, declaring))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Priority, Symbol};

    fn today() -> NaiveDate {
        "2026-11-20".parse().unwrap()
    }

    fn sources(usual: SourceId) -> Sources {
        let known = vec![SourceId::DEFAULT, SourceId::known("alpaca")];
        Sources { usual, known }
    }

    fn read(text: &str) -> Result<Vec<String>, Vec<String>> {
        match parse(text, Interval::Weekly, &sources(SourceId::DEFAULT), today()) {
            Ok(lines) => {
                let words = lines.into_iter().map(|(key, declaring)| {
                    let declared = declaring.apply(&Declared::default()).written();
                    format!("{key} {declared}").trim_end().to_owned()
                });
                Ok(words.collect())
            }
            Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn a_line_is_a_series_however_it_is_written() {
        for (text, series) in [
            ("IBM,daily", vec!["IBM daily"]),
            (
                "IBM daily adjusted\nMSFT",
                vec!["IBM daily adjusted", "MSFT weekly"],
            ),
            ("ibm\t5min\n", vec!["IBM 5min"]),
            (
                "IBM;daily;true\r\nBRK-B;DAILY;false\r\n",
                vec!["IBM daily adjusted", "BRK-B daily"],
            ),
            (
                "\u{feff}symbol,interval,adjusted\nIBM,,true",
                vec!["IBM weekly adjusted"],
            ),
            (
                "# mine\n\n  \nSymbol\nIBM # the first\n^GSPC",
                vec!["IBM weekly", "^GSPC weekly"],
            ),
            (
                "\"IBM\",\"daily\",\"False\"\rA#1",
                vec!["IBM daily", "A#1 weekly"],
            ),
            ("IBM\nibm", vec!["IBM weekly", "IBM weekly"]),
            (
                "alpaca:aapl,5min\nalpha_vantage:FRA:IQQE",
                vec!["alpaca:AAPL 5min", "alpha_vantage:FRA:IQQE weekly"],
            ),
            (
                "symbol,interval,adjusted,declared\nIBM,daily,false,since=2020-01-31 priority=high\nA=B,daily,,group=x",
                vec![
                    "IBM daily since=2020-01-31 priority=high",
                    "A=B daily group=x",
                ],
            ),
            (" \n#\n", vec![]),
        ] {
            let series = series.into_iter().map(str::to_owned).collect();
            assert_eq!(read(text), Ok(series), "{text:?}");
        }
    }

    #[test]
    fn every_wrong_line_is_named_and_says_what_to_write() {
        let text = "IBM,daily\nMSFT,hourly\n\n,daily\nA daily raw b\nÄ\nsymbol,price\nX\u{1b}[2J\u{0}\nB,priority=urgent\nC group=a b\nD daily since=2020-01-01 since=2021-01-01\nE daily since=2099-01-01";
        let problems = read(text).unwrap_err();
        for (problem, say) in problems.iter().zip([
            "line 2: \"hourly\" is not an interval; use 1min",
            "line 4: a symbol is empty; write one such as IBM",
            "line 5: \"b\" is one word too many",
            "line 6: a symbol cannot contain 'Ä'",
            "line 7: \"price\" is not an interval",
            "line 8: a symbol cannot contain '\\u{1b}'",
            "line 9: \"urgent\" is not a priority",
            "line 10: a group has no spaces: \"b\" follows group=a; write one word",
            "line 11: since= stands there twice; write it once",
            "line 12: since=2099-01-01 is in the future, there are no bars yet; write a day up to 2026-11-20",
        ]) {
            assert!(problem.starts_with(say), "{problem}");
        }
        assert_eq!(problems.len(), 10, "{problems:?}");
    }

    #[test]
    fn what_is_no_text_is_said() {
        assert!(text(b"\xff\xfeI\0").unwrap_err().contains("UTF-16"));
        assert!(text(b"IBM\xff").unwrap_err().contains("not UTF-8"));
        let large = vec![b'A'; MAX_BYTES + 1];
        assert!(text(&large).unwrap_err().contains("8 MiB"));
        assert_eq!(text("\u{feff}IBM".as_bytes()), Ok("\u{feff}IBM"));
    }

    fn list() -> impl Strategy<Value = Vec<SeriesKey>> {
        let symbol = "[!#-&(-+\\--:<-\\[\\]-_{-~A-Z]{1,32}"
            .prop_map(|symbol| symbol.to_uppercase())
            .prop_filter_map("a symbol that begins a comment", |symbol| {
                symbol
                    .parse::<Symbol>()
                    .ok()
                    .filter(|_| !symbol.starts_with('#'))
            });
        let interval = proptest::sample::select(Interval::ALL.to_vec());
        let key = (symbol, interval, any::<bool>(), source());
        let key = key.prop_map(|(symbol, interval, adjusted, source)| SeriesKey {
            source,
            adjusted,
            ..SeriesKey::raw(symbol, interval)
        });
        proptest::collection::vec(key, 0..20)
    }

    fn source() -> impl Strategy<Value = SourceId> {
        proptest::sample::select(sources(SourceId::DEFAULT).known)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            list in list(),
            here in source(),
            there in source(),
            high in any::<bool>(),
        ) {
            let of = Declared {
                priority: if high { Priority::High } else { Priority::Normal },
                ..Declared::default()
            };
            let declared = list.iter().map(|key| (key.clone(), of.clone())).collect();
            let file = write(&list, &declared, &here);
            if here.is_default() == there.is_default() {
                let lines = parse(&file, Interval::Daily, &sources(there), today()).unwrap();
                let read = lines.iter().map(|(key, said)| (key.clone(), said.apply(&Declared::default())));
                let wrote = list.into_iter().map(|key| (key, of.clone()));
                prop_assert_eq!(read.collect::<Vec<_>>(), wrote.collect::<Vec<_>>());
            }
        }

        #[test]
        fn no_text_breaks_it_and_no_line_is_lost(text in "(?s)[\\x00-\\x{2030}A,#\n]{0,200}") {
            if let Err(problems) = parse(&text, Interval::Daily, &Sources::default(), today()) {
                for problem in problems {
                    prop_assert!(problem.line <= text.split(['\n', '\r']).count());
                    prop_assert_eq!(crate::model::text::clean(&problem.text), problem.text.as_str());
                }
            }
        }
    }
}
