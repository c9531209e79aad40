//! What the view shows, selects and saves.

use std::sync::Arc;

use super::*;
use crate::pipeline::snapshot::WhyNot;
use crate::ui::sample;

fn lines(view: &PlanView, shared: &Shared, (width, height): (u16, u16)) -> Vec<String> {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let mut regions = Regions::default();
    let now = sample::now();
    view.draw(shared, now, buffer.area, &mut buffer, &mut regions);
    let rows = buffer.content.chunks(usize::from(width));
    let text = |row: &[ratatui::buffer::Cell]| -> String {
        row.iter().map(ratatui::buffer::Cell::symbol).collect()
    };
    rows.map(|row| text(row).trim_end().to_owned()).collect()
}

/// The sample, in which the last planned series would come too late.
fn late() -> Shared {
    let mut snapshot = sample::normal();
    let plan = Arc::make_mut(&mut snapshot.plan);
    let planned = plan.lines.iter_mut().rfind(|line| line.at.is_some());
    let line = planned.unwrap();
    line.safe_until = line.at.map(|at| at - chrono::TimeDelta::days(1));
    line.why_not_now = Some(WhyNot::Quota { before: 40 });
    plan.lanes[0].loses = 1;
    sample::shared(snapshot)
}

fn selected(view: &PlanView) -> String {
    view.selected.as_ref().unwrap().to_string()
}

#[test]
fn the_order_is_that_of_the_plan_and_the_reason_is_the_one_of_the_command() {
    let shared = sample::shared(sample::normal());
    let view = PlanView::default();
    let screen = lines(&view, &shared, (120, 20));
    let plan = plan(&shared).unwrap();
    let head = screen.iter().position(|line| line.contains("SAFE UNTIL"));
    let body = &screen[head.unwrap() + 1..];
    for (line, shown) in plan.lines.iter().zip(body) {
        assert!(shown.contains(&line.series.to_string()), "{shown}");
        let words = why(line, &shared, sample::now());
        let begin: String = words.chars().take(40).collect();
        assert!(shown.contains(&begin), "{shown}");
    }
    assert!(screen[0].contains("21 of 25 left today, 1 kept for you"));
}

#[test]
fn what_will_lose_bars_says_so_and_what_would_help_and_can_be_shown_alone() {
    let shared = late();
    let mut view = PlanView::default();
    let screen = lines(&view, &shared, (80, 20)).join("\n");
    let said = "1 series will lose bars; fewer series, a longer interval";
    let joined = screen.replace("\n ", " ");
    assert!(joined.contains(said), "{screen}");
    view.update(Action::Attention, &shared, sample::now());
    let [line] = view.shown(&shared)[..] else {
        panic!("one line");
    };
    assert!(line.loses());
    assert!(why(line, &shared, sample::now()).ends_with("bars will be lost"));
    view.update(Action::Attention, &shared, sample::now());
    assert_eq!(view.shown(&shared).len(), 4);
}

#[test]
fn the_selection_follows_its_series_and_a_click_selects() {
    let shared = sample::shared(sample::normal());
    let mut view = PlanView {
        page: 10,
        ..PlanView::default()
    };
    view.select(2, &shared);
    let before = selected(&view);
    let mut other = sample::normal();
    Arc::make_mut(&mut other.plan).lines.reverse();
    let other = sample::shared(other);
    view.observe(&other, Sight::Open);
    assert_eq!((selected(&view), view.cursor.at), (before.clone(), 1));
    let bars = view.update(Action::Open, &other, sample::now());
    let [Reply::Bars(series)] = bars.as_slice() else {
        panic!("{bars:?}");
    };
    assert_eq!(series.to_string(), before);
}

#[test]
fn a_filter_hides_lines_and_the_file_has_what_is_shown() {
    let shared = sample::shared(sample::normal());
    let mut view = PlanView::default();
    view.set_filter("interval:daily !symbol:ibm");
    let saved = view.update(Action::Save, &shared, sample::now());
    let [Reply::Do(Effect::Save { text, .. })] = saved.as_slice() else {
        panic!("{saved:?}");
    };
    let mut rows = text.lines();
    assert_eq!(
        rows.next(),
        Some("when,series,requests,safe_until,why"),
        "{text}"
    );
    let rows: Vec<&str> = rows.collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(rows[0].starts_with("2026-11-20T21:20:00+00:00,"), "{text}");
    let screen = lines(&view, &shared, (80, 20)).join("\n");
    assert!(screen.contains("2 hidden, Esc clears"), "{screen}");
}

#[test]
fn the_key_says_what_a_fetch_costs_that_is_not_planned() {
    let shared = sample::shared(sample::normal());
    let mut view = PlanView::default();
    let all = plan(&shared).unwrap();
    let refused = all.lines.iter().position(PlannedFetch::is_refused).unwrap();
    assert_eq!(all.lines[refused].price, 0);
    view.select_line(refused, &shared);
    let hint = view.hint(Action::Fetch, &shared, &Regions::default());
    assert_eq!(hint, " (1)");
}
