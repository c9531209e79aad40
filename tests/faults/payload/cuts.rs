//! Answers truncated at every byte: only whole lines are stored.

use std::collections::BTreeSet;
use std::io::Write as _;

use bytes::Bytes;
use chrono::DateTime;
use pipeline_tui::model::{Answer, ErrorClass, Reading, Request, SeriesKey};
use pipeline_tui::pipeline::source::{FetchOptions, Refusal, Source as _};
use pipeline_tui::pipeline::sources::alpha_vantage;

use super::bodies::{self, document, table};
use super::{Answers, fetch, stored};
use crate::support::program::Desk;
use crate::support::rig::{short, source};
use crate::support::{cluster, rounds};

const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../shared/fixtures/alpha_vantage"
);

/// `CUT_STEP` says how many bytes lie between two cuts; 1 is every byte.
#[tokio::test(flavor = "multi_thread")]
async fn json_that_breaks_off_changes_nothing() {
    let rows = bodies::rows(0..2, 0).replace("\"1\"", "\"\\u0031\"");
    let whole = document("C0000", &rows);
    let ends: Vec<usize> = (0..whole.len()).step_by(rounds("CUT_STEP", 4)).collect();
    let name = |end: usize| format!("C{end:04}");
    let whole_of = |symbol: &str, rows: &str| document(symbol, rows).into_bytes();
    for desk in Desk::on_each_database() {
        let old: Answers = ends
            .iter()
            .map(|&end| (name(end), whole_of(&name(end), &bodies::rows(0..2, 0))))
            .collect();
        let (desk, series) = fetch(desk, &old, "json").await;
        assert!(series.iter().all(|series| series["inserted"] == 2));
        let before = stored(&desk);
        let cut: Answers = ends
            .iter()
            .map(|&end| {
                // Another price than the one that is stored, so that a partial answer would show.
                let body = whole_of(&name(end), &rows.replace("0031", "0032"));
                (name(end), body[..end].to_vec())
            })
            .collect();
        let (desk, series) = fetch(desk, &cut, "json").await;
        for (end, series) in ends.iter().zip(&series) {
            assert_eq!(series["error"]["class"], "malformed", "{end}: {series}");
        }
        assert_eq!((stored(&desk), before.len()), (before, ends.len() * 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_that_breaks_off_at_any_byte_stores_whole_lines_only() {
    let whole = table(3);
    let name = |end: usize| format!("V{end:04}");
    for desk in Desk::on_each_database() {
        let all: Answers = vec![("WHOLE".to_owned(), whole.clone().into_bytes())];
        let (desk, _) = fetch(desk, &all, "csv").await;
        let without_symbol = |line: &String| line.split_once('|').unwrap().1.to_owned();
        let right: BTreeSet<String> = stored(&desk).iter().map(without_symbol).collect();
        assert_eq!(right.len(), 3);

        let cut: Answers = (0..whole.len())
            .map(|end| (name(end), whole.as_bytes()[..end].to_vec()))
            .collect();
        let (desk, series) = fetch(desk, &cut, "csv").await;
        let mut lines = 0;
        for (end, series) in series.iter().enumerate() {
            let head = whole.get(..end).unwrap();
            if head.ends_with('\n') && head.lines().count() > 1 {
                assert_eq!(
                    series["inserted"],
                    head.lines().count() - 1,
                    "{end}: {series}"
                );
                lines += head.lines().count() - 1;
            } else {
                let class = if head.ends_with('\n') {
                    "no_data"
                } else {
                    "malformed"
                };
                assert_eq!(series["error"]["class"], class, "{end}: {series}");
            }
        }
        let stored = stored(&desk);
        assert_eq!(stored.len(), lines + 3);
        assert!(
            stored
                .iter()
                .map(without_symbol)
                .all(|line| right.contains(&line))
        );
    }
}

fn read(ask: &Request, body: Bytes) -> Result<Reading, Refusal> {
    let answer = Answer {
        status: 200,
        content_type: None,
        body,
        received_at: DateTime::UNIX_EPOCH,
        elapsed_ms: 0,
        stated: None,
    };
    alpha_vantage::read(ask, &answer)
}

/// The request that a recording answers, from its name.
fn question(name: &str) -> Option<Request> {
    let mut words = name.trim_start_matches("extended_").split('_').peekable();
    let kind = words.next()?;
    let adjusted = words.next_if_eq(&"adjusted").is_some();
    let interval = match kind {
        "intraday" => words.next()?,
        "daily" | "weekly" | "monthly" => kind,
        _ => return None,
    };
    let series = SeriesKey {
        adjusted,
        ..SeriesKey::raw(words.next()?.parse().ok()?, interval.parse().ok()?)
    };
    let is_csv = std::path::Path::new(name).extension()? == "csv";
    let datatype = if is_csv { "csv" } else { "json" };
    let wish = FetchOptions::default()
        .with("datatype", datatype)
        .wish(&series);
    let source = source("http://127.0.0.1:9/query", short());
    source.plan(&[wish]).requests.pop()
}

/// Where a recording is cut: everywhere near its ends, and elsewhere as often as requested.
fn ends(length: usize, cuts: usize) -> impl Iterator<Item = usize> {
    let step = (length / cuts.max(1)).max(1);
    (0..length).filter(move |end| *end < 200 || length - *end < 50 || end % step == 0)
}

/// `CUTS_EACH` says how many cuts of each recording; as many as it has bytes are all.
#[test]
fn recordings_that_break_off_are_never_half_read() {
    let Ok(folder) = std::fs::read_dir(RECORDED) else {
        return cluster::notice("skipped: no recorded answers beside the project");
    };
    let cuts = rounds("CUTS_EACH", 20);
    let (mut files, mut tried) = (0, 0);
    for entry in folder.flatten() {
        let name = entry.file_name().into_string().unwrap();
        let Some(ask) = question(&name) else { continue };
        let body = Bytes::from(std::fs::read(entry.path()).unwrap());
        let whole = read(&ask, body.clone()).unwrap();
        files += 1;
        // A line break after JSON belongs to the file, not to the document.
        let is_csv = name.ends_with("csv");
        let length = if is_csv {
            body.len()
        } else {
            body.trim_ascii_end().len()
        };
        for end in ends(length, cuts) {
            let part = body.slice(..end);
            let is_whole_lines = is_csv && part.ends_with(b"\n");
            tried += 1;
            match read(&ask, part) {
                Ok(part) => {
                    // Newest first, or oldest first in the extended recordings.
                    assert!(is_whole_lines, "{name} at {end}");
                    let is_end = whole.bars.ends_with(&part.bars);
                    assert!(
                        is_end || whole.bars.starts_with(&part.bars),
                        "{name} at {end}"
                    );
                }
                Err(refusal) if is_whole_lines => {
                    assert_eq!(refusal.class, ErrorClass::NoData, "{name} at {end}");
                }
                Err(refusal) => {
                    assert_eq!(refusal.class, ErrorClass::Malformed, "{name} at {end}");
                }
            }
        }
    }
    let _ = writeln!(std::io::stdout(), "{tried} cuts of {files} recordings");
    assert_eq!(files, 22, "the recorded series");
}
