//! Models of calls about one session that overlap: a service without faults must not be reported.

use super::sample::session;
use super::{CallOutcome, Filler, KnownSession, Label, SessionCall, Timestamp};
use crate::checks::payload::PayloadShape;
use crate::sync::{Mutex, lock};
use interleavings::{check, join, scheduling_point, spawn};
use std::sync::Arc;
use std::time::Duration;

/// A session as the service stores it, with the sequence numbers of its payloads.
#[derive(Clone, Copy)]
struct Stored {
    user: Option<u64>,
    data: Option<u64>,
    changed: Timestamp,
    closed: Option<Timestamp>,
}

/// A session that users call the service about.
struct Model {
    known: KnownSession,
    filler: Filler,
    /// `None` after it was deleted.
    service: Mutex<Option<Stored>>,
}

impl Model {
    fn new() -> Arc<Self> {
        let opened = session("id", "ann");
        let stored = Stored { user: Some(0), data: Some(0), changed: opened.request_time, closed: None };
        Arc::new(Self {
            known: KnownSession::new(&opened, Label::new("ann", 7), "ann-7".to_owned()),
            filler: Filler::new(PayloadShape::Text, 10),
            service: Mutex::new(Some(stored)),
        })
    }

    /// Executes a call, as the real service does: also on a closed session.
    fn execute(&self, call: SessionCall) -> Option<Stored> {
        let mut service = lock(&self.service);
        let stored = service.as_mut()?;
        let now = stored.changed + Duration::from_millis(1);
        match call {
            SessionCall::Read => return *service,
            SessionCall::Delete => return service.take(),
            SessionCall::StoreData(sequence) => stored.data = Some(sequence),
            SessionCall::UpdateUser(sequence) => stored.user = Some(sequence),
            SessionCall::Close => {
                *stored = Stored { user: None, data: None, closed: Some(now), ..*stored };
            }
        }
        stored.changed = now;
        *service
    }

    /// Makes a call, whose response must pass.
    fn call(&self, call: SessionCall) {
        let pending = self.known.begin(call);
        let response = self.execute(call);
        scheduling_point();
        let user = response.and_then(|stored| stored.user).map(|sequence| self.known.label.user(sequence));
        let data = response.and_then(|stored| stored.data);
        let data = data.map(|sequence| self.known.label.data(sequence, &self.filler));
        let session = response.map(|stored| {
            let mut session = session("id", "ann");
            session.active = stored.closed.is_none();
            session.request_time = stored.changed;
            session.close_time = stored.closed;
            session.user = user.as_deref();
            session.data = data.as_deref();
            session
        });
        let outcome = match &session {
            Some(session) => CallOutcome::Session(session),
            None => CallOutcome::NotFound { has_body: false },
        };
        let checked = self.known.end(&pending, outcome, &self.filler);
        assert!(checked.is_ok(), "a false alarm for {call:?}: {checked:?}");
    }

    fn store(&self) {
        self.call(SessionCall::StoreData(self.known.next_data()));
    }

    /// Stores data without a response. The service executes the call at any time after it was sent.
    fn lose(&self) -> SessionCall {
        let call = SessionCall::StoreData(self.known.next_data());
        let pending = self.known.begin(call);
        assert!(self.known.end(&pending, CallOutcome::NoResponse, &self.filler).is_ok());
        call
    }
}

fn call(call: SessionCall) -> impl FnOnce(&Model) {
    move |model| model.call(call)
}

#[test]
fn reads_that_overlap_writes_pass() {
    check(|| {
        let model = Model::new();
        let threads = [
            spawn(&model, |model| (0..2).for_each(|_| model.store())),
            spawn(&model, Model::store),
            spawn(&model, call(SessionCall::Read)),
            spawn(&model, |model| model.call(SessionCall::UpdateUser(model.known.next_user()))),
        ];
        (0..2).for_each(|_| model.call(SessionCall::Read));
        join(threads);
        model.call(SessionCall::Read);
    });
}

#[test]
fn calls_that_overlap_a_close_pass() {
    check(|| {
        let model = Model::new();
        let threads = [
            spawn(&model, call(SessionCall::Close)),
            spawn(&model, Model::store),
            spawn(&model, call(SessionCall::Read)),
        ];
        (0..2).for_each(|_| model.call(SessionCall::Read));
        join(threads);
        assert_eq!(model.known.is_active(), Some(false));
        model.call(SessionCall::Read);
    });
}

#[test]
fn calls_that_overlap_a_delete_pass() {
    check(|| {
        let model = Model::new();
        let threads = [
            spawn(&model, call(SessionCall::Delete)),
            spawn(&model, Model::store),
            spawn(&model, call(SessionCall::Close)),
        ];
        (0..2).for_each(|_| model.call(SessionCall::Read));
        join(threads);
        assert!(model.known.is_deleted());
        model.call(SessionCall::Read);
    });
}

#[test]
fn a_write_that_is_executed_late_passes() {
    check(|| {
        let model = Model::new();
        let lost = model.lose();
        let threads = [
            spawn(&model, move |model| assert!(model.execute(lost).is_some())),
            spawn(&model, |model| (0..2).for_each(|_| model.store())),
        ];
        (0..2).for_each(|_| model.call(SessionCall::Read));
        join(threads);
        model.call(SessionCall::Read);
    });
}
