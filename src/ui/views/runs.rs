//! Past runs and how they ended; one run in detail, its events and the provider's answers.
//!
//! ```text
//!  RUN   STARTED            TRIGGER    STATUS      SERIES     NEW  CHANGED  REQUESTS     TOOK
//! ▌1042  Fri 11-20 16:20    schedule   partial     3 of 4     212        4         6    1:04.2
//! ─ run 1042 ─────────────────────────────────────────────────────────────────────────────────
//!  IBM    daily  ··██▒                             0.4 s   1 new, 1 changed
//!  MSFT   5min   refused: intraday is not in this key's plan. 1 request spent, nothing stored.
//! ```

mod draw;
mod keys;
mod list;
mod report;
mod timeline;

use chrono::{DateTime, Utc};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use self::keys::KEYS;
use self::report::{command, markdown};
use crate::model::text::thousands;
use crate::model::{RunId, RunStatus, RunSummary, SeriesKey, SeriesReport, SeriesStatus};
use crate::pipeline::command::Command;
use crate::pipeline::snapshot::{RequestRow, RunDetail};
use crate::ui::action::{Action, Effect};
use crate::ui::csv;
use crate::ui::cursor::Cursor;
use crate::ui::fetch::fetch_of;
use crate::ui::filter;
use crate::ui::keymap::binding::Thing;
use crate::ui::regions::Regions;
use crate::ui::reply::Reply;
use crate::ui::shared::Shared;
use crate::ui::text;
use crate::ui::view::{Sight, View};
use crate::ui::view_id::ViewId;

/// What the lower part of an opened run shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    /// What happened.
    #[default]
    Events,
    /// What the provider answered about the selected series.
    Answer,
}

/// The state of the view.
#[derive(Debug, Default)]
pub struct Runs {
    /// The selected run.
    pub selected: Option<RunId>,
    /// Where it is.
    pub cursor: Cursor,
    /// The opened run.
    pub opened: Option<RunId>,
    /// The selected series of the opened run.
    pub series: Cursor,
    /// What the lower part shows.
    pub tab: Tab,
    /// The first line of it that is shown.
    pub scroll: usize,
    /// Lines of it on the screen, and all its lines.
    pub lower: (usize, usize),
    /// What a line must match.
    pub filter: String,
    /// Lines of the list on the screen.
    pub page: usize,
    /// The state of the shown run for which it was last read: once for each.
    asked: Option<RunSummary>,
    /// What is done with the opened run as soon as it is read.
    awaited: Option<Action>,
}

