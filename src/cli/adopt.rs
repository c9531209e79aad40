//! `adopt`: takes over the bars of the pipeline that this program replaces.

use chrono::{DateTime, Utc};
use chrono_tz::America::New_York;

use super::args::AdoptArgs;
use super::context::Context;
use super::exit::{self, Failure};
use super::{open, output};
use crate::db::Adoption;
use crate::model::Interval;
use crate::model::text::thousands;
use crate::pipeline::narrate;

pub async fn run(args: &AdoptArgs, context: &Context) -> Result<u8, Failure> {
    let settings = open::settings(context)?;
    if context.read_only && !args.dry_run {
        return Err(Failure::usage(
            "adopt writes; leave out --read-only, or add --dry-run",
        ));
    }
    let adoption = open::adopt(&settings, args.interval, args.dry_run).await?;
    output::print(&explain(&adoption, args.interval))?;
    context.narrator.say(if args.dry_run {
        "nothing was changed; leave out --dry-run to do it"
    } else {
        "done; the bars are in stock_data"
    });
    Ok(exit::DONE)
}

fn explain(adoption: &Adoption, interval: Interval) -> String {
    let Adoption {
        rows,
        bars,
        symbols,
        span,
    } = adoption;
    let when = span.as_ref().map_or_else(String::new, |(oldest, newest)| {
        let at = |instant: DateTime<Utc>| {
            let date = instant.with_timezone(&New_York).date_naive();
            narrate::label(instant, date, interval)
        };
        format!(", {} to {} in New York", at(*oldest), at(*newest))
    });
    let left = match rows - bars {
        0 => String::new(),
        left => format!(
            "{} rows cannot be bars (a price or volume is missing or impossible, or a newer row has the same \
             instant); they are in stock_data_original only\n",
            thousands(left)
        ),
    };
    format!(
        "{} of {} rows become {interval} bars of {} symbols{when}\n{left}\
         the table stock_data is renamed to stock_data_original, and so are its indexes and its sequence; it keeps \
         every row, and nothing is deleted\n",
        thousands(*bars),
        thousands(*rows),
        thousands(*symbols),
    )
}
