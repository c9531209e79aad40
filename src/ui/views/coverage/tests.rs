//! What the view shows, selects and asks for.

use std::sync::Arc;

use super::*;
use crate::model::Interval;
use crate::pipeline::command::Priced;
use crate::pipeline::snapshot::Snapshot;
use crate::ui::sample;

/// The screen as lines, after the panel has taken in where things are.
fn screen(view: &mut HeatMap, shared: &Shared, (width, height): (u16, u16)) -> Vec<String> {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let mut regions = Regions::default();
    view.draw(
        shared,
        sample::now(),
        buffer.area,
        &mut buffer,
        &mut regions,
    );
    view.laid_out(&regions, shared);
    let rows = buffer.content.chunks(usize::from(width));
    let text = |row: &[ratatui::buffer::Cell]| -> String {
        row.iter().map(ratatui::buffer::Cell::symbol).collect()
    };
    rows.map(|row| text(row).trim_end().to_owned()).collect()
}

fn act(view: &mut HeatMap, actions: &[Action], shared: &Shared) -> Vec<Reply> {
    let each = actions.iter();
    each.flat_map(|action| view.update(*action, shared, sample::now()))
        .collect()
}

fn with_ranges() -> Shared {
    sample::shared(Snapshot {
        ranges: Some(Arc::new(sample::ranges())),
        ..sample::normal()
    })
}

#[test]
fn months_are_letters_with_the_newest_on_the_right_under_their_years() {
    let shared = sample::shared(sample::normal());
    let mut view = HeatMap::default();
    for size in [(80, 22), (120, 34)] {
        let lines = screen(&mut view, &shared, size);
        let width = usize::from(size.0) - 1;
        let line = |name: &str| lines.iter().find(|line| line.contains(name)).unwrap();
        let column = |line: &str, back: usize| line.chars().nth(width - 1 - back);
        assert_eq!(column(line("AAPL daily"), 0), Some('#'));
        // March 2025 was asked for in part, the five months before it never.
        assert_eq!(column(line("AAPL daily"), 20), Some('+'));
        assert_eq!(column(line("AAPL daily"), 21), Some('?'));
        assert_eq!(column(line("MSFT 5min"), 0), Some('-'));
        assert_eq!(column(line("MSFT 5min"), 4), Some(' '));
        let years = &lines[0];
        let january: String = years.chars().skip(width - 1 - 10).take(4).collect();
        assert_eq!(january, "2026", "{years}");
        let legend = lines
            .iter()
            .find(|line| line.contains("never asked"))
            .unwrap();
        assert!(
            ["#", "+", ".", "?", "-"]
                .iter()
                .all(|letter| legend.contains(letter))
        );
        assert!(
            lines
                .iter()
                .any(|line| line.contains("IBM daily 2026-11: all asked for"))
        );
    }
}

#[test]
fn a_cell_lists_its_ranges_and_a_range_leads_to_its_bars() {
    let shared = with_ranges();
    let mut view = HeatMap::default();
    screen(&mut view, &shared, (80, 22));
    let back = vec![Action::Left; 20];
    act(&mut view, &[Action::Down], &shared);
    act(&mut view, &back, &shared);
    let ranges = sample::ranges();
    let asked = act(&mut view, &[Action::Open], &shared);
    let wanted = Command::ShowRanges(ranges.series.clone(), ranges.within);
    assert!(
        matches!(asked.as_slice(), [Reply::Do(Effect::Send(sent))] if *sent == wanted),
        "{asked:?}"
    );
    let lines = screen(&mut view, &shared, (80, 22));
    assert!(lines[0].contains("AAPL daily 2025-03"), "{lines:?}");
    assert!(
        lines[2].contains("2025-03-03        2025-03-14               10  never asked"),
        "{lines:?}"
    );
    let opened = act(&mut view, &[Action::Down, Action::Open], &shared);
    assert!(
        matches!(opened.as_slice(), [Reply::Bars(series), Reply::GoTo(at)]
            if *series == ranges.series && *at == ranges.ranges[1].span.from),
        "{opened:?}"
    );
    assert!(act(&mut view, &[Action::Back], &shared).is_empty());
    let left = act(&mut view, &[Action::Back], &shared);
    assert!(matches!(left.as_slice(), [Reply::Go(ViewId::Overview)]));
}

#[test]
fn the_months_hole_is_priced_and_a_whole_month_has_none() {
    let shared = sample::shared(sample::normal());
    let mut view = HeatMap::default();
    screen(&mut view, &shared, (80, 22));
    assert!(!view.has(Thing::Hole, &shared) && view.has(Thing::Selection, &shared));
    act(&mut view, &[Action::Down], &shared);
    act(&mut view, &[Action::Left; 20], &shared);
    assert!(view.has(Thing::Hole, &shared));
    let asked = act(&mut view, &[Action::Backfill], &shared);
    let month = sample::ranges();
    assert!(
        matches!(asked.as_slice(), [Reply::Price(question)]
            if question.what == Priced::Missing(month.series.clone(), month.within)),
        "{asked:?}"
    );
    // GOOGL has no month that is wanted.
    act(&mut view, &[Action::Last], &shared);
    assert!(!view.has(Thing::Selection, &shared));
}

#[test]
fn it_is_read_when_it_is_entered_and_once_after_each_run() {
    let shared = sample::shared(sample::normal());
    let mut view = HeatMap::default();
    let googl = sample::series("GOOGL", Interval::Daily);
    assert_eq!(
        view.enter(Some(googl.clone()), &shared),
        Some(Command::ShowCoverage)
    );
    assert_eq!(view.leave(&shared), Some(googl));
    assert!(view.observe(&shared, Sight::Open).is_empty());
    let mut later = sample::normal();
    let mut runs = later.runs.to_vec();
    runs[0].id = RunId(1043);
    later.runs = runs.into();
    let later = sample::shared(later);
    assert!(view.observe(&later, Sight::Hidden).is_empty());
    let asked = view.observe(&later, Sight::Open);
    assert!(
        matches!(
            asked.as_slice(),
            [Reply::Do(Effect::Send(Command::ShowCoverage))]
        ),
        "{asked:?}"
    );
    assert!(view.observe(&later, Sight::Open).is_empty());
    assert_eq!(view.enter(None, &sample::blank()), None);
}

#[test]
fn series_are_filtered_by_name_and_by_state_and_saved() {
    let shared = sample::shared(sample::normal());
    let mut view = HeatMap::default();
    view.set_filter("state:never");
    let lines = screen(&mut view, &shared, (80, 22)).join("\n");
    assert!(lines.contains("AAPL") && lines.contains("MSFT") && !lines.contains("IBM daily"));
    assert!(lines.contains("2 hidden"));
    view.set_filter("msft");
    let saved = act(&mut view, &[Action::Save], &shared);
    let [Reply::Do(Effect::Save { text, .. })] = saved.as_slice() else {
        panic!("{saved:?}");
    };
    assert_eq!(
        text,
        "series,month,state\nMSFT 5min,2026-11,closed or not due\nMSFT 5min,2026-10,never asked for\n\
         MSFT 5min,2026-09,never asked for\nMSFT 5min,2026-08,never asked for\n"
    );
}
