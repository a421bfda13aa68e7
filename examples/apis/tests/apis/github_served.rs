//! The parts of GitHub's API that the recordings do not contain, served by an implementation of the contract that
//! follows GitHub's documentation.

use apis::github::{DynIssues, GitHubError, Issue, Issues, IssuesClient, Label, State, issues};
use std::sync::{Arc, Mutex};
use wiretrait::http::StatusCode;
use wiretrait::{ClientConfig, Error, ResponseValue, Result};

/// The labels, and the version of their list.
#[derive(Default)]
struct GitHub {
    labels: Mutex<(u64, Vec<Label>)>,
}

impl GitHub {
    /// Changes the labels, and their version.
    fn change<T>(&self, change: impl FnOnce(&mut Vec<Label>) -> Result<T>) -> Result<T> {
        let mut labels = self.labels.lock().unwrap();
        labels.0 += 1;
        change(&mut labels.1)
    }
}

fn error(status: StatusCode, message: &str) -> Error {
    Error::from_body(status, &GitHubError { message: message.to_owned(), ..GitHubError::default() })
}

impl Issues for GitHub {
    async fn issues(
        &self,
        _owner: &str,
        _repo: &str,
        state: Option<State>,
        labels: Option<&[String]>,
        per_page: Option<u32>,
    ) -> Result<ResponseValue<Vec<Issue>>> {
        let title = format!("{state:?} {labels:?} {per_page:?}");
        let issue = Issue { number: 1, title, state: State::Open };
        ResponseValue::new(vec![issue])
            .with_header("link", "<http://github.test/repositories/7/issues?a=1&page=2>; rel=\"next\"")
    }

    async fn issues_at(&self, path: &str, query: &[(String, String)]) -> Result<ResponseValue<Vec<Issue>>> {
        let title = format!("{path} {query:?}");
        Ok(ResponseValue::new(vec![Issue { number: 2, title, state: State::Closed }]))
    }

    async fn lock(&self, _owner: &str, _repo: &str, _number: u64) -> Result<()> {
        Ok(())
    }

    async fn unlock(&self, _owner: &str, _repo: &str, _number: u64) -> Result<()> {
        Err(error(StatusCode::FORBIDDEN, "Resource not accessible by personal access token"))
    }

    async fn labels(
        &self,
        _owner: &str,
        _repo: &str,
        known: Option<&str>,
    ) -> Result<ResponseValue<Option<Vec<Label>>>> {
        let labels = self.labels.lock().unwrap();
        let etag = format!("\"{}\"", labels.0);
        let is_known = known == Some(etag.as_str());
        ResponseValue::new((!is_known).then(|| labels.1.clone())).with_header("etag", &etag)
    }

    async fn create_label(
        &self,
        _owner: &str,
        _repo: &str,
        name: &str,
        color: &str,
        description: Option<&str>,
    ) -> Result<Label> {
        let description = description.map(str::to_owned);
        let label = Label { name: name.to_owned(), color: color.to_owned(), description };
        self.change(|labels| {
            labels.push(label.clone());
            Ok(label)
        })
    }

    async fn label(&self, _owner: &str, _repo: &str, name: &str) -> Result<Option<Label>> {
        Ok(self.labels.lock().unwrap().1.iter().find(|label| label.name == name).cloned())
    }

    async fn update_label(
        &self,
        _owner: &str,
        _repo: &str,
        name: &str,
        new_name: Option<&str>,
        color: Option<&str>,
        description: Option<Option<&str>>,
    ) -> Result<Label> {
        self.change(|labels| {
            let label = labels.iter_mut().find(|label| label.name == name);
            let label = label.ok_or_else(|| error(StatusCode::NOT_FOUND, "Not Found"))?;
            if let Some(name) = new_name {
                name.clone_into(&mut label.name);
            }
            if let Some(color) = color {
                color.clone_into(&mut label.color);
            }
            if let Some(description) = description {
                label.description = description.map(str::to_owned);
            }
            Ok(label.clone())
        })
    }

    async fn delete_label(&self, _owner: &str, _repo: &str, name: &str) -> Result<()> {
        self.change(|labels| {
            labels.retain(|label| label.name != name);
            Ok(())
        })
    }
}

