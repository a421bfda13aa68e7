//! Changes of a service, each accepted by deviations until their last day.

use super::changed_service::{Change, ChangedService, rename_address, send_200_for_204};
use super::folder;
use chrono::{Days, NaiveDate};
use http::StatusCode;
use http::response::Parts;
use sessions_client::ClientConfig;
use snapshots::check::{CheckOptions, check};
use snapshots::comparison::Level;
use snapshots::deviations::{DeviationState, Deviations, Statement, accept, add_to_file};

const CHANGES: [(&str, Change); 5] = [
    ("renamed", rename_address),
    ("status", send_200_for_204),
    ("type", |_, body| *body = body.replace(r#""active":true"#, r#""active":"true""#)),
    ("header", |parts, _| {
        parts.headers.remove("cache-control");
    }),
    ("message", |_, body| *body = body.replace("Validation failed", "Invalid")),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_is_accepted_until_the_last_day_of_its_deviations() {
    let last_day = NaiveDate::from_ymd_opt(2027, 3, 31).unwrap();
    for (name, change) in CHANGES {
        let service = ChangedService::start(change).await;
        let config = ClientConfig::from_url(&service.url).unwrap();
        let options = CheckOptions { fail_on: Level::Harmless, ..CheckOptions::default() };
        let mut report = check(&config, &options).await.unwrap();
        assert!(!report.passes(), "{name}");
        let file = folder(name).join("deviations.yaml");
        let statement = Statement { reason: "Known.".to_owned(), owner: None, until: Some(last_day) };
        add_to_file(&file, &accept(&report, &statement)).unwrap();
        let deviations = Deviations::read(&file).unwrap();
        let used =
            |uses: &[snapshots::deviations::DeviationUse], state| uses.iter().all(|used| used.state == state);
        report.deviations = deviations.apply(&mut report.cases, last_day);
        assert!(report.passes() && used(&report.deviations, DeviationState::Used), "{name}");
        report.deviations = deviations.apply(&mut report.cases, last_day + Days::new(1));
        assert!(!report.passes() && used(&report.deviations, DeviationState::Expired), "{name}");
    }
}

/// Opens sessions with the status 201.
fn open_with_201(parts: &mut Parts, body: &str) {
    if body.contains(r#""open_time""#) && parts.status == StatusCode::OK {
        parts.status = StatusCode::CREATED;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accepted_status_does_not_hide_the_rest_of_the_response() {
    let without_keys: [Change; 2] = [
        |parts, body| {
            open_with_201(parts, body);
            *body = body.replace(r#""active":true,"#, "");
        },
        |parts, body| {
            open_with_201(parts, body);
            *body = body.replace(r#""request_time":"#, r#""requested":"#);
        },
    ];
    let options = CheckOptions::default();
    let run = async |change: Change| {
        let service = ChangedService::start(change).await;
        check(&ClientConfig::from_url(&service.url).unwrap(), &options).await.unwrap()
    };
    let mut report = run(|parts, body| open_with_201(parts, body)).await;
    let file = folder("created").join("deviations.yaml");
    let statement = Statement { reason: "Known.".to_owned(), owner: None, until: None };
    add_to_file(&file, &accept(&report, &statement)).unwrap();
    let deviations = Deviations::read(&file).unwrap();
    let today = NaiveDate::from_ymd_opt(2027, 3, 31).unwrap();
    report.deviations = deviations.apply(&mut report.cases, today);
    assert!(report.passes());
    for change in without_keys {
        let mut report = run(change).await;
        report.deviations = deviations.apply(&mut report.cases, today);
        assert!(!report.passes());
    }
}
