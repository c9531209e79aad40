//! Log records for a screen: one harmless line each, sent through a bounded channel.

use std::fmt::{self, Write as _};

use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::harmless;

/// Records that may wait for the screen; while it is busy, more are dropped, but not the screen's own.
pub(super) const WAITING: usize = 1_024;

/// How bad a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Worth knowing.
    Info,
    /// Needs attention.
    Warn,
    /// Something went wrong.
    Error,
}

/// A record of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// How bad it is.
    pub weight: Weight,
    /// The message, its fields in order, then the spans around it.
    pub text: String,
}

/// Sends records to the screen.
pub(super) struct PaneLayer(pub mpsc::Sender<Record>);

/// The fields of a span, written when it begins.
struct SpanText(String);

impl<S> Layer<S> for PaneLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut text = Text::default();
        attributes.record(&mut text);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanText(text.whole()));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let mut line = text.whole();
        for span in context.event_scope(event).into_iter().flatten() {
            let extensions = span.extensions();
            let fields = extensions
                .get::<SpanText>()
                .map_or("", |text| text.0.as_str());
            let _ = write!(
                line,
                " [{}{}{fields}]",
                span.name(),
                if fields.is_empty() { "" } else { " " }
            );
        }
        let weight = match *event.metadata().level() {
            Level::ERROR => Weight::Error,
            Level::WARN => Weight::Warn,
            _ => Weight::Info,
        };
        // Logging must never wait for the screen.
        let _ = self.0.try_send(Record {
            weight,
            text: harmless(&line),
        });
    }
}

/// Collects a message and its fields.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn whole(self) -> String {
        match (self.message.is_empty(), self.fields.is_empty()) {
            (true, _) => self.fields,
            (false, true) => self.message,
            (false, false) => format!("{} {}", self.message, self.fields),
        }
    }

    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if field.name() == "message" {
            let _ = self.message.write_fmt(value);
            return;
        }
        let space = if self.fields.is_empty() { "" } else { " " };
        let _ = write!(self.fields, "{space}{}={value}", field.name());
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::prelude::*;

    use super::*;
    use crate::config::Secret;

    #[test]
    fn a_record_is_one_harmless_line_with_its_fields_in_order_and_its_spans() {
        let secret = Secret::new("canary-of-the-pane");
        let (tell, mut records) = mpsc::channel(8);
        let subscriber = tracing_subscriber::registry().with(PaneLayer(tell));
        tracing::subscriber::with_default(subscriber, || {
            let _run = tracing::info_span!("run", id = 7).entered();
            tracing::warn!(
                zone = "ET",
                attempt = 1,
                "sent {}\u{1b}[2J",
                secret.expose()
            );
            tracing::error!("second\nline");
        });
        let first = records.try_recv().unwrap();
        assert_eq!(first.weight, Weight::Warn);
        assert_eq!(
            first.text,
            "sent ***\\u{1b}[2J zone=ET attempt=1 [run id=7]"
        );
        assert_eq!(records.try_recv().unwrap().text, "second\\nline [run id=7]");
    }

    #[test]
    fn a_screen_that_is_busy_makes_nobody_wait() {
        let (tell, mut records) = mpsc::channel(1);
        let subscriber = tracing_subscriber::registry().with(PaneLayer(tell));
        tracing::subscriber::with_default(subscriber, || {
            for number in 0..3 {
                tracing::info!(number, "line");
            }
        });
        assert_eq!(records.try_recv().unwrap().text, "line number=0");
        assert!(records.try_recv().is_err());
    }
}
