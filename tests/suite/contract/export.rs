//! Series as files, read from both databases.

use std::path::Path;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use pipeline_tui::model::bar_file::{BarFile, BarFormat};
use pipeline_tui::pipeline::Pipeline;
use pipeline_tui::pipeline::export::pieces::Extent;
use pipeline_tui::pipeline::export::{Existing, ExportError, export, export_all};
use pipeline_tui::pipeline::snapshot::ExportProgress;
use tokio_util::sync::CancellationToken;

use super::*;

contract! {
    a_file_has_every_bar_that_is_asked_for_oldest_first,
    a_cancelled_export_leaves_nothing_behind,
    a_file_that_is_there_stays_unless_it_is_to_be_replaced,
    what_was_complete_before_a_failure_stays,
}

/// More than two pieces.
const MANY: i64 = 20_500;

async fn filled(place: &Place) -> Arc<dyn Store> {
    let store = place.open().await;
    let bars: Vec<Bar> = (0..MANY)
        .map(|number| {
            let mut bar = bar("2026-01-01T00:00:00Z", 20_000 + number);
            bar.timestamp += TimeDelta::minutes(number);
            bar
        })
        .collect();
    store_bars(&store, &ibm(), &bars).await;
    store
}

/// No source is needed to write what is stored.
fn pipeline(store: &Arc<dyn Store>) -> Arc<Pipeline> {
    super::sources::pipeline(store, vec![])
}

fn file(folder: &Path, name: &str) -> BarFile {
    BarFile {
        series: ibm(),
        path: folder.join(name),
        format: BarFormat::of(Path::new(name)).unwrap(),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The minutes since the first bar that a Parquet file holds, in its order.
fn minutes(path: &Path) -> Vec<i64> {
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let first: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    let minute = |row: parquet::record::Row| {
        let (_, field) = row.get_column_iter().nth(3).unwrap();
        let Field::TimestampMicros(micros) = field else {
            panic!("{field:?}");
        };
        (micros - first.timestamp_micros()) / 60_000_000
    };
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| minute(row.unwrap())).collect()
}

/// A row is the bar itself.
const fn raw(bar: Bar) -> Bar {
    bar
}

async fn a_file_has_every_bar_that_is_asked_for_oldest_first(place: Place) {
    let pipeline = pipeline(&filled(&place).await);
    let folder = tempfile::tempdir().unwrap();
    let at = |minute: i64| {
        let first: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        Some(first + TimeDelta::minutes(minute))
    };
    let all = Extent::default();
    let bounded = Extent {
        from: at(10),
        to: at(15_000),
        limit: None,
    };
    for (name, extent, expected) in [
        ("all.parquet", all, 0..MANY),
        (
            "newest.parquet",
            Extent {
                limit: Some(12_345),
                ..all
            },
            MANY - 12_345..MANY,
        ),
        ("bounded.parquet", bounded, 10..15_001),
        (
            "both.parquet",
            Extent {
                limit: Some(3),
                ..bounded
            },
            14_998..15_001,
        ),
        (
            "none.parquet",
            Extent {
                from: at(MANY),
                ..all
            },
            0..0,
        ),
    ] {
        let file = file(folder.path(), name);
        let mut reported = 0;
        let never = CancellationToken::new();
        let report = |bars| reported += bars;
        let written = export(
            &pipeline,
            &file,
            extent,
            Existing::Keep,
            &never,
            raw,
            report,
        );
        let written = written.await.unwrap();
        assert!(
            minutes(&file.path).into_iter().eq(expected.clone()),
            "{name}"
        );
        let count = u64::try_from(expected.end - expected.start).unwrap();
        assert_eq!((written.bars, reported), (count, count), "{name}");
    }
    assert_eq!(names(folder.path()).len(), 5);
}

async fn a_cancelled_export_leaves_nothing_behind(place: Place) {
    let pipeline = pipeline(&filled(&place).await);
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.parquet", "a.csv", "a.jsonl"] {
        let cancel = CancellationToken::new();
        let mut pieces = 0;
        let file = file(folder.path(), name);
        let ended = export(
            &pipeline,
            &file,
            Extent::default(),
            Existing::Keep,
            &cancel,
            raw,
            |_| {
                pieces += 1;
                assert!(
                    names(folder.path())[0].starts_with(".pipeline-tui-"),
                    "it has a temporary name"
                );
                cancel.cancel();
            },
        );
        let ended = ended.await;
        assert!(matches!(ended, Err(ExportError::Cancelled)), "{ended:?}");
        assert_eq!((pieces, names(folder.path())), (1, vec![]), "{name}");
    }
}

async fn a_file_that_is_there_stays_unless_it_is_to_be_replaced(place: Place) {
    let store = place.open().await;
    let pipeline = pipeline(&store);
    store_bars(&store, &ibm(), &[bar("2026-01-01T00:00:00Z", 20_000)]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), "a.parquet");
    std::fs::write(&file.path, "mine").unwrap();
    let never = CancellationToken::new();
    let all = Extent::default();
    let kept = export(&pipeline, &file, all, Existing::Keep, &never, raw, |_| ()).await;
    assert!(
        kept.unwrap_err()
            .to_string()
            .ends_with("there is a file of that name")
    );
    assert_eq!(std::fs::read_to_string(&file.path).unwrap(), "mine");
    let replaced = export(
        &pipeline,
        &file,
        all,
        Existing::Replace,
        &never,
        raw,
        |_| (),
    )
    .await;
    assert_eq!((replaced.unwrap().bars, minutes(&file.path)), (1, vec![0]));
    assert_eq!(names(folder.path()), ["a.parquet"]);
}

async fn what_was_complete_before_a_failure_stays(place: Place) {
    let store = place.open().await;
    let pipeline = pipeline(&store);
    store_bars(&store, &ibm(), &[bar("2026-01-01T00:00:00Z", 20_000)]).await;
    let folder = tempfile::tempdir().unwrap();
    let files = ["a.csv", "b/b.csv", "c.csv"].map(|name| file(folder.path(), name));
    let mut reports = vec![];
    let never = CancellationToken::new();
    let (progress, ended) =
        export_all(&pipeline, &files, &never, |report| reports.push(report)).await;
    let expected = ExportProgress {
        done: 1,
        total: 3,
        bars: 1,
    };
    assert_eq!((progress, reports.last()), (expected, Some(&expected)));
    let said = ended.unwrap_err().to_string();
    assert!(
        said.ends_with("b.csv cannot be written: there is no such folder"),
        "{said}"
    );
    assert_eq!(names(folder.path()), ["a.csv"]);
}
