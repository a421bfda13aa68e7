//! A `tracing` subscriber that captures all spans, with fields recorded later, and all events.

#![allow(dead_code, reason = "no test file uses everything")]

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// A span or an event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captured {
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) level: String,
    /// The index of the parent span.
    pub(crate) parent: Option<usize>,
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) is_closed: bool,
}

impl Captured {
    /// Returns a field; empty if it was not recorded.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value)
    }

    /// Returns target, name and fields, one per line.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{} {}\n", self.target, self.name);
        for (name, value) in &self.fields {
            let _ = writeln!(text, "  {name} = {value}");
        }
        text
    }
}

/// A layer that captures spans and events of all levels, in the order in which they began.
#[derive(Clone, Default)]
pub(crate) struct Capture {
    spans: Arc<Mutex<Vec<Captured>>>,
    events: Arc<Mutex<Vec<Captured>>>,
}

impl Capture {
    /// Captures spans and events of this thread until the guard is dropped.
    pub(crate) fn begin() -> (Self, DefaultGuard) {
        let capture = Self::default();
        // This includes records of the `log` crate, which reqwest uses.
        let guard = tracing_subscriber::registry().with(capture.clone()).set_default();
        (capture, guard)
    }

    /// Captures like [`begin`](Self::begin), without spans of this name.
    pub(crate) fn begin_without(name: &'static str) -> (Self, DefaultGuard) {
        let capture = Self::default();
        let filter = tracing_subscriber::filter::filter_fn(move |it| !it.is_span() || it.name() != name);
        let guard = tracing_subscriber::registry().with(filter).with(capture.clone()).set_default();
        (capture, guard)
    }

    /// Returns the spans of `wiretrait` with this name.
    pub(crate) fn spans(&self, name: &str) -> Vec<Captured> {
        let spans = self.spans.lock().unwrap();
        spans.iter().filter(|span| span.target == "wiretrait" && span.name == name).cloned().collect()
    }

    /// Returns the events of `wiretrait`.
    pub(crate) fn events(&self) -> Vec<Captured> {
        let events = self.events.lock().unwrap();
        events.iter().filter(|event| event.target == "wiretrait").cloned().collect()
    }

    /// Returns the spans and events of all crates.
    pub(crate) fn everything(&self) -> Vec<Captured> {
        let (spans, events) = (self.spans.lock().unwrap(), self.events.lock().unwrap());
        spans.iter().chain(events.iter()).cloned().collect()
    }
}

struct Fields<'s>(&'s mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Capture {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let metadata = attributes.metadata();
        let span = context.span(id).unwrap();
        let parent = span.parent().and_then(|parent| parent.extensions().get::<usize>().copied());
        let mut seen = Captured {
            name: metadata.name().to_owned(),
            target: metadata.target().to_owned(),
            level: metadata.level().to_string(),
            parent,
            ..Captured::default()
        };
        attributes.record(&mut Fields(&mut seen.fields));
        let mut spans = self.spans.lock().unwrap();
        span.extensions_mut().insert(spans.len());
        spans.push(seen);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let index = *context.span(id).unwrap().extensions().get::<usize>().unwrap();
        values.record(&mut Fields(&mut self.spans.lock().unwrap()[index].fields));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let around = context.event_span(event);
        let mut seen = Captured {
            name: metadata.name().to_owned(),
            target: metadata.target().to_owned(),
            level: metadata.level().to_string(),
            parent: around.and_then(|span| span.extensions().get::<usize>().copied()),
            ..Captured::default()
        };
        event.record(&mut Fields(&mut seen.fields));
        self.events.lock().unwrap().push(seen);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let index = *context.span(&id).unwrap().extensions().get::<usize>().unwrap();
        self.spans.lock().unwrap()[index].is_closed = true;
    }
}
