//! What the view says, moves to, copies and reads again.

use std::sync::Arc;

use super::*;
use crate::pipeline::snapshot::{KeyUse, Snapshot};
use crate::ui::about::AboutSource;
use crate::ui::sample::{self, sources::KEYLESS};

fn line(shared: &Shared, section: Section, label: &str) -> SystemLine {
    lines(shared, sample::now())
        .into_iter()
        .find(|line| line.section == section && line.label == label)
        .unwrap()
}

fn told(shared: &Shared, section: Section, label: &str) -> (String, String) {
    let line = line(shared, section, label);
    (line.value, line.note)
}

fn with(change: impl FnOnce(&mut Snapshot)) -> Shared {
    let mut snapshot = sample::normal();
    change(&mut snapshot);
    sample::shared(snapshot)
}

/// The screen as text after the panel has taken in where things are.
fn screen(view: &mut System, shared: &Shared, width: u16, height: u16) -> String {
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
    let text =
        |row: &[ratatui::buffer::Cell]| row.iter().map(ratatui::buffer::Cell::symbol).collect();
    let rows: Vec<String> = rows.map(text).collect();
    rows.join("\n")
}

#[test]
fn each_section_begins_at_its_first_line_whatever_is_known() {
    for shared in [sample::shared(sample::normal()), sample::blank()] {
        let all = lines(&shared, sample::now());
        for section in [
            Section::Source("Alpha Vantage"),
            Section::Engine,
            Section::Engines,
            Section::Store,
            Section::Tables,
            Section::Settings,
        ] {
            let first = lines::first(section, shared.about.sources.len());
            assert_eq!(all[first].section, section);
            assert!(first == 0 || all[first - 1].section != section);
        }
    }
}

#[test]
fn the_source_tells_quota_renewal_and_rights_and_never_the_key() {
    let shared = sample::shared(sample::normal());
    let source = |label| told(&shared, Section::Source("Alpha Vantage"), label);
    assert_eq!(
        source("key"),
        ("fingerprint 3f2a9c01d4e57b68".into(), ".env line 3".into())
    );
    assert_eq!(
        source("plan"),
        ("free key".into(), "25 requests a day".into())
    );
    assert_eq!(source("pace").0, "one request every 1.2 s");
    assert_eq!(source("today").0, "4 requests sent, 21 of 25 left");
    assert_eq!(source("renews").0, "00:00 ET, 06:00 your time (CET)");
    assert_eq!(source("allowed").0, "TIME_SERIES_DAILY");
    assert_eq!(
        source("refused").0,
        "TIME_SERIES_DAILY with outputsize=full, TIME_SERIES_INTRADAY"
    );
    let spent = with(|snapshot| {
        snapshot.sources[0].quota.used = 25;
        snapshot.sources[0].quota.spent_until = Some("2026-11-21T05:00:00Z".parse().unwrap());
    });
    assert_eq!(
        told(&spent, Section::Source("Alpha Vantage"), "today"),
        (
            "25 requests sent, 0 of 25 left".into(),
            "nothing more until Sat 00:00 ET".into()
        )
    );
    let refused = with(|snapshot| {
        snapshot.sources[0].quota.spent_until = snapshot.sources[0].quota.renews_at;
    });
    assert_eq!(
        told(&refused, Section::Source("Alpha Vantage"), "today").0,
        "4 requests sent, 0 of 25 left"
    );
    assert_eq!(
        told(&refused, Section::Source("Alpha Vantage"), "events"),
        (
            "of 3 symbols, last 2026-11-18".into(),
            "splits, dividends; the palette (:) fetches them".into()
        )
    );
    let without = with(|snapshot| {
        let mut read = snapshot.system.as_deref().unwrap().clone();
        read.sources[0].events = None;
        snapshot.system = Some(Arc::new(read));
    });
    assert_eq!(
        told(&without, Section::Source("Alpha Vantage"), "events"),
        ("none".into(), "it has no splits and dividends".into())
    );
    let unlimited = with(|snapshot| {
        (
            snapshot.sources[0].quota.limit,
            snapshot.sources[0].quota.renews_at,
        ) = (None, None);
    });
    assert_eq!(
        told(&unlimited, Section::Source("Alpha Vantage"), "renews").0,
        ""
    );
    assert_eq!(
        told(&unlimited, Section::Source("Alpha Vantage"), "today").0,
        "4 requests sent"
    );
    let mut entered = sample::shared(sample::normal());
    entered.entered = vec![crate::config::EnteredKey {
        source: crate::model::SourceId::DEFAULT,
        values: vec![crate::config::Secret::new("not-to-be-seen-77")],
    }];
    assert_eq!(
        told(&entered, Section::Source("Alpha Vantage"), "key").1,
        "entered in this session, not saved"
    );
    let all = format!("{:?}", lines(&entered, sample::now()));
    assert!(!all.contains("not-to-be-seen"), "{all}");
}