impl Runs {
    /// The runs that match, newest first.
    #[must_use]
    pub fn rows<'a>(&self, shared: &'a Shared) -> Vec<&'a RunSummary> {
        let runs = shared
            .snapshot
            .as_ref()
            .map_or(&[][..], |snapshot| &snapshot.runs);
        runs.iter()
            .filter(|run| self.filter.is_empty() || matches(run, &self.filter))
            .collect()
    }

    /// The selected run of the list.
    #[must_use]
    pub fn selected_run<'a>(&self, shared: &'a Shared) -> Option<&'a RunSummary> {
        self.rows(shared).get(self.cursor.at).copied()
    }

    /// The opened run, once it has been read.
    #[must_use]
    pub fn detail<'a>(&self, shared: &'a Shared) -> Option<&'a RunDetail> {
        let detail = shared.snapshot.as_ref()?.opened.as_deref()?;
        (Some(detail.summary.id) == self.opened).then_some(detail)
    }

    /// The selected series of the opened run.
    #[must_use]
    pub fn selected_series<'a>(&self, shared: &'a Shared) -> Option<&'a SeriesReport> {
        self.detail(shared)?.series.get(self.series.at)
    }

    /// The last request of the selected series, or of a symbol lookup.
    #[must_use]
    pub fn request<'a>(&self, shared: &'a Shared) -> Option<&'a RequestRow> {
        let detail = self.detail(shared)?;
        match self.selected_series(shared) {
            Some(report) => requests_of(detail, &report.series).next_back(),
            None => detail.requests.last(),
        }
    }

    /// Follows the selected run to where it is now, and rereads an opened run while it continues.
    fn follow(&mut self, shared: &Shared) -> Option<Command> {
        let rows = self.rows(shared);
        let found = rows.iter().position(|run| Some(run.id) == self.selected);
        // With nothing chosen the newest run stays selected.
        self.cursor.at = found.unwrap_or(0);
        self.cursor.keep_in_sight(rows.len(), self.page);
        if self.cursor.at > 0 {
            self.selected = rows.get(self.cursor.at).map(|run| run.id);
        }
        debug_assert!(
            self.cursor.at == 0 || self.selected == self.selected_run(shared).map(|run| run.id),
            "the cursor is on the chosen run"
        );
        let listed = rows.iter().find(|run| Some(run.id) == self.opened);
        let read = self.detail(shared).map(|detail| &detail.summary);
        match (listed, read) {
            (Some(listed), Some(read))
                if **listed != *read && self.asked != Some((*listed).clone()) =>
            {
                self.asked = Some((*listed).clone());
                Some(Command::ShowRun(listed.id))
            }
            _ => None,
        }
    }

    /// The run under the cursor is chosen.
    fn choose(&mut self, shared: &Shared) -> Vec<Reply> {
        let rows = self.rows(shared);
        let chosen = rows.get(self.cursor.at).map(|run| run.id);
        self.selected = chosen.filter(|_| self.cursor.at > 0);
        vec![]
    }

    /// Moves the lower part of an opened run; `false`: not such a move.
    fn scroll_by(&mut self, action: Action) -> bool {
        let (page, count) = self.lower;
        let last = count.saturating_sub(page);
        let mut lines = Cursor {
            at: self.scroll,
            top: 0,
        };
        let moved = lines.act(action, last + 1, page);
        if moved {
            self.scroll = lines.at;
        }
        moved
    }

    fn show_answer(&self, shared: &Shared) -> Vec<Reply> {
        if self.tab == Tab::Events {
            return vec![];
        }
        self.request(shared)
            .map(|request| Command::ShowAnswer(request.id).into())
            .into_iter()
            .collect()
    }

    /// What `.` does for the opened or selected run.
    fn offer(&self, shared: &Shared) -> Option<Action> {
        let rows = self.rows(shared);
        let run = match self.opened {
            Some(opened) => rows.into_iter().find(|run| run.id == opened),
            None => rows.get(self.cursor.at).copied(),
        }?;
        match run.status {
            RunStatus::Running => Some(Action::Cancel),
            RunStatus::Succeeded => None,
            _ => Some(Action::Rerun),
        }
    }

    fn back(&mut self, shared: &Shared) -> Vec<Reply> {
        self.awaited = None;
        if self.opened.take().is_some() {
            return vec![];
        }
        if self.filter.is_empty() {
            return vec![Reply::Go(ViewId::Overview)];
        }
        self.filter.clear();
        self.follow(shared).map(Reply::from).into_iter().collect()
    }

    /// Fetches again what did not succeed in the opened or selected run.
    fn rerun(&self, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
        let Some(detail) = self.detail(shared) else {
            return vec![];
        };
        let again = failed(detail);
        if again.is_empty() {
            let say = format!("nothing failed in run {}", detail.summary.id);
            return vec![Reply::Warn(say)];
        }
        fetch_of(again, shared, now)
    }

    /// Opens the selected run, so that it is read.
    fn open(&mut self, shared: &Shared) -> Vec<Reply> {
        let run = self.selected_run(shared).map(|run| run.id);
        (self.opened, self.selected) = (run, run);
        (self.series, self.tab, self.scroll) = (Cursor::default(), Tab::Events, 0);
        run.map(|run| Command::ShowRun(run).into())
            .into_iter()
            .collect()
    }

    /// What was to be done with the opened run as soon as it is read.
    fn awaited(&mut self, shared: &Shared) -> Option<Action> {
        self.detail(shared)?;
        self.awaited.take()
    }
}