/// Serves the contract at a port of the loopback interface until the returned task ends with the test.
async fn serve(github: GitHub) -> ClientConfig {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = wiretrait::HandlerService::new(issues::Handler::new(github));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = hyper_util::service::TowerToHyperService::new(service.clone());
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    ClientConfig::from_url(&url).unwrap().with_retries(0)
}

#[tokio::test]
async fn an_unchanged_list_has_no_value() {
    let config = serve(GitHub::default()).await;
    super::support::over_both!(client: IssuesClient = Some(config); {
        client.create_label("o", "r", "bug", "d73a4a", Some("broken")).await.unwrap();
        let first = client.labels("o", "r", None).await.unwrap();
        let etag = first.header("etag").unwrap().to_owned();
        assert_eq!(first.as_ref().unwrap()[0].name, "bug");
        let second = client.labels("o", "r", Some(&etag)).await.unwrap();
        assert_eq!((second.status(), second.header("etag")), (StatusCode::NOT_MODIFIED, Some(etag.as_str())));
        assert!(second.is_none());
        client.delete_label("o", "r", "bug").await.unwrap();
        assert!(client.labels("o", "r", Some(&etag)).await.unwrap().is_some());
    });
}

#[tokio::test]
async fn a_change_distinguishes_absent_from_null() {
    let config = serve(GitHub::default()).await;
    super::support::over_both!(client: IssuesClient = Some(config); {
        client.create_label("o", "r", "bug", "d73a4a", Some("broken")).await.unwrap();
        let kept = client.update_label("o", "r", "bug", None, Some("000000"), None).await.unwrap();
        assert_eq!((kept.color.as_str(), kept.description.as_deref()), ("000000", Some("broken")));
        let changed = client.update_label("o", "r", "bug", None, None, Some(Some("new"))).await.unwrap();
        assert_eq!(changed.description.as_deref(), Some("new"));
        let removed = client.update_label("o", "r", "bug", None, None, Some(None)).await.unwrap();
        assert_eq!((removed.color.as_str(), removed.description), ("000000", None));
        client.delete_label("o", "r", "bug").await.unwrap();
    });
}

#[tokio::test]
async fn missing_labels_and_errors_have_the_shape_of_the_contract() {
    let config = serve(GitHub::default()).await;
    super::support::over_both!(client: IssuesClient = Some(config); {
        assert_eq!(client.label("o", "r", "a/b c").await.unwrap(), None);
        client.lock("o", "r", 1).await.unwrap();
        let missing = client.update_label("o", "r", "none", None, None, None).await.unwrap_err();
        assert_eq!(missing.body_as::<GitHubError>().unwrap().message, "Not Found");
        let forbidden = client.unlock("o", "r", 1).await.unwrap_err();
        assert_eq!(forbidden.status(), Some(StatusCode::FORBIDDEN));
        assert!(forbidden.to_string().ends_with("Resource not accessible by personal access token"), "{forbidden}");
    });
}

#[tokio::test]
async fn the_default_method_follows_links_over_each_kind_of_client() {
    let config = serve(GitHub::default()).await;
    let expected = ["None None Some(1)", "7/issues [(\"a\", \"1\"), (\"page\", \"2\")]"];
    let titles = |issues: Vec<Issue>| issues.into_iter().map(|issue| issue.title).collect::<Vec<_>>();
    let client = Arc::new(IssuesClient::from_config(&config).unwrap());
    assert_eq!(titles(client.all_issues("o", "r", 1).await.unwrap()), expected);
    let dynamic: Arc<dyn DynIssues> = client;
    assert_eq!(titles(dynamic.all_issues("o", "r", 1).await.unwrap()), expected);
    assert_eq!(titles(GitHub::default().all_issues("o", "r", 1).await.unwrap()), expected);
    let labels = ["bug".to_owned(), "ui".to_owned()];
    let page = dynamic.issues("o", "r", Some(State::All), Some(&labels), None).await.unwrap();
    assert_eq!(page[0].title, "Some(All) Some([\"bug\", \"ui\"]) None");
}
