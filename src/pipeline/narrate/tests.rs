use std::time::Duration;

use super::*;
use crate::model::{ErrorClass, RunId};
use crate::pipeline::command::Command;

fn said(what: What) -> Option<(Severity, String)> {
    let at = DateTime::UNIX_EPOCH;
    sentence(&Notice { at, what })
}

#[test]
fn the_end_of_an_export_says_how_far_it_came() {
    let told = |done, total, cut_short| {
        let progress = ExportProgress {
            done,
            total,
            bars: 1_200,
        };
        let exported = Exported {
            progress,
            place: "/x".into(),
            cut_short,
        };
        said(What::Exported(exported)).unwrap()
    };
    let info = |text: &str| (Severity::Info, text.to_owned());
    let warn = |text: &str| (Severity::Warn, text.to_owned());
    assert_eq!(told(1, 1, None), info("1,200 bars written to /x"));
    assert_eq!(
        told(3, 3, None),
        info("1,200 bars written to 3 files in /x")
    );
    assert_eq!(
        told(0, 1, Some(CutShort::Cancelled)),
        warn("export cancelled: no file was written")
    );
    assert_eq!(
        told(1, 3, Some(CutShort::Failed("it is full".to_owned()))),
        warn("not exported: it is full; 1 of 3 files are complete in /x")
    );
}

#[test]
fn every_notice_but_a_step_is_a_sentence_with_its_weight() {
    let series = SeriesKey::raw("IBM".parse().unwrap(), Interval::Daily);
    let report = SeriesReport::new(series.clone(), SeriesStatus::Succeeded);
    let refused = report
        .clone()
        .with_error(SeriesStatus::Refused, ErrorClass::Day, "spent");
    let ended = |status| {
        What::RunEnded(RunReport {
            run: RunId(3),
            status,
            series: vec![report.clone()],
            requests: 0,
            unrecorded: None,
        })
    };
    let retrying = |class| {
        What::Run(Event::Retrying {
            series: vec![series.clone()],
            class,
            said: "new words".into(),
            attempt: 2,
            wait: Duration::from_millis(2700),
        })
    };
    for (what, severity, words) in [
        (
            retrying(ErrorClass::Unknown),
            Severity::Warn,
            "unknown message (new words); attempt 2 of 4 in 2.7 s",
        ),
        (
            retrying(ErrorClass::Burst),
            Severity::Warn,
            "slow down; attempt 2 of",
        ),
        (
            What::Run(Event::Done(report.clone())),
            Severity::Info,
            "0 received",
        ),
        (
            What::Run(Event::Done(refused)),
            Severity::Warn,
            "IBM daily refused: spent",
        ),
        (
            ended(RunStatus::Succeeded),
            Severity::Info,
            "run 3 succeeded: 1 of 1",
        ),
        (ended(RunStatus::Partial), Severity::Warn, "run 3 partial"),
        (ended(RunStatus::Failed), Severity::Error, "run 3 failed"),
        (What::Missed(3), Severity::Warn, "3 scheduled runs"),
        (
            What::Rest {
                series: 295,
                left: 20,
                next_at: "2026-11-23T21:20:00Z".parse().ok(),
            },
            Severity::Info,
            "295 more series are due: 295 requests, 20 left today; the schedule continues \
             Mon 16:20 ET, F in the panel fetches 20 now",
        ),
        (
            What::Rest {
                series: 1,
                left: 0,
                next_at: None,
            },
            Severity::Info,
            "1 more series is due: 1 request, 0 left today",
        ),
        (What::Waits, Severity::Info, "waits to take over"),
        (
            What::Refused(Command::Pause, "why".into()),
            Severity::Warn,
            "the schedule is unchanged: why",
        ),
        (What::Crashed("boom".into()), Severity::Error, "boom"),
        (What::StoreLost("gone".into()), Severity::Error, "gone"),
        (What::StoreBack, Severity::Info, "answers again"),
    ] {
        let (found, text) = said(what).unwrap();
        assert!(
            found == severity && text.contains(words),
            "{found:?} {text}"
        );
    }
    let series = vec![series];
    let step = Event::Sending { series, attempt: 1 };
    assert_eq!(said(What::Run(step)), None);
}

#[test]
fn what_concerns_many_series_is_one_sentence() {
    let keys = |symbols: &[&str]| -> Vec<SeriesKey> {
        let key = |symbol: &&str| SeriesKey::raw(symbol.parse().unwrap(), Interval::Daily);
        symbols.iter().map(key).collect()
    };
    let report = SeriesReport::new(keys(&["IBM"])[0].clone(), SeriesStatus::Refused);
    let pair = (keys(&["IBM"])[0].clone(), keys(&["AAPL"])[0].clone());
    for (what, words) in [
        (What::Paused(true), "the schedule is paused"),
        (
            What::Scheduled("30 9 * * 1-5".parse().unwrap()),
            "the schedule is now 30 9 * * 1-5 America/New_York",
        ),
        (
            What::Watched {
                added: keys(&["A", "B", "C", "D"]),
                removed: keys(&["IBM"]),
            },
            "watch list: 4 series (A daily, B daily, C daily, …) added, IBM daily removed",
        ),
        (
            What::Replaced(vec![pair]),
            "watch list: replaced IBM daily with AAPL daily",
        ),
        (
            What::Run(Event::NotAsked {
                series: vec![report; 1_275],
                why: "today's requests are used up; more from Mon 00:00 ET".into(),
            }),
            "1,275 series not fetched: today's requests are used up; more from Mon 00:00 ET",
        ),
    ] {
        assert_eq!(said(what).unwrap().1, words);
    }
}

#[test]
fn lanes_that_come_and_go_name_their_sources() {
    let lanes = |names: &[&str]| -> Vec<LaneName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    };
    for (what, severity, words) in [
        (
            What::LanesWon(lanes(&["alpha_vantage", "binance", "upkeep"])),
            Severity::Info,
            "this process fetches on schedule from alpha_vantage, binance",
        ),
        (
            What::LanesLost(lanes(&["alpha_vantage"])),
            Severity::Warn,
            "this process no longer fetches on schedule from alpha_vantage: another engine took over, or the store was out of reach for too long",
        ),
        (
            What::LanesLost(lanes(&["upkeep"])),
            Severity::Warn,
            "this process no longer looks after the store: another engine took over, or the store was out of reach for too long",
        ),
    ] {
        assert_eq!(said(what), Some((severity, words.to_owned())));
    }
}
