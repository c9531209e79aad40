//! From a hole in the heat map to its bars, and until it is closed: on each database, at each size.

use chrono::{Datelike as _, Months, NaiveDate};
use chrono_tz::America::New_York;
use pipeline_tui::time::Clock;

use crate::support::program::Desk;
use crate::support::terminal::Terminal;
use crate::support::{leave, provider};

/// The first day of a month so many months ago, in New York.
fn month(ago: u32) -> NaiveDate {
    let now = Clock::system().now().with_timezone(&New_York);
    let today = now.date_naive().with_day(1).unwrap();
    today.checked_sub_months(Months::new(ago)).unwrap()
}

/// IBM 5min with the newest bars and a month of the past; nothing is fetched by itself.
fn prepare(desk: &Desk) {
    let past = month(3).format("%Y-%m").to_string();
    for how in [["--month", &past], ["--outputsize", "compact"]] {
        let done = desk.run(&[&["fetch"], &how[..]].concat());
        assert_eq!(done.code, 0, "{done:?}");
    }
    desk.sql("INSERT INTO settings (name, value) VALUES ('paused', 'true')");
}

#[test]
fn a_hole_is_seen_in_the_map_opened_in_its_bars_priced_and_closed() {
    for size in [(24, 80), (36, 120)] {
        for desk in Desk::on_each_database() {
            let server = provider(&[]);
            let desk = desk
                .asking(&server)
                .with("PIPELINE_SYMBOLS", "IBM")
                .with("PIPELINE_INTERVAL", "5min");
            prepare(&desk);
            assert_eq!(desk.run(&["gaps"]).code, 1);
            let terminal = Terminal::start(size, &desk.command(&[]));
            terminal.see("holes");
            terminal.until_it_reads_keys();
            close(&terminal);
            leave(&terminal);
            // Two months, and what there is of the current one before the newest bars.
            let sent = server.journal().len();
            assert!((4..=5).contains(&sent), "{sent}");
            let gaps = desk.run(&["gaps"]);
            assert_eq!(gaps.code, 0, "{gaps:?}");
        }
    }
}

/// What a person does about the hole.
fn close(terminal: &Terminal) {
    // The newest bars may reach into last month.
    let missing = month(2).format("%Y-%m");
    terminal.press("3");
    terminal.see("? never asked");
    terminal.press("left");
    terminal.press("left");
    terminal.see(&format!("IBM 5min {missing}: never asked for"));
    terminal.press("enter");
    terminal.see("STATE");
    terminal.see(&format!("─ IBM 5min {missing}"));
    terminal.press("enter");
    terminal.see("VOLUME");
    terminal.see(" · b fetches them");
    terminal.press("b");
    terminal.see("Fetch what is missing of IBM 5min?");
    terminal.see("the plan has no daily limit.");
    terminal.press("y");
    terminal.until(|screen| !screen.contents().contains("b fetches them"));
    terminal.press("3");
    terminal.see(&format!("IBM 5min {missing}: all asked for"));
    terminal.press("1");
    terminal.until(|screen| {
        let contents = screen.contents();
        contents.contains("Up to date: ") && !contents.contains("holes")
    });
}
