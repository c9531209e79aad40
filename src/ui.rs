//! The panel: what is drawn, what keys do, and how the terminal is entered and left.
//!
//! ```text
//!  keys, signals ──> event_loop ──> App::press ──> effects ──> engine, clipboard, files
//!  snapshots, notices ──┘   └──> frame::render(&App, now) ──> Screen ──> terminal
//! ```

mod about;
pub mod action;
mod alerts;
pub mod app;
mod backfill;
mod csv;
mod cursor;
mod draw;
mod event_loop;
mod export;
#[cfg(debug_assertions)]
pub mod fault;
mod fetch;
pub(crate) mod files;
mod filter;
mod first;
pub mod frame;
mod input;
pub mod keymap;
pub mod log_lines;
mod market;
mod messages;
mod options;
mod overlays;
mod pace;
mod regions;
mod reply;
#[cfg(test)]
mod sample;
pub mod screen;
pub mod shared;
pub mod sources;
mod standing;
pub mod terminal;
mod text;
pub mod theme;
mod ticks;
mod view;
pub mod view_id;
pub mod views;
mod widgets;

use std::io;

pub use self::about::{About, AboutSource};
pub use self::options::{Booting, Ended, PanelOptions, SaveKey};
pub use self::text::shown_path;
use crate::pipeline::snapshot::{SeriesState, Snapshot};

/// Runs the panel on this thread until the user quits. The terminal is restored when this returns,
/// whatever it returns.
pub async fn run(options: PanelOptions) -> io::Result<Ended> {
    terminal::panic::guard_this_thread();
    let _guard = terminal::Guard::enter(options.shared.mouse)?;
    event_loop::EventLoop::new(options)?.run().await
}

/// The last line on the normal screen.
#[must_use]
pub fn last_line(last: Option<&Snapshot>, keep_fetching: &str) -> String {
    let Some(snapshot) = last else {
        return "Stopped.".to_owned();
    };
    let fresh = snapshot
        .series
        .iter()
        .filter(|status| status.state == SeriesState::Fresh)
        .count();
    let quotas = || snapshot.sources.iter().map(|source| source.quota);
    let mut limited = quotas().filter(|quota| quota.limit.is_some());
    let used = match (limited.next(), limited.next()) {
        (Some(only), None) if quotas().map(|quota| quota.used).sum::<u32>() == only.used => {
            let limit = only.limit.unwrap_or_default();
            format!("{} of {limit} requests used", only.used)
        }
        _ => {
            let sent: u32 = quotas().map(|quota| quota.used).sum();
            format!("{} today", text::count(sent as usize, "request"))
        }
    };
    format!(
        "Stopped. {fresh} of {} fresh, {used}. To keep fetching: {keep_fetching}",
        snapshot.series.len()
    )
}