#[test]
fn the_engine_tells_who_fetches_and_when() {
    let engine = |shared: &Shared, label| told(shared, Section::Engine, label);
    let shared = sample::shared(sample::normal());
    assert_eq!(
        engine(&shared, "process"),
        ("4711".into(), "since 13:26 ET, 12 min ago".into())
    );
    assert_eq!(engine(&shared, "schedule").0, "20 min after close");
    assert_eq!(engine(&shared, "owner").0, "this process");
    assert_eq!(
        engine(&shared, "next"),
        ("16:20 ET".into(), "3 requests".into())
    );
    assert_eq!(
        engine(&shared, "run"),
        ("none".into(), "last: 1042 partial".into())
    );
    assert_eq!(engine(&shared, "market").0, "NYSE open, closes 16:00 ET");
    let other = with(|snapshot| snapshot.schedule.is_owner = false);
    assert_eq!(engine(&other, "owner").0, "another process");
    let nobody = with(|snapshot| {
        (snapshot.schedule.is_owner, snapshot.schedule.no_engine) = (false, true);
    });
    assert_eq!(engine(&nobody, "owner").0, "nobody");
    let reader = with(|snapshot| snapshot.read_only = true);
    assert_eq!(engine(&reader, "owner").0, "none: read-only");
    let paused = with(|snapshot| snapshot.schedule.paused = true);
    assert_eq!(engine(&paused, "next").0, "paused");
    assert_eq!(engine(&sample::blank(), "owner").0, "starting");
    let mut stopped = sample::shared(sample::normal());
    stopped.stopped = Some("it ended unexpectedly".to_owned());
    assert_eq!(
        engine(&stopped, "owner").0,
        "the engine stopped: it ended unexpectedly"
    );
}

#[test]
fn the_engines_tell_where_they_are_and_what_each_does() {
    let shared = sample::shared(sample::normal());
    let engine = |label| told(&shared, Section::Engines, label);
    assert_eq!(
        engine("at work"),
        ("1 engine, 1 waits".into(), String::new())
    );
    assert_eq!(
        engine("1"),
        (
            "ada pid 4711, version 0.1.0".into(),
            "beat now; upkeep, alpha_vantage; 1 request in an hour".into()
        )
    );
    assert_eq!(engine("2").1, "beat 2 s ago; waits; 2 requests in an hour");
    assert_eq!(engine("3").1, "beat 47 s ago; waits; 7 requests in an hour");
    assert_eq!(engine("4"), (String::new(), String::new()));
    let gone = with(|snapshot| {
        let engines = Arc::make_mut(snapshot.engines.as_mut().unwrap());
        for engine in &mut engines.all {
            engine.lives = false;
        }
        engines.all[1].ended_at = Some(sample::now() - TimeDelta::seconds(30));
    });
    let engine = |label| told(&gone, Section::Engines, label);
    assert_eq!(
        engine("at work"),
        ("0 engines".into(), "none has worked since 13:38 ET".into())
    );
    assert!(engine("1").1.starts_with("died, beat now; "));
    assert_eq!(engine("2").1, "ended 30 s ago");
    assert_eq!(told(&sample::blank(), Section::Engines, "at work").0, "");
}

