//! A series of a run as a bar over time: waiting, request, reading, storing. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use crate::pipeline::snapshot::RequestRow;
use crate::ui::theme::Role;

/// A piece of the bar: its glyph, its length in cells, and its style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// What is drawn in each cell.
    pub glyph: &'static str,
    /// How many cells.
    pub cells: usize,
    /// Its style.
    pub role: Role,
}

/// What a moment of a series was spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    Waiting,
    Request,
    Reading,
    Storing,
    Refused,
    After,
}

impl Phase {
    const fn look(self, ascii: bool) -> (&'static str, Role) {
        match (self, ascii) {
            (Self::Before | Self::After, _) => (" ", Role::Text),
            (Self::Waiting, false) => ("·", Role::Muted),
            (Self::Waiting, true) => (".", Role::Muted),
            (Self::Request, false) => ("█", Role::Accent),
            (Self::Request, true) => ("=", Role::Accent),
            (Self::Reading, false) => ("▓", Role::Ok),
            (Self::Reading, true) => ("r", Role::Ok),
            (Self::Storing, false) => ("▒", Role::Ok),
            (Self::Storing, true) => ("s", Role::Ok),
            (Self::Refused, _) => ("x", Role::Err),
        }
    }
}

/// What each glyph of a bar stands for, with its style.
#[must_use]
pub fn legend(ascii: bool) -> [(&'static str, &'static str, Role); 5] {
    [
        (Phase::Waiting, "waiting"),
        (Phase::Request, "request"),
        (Phase::Reading, "reading"),
        (Phase::Storing, "storing"),
        (Phase::Refused, "refused"),
    ]
    .map(|(phase, word)| {
        let (glyph, role) = phase.look(ascii);
        (glyph, word, role)
    })
}

/// The bar of a series that sent these requests, in a run from `start` to `end`.
#[must_use]
pub fn bar<'a>(
    requests: impl Iterator<Item = &'a RequestRow>,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    width: usize,
    ascii: bool,
) -> Vec<Piece> {
    let whole = (end - start).num_milliseconds().max(1);
    let cell = |at: DateTime<Utc>| {
        let ms = (at - start).num_milliseconds().clamp(0, whole);
        let cells = i64::try_from(width).unwrap_or(0);
        usize::try_from(ms * cells / whole).unwrap_or(0).min(width)
    };
    let mut phases = vec![Phase::Waiting; width];
    let mut last = 0;
    for request in requests {
        let ms = |ms: Option<u32>| TimeDelta::milliseconds(i64::from(ms.unwrap_or(0)));
        let sent = request.reserved_at;
        let answered = sent + ms(request.elapsed_ms);
        let read = answered + ms(request.parse_ms);
        let ended = request.ended_at.unwrap_or(read).max(read);
        // Every phase that took place is visible, however short.
        let mut from = cell(sent).max(last).min(width.saturating_sub(1));
        let is_stored = request.state == "stored";
        for (phase, until) in [
            (Phase::Request, answered),
            (Phase::Reading, read),
            (Phase::Storing, ended),
        ] {
            if phase != Phase::Request && !is_stored {
                break;
            }
            let to = cell(until)
                .max(from + usize::from(phase != Phase::Reading))
                .min(width);
            fill(&mut phases, from, to, phase);
            from = to;
        }
        if matches!(request.state.as_str(), "refused" | "failed" | "in_doubt") {
            let at = from.min(width.saturating_sub(1));
            fill(&mut phases, at, at + 1, Phase::Refused);
            from = at + 1;
        }
        last = from;
    }
    fill(
        &mut phases,
        last,
        width,
        if last == 0 {
            Phase::Before
        } else {
            Phase::After
        },
    );
    pieces(&phases, ascii)
}

fn fill(phases: &mut [Phase], from: usize, to: usize, phase: Phase) {
    for cell in phases.iter_mut().take(to).skip(from) {
        *cell = phase;
    }
}

fn pieces(phases: &[Phase], ascii: bool) -> Vec<Piece> {
    phases
        .chunk_by(|a, b| a == b)
        .filter_map(|run| {
            let (glyph, role) = run.first()?.look(ascii);
            Some(Piece {
                glyph,
                cells: run.len(),
                role,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample;

    fn drawn(symbol: &str, ascii: bool) -> String {
        let detail = sample::run_detail();
        let run = &detail.summary;
        let requests = detail
            .requests
            .iter()
            .filter(|request| request.symbol == symbol);
        bar(
            requests,
            run.started_at,
            run.finished_at.unwrap(),
            20,
            ascii,
        )
        .iter()
        .map(|piece| piece.glyph.repeat(piece.cells))
        .collect()
    }

    #[test]
    fn every_glyph_of_a_bar_is_in_the_legend() {
        for ascii in [false, true] {
            let known = legend(ascii).map(|(glyph, ..)| glyph);
            for symbol in ["IBM", "AAPL", "MSFT"] {
                for glyph in drawn(symbol, ascii).trim().chars() {
                    let is_known = known.contains(&glyph.to_string().as_str());
                    assert!(is_known || glyph == ' ', "{glyph}");
                }
            }
        }
    }

    #[test]
    fn every_phase_that_took_place_is_seen() {
        assert_eq!(drawn("IBM", false), "██▒                 ");
        assert_eq!(drawn("AAPL", false), "····██x········██▒  ");
        assert_eq!(drawn("MSFT", true), "..............===x  ");
        assert_eq!(drawn("GOOGL", false), " ".repeat(20));
    }
}
