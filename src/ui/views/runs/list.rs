//! The list of runs: which columns fit, and what a line says in each.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{Runs, headline, what};
use crate::model::text::thousands;
use crate::model::{RunStatus, RunSummary};
use crate::ui::draw::{put, split_top};
use crate::ui::shared::Shared;
use crate::ui::text::{self, NONE, left, right};
use crate::ui::theme::Role;
use crate::ui::widgets::list;

/// Lines above the first run: the title and the heads of the columns.
pub(super) const HEAD: u16 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunColumn {
    Run,
    Started,
    Trigger,
    Status,
    Series,
    New,
    Changed,
    Requests,
    Took,
}

use RunColumn::{Changed, New, Requests, Run, Series, Started, Status, Took, Trigger};

const COLUMNS: [RunColumn; 9] = [
    Run, Started, Trigger, Status, Series, New, Changed, Requests, Took,
];

/// Narrow screens drop columns, the least useful first.
const DROPPED: [RunColumn; 6] = [Changed, Requests, Took, New, Trigger, Started];

impl RunColumn {
    const fn head(self) -> &'static str {
        match self {
            Run => "RUN",
            Started => "STARTED",
            Trigger => "TRIGGER",
            Status => "STATUS",
            Series => "SERIES",
            New => "NEW",
            Changed => "CHANGED",
            Requests => "REQUESTS",
            Took => "TOOK",
        }
    }

    /// Cells it has at least: enough for what is usual, so that columns seldom move.
    const fn least(self) -> usize {
        match self {
            Run => 4,
            Started => 15,
            Status => 9,
            Trigger | Requests => 8,
            Series | New | Changed => 7,
            Took => 6,
        }
    }

    const fn is_number(self) -> bool {
        matches!(self, Series | New | Changed | Requests | Took)
    }

    fn aligned(self, text: &str, width: usize) -> String {
        if self.is_number() {
            right(text, width)
        } else {
            left(text, width)
        }
    }

    fn cell(self, run: &RunSummary, now: DateTime<Utc>, shared: &Shared) -> (String, Role) {
        let plain = |text: String| (text, Role::Text);
        let none = || (NONE.to_owned(), Role::Muted);
        match self {
            Run => plain(run.id.to_string()),
            Started => {
                let local = run.started_at.with_timezone(&shared.zone);
                plain(local.format("%a %m-%d %H:%M").to_string())
            }
            Trigger => plain(what(run).to_owned()),
            Status => (run.status.to_string(), status_role(run.status)),
            Series | New | Changed if run.is_about_symbols() => none(),
            Series => plain(format!(
                "{} of {}",
                thousands(run.succeeded),
                thousands(run.series)
            )),
            New => plain(thousands(run.inserted)),
            Changed => plain(thousands(run.changed)),
            Requests => plain(thousands(run.requests)),
            Took => match run.finished_at {
                Some(end) => plain(text::step(end - run.started_at)),
                None if run.status == RunStatus::Running => {
                    (text::step(now - run.started_at), Role::Accent)
                }
                None => none(),
            },
        }
    }
}

const fn status_role(status: RunStatus) -> Role {
    match status {
        RunStatus::Succeeded => Role::Ok,
        RunStatus::Running => Role::Accent,
        RunStatus::Partial | RunStatus::Cancelled | RunStatus::Interrupted => Role::Warn,
        RunStatus::Failed => Role::Err,
    }
}

/// The columns that fit whole, each as wide as its widest cell.
fn columns(
    runs: &[&RunSummary],
    width: u16,
    now: DateTime<Utc>,
    shared: &Shared,
) -> Vec<(RunColumn, usize)> {
    let widest = |column: RunColumn| {
        let cells = |run: &&RunSummary| column.cell(run, now, shared).0.width();
        // Times all have the same width, and writing them takes the longest.
        let widest = match column {
            Started => 0,
            _ => runs.iter().map(cells).max().unwrap_or(0),
        };
        (column, widest.max(column.least()))
    };
    let mut columns = COLUMNS.map(widest).to_vec();
    for dropped in DROPPED {
        let needed: usize = columns.iter().map(|(_, width)| width + 1).sum();
        if needed <= usize::from(width) {
            break;
        }
        columns.retain(|(column, _)| *column != dropped);
    }
    columns
}