#[test]
fn the_store_tells_its_place_and_what_it_takes() {
    let shared = sample::shared(sample::normal());
    let store = |label| told(&shared, Section::Store, label);
    assert_eq!(
        store("server").0,
        "postgres://stock@localhost:5432/stock_data"
    );
    assert_eq!(store("bars"), ("412,880".into(), "4 series watched".into()));
    assert_eq!(store("size"), ("98.3 MB".into(), "schema 4".into()));
    assert_eq!(
        store("answers"),
        ("212 answers kept".into(), "4.2 MB".into())
    );
    assert_eq!(store("spool").0, "0 answers");
    assert_eq!(store("log file").0, shared.about.log_file);
    assert_eq!(
        store("config file").1,
        "not found: environment and defaults apply"
    );
    let mut file = sample::shared(sample::normal());
    file.about.store = "/home/ada/bars.db".to_owned();
    file.about.store_is_server = false;
    file.about.has_config_file = true;
    assert_eq!(told(&file, Section::Store, "path").0, "/home/ada/bars.db");
    assert_eq!(told(&file, Section::Store, "config file").1, "");
}

#[test]
fn the_largest_tables_tell_their_size_and_what_bounds_them() {
    let shared = sample::shared(sample::normal());
    let table = |label| told(&shared, Section::Tables, label);
    assert_eq!(
        table("bars"),
        ("61.2 MB, 412,880 rows".into(), "kept for ever".into())
    );
    assert_eq!(
        table("requests"),
        (
            "8.9 MB, 20,311 rows".into(),
            "kept 400 days, at most 1,000,000 rows".into()
        )
    );
    assert_eq!(table("listings").1, "a row for each symbol of a source");
    assert_eq!(
        table("others"),
        ("188.4 kB, 814 rows".into(), "coverage".into()),
        "those that grow are named"
    );
    let short = with(|snapshot| {
        let system = Arc::make_mut(snapshot.system.as_mut().unwrap());
        system.tables.truncate(1);
    });
    let all = lines(&short, sample::now());
    let of_it = all.iter().filter(|line| line.section == Section::Tables);
    let labels: Vec<&str> = of_it.map(|line| line.label.as_str()).collect();
    assert_eq!(labels, ["bars", "", "", "", "", "", "", "", ""]);
    let mut view = System::default();
    view.go(Section::Store, &shared);
    let screen = screen(&mut view, &shared, 80, 21);
    assert!(
        screen.contains("─ Tables ─")
            && screen.contains(" bars            61.2 MB, 412,880 rows  kept for ever"),
        "{screen}"
    );
}

#[test]
fn a_long_path_is_broken_and_not_cut() {
    let shared = sample::shared(sample::normal());
    let mut view = System::default();
    view.go(Section::Store, &shared);
    let screen = screen(&mut view, &shared, 40, 24);
    let path = &shared.about.exports;
    let without_breaks: String = screen
        .lines()
        .skip_while(|line| !line.contains(" exports"))
        .take_while(|line| !line.contains("log file"))
        .flat_map(|line| line.chars().skip(14))
        .filter(|c| *c != ' ')
        .collect();
    assert_eq!(without_breaks, *path, "{screen}");
}

#[test]
fn a_section_is_shown_from_its_head_and_moving_keeps_the_line_in_sight() {
    let shared = sample::shared(sample::normal());
    let mut view = System::default();
    view.go(Section::Store, &shared);
    let first = screen(&mut view, &shared, 80, 8);
    assert!(first.starts_with("─ Store ─"), "{first}");
    assert!(first.contains("▌database"), "{first}");
    view.update(Action::Up, &shared, sample::now());
    let up = screen(&mut view, &shared, 80, 8);
    assert!(up.contains("▌4") && up.contains("─ Store ─"), "{up}");
    view.update(Action::Last, &shared, sample::now());
    let last = screen(&mut view, &shared, 80, 8);
    assert!(last.contains("▌ui.theme"), "{last}");
    view.update(Action::First, &shared, sample::now());
    let first = screen(&mut view, &shared, 80, 8);
    assert!(first.starts_with("─ Alpha Vantage ─"), "{first}");
}