impl View for Runs {
    fn update(&mut self, action: Action, shared: &Shared, now: DateTime<Utc>) -> Vec<Reply> {
        if let Some(detail) = self.detail(shared) {
            let count = detail.series.len();
            if matches!(action, Action::Up | Action::Down) {
                self.series.act(action, count, self.page);
                self.scroll = 0;
                return self.show_answer(shared);
            }
            if self.scroll_by(action) {
                return vec![];
            }
        } else if self.opened.is_none()
            && self.cursor.act(action, self.rows(shared).len(), self.page)
        {
            return self.choose(shared);
        }
        match action {
            Action::Open if self.opened.is_none() => self.open(shared),
            Action::Rerun | Action::Curl | Action::Copy if self.detail(shared).is_none() => {
                self.awaited = Some(action);
                self.open(shared)
            }
            Action::Open | Action::NextPane | Action::PreviousPane if self.opened.is_some() => {
                self.tab = match self.tab {
                    Tab::Events => Tab::Answer,
                    Tab::Answer => Tab::Events,
                };
                self.scroll = 0;
                self.show_answer(shared)
            }
            Action::Back => self.back(shared),
            Action::Rerun => self.rerun(shared, now),
            Action::Offer => self.offer(shared).map(Reply::Act).into_iter().collect(),
            Action::Attention => {
                self.filter = if self.filter == FAILED {
                    String::new()
                } else {
                    FAILED.to_owned()
                };
                self.opened = None;
                self.follow(shared).map(Reply::from).into_iter().collect()
            }
            Action::Curl => {
                let request = self.request(shared);
                request
                    .map(|request| command(request, shared))
                    .into_iter()
                    .collect()
            }
            Action::Copy => self.detail(shared).map_or_else(Vec::new, |detail| {
                vec![Reply::Do(Effect::Copy {
                    text: markdown(detail, shared.zone),
                    what: "the report".to_owned(),
                })]
            }),
            Action::Save => save(&self.rows(shared), now),
            _ => vec![],
        }
    }

    fn draw(
        &self,
        shared: &Shared,
        now: DateTime<Utc>,
        area: Rect,
        buf: &mut Buffer,
        regions: &mut Regions,
    ) {
        draw::draw(self, shared, now, area, buf, regions);
    }

    /// Keeps the selection on the screen after a change of size; reads the run that is shown below
    /// the list.
    fn laid_out(&mut self, regions: &Regions, shared: &Shared) -> Option<Command> {
        (self.page, self.lower) = (regions.page, regions.lower);
        match self.detail(shared).map(|detail| detail.series.len()) {
            Some(count) => self.series.keep_in_sight(count, self.page),
            None => self
                .cursor
                .keep_in_sight(self.rows(shared).len(), self.page),
        }
        let run = self.selected_run(shared).filter(|_| regions.has_glance)?;
        let read = shared.snapshot.as_ref()?.opened.as_deref();
        if read.is_some_and(|read| read.summary == *run) || self.asked.as_ref() == Some(run) {
            return None;
        }
        self.asked = Some(run.clone());
        Some(Command::ShowRun(run.id))
    }

    fn select(&mut self, row: usize, shared: &Shared) -> Vec<Reply> {
        if let Some(detail) = self.detail(shared) {
            self.series.at = self.series.top + row;
            self.series.keep_in_sight(detail.series.len(), self.page);
            self.scroll = 0;
            return self.show_answer(shared);
        }
        self.cursor.at = self.cursor.top + row;
        self.cursor
            .keep_in_sight(self.rows(shared).len(), self.page);
        self.choose(shared)
    }

    fn observe(&mut self, shared: &Shared, sight: Sight) -> Vec<Reply> {
        let reread = self.follow(shared).map(Reply::from);
        let awaited = self.awaited(shared).filter(|_| sight == Sight::Open);
        reread.into_iter().chain(awaited.map(Reply::Act)).collect()
    }

    fn forget(&mut self) {
        self.asked = None;
    }

