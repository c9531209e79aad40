//! `events`: what has happened, a line of JSON each, read from the store of an engine in any process.

use std::time::Duration;

use super::args::{EventsArgs, EventsFormat};
use super::context::Context;
use super::exit::{self, Failure, Stop, StopSignals};
use super::fetch::serialize;
use super::{open, output};
use crate::db::{EventCursor, Store};

/// Events of one read.
const PIECE: u32 = 500;
/// How often a follower looks.
const EVERY: Duration = Duration::from_secs(1);

pub async fn run(args: &EventsArgs, context: &Context) -> Result<u8, Failure> {
    let EventsFormat::Json = args.format;
    let mut signals = StopSignals::new();
    let settings = open::settings(context)?;
    let store = open::store(&settings, true).await?;
    let from = match (args.since, args.follow) {
        (Some(cursor), _) => EventCursor(cursor),
        (None, true) => store.newest_event().await?,
        (None, false) => EventCursor::default(),
    };
    let told = async {
        let mut cursor = from;
        loop {
            cursor = print(&*store, cursor).await?;
            if !args.follow {
                return Ok(exit::DONE);
            }
            tokio::time::sleep(EVERY).await;
            if output::is_unread() {
                return Err(Failure::Closed);
            }
        }
    };
    let code = tokio::select! {
        told = told => told?,
        stop = signals.next() => match stop {
            Stop::Terminate => exit::DONE,
            Stop::Interrupt => exit::INTERRUPTED,
        },
    };
    open::close(&store).await;
    Ok(code)
}

/// Prints what is behind the cursor, and returns where that ends.
async fn print(store: &dyn Store, mut cursor: EventCursor) -> Result<EventCursor, Failure> {
    loop {
        let events = store.events_after(cursor, PIECE).await?;
        for event in &events {
            output::data(&serialize(event)?)?;
        }
        let Some(last) = events.last() else {
            return Ok(cursor);
        };
        cursor = last.cursor;
    }
}