/// Draws the list; returns how many runs fit.
pub(super) fn draw(
    view: &Runs,
    shared: &Shared,
    now: DateTime<Utc>,
    area: Rect,
    buf: &mut Buffer,
) -> usize {
    let theme = shared.theme;
    let (title, rest) = split_top(area, 1);
    let runs = shared
        .snapshot
        .as_ref()
        .map_or(&[][..], |snapshot| &snapshot.runs);
    put(
        buf,
        title,
        1,
        &headline(runs, now),
        theme.style(Role::Muted),
    );
    let (head, body) = split_top(rest, 1);
    let rows = view.rows(shared);
    let columns = columns(&rows, area.width, now, shared);
    let mut x = 1;
    for (column, width) in &columns {
        let name = column.aligned(column.head(), *width);
        x = put(buf, head, x, &name, theme.style(Role::Head)) + 1;
    }
    if rows.is_empty() {
        let text = if view.filter.is_empty() {
            "No runs yet: f or F in the overview starts one, and so does the schedule."
        } else {
            "No run matches the filter; Esc clears it."
        };
        put(buf, body, 1, text, theme.style(Role::Muted));
        return usize::from(body.height);
    }
    let look = (theme, true);
    list::draw(&rows, view.cursor, look, body, buf, |run, place, buf| {
        let mut x = 1;
        for (column, width) in &columns {
            let (text, role) = column.cell(run, now, shared);
            let text = column.aligned(&text, *width);
            x = put(buf, place, x, &text, theme.style(role)) + 1;
        }
    });
    usize::from(body.height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample;

    fn lines(runs: Vec<RunSummary>, width: u16) -> Vec<String> {
        let mut snapshot = sample::normal();
        snapshot.runs = runs.into();
        let shared = sample::shared(snapshot);
        let area = Rect::new(0, 0, width, 6);
        let mut buf = Buffer::empty(area);
        draw(&Runs::default(), &shared, sample::now(), area, &mut buf);
        let rows = buf.content.chunks(usize::from(width)).skip(1);
        rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect())
            .collect()
    }

    fn large() -> Vec<RunSummary> {
        let mut runs = sample::normal().runs.to_vec();
        runs[0].status = RunStatus::Interrupted;
        (runs[0].series, runs[0].succeeded) = (12_345, 12_300);
        (runs[0].inserted, runs[0].changed) = (1_234_567, 12_345);
        runs[0].finished_at = Some(runs[0].started_at + chrono::TimeDelta::minutes(62));
        runs[1].trigger = "listing".to_owned();
        (runs[1].series, runs[1].succeeded) = (0, 0);
        runs
    }

    #[test]
    fn no_cell_is_cut_at_any_width_and_a_column_goes_whole() {
        for width in 36..=200 {
            for line in lines(large(), width) {
                assert!(!line.contains('…'), "{width}: {line}");
            }
        }
    }

    #[test]
    fn all_columns_are_there_where_there_is_room_and_the_run_and_its_end_everywhere() {
        let heads = |width| lines(large(), width)[0].split_whitespace().count();
        assert_eq!(heads(120), COLUMNS.len());
        let narrow = &lines(large(), 36)[0];
        assert!(
            ["RUN", "STATUS", "SERIES"]
                .iter()
                .all(|head| narrow.contains(head)),
            "{narrow}"
        );
        let usual = |width| {
            let runs = sample::normal().runs.to_vec();
            lines(runs, width)[0].split_whitespace().count()
        };
        assert_eq!((usual(79), usual(80)), (COLUMNS.len() - 1, COLUMNS.len()));
    }

    #[test]
    fn a_question_about_symbols_reads_as_what_it_is() {
        let line = &lines(large(), 120)[2];
        assert!(
            line.contains("list of symbols") && !line.contains("0 of 0"),
            "{line}"
        );
    }
}
