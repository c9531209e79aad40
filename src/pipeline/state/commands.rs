//! Commands: each is carried out, or refused with a reason.

use std::collections::BTreeMap;

use crate::model::bar_file::BarFile;
use chrono::{DateTime, Utc};

use super::super::command::Command;
use super::super::notice::What;
use super::super::snapshot::ExportProgress;
use super::around::Whose;
use super::lanes::Asker;
use super::queue::QueuedRun;
use super::{Job, Load, State, tell};

/// Why a read-only process does not do something.
const READ_ONLY: &str = "this process is read-only: it neither spends requests nor writes";
/// Why a run does not wait behind others.
const FULL: &str = "too many runs are waiting; wait for one to end";
/// Why a list that is not the store's cannot be edited.
const OWN_LIST: &str =
    "PIPELINE_SYMBOLS is the watch list of this process; unset it to edit the one in the store";

impl State {
    pub(super) fn command(&mut self, command: &Command, now: DateTime<Utc>) -> Vec<Job> {
        self.carry_out(command, now)
            .unwrap_or_else(|why| vec![tell(now, What::Refused(command.clone(), why))])
    }

    fn carry_out(&mut self, command: &Command, now: DateTime<Utc>) -> Result<Vec<Job>, String> {
        if self.read_only && spends_or_writes(command) {
            return Err(READ_ONLY.to_owned());
        }
        if self.own_list && matches!(command, Command::EditList(_)) {
            return Err(OWN_LIST.to_owned());
        }
        let refused = |why: &str| Err(why.to_owned());
        Ok(match command {
            Command::Fetch(series) if series.is_empty() => return refused("nothing is selected"),
            Command::Fetch(series) => {
                if !self.enqueue("fetch", series.clone()) {
                    return refused(FULL);
                }
                vec![]
            }
            Command::Backfill(series, within) => {
                let run = QueuedRun {
                    trigger: "backfill",
                    series: Some(vec![series.clone()]),
                    whose: Whose::All,
                    asker: Asker::Person,
                    most: BTreeMap::new(),
                    within: Some((*within).into()),
                };
                if !self.enqueue_run(run) {
                    return refused(FULL);
                }
                vec![]
            }
            Command::FetchDue => vec![self.ask_for_due("due", Whose::All, Asker::Person)],
            Command::CancelRun if self.run.is_none() => return refused("no run is in progress"),
            Command::CancelRun => vec![Job::CancelRun],
            Command::Pause | Command::Resume => {
                let pause = *command == Command::Pause;
                let is_news = std::mem::replace(&mut self.paused, pause) != pause;
                self.settings_changed += 1;
                let mut jobs = vec![Job::Save("paused", pause.to_string())];
                jobs.extend(is_news.then(|| tell(now, What::Paused(pause))));
                jobs
            }
            Command::SetSchedule(schedule) => {
                self.schedule = schedule.clone();
                self.settings_changed += 1;
                self.lanes.acted_everywhere(now);
                let json = serde_json::to_string(schedule).unwrap_or_default();
                vec![
                    tell(now, What::Scheduled(schedule.clone())),
                    Job::Save("schedule", json),
                    Job::FollowFrom(now),
                ]
            }
            Command::EditList(edit) => vec![Job::EditList(edit.clone())],
            Command::SetKey(key) => vec![Job::Rekey(key.clone())],
            Command::ShowBars(window) => {
                self.wanted.bars = Some(window.clone());
                vec![Job::Load(Load::Bars(window.clone()))]
            }
            Command::ShowRun(run) => {
                self.wanted.run = Some(*run);
                vec![Job::Load(Load::Run(*run))]
            }
            Command::ShowAnswer(request) => {
                self.wanted.answer = Some(*request);
                vec![Job::Load(Load::Answer(*request))]
            }
            Command::ShowSystem => {
                self.wanted.system = true;
                vec![Job::Load(Load::System)]
            }
            Command::ShowCoverage => {
                self.wanted.coverage = true;
                vec![Job::Load(Load::Coverage)]
            }
            Command::ShowRanges(series, within) => {
                self.wanted.ranges = Some((series.clone(), *within));
                vec![Job::Load(Load::Ranges(series.clone(), *within))]
            }
            Command::Price(question) => {
                self.wanted.price = Some(question.clone());
                vec![Job::Load(Load::Preview(question.clone()))]
            }
            Command::FetchEvents(_) | Command::Search { .. } | Command::LoadListings
                if self.is_ending =>
            {
                vec![]
            }
            Command::FetchEvents(wanted) => vec![self.ask_events(wanted)?],
            Command::Search {
                text,
                from_provider,
            } => self.search.search(text, *from_provider),
            Command::LoadListings => self.search.load_list(),
            Command::Export(files) => vec![self.export(files)?],
            Command::CancelExport if self.export.is_none() => {
                return refused("no export is in progress");
            }
            Command::CancelExport => vec![Job::CancelExport],
            Command::TestAlert => vec![Job::TestAlert],
            Command::Shutdown => self.shut_down(),
        })
    }

    /// Nothing more begins, and what is being done is stopped.
    fn shut_down(&mut self) -> Vec<Job> {
        self.is_ending = true;
        let jobs = [
            self.run.is_some().then_some(Job::CancelRun),
            self.search.is_asking().then_some(Job::CancelAsk),
            self.export.is_some().then_some(Job::CancelExport),
            self.asks_events.then_some(Job::CancelEvents),
        ];
        jobs.into_iter().flatten().collect()
    }

    fn export(&mut self, files: &[BarFile]) -> Result<Job, String> {
        if files.is_empty() {
            return Err("nothing is selected".to_owned());
        }
        if self.export.is_some() {
            return Err("an export is in progress; wait for it to end".to_owned());
        }
        self.export = Some(ExportProgress::of(files.len()));
        Ok(Job::Export(files.to_vec()))
    }
}

const fn spends_or_writes(command: &Command) -> bool {
    match command {
        Command::Fetch(_)
        | Command::Backfill(..)
        | Command::FetchEvents(_)
        | Command::FetchDue
        | Command::Pause
        | Command::Resume
        | Command::SetSchedule(_)
        | Command::EditList(_)
        | Command::SetKey(_)
        | Command::Search {
            from_provider: true,
            ..
        }
        | Command::LoadListings => true,
        Command::CancelRun
        | Command::ShowBars(_)
        | Command::ShowRun(_)
        | Command::ShowAnswer(_)
        | Command::ShowSystem
        | Command::ShowCoverage
        | Command::ShowRanges(..)
        | Command::Price(_)
        | Command::Export(_)
        | Command::CancelExport
        | Command::TestAlert
        | Command::Search {
            from_provider: false,
            ..
        }
        | Command::Shutdown => false,
    }
}
