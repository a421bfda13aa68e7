use super::settings::Settings;
use super::{Checked, ContractTests};
use crate::contract::ServiceContract;
use crate::objects::{Entity, SESSION};
use crate::suite::{Case, RunReport, StopSignal};
use http::Method;
use libtest_mimic::Completion;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};
use wiretrait::{
    Call, Error, Incoming, Operation as _, Response, Result, Route, Transport, http_api, transport_fn,
};

#[http_api(prefix = "/v1/lists", client = ListsClient, module = lists_v1)]
trait Lists {
    #[post("/open_list")]
    async fn open_list(&self, #[field] user_id: &str) -> Result<Value>;

    #[post("/get_lists", idempotent)]
    async fn get_lists(&self, #[field] user_id: &str) -> Result<Vec<Value>>;

    #[post("/delete_list")]
    async fn delete_list(&self, #[field] list_id: &str) -> Result<()>;

    #[post("/archive_old_lists")]
    async fn archive_old_lists(&self) -> Result<()>;
}

#[derive(Clone, Debug)]
struct ListsContract {
    deletes: bool,
}

impl ServiceContract for ListsContract {
    fn routes(&self) -> &'static [&'static Route] {
        lists_v1::ROUTES
    }

    fn entity(&self) -> &'static Entity {
        &SESSION
    }

    async fn call<T: Transport + Clone + 'static>(
        &self,
        transport: T,
        call: Call,
    ) -> Result<Response, Error> {
        Ok(lists_v1::dispatch(&ListsClient::new(transport), Incoming::from(call.request)).await)
    }

    fn creates(&self, _method: &Method, path: &str) -> bool {
        path.ends_with("/open_list")
    }

    fn affects_others(&self, _method: &Method, path: &str) -> bool {
        path.ends_with("/archive_old_lists")
    }

    fn delete(&self, id: &str) -> Option<Call> {
        let request = lists_v1::DeleteList::new(id).encode().ok()?;
        self.deletes.then(|| Call::new(lists_v1::DeleteList::ROUTE, request))
    }

    fn list(&self, owner: &str) -> Option<Call> {
        let request = lists_v1::GetLists::new(owner).encode().ok()?;
        Some(Call::new(lists_v1::GetLists::ROUTE, request))
    }
}

fn opening(steps: usize) -> Case {
    (0..steps).fold(Case::new("open_list", "usual"), |case, _| case.call("A list", r#"{"user_id":"<user>"}"#))
}

fn archiving() -> Case {
    Case::new("archive_old_lists", "usual").call("Old lists", "{}")
}

fn tests(deletes: bool, cases: Vec<Case>) -> ContractTests<ListsContract> {
    ContractTests::new("LISTS", ListsContract { deletes }, cases, env!("CARGO_MANIFEST_DIR"))
}

fn settings(is_exclusive: bool) -> Settings {
    Settings { is_exclusive, ..Settings::default() }
}

/// A service in memory.
#[derive(Clone, Debug, Default)]
struct Service {
    /// The owner of the list in the response to its creation; `None` for that of the request.
    other_owner: Option<&'static str>,
    /// `true` to send this process a signal during the first request, which is responded to after it was handled.
    signals: bool,
    received: Arc<Mutex<Vec<&'static str>>>,
}

impl Service {
    /// Sends the cases. One run at a time: the signal of a test stops all runs of its process.
    async fn run(
        &self,
        tests: &ContractTests<ListsContract>,
        settings: &Settings,
    ) -> Result<RunReport, String> {
        static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let _alone = ALONE.lock().await;
        let stop = StopSignal::default();
        let (service, stopped) = (self.clone(), stop.clone());
        let transport = transport_fn(move |call: Call| {
            let (service, stopped) = (service.clone(), stopped.clone());
            async move { service.respond(&call, &stopped).await }
        });
        tests.send(Arc::new(transport), settings, stop).await
    }

    async fn respond(&self, call: &Call, stopped: &StopSignal) -> Result<Response, Error> {
        let is_first = self.received().is_empty();
        self.received.lock().unwrap().push(call.route.name);
        if is_first && self.signals {
            let process = std::process::id().to_string();
            assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
            stopped.requested().await;
        }
        let body = match call.route.name {
            "open_list" => {
                let mut list: Value = serde_json::from_slice(call.request.body()).unwrap();
                list["id"] = "1".into();
                list["open_time"] = "2026-11-23T02:10:20.820Z".into();
                if let Some(owner) = self.other_owner {
                    list["user_id"] = owner.into();
                }
                list.to_string()
            }
            "get_lists" => "[]".to_owned(),
            _ => "null".to_owned(),
        };
        Ok(Response::new(body.into()))
    }

    fn received(&self) -> Vec<&'static str> {
        self.received.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn only_an_exclusive_run_deletes_an_entity_of_another_owner() {
    for (is_exclusive, received) in
        [(false, &["open_list", "get_lists"][..]), (true, &["open_list", "delete_list", "get_lists"])]
    {
        let service = Service { other_owner: Some("ann"), ..Service::default() };
        let report = service.run(&tests(true, vec![opening(1)]), &settings(is_exclusive)).await.unwrap();
        assert_eq!(service.received(), received);
        let left: Vec<&str> = report.left_behind.iter().map(String::as_str).collect();
        let remark = "1, which may belong to another user and is not deleted";
        assert_eq!(left, if is_exclusive { vec![] } else { vec![remark] });
    }
}

#[tokio::test]
async fn cases_that_affect_others_are_only_sent_in_an_exclusive_run() {
    let tests = tests(true, vec![archiving()]);
    let service = Service::default();
    let report = service.run(&tests, &settings(false)).await.unwrap();
    assert_eq!(service.received(), [""; 0]);
    let checked: Checked = Ok((report, BTreeMap::new()));
    let results =
        [tests.case(&checked, "archive_old_lists__usual"), tests.shapes(&checked), tests.coverage(&checked)];
    for result in results {
        let Ok(Completion::Ignored { reason }) = result else { panic!("the test was not ignored") };
        assert_eq!(reason.as_deref(), Some("needs LISTS_EXCLUSIVE=yes"));
    }
    service.run(&tests, &settings(true)).await.unwrap();
    assert_eq!(service.received(), ["archive_old_lists"]);
}

#[tokio::test]
async fn what_needs_an_exclusive_service_is_refused_before_anything_is_sent() {
    let records = Settings { records: true, ..settings(false) };
    for (deletes, case, settings, why) in [
        (false, opening(1), settings(false), "the cases change sessions, which the contract cannot delete: "),
        (
            true,
            archiving(),
            records,
            "a recording needs all cases, of which some affect sessions of others: ",
        ),
    ] {
        let service = Service::default();
        let error = service.run(&tests(deletes, vec![case]), &settings).await.unwrap_err();
        assert!(error.starts_with(why) && error.ends_with("LISTS_EXCLUSIVE=yes"), "{error}");
        assert_eq!(service.received(), [""; 0]);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn after_a_signal_the_running_case_deletes_what_it_has_created() {
    let service = Service { signals: true, ..Service::default() };
    let report = service.run(&tests(true, vec![opening(2)]), &settings(false)).await.unwrap();
    assert_eq!(service.received(), ["open_list", "delete_list", "get_lists"]);
    assert_eq!(report.aborted.as_deref(), Some("it was stopped"));
    assert_eq!(report.left_behind, [""; 0]);
}
