//! Records that are created, saved, loaded and deleted.

use crate::services::services;
use serde_json::json;
use sessions_client::{ISessionsV1, Value};
use std::collections::HashMap;
use time::{Duration, OffsetDateTime, UtcOffset};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Error;
use tower_sessions::{CachingSessionStore, MemoryStore, SessionStore};

fn record(data: Value) -> Record {
    let data: HashMap<String, Value> = serde_json::from_value(data).unwrap();
    Record { id: Id::default(), data, expiry_date: OffsetDateTime::now_utc() + Duration::minutes(30) }
}

#[tokio::test]
async fn a_created_record_is_loaded_unchanged() {
    for service in services().await {
        let store = service.store();
        let mut record = record(json!({
            "cart": ["book", "pen"], "empty": {}, "nothing": null, "no": false, "text": "caf\u{e9} \u{2028}\"\\",
            "2": "two", "1": "one", "whole": 1.0, "large": 9_007_199_254_740_993_u64, "most": u64::MAX, "least": i64::MIN,
        }));
        record.expiry_date = record.expiry_date.to_offset(UtcOffset::from_hms(2, 0, 0).unwrap());
        store.create(&mut record).await.unwrap();
        assert_eq!(store.load(&record.id).await.unwrap(), Some(record));
    }
}

#[tokio::test]
async fn create_takes_over_the_id_of_the_service() {
    for service in services().await {
        let mut record = record(json!({}));
        let chosen = record.id;
        service.store().create(&mut record).await.unwrap();
        assert_ne!(record.id, chosen);
        assert!(service.session(record.id).await.unwrap().active);
        assert_eq!(service.session(chosen).await, None);
    }
}

#[tokio::test]
async fn records_with_the_same_id_get_different_ids() {
    for service in services().await {
        let store = service.store();
        let (mut first, mut second) = (record(json!({ "n": 1 })), record(json!({ "n": 2 })));
        store.create(&mut first).await.unwrap();
        second.id = first.id;
        store.create(&mut second).await.unwrap();
        assert_ne!(first.id, second.id);
        assert_eq!(store.load(&first.id).await.unwrap(), Some(first));
    }
}

#[tokio::test]
async fn save_replaces_data_and_expiry() {
    for service in services().await {
        let store = service.store();
        let mut record = record(json!({ "old": 1 }));
        store.create(&mut record).await.unwrap();
        record.data = HashMap::from([("new".to_owned(), json!(2))]);
        record.expiry_date += Duration::days(1);
        store.save(&record).await.unwrap();
        assert_eq!(store.load(&record.id).await.unwrap(), Some(record));
    }
}

#[tokio::test]
async fn save_does_not_revive_a_deleted_session() {
    for service in services().await {
        let store = service.store();
        let mut record = record(json!({}));
        store.create(&mut record).await.unwrap();
        store.delete(&record.id).await.unwrap();
        let error = store.save(&record).await.unwrap_err();
        assert!(
            matches!(&error, Error::Backend(message) if message.contains("was deleted or closed")),
            "{error}"
        );
        assert_eq!(store.load(&record.id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_closed_session_is_neither_loaded_nor_saved() {
    for service in services().await {
        let store = service.store();
        let mut record = record(json!({ "cart": ["book"] }));
        store.create(&mut record).await.unwrap();
        let session = service.session(record.id).await.unwrap();
        service.sessions.close_session(None, &session.id).await.unwrap();
        assert_eq!(store.load(&record.id).await.unwrap(), None);
        assert!(matches!(store.save(&record).await, Err(Error::Backend(_))));
        assert_eq!(store.load(&record.id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_unknown_record_is_not_found() {
    for service in services().await {
        assert_eq!(service.store().load(&Id::default()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn deleting_a_record_twice_succeeds() {
    for service in services().await {
        let store = service.store();
        let mut record = record(json!({}));
        store.create(&mut record).await.unwrap();
        store.delete(&record.id).await.unwrap();
        store.delete(&record.id).await.unwrap();
        assert_eq!(service.session(record.id).await, None);
    }
}

#[tokio::test]
async fn a_record_is_loaded_until_it_expires_and_then_deleted() {
    for service in services().await {
        let mut record = record(json!({}));
        let expiry = record.expiry_date;
        service.store().create(&mut record).await.unwrap();
        let before = service.store().with_clock(move || expiry - Duration::nanoseconds(1));
        assert_eq!(before.load(&record.id).await.unwrap().as_ref(), Some(&record));
        let after = service.store().with_clock(move || expiry);
        assert_eq!(after.load(&record.id).await.unwrap(), None);
        assert_eq!(service.session(record.id).await, None, "the session is deleted");
    }
}

#[tokio::test]
async fn an_expiry_that_cannot_be_written_is_an_error() {
    for service in services().await {
        let mut record = record(json!({}));
        record.expiry_date = time::Date::MIN.midnight().assume_utc();
        assert!(matches!(service.store().create(&mut record).await, Err(Error::Encode(_))));
        record.expiry_date = time::Date::MAX.midnight().assume_utc();
        service.store().create(&mut record).await.unwrap();
    }
}

#[tokio::test]
async fn sessions_of_other_applications_are_not_found() {
    for service in services().await {
        let mut foreign = record(json!({ "user": 42 }));
        let other = sessions_web::SessionsServiceStore::new(service.sessions.clone(), "other");
        other.create(&mut foreign).await.unwrap();
        assert_eq!(service.store().load(&foreign.id).await.unwrap(), None);
        assert!(service.session(foreign.id).await.is_some(), "and remain");

        for data in [json!({ "user": 42 }), json!("text"), json!({ "application": "tests" })] {
            let sessions = &service.sessions;
            let opened =
                sessions.open_session(None, "42", None, None, None, None, Some(&data)).await.unwrap();
            let id = Id(u128::from_str_radix(&opened.id, 16).unwrap().cast_signed());
            assert_eq!(service.store().load(&id).await.unwrap(), None, "{data}");
        }
    }
}

#[tokio::test]
async fn the_user_id_follows_the_rule() {
    for service in services().await {
        let of_user = |store: sessions_web::SessionsServiceStore<_>, data| {
            let service = &service;
            async move {
                let mut record = record(data);
                store.create(&mut record).await.unwrap();
                service.session(record.id).await.unwrap().user_id.unwrap()
            }
        };
        assert_eq!(of_user(service.store(), json!({ "user": "ann" })).await, "anonymous");
        let rule = |record: &Record| Some(record.data.get("user")?.as_str()?.to_owned());
        let store = service.store().with_user_id(rule);
        assert_eq!(of_user(store.clone(), json!({ "user": "ann" })).await, "ann");
        assert_eq!(of_user(store.clone(), json!({ "user": "" })).await, "anonymous");
        assert_eq!(of_user(store, json!({})).await, "anonymous");
    }
}

#[tokio::test]
async fn a_caching_store_takes_over_the_id() {
    for service in services().await {
        let cache = MemoryStore::default();
        let store = CachingSessionStore::new(cache.clone(), service.store());
        let mut record = record(json!({ "cart": ["book"] }));
        store.create(&mut record).await.unwrap();
        assert_eq!(cache.load(&record.id).await.unwrap().as_ref(), Some(&record));
        assert_eq!(service.store().load(&record.id).await.unwrap(), Some(record));
    }
}
