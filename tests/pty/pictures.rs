//! The pictures of the README, made by the real program: `PICTURES=docs/pictures` says where they go.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::program::Desk;
use crate::support::terminal::Terminal;

/// Rows and columns.
const SIZE: (u16, u16) = (36, 120);
/// The size of a cell in a picture.
const CELL: (f32, f32) = (8.4, 17.0);
const BACKGROUND: &str = "#16191f";
const FOREGROUND: &str = "#d8dee9";
/// The sixteen colours of a terminal.
const COLOURS: [&str; 16] = [
    "#3b4252", "#f2777a", "#8fd19e", "#f0c674", "#81a2be", "#c397d8", "#7fc8f8", "#d8dee9",
    "#5c667a", "#ff8f92", "#a9e5b5", "#ffd98f", "#9bbbd8", "#d9b3ea", "#9fdcff", "#ffffff",
];

#[test]
fn the_demo_shows_every_view_at_its_best() {
    let desk = Desk::new();
    // Slow enough that nothing changes between waiting for a screen and capturing it.
    let mut command = desk.command(&["demo", "--speed", "2"]);
    command.env("LANG", "C.UTF-8");
    let terminal = Terminal::start(SIZE, &command);
    terminal.until(|screen| screen.contents().matches("fresh").count() == 8);
    terminal.see("succeeded: 8 of 8 series");
    let overview = picture(&terminal);
    terminal.press("enter");
    terminal.until(|screen| {
        let contents = screen.contents();
        contents.contains("IBM 5min raw") && contents.contains('┃')
    });
    let bars = picture(&terminal);
    terminal.press("5");
    terminal.see("TRIGGER");
    terminal.press("enter");
    terminal.see("Events of ");
    let runs = picture(&terminal);
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
    let folder = std::env::var_os("PICTURES").map(PathBuf::from);
    for (name, svg) in [("overview", overview), ("bars", bars), ("runs", runs)] {
        assert!(svg.contains("DEMO") && svg.contains("IBM"), "{name}");
        if let Some(folder) = &folder {
            std::fs::write(folder.join(format!("{name}.svg")), svg).unwrap();
        }
    }
}

/// The screen as a picture.
fn picture(terminal: &Terminal) -> String {
    // A frame may be half read when its first words are seen.
    terminal.idle(Duration::from_millis(100));
    let cells = std::cell::RefCell::new(String::new());
    terminal.until(|screen| {
        *cells.borrow_mut() = svg(screen);
        true
    });
    cells.into_inner()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a screen has a few thousand cells"
)]
fn svg(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let (width, height) = (
        f32::from(columns) * CELL.0 + 16.0,
        f32::from(rows) * CELL.1 + 16.0,
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for row in 0..rows {
        let y = f32::from(row) * CELL.1 + 8.0;
        for run in runs(screen, row) {
            let x = f32::from(run.from) * CELL.0 + 8.0;
            let length = run.cells as f32 * CELL.0;
            if let Some(back) = run.look.back {
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{length}\" height=\"{}\" fill=\"{back}\"/>",
                    CELL.1
                );
            }
            if run.text.trim().is_empty() {
                continue;
            }
            let weight = if run.look.bold {
                " font-weight=\"bold\""
            } else {
                ""
            };
            let opacity = if run.look.dim { " opacity=\"0.6\"" } else { "" };
            let line = if run.look.underlined {
                " text-decoration=\"underline\""
            } else {
                ""
            };
            let _ = writeln!(
                svg,
                "<text x=\"{x}\" y=\"{}\" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\" \
                 xml:space=\"preserve\" fill=\"{}\"{weight}{opacity}{line}>{}</text>",
                y + 13.0,
                run.look.front,
                escaped(&run.text)
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    front: &'static str,
    back: Option<&'static str>,
    bold: bool,
    dim: bool,
    underlined: bool,
}

/// Neighbours that look alike.
struct Run {
    from: u16,
    cells: usize,
    look: Look,
    text: String,
}

fn runs(screen: &vt100::Screen, row: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = vec![];
    for column in 0..screen.size().1.get() {
        let Some(cell) = screen.cell(row, column) else {
            continue;
        };
        let look = look(cell);
        let text = if cell.has_contents() {
            cell.contents()
        } else {
            " "
        };
        match runs.last_mut() {
            Some(run) if run.look == look => {
                run.text.push_str(text);
                run.cells += 1;
            }
            _ => runs.push(Run {
                from: column,
                cells: 1,
                look,
                text: text.to_owned(),
            }),
        }
    }
    runs
}

fn look(cell: &vt100::Cell) -> Look {
    let (front, back) = (colour(cell.fgcolor()), colour(cell.bgcolor()));
    let (front, back) = if cell.inverse() {
        (
            back.unwrap_or(BACKGROUND),
            Some(front.unwrap_or(FOREGROUND)),
        )
    } else {
        (front.unwrap_or(FOREGROUND), back)
    };
    Look {
        front,
        back,
        bold: cell.bold(),
        dim: cell.dim(),
        underlined: cell.underline(),
    }
}

fn colour(colour: vt100::Color) -> Option<&'static str> {
    match colour {
        vt100::Color::Idx(number) => COLOURS.get(usize::from(number)).copied(),
        _ => None,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