    fn filter(&self) -> Option<&str> {
        Some(&self.filter)
    }

    fn set_filter(&mut self, text: &str) {
        text.clone_into(&mut self.filter);
    }

    fn suggestion(&self, shared: &Shared) -> Option<Action> {
        self.offer(shared)
    }

    fn has(&self, thing: Thing, shared: &Shared) -> bool {
        match thing {
            Thing::SentRequest => self.detail(shared).is_none() || self.request(shared).is_some(),
            _ => !self.rows(shared).is_empty(),
        }
    }

    fn declines(&self, action: Action, _shared: &Shared) -> Option<&'static str> {
        let is_covered = action == Action::Filter && self.opened.is_some();
        is_covered.then_some("close the run with Esc to filter the list")
    }

    fn hint(&self, action: Action, shared: &Shared, _regions: &Regions) -> String {
        if action != Action::Offer {
            return String::new();
        }
        match self.offer(shared) {
            Some(Action::Cancel) => "cancel the run".to_owned(),
            Some(_) => "rerun failed".to_owned(),
            None => String::new(),
        }
    }
}

/// The series of a run that have not succeeded.
#[must_use]
pub fn failed(detail: &RunDetail) -> Vec<SeriesKey> {
    let is_open = |report: &&SeriesReport| {
        !matches!(
            report.status,
            SeriesStatus::Succeeded | SeriesStatus::Skipped | SeriesStatus::Running
        )
    };
    detail
        .series
        .iter()
        .filter(is_open)
        .map(|report| report.series.clone())
        .collect()
}

/// The requests of one series of a run, oldest first.
#[must_use]
pub fn requests_of<'a>(
    detail: &'a RunDetail,
    series: &'a SeriesKey,
) -> impl DoubleEndedIterator<Item = &'a RequestRow> {
    detail
        .requests
        .iter()
        .filter(move |request| request.is_of(series))
}

/// What started a run, or what a symbol lookup was for.
#[must_use]
pub fn what(run: &RunSummary) -> &str {
    match run.trigger.as_str() {
        "listing" => "list of symbols",
        trigger => trigger,
    }
}

/// The filter of runs that did not succeed as a whole.
const FAILED: &str = "!status:succeeded !status:running";

fn matches(run: &RunSummary, filter: &str) -> bool {
    let (status, id) = (run.status.as_str(), run.id.to_string());
    filter::matches(filter, |field, text| match field {
        Some("status") => status.starts_with(text),
        Some("trigger") => what(run).starts_with(text),
        Some(_) => false,
        None => status.contains(text) || what(run).contains(text) || id == text,
    })
}

fn save(runs: &[&RunSummary], now: DateTime<Utc>) -> Vec<Reply> {
    let head = [
        "run",
        "started_at",
        "finished_at",
        "trigger",
        "status",
        "series",
        "succeeded",
        "requests",
        "inserted",
        "changed",
    ];
    let lines = runs.iter().map(|run| {
        [
            run.id.to_string(),
            run.started_at.to_rfc3339(),
            run.finished_at
                .map_or_else(String::new, |at| at.to_rfc3339()),
            run.trigger.clone(),
            run.status.to_string(),
            run.series.to_string(),
            run.succeeded.to_string(),
            run.requests.to_string(),
            run.inserted.to_string(),
            run.changed.to_string(),
        ]
        .to_vec()
    });
    vec![Reply::Do(Effect::Save {
        name: format!("runs-{}.csv", now.format("%Y%m%d-%H%M%S")),
        text: csv::table(&head, lines),
    })]
}

/// Runs that a snapshot lists; with a schedule in minutes that is less than seven days.
const LISTED: usize = 100;