#[test]
fn what_is_selected_is_copied_as_it_is() {
    let shared = sample::shared(sample::normal());
    let mut view = System {
        filter: "section:store exports".to_owned(),
        ..System::default()
    };
    let replies = view.update(Action::Copy, &shared, sample::now());
    let [Reply::Do(Effect::Copy { text, what })] = replies.as_slice() else {
        panic!("{replies:?}");
    };
    assert_eq!((text, what.as_str()), (&shared.about.exports, "exports"));
    view.filter = "nothing like this".to_owned();
    let replies = view.update(Action::Copy, &shared, sample::now());
    assert!(matches!(replies.as_slice(), [Reply::Say(_)]));
}

#[test]
fn a_filter_finds_settings_by_their_origin() {
    let shared = sample::shared(sample::normal());
    let mut view = System::default();
    let found = |view: &System| {
        let (shown, hidden) = view.shown(&shared, sample::now());
        let labels: Vec<String> = shown.into_iter().map(|line| line.label).collect();
        (labels.join(" "), hidden)
    };
    view.filter = "from:.env".to_owned();
    assert_eq!(found(&view), ("ALPHA_VANTAGE_API_KEY".to_owned(), 49));
    view.filter = "section:settings !from:default".to_owned();
    assert_eq!(found(&view).0, "ALPHA_VANTAGE_API_KEY");
    view.update(Action::Back, &shared, sample::now());
    assert_eq!(found(&view).1, 0);
    let replies = view.update(Action::Back, &shared, sample::now());
    assert!(matches!(replies.as_slice(), [Reply::Go(ViewId::Overview)]));
}

#[test]
fn the_table_is_saved_with_its_sections() {
    let shared = sample::shared(sample::normal());
    let replies = System::default().update(Action::Save, &shared, sample::now());
    let [Reply::Do(Effect::Save { name, text })] = replies.as_slice() else {
        panic!("{replies:?}");
    };
    assert_eq!(name, "system-20261120-183853.csv");
    assert!(
        text.contains("\nSettings,ALPHA_VANTAGE_API_KEY,***,.env line 3\n"),
        "{text}"
    );
}

#[test]
fn the_engine_is_asked_when_the_view_opens_and_each_minute_after() {
    let mut shared = sample::blank();
    let mut view = System::default();
    let now = sample::now();
    assert!(!view.is_old(&shared, now), "there is nobody to ask yet");
    shared.snapshot = Some(Arc::new(sample::normal()));
    assert!(view.is_old(&shared, now) && !view.is_old(&shared, now));
    assert!(!view.is_old(&shared, now + TimeDelta::seconds(59)));
    assert!(view.is_old(&shared, now + TimeDelta::seconds(60)));
    view.forget();
    assert!(view.is_old(&shared, now));
    // The clock of the demo runs faster than real time.
    shared.speed = 60;
    assert!(!view.is_old(&shared, now + TimeDelta::seconds(3_599)));
    assert!(view.is_old(&shared, now + TimeDelta::seconds(3_600)));
}

#[test]
fn a_source_that_nobody_chose_comes_after_the_others() {
    let heads = |shared: &Shared| {
        let mut heads: Vec<Section> = vec![];
        let all = lines(shared, sample::now()).into_iter();
        heads.extend(all.map(|line| line.section));
        heads.dedup();
        heads.truncate(2);
        heads
    };
    let (usual, keyless) = (Section::Source("Alpha Vantage"), Section::Source("Keyless"));
    let mut shared = sample::shared(sample::normal());
    shared.about.sources.push(AboutSource {
        settings: &KEYLESS,
        addresses: vec![],
        key_origin: String::new(),
        key_is_set: false,
    });
    assert_eq!(heads(&shared), [usual, keyless]);
    let mut snapshot = sample::normal();
    snapshot.sources[0].key = KeyUse::Public;
    for status in Arc::make_mut(&mut snapshot.series) {
        status.key.source = KEYLESS.id.clone();
    }
    shared.snapshot = Some(Arc::new(snapshot));
    assert_eq!(heads(&shared), [keyless, usual]);
    assert_eq!(shared.chosen_sources(), [&KEYLESS.id]);
}
