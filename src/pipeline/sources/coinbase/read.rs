//! Reads candles: `[time, low, high, open, close, volume]`, the newest first.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::value::RawValue;

use super::{plan, refusal};
use crate::model::{Answer, Bar, Interval, Request, Span, roll_up};
use crate::pipeline::reading::rows::{Reason, Rows, Values};
use crate::pipeline::reading::{self, amount, malformed, not_json, quoted};
use crate::pipeline::source::{Page, Refusal};

/// Characters kept of a refused row.
const SHOWN: usize = 120;

/// Reads an answer: bars, or the class of refusal.
pub(super) fn read(request: &Request, answer: &Answer) -> Result<Page, Refusal> {
    let body = reading::body(answer);
    if let Some(refusal) = refusal::refusal(answer.status, body, request) {
        return Err(refusal);
    }
    let no_candles = || malformed("no candles of one product were requested");
    let window = plan::window(request).ok_or_else(no_candles)?;
    let [series] = request.series.as_slice() else {
        return Err(no_candles());
    };
    let text = reading::text(body)?;
    let candles: Vec<Vec<&RawValue>> =
        serde_json::from_str(text).map_err(|error| not_json(&error, text.len()))?;
    let asked = plan::finer(series.interval).unwrap_or(series.interval);
    let mut rows = Rows::new(asked, candles.len());
    for candle in &candles {
        let read = bar(candle);
        // Candles from before the window come with it now and then.
        if matches!(&read, Ok((bar, _)) if !window.contains(bar.timestamp)) {
            continue;
        }
        rows.push(read, || shown(candle))?;
    }
    let mut reading = rows.finish(Tz::UTC)?;
    if asked != series.interval {
        roll(&mut reading, series.interval, window)?;
    }
    Ok(Page {
        parts: vec![(series.clone(), reading)],
        next: None,
    })
}

/// Replaces bars by those that they add up to. One that cannot be used would be missing in a sum.
fn roll(
    reading: &mut crate::model::Reading,
    interval: Interval,
    window: Span,
) -> Result<(), Refusal> {
    if let Some(row) = reading.rejected.first() {
        return Err(malformed(format!(
            "a bar cannot be derived from candles of which one cannot be used: {}",
            row.reason
        )));
    }
    reading.bars = roll_up(&plan::windowed(interval).grid(), window, &reading.bars);
    reading.received = u32::try_from(reading.bars.len()).unwrap_or(u32::MAX);
    Ok(())
}

fn bar(candle: &[&RawValue]) -> Result<(Bar, u32), Reason> {
    let value = |place: usize| candle.get(place).map(|value| value.get());
    let time = value(0).and_then(|text| text.parse::<i64>().ok());
    let time = time.and_then(|time| DateTime::<Utc>::from_timestamp(time, 0));
    let time = time.ok_or(Reason::Label)?;
    let [low, high, open, close, volume] =
        [1, 2, 3, 4, 5].map(|place| value(place).map(amount::plain));
    Values {
        open: open.as_deref(),
        high: high.as_deref(),
        low: low.as_deref(),
        close: close.as_deref(),
        volume: volume.as_deref(),
    }
    .bar(time, time.date_naive())
}

/// Label and content of a row that is refused.
fn shown(candle: &[&RawValue]) -> (String, String) {
    let texts: Vec<&str> = candle.iter().map(|value| value.get()).collect();
    let label = texts.first().copied().unwrap_or_default();
    (quoted(label, SHOWN), quoted(&texts.join(", "), SHOWN))
}
