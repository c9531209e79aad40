//! A panel that only reads says in red that no engine works, as soon as the only one is killed.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::cluster::notice;
use crate::support::program::{Desk, signal};
use crate::support::terminal::Terminal;
use crate::support::{SIZE, desk, leave, provider, until_drawn};

/// How soon the header turns red.
const SOON: Duration = Duration::from_secs(5);
const WORD: &str = "NO ENGINE";

/// An engine without a screen.
struct Headless(Child);

impl Headless {
    fn start(desk: &Desk) -> Self {
        let mut command = desk.command(&["run"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Headless {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the header says so, in red.
fn is_red(screen: &vt100::Screen) -> bool {
    let (_, columns) = screen.size();
    let head = screen.contents_between(0, 0, 0, columns.into());
    let Some(column) = head.find(WORD) else {
        return false;
    };
    let cell = screen.cell(0, u16::try_from(column).unwrap()).unwrap();
    [cell.fgcolor(), cell.bgcolor()].contains(&vt100::Color::Idx(1))
}

#[test]
fn the_header_turns_red_within_five_seconds_of_the_engines_death() {
    let server = provider(&[]);
    let file = desk(&server);
    let place = crate::support::cluster::new_database();
    let desks = place.map(|url| desk(&server).with("DATABASE_URL", &url));
    for desk in [Some(file), desks].into_iter().flatten() {
        // The store is made before somebody only reads it.
        assert_eq!(desk.run(&["watch", "list"]).code, 0);
        let engine = Headless::start(&desk);
        let terminal = Terminal::start(SIZE, &desk.command(&["--read-only"]));
        until_drawn(&terminal);
        terminal.press(":");
        terminal.type_text("system: engines");
        terminal.see("System: engines");
        terminal.press("enter");
        terminal.until(|screen| {
            screen.contents().contains("1 engine") && !screen.contents().contains(WORD)
        });
        let killed = Instant::now();
        signal("KILL", &engine.0);
        terminal.until_within(SOON, is_red);
        let kind = desk.postgres().map_or("SQLite", |_| "PostgreSQL");
        let after = killed.elapsed().as_secs_f64();
        notice(&format!("{kind}: {WORD} {after:.1} s after the kill"));

        // Somebody works again: the word goes.
        let _next = Headless::start(&desk);
        terminal.until(|screen| !screen.contents().contains(WORD));
        leave(&terminal);
    }
}
