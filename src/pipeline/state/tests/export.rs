//! Exports: one at a time, cancelled by name, and finished before the engine ends.

use super::super::super::notice::{CutShort, Exported};
use super::*;
use crate::model::bar_file::{self, BarFile, BarFormat};

fn files() -> Vec<BarFile> {
    bar_file::one_for_each(&[key("IBM"), key("AAPL")], "x", BarFormat::Parquet)
}

fn exported(cut_short: Option<CutShort>) -> Exported {
    Exported {
        progress: ExportProgress::of(2),
        place: "/exports".into(),
        cut_short,
    }
}

fn refusal(jobs: &[Job]) -> &str {
    match jobs {
        [Job::Tell(notice)] => match &notice.what {
            What::Refused(_, why) => why,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_export_at_a_time_is_shown_while_it_works() {
    let mut state = state();
    let export = |state: &mut State| state.step(Input::Command(Command::Export(files())), at(NOON));
    let cancel = |state: &mut State| state.step(Input::Command(Command::CancelExport), at(NOON));
    assert_eq!(refusal(&cancel(&mut state)), "no export is in progress");
    assert_eq!(export(&mut state), [Job::Export(files())]);
    assert!(refusal(&export(&mut state)).contains("in progress"));
    let progress = ExportProgress {
        done: 1,
        total: 2,
        bars: 70,
    };
    assert_eq!(state.step(Input::Exporting(progress), at(NOON)), []);
    assert_eq!(state.snapshot(0, at(NOON)).export, Some(progress));
    assert_eq!(cancel(&mut state), [Job::CancelExport]);
    let ended = exported(Some(CutShort::Cancelled));
    let jobs = state.step(Input::Exported(ended.clone()), at(NOON));
    assert_eq!(jobs, [tell(at(NOON), What::Exported(ended))]);
    assert_eq!(state.step(Input::Exporting(progress), at(NOON)), []);
    assert_eq!(state.snapshot(0, at(NOON)).export, None);
    assert_eq!(export(&mut state), [Job::Export(files())]);
    state.step(Input::ExportCrashed("broke".into()), at(NOON));
    assert_eq!(export(&mut state), [Job::Export(files())]);
}

#[test]
fn the_engine_ends_once_the_export_has() {
    let mut state = state();
    state.step(Input::Command(Command::Export(files())), at(NOON));
    let jobs = state.step(Input::Command(Command::Shutdown), at(NOON));
    assert_eq!(jobs, [Job::CancelExport]);
    let ended = exported(Some(CutShort::Cancelled));
    let jobs = state.step(Input::Exported(ended), at(NOON));
    assert_eq!(jobs.last(), Some(&Job::Finish));
}
