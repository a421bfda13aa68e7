//! Tests of the model of a session.

use super::sample::{received, session};
use super::*;
use crate::checks::payload::PayloadShape;
use crate::checks::payload::{DataPayload, UserPayload, parse_payload};
use serde_json::value::to_raw_value;
use std::time::Duration;

fn filler() -> Filler {
    Filler::new(PayloadShape::Text, 10)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(second, 0).unwrap()
}

/// Ann's session after it was opened.
fn opened() -> (KnownSession, Session<'static>) {
    let mut session = session("id", "ann");
    let known = KnownSession::new(&session, Label::new("ann", 7), "ann-7".to_owned());
    session.user = Some(received(known.label.user(0)));
    session.data = Some(received(known.label.data(0, &filler())));
    (known, session)
}

fn other() -> &'static RawValue {
    serde_json::from_str(r#"{"cart": 1}"#).unwrap()
}

fn closed(mut session: Session<'_>) -> Session<'_> {
    session.active = false;
    session.request_time = at(20);
    session.close_time = Some(at(20));
    session.user = None;
    session.data = None;
    session
}

/// The kind of violation that a check has found.
type Kind = Result<(), ViolationKind>;

/// A response with status 204.
const GONE: CallOutcome<'static> = CallOutcome::NotFound { has_body: false };

fn kind(checked: CheckResult) -> Kind {
    checked.map_err(|violation| violation.kind)
}

/// Checks the outcome of a call that was started.
fn end(known: &KnownSession, pending: &PendingCall, outcome: CallOutcome<'_>) -> Kind {
    kind(known.end(pending, outcome, &filler()))
}

/// Checks the outcome of a call.
fn call(known: &KnownSession, call: SessionCall, outcome: CallOutcome<'_>) -> Kind {
    end(known, &known.begin(call), outcome)
}

fn read(known: &KnownSession, session: &Session<'_>) -> Kind {
    call(known, SessionCall::Read, CallOutcome::Session(session))
}

#[track_caller]
fn assert_open(change: impl FnOnce(&mut Session<'static>), outcome: Kind) {
    let (known, mut session) = opened();
    change(&mut session);
    assert_eq!(read(&known, &session), outcome);
}

fn with_data(change: impl FnOnce(&mut DataPayload<'_>)) -> impl FnOnce(&mut Session<'static>) {
    |session| {
        let mut data = parse_payload(session.data.unwrap()).unwrap();
        change(&mut data);
        session.data = Some(received(to_raw_value(&data).unwrap()));
    }
}

fn with_user(change: impl FnOnce(&mut UserPayload<'_>)) -> impl FnOnce(&mut Session<'static>) {
    |session| {
        let mut user = parse_payload(session.user.unwrap()).unwrap();
        change(&mut user);
        session.user = Some(received(to_raw_value(&user).unwrap()));
    }
}

#[test]
fn an_unchanged_open_session_passes() {
    assert_open(|_| (), Ok(()));
}

#[test]
fn equivalent_json_passes() {
    fn spaced(payload: Option<&RawValue>) -> Option<&'static RawValue> {
        let value: serde_json::Value = serde_json::from_str(payload?.get()).unwrap();
        let text = serde_json::to_string_pretty(&value).unwrap();
        Some(received(RawValue::from_string(text).unwrap()))
    }
    assert_open(|session| session.user = spaced(session.user), Ok(()));
    assert_open(|session| session.data = spaced(session.data), Ok(()));
}

#[test]
fn every_difference_of_an_open_session_has_a_violation() {
    assert_open(|session| session.id = "other".into(), Err(ViolationKind::OtherSession));
    assert_open(|session| session.user_id = Some("bob".into()), Err(ViolationKind::OtherUser));
    assert_open(|session| session.user_id = None, Err(ViolationKind::OtherUser));
    assert_open(|session| session.active = false, Err(ViolationKind::ClosedEarly));
    assert_open(|session| session.user_name = None, Err(ViolationKind::UserNameDiffers));
    assert_open(|session| session.client = Some("other".into()), Err(ViolationKind::ClientDiffers));
    assert_open(|session| session.address = None, Err(ViolationKind::AddressDiffers));
    assert_open(|session| session.address = Some("127.0.0.1".into()), Err(ViolationKind::AddressDiffers));
    assert_open(|session| session.open_time = at(9), Err(ViolationKind::OpenTimeDiffers));
    assert_open(|session| session.open_time = at(11), Err(ViolationKind::OpenTimeDiffers));
    assert_open(|session| session.close_time = Some(at(10)), Err(ViolationKind::CloseTimeBeforeClose));
    assert_open(|session| session.request_time = at(9), Err(ViolationKind::RequestTimeDecreased));
    assert_open(|session| session.user = None, Err(ViolationKind::UserMissing));
    assert_open(|session| session.user = Some(other()), Err(ViolationKind::UserDiffers));
    assert_open(with_user(|user| user.session = 6), Err(ViolationKind::UserOfOtherSession));
    assert_open(with_user(|user| user.sequence = 1), Err(ViolationKind::UserNeverStored));
    assert_open(|session| session.data = None, Err(ViolationKind::DataMissing));
    assert_open(|session| session.data = Some(other()), Err(ViolationKind::DataDiffers));
    assert_open(with_data(|data| data.owner = "bob".into()), Err(ViolationKind::DataOfOtherUser));
    assert_open(with_data(|data| data.session = 6), Err(ViolationKind::DataOfOtherSession));
    assert_open(with_data(|data| data.sequence = 1), Err(ViolationKind::DataNeverStored));
    let filler: &RawValue = serde_json::from_str(r#""other""#).unwrap();
    assert_open(with_data(|data| data.filler = filler), Err(ViolationKind::DataDiffers));
}

#[test]
fn a_read_must_return_the_last_acknowledged_write() {
    let (known, mut session) = opened();
    let sequence = known.next_data();
    assert_eq!(
        call(&known, SessionCall::StoreData(sequence), CallOutcome::Session(&session)),
        Err(ViolationKind::StaleData)
    );
    session.data = Some(received(known.label.data(sequence, &filler())));
    assert_eq!(read(&known, &session), Ok(()));
    session.data = Some(received(known.label.data(0, &filler())));
    assert_eq!(read(&known, &session), Err(ViolationKind::StaleData));
}

#[test]
fn after_a_failed_store_either_value_passes() {
    let (known, mut session) = opened();
    let sequence = known.next_data();
    assert_eq!(call(&known, SessionCall::StoreData(sequence), CallOutcome::Rejected), Ok(()));
    assert_eq!(read(&known, &session), Ok(()));
    session.data = Some(received(known.label.data(sequence, &filler())));
    assert_eq!(read(&known, &session), Ok(()));
}

#[test]
fn a_store_without_a_response_may_be_executed_late() {
    let (known, mut session) = opened();
    let late = known.next_data();
    assert_eq!(call(&known, SessionCall::StoreData(late), CallOutcome::NoResponse), Ok(()));
    let sequence = known.next_data();
    session.data = Some(received(known.label.data(sequence, &filler())));
    assert_eq!(call(&known, SessionCall::StoreData(sequence), CallOutcome::Session(&session)), Ok(()));
    session.data = Some(received(known.label.data(late, &filler())));
    assert_eq!(read(&known, &session), Ok(()));
    let mut closed = closed(session.clone());
    assert_eq!(call(&known, SessionCall::Close, CallOutcome::Session(&closed)), Ok(()));
    closed.data = session.data;
    assert_eq!(read(&known, &closed), Ok(()));
}

#[test]
fn a_closed_session_is_inactive_and_empty() {
    let (known, open) = opened();
    assert_eq!(
        call(&known, SessionCall::Close, CallOutcome::Session(&open)),
        Err(ViolationKind::ActiveAfterClose)
    );
    let mut session = closed(open.clone());
    session.close_time = None;
    assert_eq!(
        call(&known, SessionCall::Close, CallOutcome::Session(&session)),
        Err(ViolationKind::NoCloseTime)
    );
    let mut session = closed(open.clone());
    session.data.clone_from(&open.data);
    assert_eq!(
        call(&known, SessionCall::Close, CallOutcome::Session(&session)),
        Err(ViolationKind::DataAfterClose)
    );
    assert_eq!(call(&known, SessionCall::Close, CallOutcome::Session(&closed(open.clone()))), Ok(()));
    assert_eq!(read(&known, &open), Err(ViolationKind::ActiveAfterClose));
}

#[test]
fn after_a_failed_close_the_session_may_be_open_or_closed() {
    let (known, session) = opened();
    assert_eq!(call(&known, SessionCall::Close, CallOutcome::Rejected), Ok(()));
    assert_eq!(read(&known, &session), Ok(()));
    assert_eq!(read(&known, &closed(session.clone())), Ok(()));
    let mut half = session;
    half.active = false;
    assert_eq!(read(&known, &half), Err(ViolationKind::NoCloseTime));
}

#[test]
fn a_session_exists_until_it_is_deleted() {
    let (known, session) = opened();
    assert_eq!(call(&known, SessionCall::Read, GONE), Err(ViolationKind::Missing));
    assert_eq!(call(&known, SessionCall::Delete, CallOutcome::Session(&session)), Ok(()));
    assert_eq!(call(&known, SessionCall::Read, GONE), Ok(()));
    assert_eq!(read(&known, &session), Err(ViolationKind::ExistsAfterDelete));
}

#[test]
fn after_a_failed_delete_the_session_may_exist_or_not() {
    let (known, session) = opened();
    assert_eq!(call(&known, SessionCall::Delete, CallOutcome::Rejected), Ok(()));
    assert_eq!(read(&known, &session), Ok(()));
    assert_eq!(call(&known, SessionCall::Read, GONE), Ok(()));
    assert_eq!(call(&known, SessionCall::Delete, GONE), Ok(()));
}

#[test]
fn a_read_during_a_close_may_return_either() {
    let (known, session) = opened();
    let reading = known.begin(SessionCall::Read);
    let closing = known.begin(SessionCall::Close);
    let closed = closed(session);
    assert_eq!(end(&known, &closing, CallOutcome::Session(&closed)), Ok(()));
    assert_eq!(end(&known, &reading, CallOutcome::Session(&closed)), Ok(()));
}

#[test]
fn a_session_is_not_checked_after_a_violation() {
    let (known, mut session) = opened();
    known.stop_checks();
    session.data = None;
    assert_eq!(read(&known, &session), Ok(()));
}

/// Changes one key of a JSON object.
fn with_key(payload: Option<&RawValue>, key: &str) -> Option<&'static RawValue> {
    let mut value: serde_json::Value = serde_json::from_str(payload?.get()).unwrap();
    value[key] = true.into();
    Some(received(to_raw_value(&value).unwrap()))
}

#[test]
fn additional_keys_of_payloads_are_found() {
    assert_open(|session| session.user = with_key(session.user, "admin"), Err(ViolationKind::UserDiffers));
    assert_open(|session| session.data = with_key(session.data, "admin"), Err(ViolationKind::DataDiffers));
}

#[test]
fn a_violation_shows_the_expected_and_the_observed_value() {
    let (known, mut session) = opened();
    let sequence = known.next_data();
    let storing = known.begin(SessionCall::StoreData(sequence));
    let violation = known.end(&storing, CallOutcome::Session(&session), &filler()).unwrap_err();
    assert_eq!(violation.expected.as_deref(), Some("sequence 1"));
    assert_eq!(violation.observed.as_deref(), Some("sequence 0"));
    session.client = Some("other".into());
    let reading = known.begin(SessionCall::Read);
    let violation = known.end(&reading, CallOutcome::Session(&session), &filler()).unwrap_err();
    assert_eq!(violation.expected.as_deref(), Some("\"loadtest\""));
    assert_eq!(violation.observed.as_deref(), Some("\"other\""));
}

#[test]
fn damaged_data_is_shown_from_the_damage_on() {
    let (known, mut session) = opened();
    let damaged = session.data.unwrap().get().replace("Zw", "zW");
    session.data = Some(received(RawValue::from_string(damaged).unwrap()));
    let reading = known.begin(SessionCall::Read);
    let violation = known.end(&reading, CallOutcome::Session(&session), &filler()).unwrap_err();
    assert_eq!(violation.kind, ViolationKind::DataDiffers);
    let [expected, observed] = [violation.expected.unwrap(), violation.observed.unwrap()];
    assert!(expected.contains("Zwölf") && observed.contains("zWölf"), "{expected}, {observed}");
}

#[test]
fn a_session_is_opened_at_its_request_time() {
    let (known, mut session) = opened();
    assert_eq!(kind(known.check_opened(&session, &filler())), Ok(()));
    session.request_time = at(12);
    let opened_early = Err(ViolationKind::OpenTimeDiffers);
    assert_eq!(kind(known.check_opened(&session, &filler())), opened_early);
}

#[test]
fn times_may_be_less_precise_than_at_first() {
    let (known, mut session) = opened();
    session.open_time -= Duration::from_micros(999);
    session.request_time -= Duration::from_micros(999);
    assert_eq!(read(&known, &session), Ok(()));
}

#[test]
fn the_close_time_of_a_closed_session_does_not_change() {
    let (known, open) = opened();
    let session = closed(open);
    assert_eq!(call(&known, SessionCall::Close, CallOutcome::Session(&session)), Ok(()));
    assert_eq!(read(&known, &session), Ok(()));
    for second in [19, 21] {
        let mut changed = session.clone();
        changed.request_time = at(21);
        changed.close_time = Some(at(second));
        assert_eq!(read(&known, &changed), Err(ViolationKind::CloseTimeDiffers), "{second}");
    }
}

#[test]
fn a_session_is_closed_between_open_and_its_request_time() {
    for second in [9, 21] {
        let (known, open) = opened();
        let mut session = closed(open);
        session.close_time = Some(at(second));
        let outcome = CallOutcome::Session(&session);
        let differs = Err(ViolationKind::CloseTimeDiffers);
        assert_eq!(call(&known, SessionCall::Close, outcome), differs, "{second}");
    }
}

#[test]
fn a_proxy_may_execute_a_close_again_while_it_lasts() {
    let (known, open) = opened();
    let mut session = closed(open);
    let mut closing = known.begin(SessionCall::Close);
    closing.started = closing.started.and_then(|started| started.checked_sub(Duration::from_secs(3)));
    assert_eq!(end(&known, &closing, CallOutcome::Session(&session)), Ok(()));
    session.request_time = at(23);
    session.close_time = Some(at(23));
    assert_eq!(read(&known, &session), Ok(()));
}

#[test]
fn a_close_without_a_response_may_move_the_close_time_later() {
    let (known, open) = opened();
    assert_eq!(call(&known, SessionCall::Close, CallOutcome::NoResponse), Ok(()));
    let mut session = closed(open);
    assert_eq!(call(&known, SessionCall::Close, CallOutcome::Session(&session)), Ok(()));
    session.request_time = at(60);
    session.close_time = Some(at(60));
    assert_eq!(read(&known, &session), Ok(()));
}

#[test]
fn each_attempt_of_a_close_may_move_the_close_time() {
    let (known, open) = opened();
    let mut session = closed(open);
    let closing = known.begin_attempts(SessionCall::Close, 2);
    assert_eq!(end(&known, &closing, CallOutcome::Session(&session)), Ok(()));
    session.request_time = at(60);
    session.close_time = Some(at(60));
    assert_eq!(read(&known, &session), Ok(()));
}

#[test]
fn a_refused_store_must_not_be_read() {
    let (known, mut session) = opened();
    let sequence = known.next_data();
    assert_eq!(call(&known, SessionCall::StoreData(sequence), CallOutcome::Refused), Ok(()));
    assert_eq!(read(&known, &session), Ok(()));
    session.data = Some(received(known.label.data(sequence, &filler())));
    assert_eq!(read(&known, &session), Err(ViolationKind::DataNeverStored));
}

#[test]
fn a_refused_close_leaves_the_session_open() {
    let (known, session) = opened();
    assert_eq!(call(&known, SessionCall::Close, CallOutcome::Refused), Ok(()));
    assert_eq!(known.is_active(), Some(true));
    assert_eq!(read(&known, &closed(session)), Err(ViolationKind::ClosedEarly));
}

#[test]
fn a_refused_delete_leaves_the_session_there() {
    let (known, session) = opened();
    assert_eq!(call(&known, SessionCall::Delete, CallOutcome::Refused), Ok(()));
    assert!(known.exists());
    assert_eq!(read(&known, &session), Ok(()));
    assert_eq!(call(&known, SessionCall::Read, GONE), Err(ViolationKind::Missing));
}

#[test]
fn a_delete_that_a_proxy_retries_may_find_nothing() {
    let (known, session) = opened();
    assert_eq!(call(&known, SessionCall::Delete, GONE), Ok(()));
    assert_eq!(read(&known, &session), Err(ViolationKind::ExistsAfterDelete));
}

#[test]
fn a_delete_of_an_existing_session_does_not_return_null() {
    let (known, _) = opened();
    let null = CallOutcome::NotFound { has_body: true };
    assert_eq!(call(&known, SessionCall::Delete, null), Err(ViolationKind::Missing));
}

#[test]
fn a_session_that_was_deleted_late_does_not_come_back() {
    let (known, session) = opened();
    assert_eq!(call(&known, SessionCall::Delete, CallOutcome::NoResponse), Ok(()));
    assert_eq!(read(&known, &session), Ok(()));
    let reading = known.begin(SessionCall::Read);
    assert_eq!(call(&known, SessionCall::Read, GONE), Ok(()));
    assert_eq!(end(&known, &reading, CallOutcome::Session(&session)), Ok(()), "an earlier read");
    assert_eq!(read(&known, &session), Err(ViolationKind::ExistsAfterDelete));
}

#[test]
fn a_store_that_overlaps_a_close_may_be_executed_after_it() {
    let (known, open) = opened();
    let sequence = known.next_data();
    let storing = known.begin(SessionCall::StoreData(sequence));
    let empty = closed(open);
    assert_eq!(call(&known, SessionCall::Close, CallOutcome::Session(&empty)), Ok(()));
    let mut stored = empty;
    stored.data = Some(received(known.label.data(sequence, &filler())));
    assert_eq!(end(&known, &storing, CallOutcome::Session(&stored)), Ok(()));
    assert_eq!(read(&known, &stored), Ok(()));
    stored.data = Some(received(known.label.data(sequence + 1, &filler())));
    assert_eq!(read(&known, &stored), Err(ViolationKind::DataNeverStored));
}

#[test]
fn a_call_that_never_ends_may_have_its_effect_at_any_time() {
    let (known, mut session) = opened();
    let sequence = known.next_data();
    let _storing = known.begin(SessionCall::StoreData(sequence));
    let _deleting = known.begin(SessionCall::Delete);
    assert_eq!(read(&known, &session), Ok(()));
    session.data = Some(received(known.label.data(sequence, &filler())));
    assert_eq!(read(&known, &session), Ok(()));
    assert_eq!(call(&known, SessionCall::Read, GONE), Ok(()));
}