/// The title of the list: how the series of seven days ended. Symbol lookups cost
/// requests and are not series.
#[must_use]
pub fn headline(runs: &[RunSummary], now: DateTime<Utc>) -> String {
    let recent = || {
        runs.iter()
            .filter(|run| now - run.started_at < chrono::TimeDelta::days(7))
            .filter(|run| run.status != RunStatus::Running)
    };
    let span = if recent().count() == runs.len() && runs.len() >= LISTED {
        format!("last {LISTED} runs")
    } else {
        "7 days".to_owned()
    };
    let requests: u64 = recent().map(|run| u64::from(run.requests)).sum();
    let requests = text::count(usize::try_from(requests).unwrap_or(usize::MAX), "request");
    let fetching = || recent().filter(|run| !run.is_about_symbols());
    let series: u64 = fetching().map(|run| u64::from(run.series)).sum();
    if series == 0 {
        return format!("{span}: no series was fetched, {requests}");
    }
    let good: u64 = fetching().map(|run| u64::from(run.succeeded)).sum();
    let mut times: Vec<_> = fetching()
        .filter_map(|run| Some(run.finished_at? - run.started_at))
        .collect();
    times.sort();
    let half = times.get(times.len().saturating_sub(1) / 2);
    let median = half.map_or_else(String::new, |time| {
        format!(", median {}", text::step(*time))
    });
    format!(
        "{span}: {}% of {} series ok{median}, {requests}",
        good * 100 / series,
        thousands(series)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample;

    #[test]
    fn filters_take_words_fields_and_their_opposite() {
        let shared = sample::shared(sample::normal());
        let shown = |filter: &str| {
            let view = Runs {
                filter: filter.to_owned(),
                ..Runs::default()
            };
            view.rows(&shared)
                .iter()
                .map(|run| run.id.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(""), [1042, 1041, 1040]);
        assert_eq!(shown("status:partial"), [1042]);
        assert_eq!(shown("!partial trigger:fetch"), [1041]);
        assert_eq!(shown("1040"), [1040]);
    }

    #[test]
    fn the_headline_counts_seven_days() {
        let snapshot = sample::normal();
        assert_eq!(
            headline(&snapshot.runs, sample::now()),
            "7 days: 44% of 9 series ok, median 0.4 s, 8 requests"
        );
        let old = sample::now() + chrono::TimeDelta::days(8);
        assert_eq!(
            headline(&snapshot.runs, old),
            "7 days: no series was fetched, 0 requests"
        );
    }

    #[test]
    fn a_question_about_symbols_costs_requests_and_is_no_failed_series() {
        let mut runs = sample::normal().runs.to_vec();
        (runs[2].series, runs[2].trigger) = (0, "search".to_owned());
        assert_eq!(
            headline(&runs, sample::now()),
            "7 days: 80% of 5 series ok, median 0.4 s, 8 requests"
        );
        let symbols = runs.split_off(2);
        assert_eq!(
            headline(&symbols, sample::now()),
            "7 days: no series was fetched, 1 request"
        );
    }

    #[test]
    fn the_run_below_the_list_is_read_once_for_each_of_its_states() {
        let mut snapshot = sample::normal();
        snapshot.opened = None;
        let shared = sample::shared(snapshot);
        let mut view = Runs::default();
        let shown = Regions {
            page: 9,
            has_glance: true,
            ..Regions::default()
        };
        assert_eq!(view.laid_out(&Regions::default(), &shared), None);
        let first = Command::ShowRun(RunId(1042));
        assert_eq!(view.laid_out(&shown, &shared), Some(first));
        assert_eq!(view.laid_out(&shown, &shared), None);
        view.update(Action::Down, &shared, sample::now());
        let second = Command::ShowRun(RunId(1041));
        assert_eq!(view.laid_out(&shown, &shared), Some(second));
    }

    #[test]
    fn requests_belong_to_the_whole_series() {
        let mut detail = sample::run_detail();
        detail.requests[2].adjusted = true;
        let raw = sample::series("AAPL", crate::model::Interval::Daily);
        let adjusted = SeriesKey {
            adjusted: true,
            ..raw.clone()
        };
        let ids = |series| {
            let sent = requests_of(&detail, series);
            sent.map(|request| request.id.0).collect::<Vec<_>>()
        };
        assert_eq!((ids(&raw), ids(&adjusted)), (vec![2], vec![3]));
    }
}
