//! `events`: what has happened, a line of JSON each, read from the store of an engine in any process.

use std::time::Duration;

use super::args::{EventsArgs, EventsFormat};
use super::context::Context;
use super::exit::{self, Failure, Stop, StopSignals};
use super::fetch::serialize;
use super::{open, output};
use crate::db::EventCursor;

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
        let (mut cursor, mut is_away) = (from, false);
        loop {
            let events = match store.events_after(cursor, PIECE).await {
                // Nothing is missed: the cursor says where to go on.
                Err(error) if args.follow && error.is_passing() => {
                    if !std::mem::replace(&mut is_away, true) {
                        context.narrator.say(&format!("{error}; waiting for it"));
                    }
                    vec![]
                }
                events => {
                    let events = events?;
                    if std::mem::take(&mut is_away) {
                        context.narrator.say("the store answers again");
                    }
                    events
                }
            };
            for event in &events {
                output::data(&serialize(event)?)?;
                cursor = event.cursor;
            }
            if !events.is_empty() {
                continue;
            }
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
