//! Recorded traffic of GitHub's API. A scenario accepts only its recorded requests, in their order, with exactly their
//! headers and bodies.

use super::support::config;
use apis::github::{
    GitHubError, InvalidField, Issues, IssuesClient, Repositories, RepositoriesClient, StatusChecks,
};
use serde::Deserialize;
use wiretrait::bytes::Bytes;
use wiretrait::http::header::{AUTHORIZATION, HeaderValue};
use wiretrait::{ClientConfig, Result, http_api};

const TOKEN: HeaderValue = HeaderValue::from_static("token 0000000000000000000000000000000000000001");
const OWNER: &str = "octokit-fixture-org";

/// The server of recorded traffic, which has an API itself.
#[http_api(client = FixturesClient, module = fixtures, client_only)]
trait Fixtures {
    #[post("/fixtures")]
    async fn load(&self, #[field] scenario: &str) -> Result<Loaded>;
}

#[derive(Deserialize)]
struct Loaded {
    url: String,
}

/// Returns settings for the recorded requests of `scenario`.
async fn recorded(scenario: &str) -> Option<ClientConfig> {
    let config = config("GITHUB_URL")?;
    let loaded = FixturesClient::from_config(&config).unwrap().load(scenario).await.unwrap();
    Some(ClientConfig::from_url(&loaded.url).unwrap().with_retries(0).with_header(AUTHORIZATION, TOKEN))
}

/// Runs `$body` over each of the two transports, each against a new copy of the recording.
macro_rules! replayed {
    ($client:ident: $Client:ident = $scenario:literal; $body:block) => {
        for transport in ["reqwest", "hyper"] {
            let Some(config) = recorded($scenario).await else { return };
            if transport == "reqwest" {
                let transport = wiretrait::ReqwestTransport::new(&config).unwrap();
                let $client = $Client::from_transport(transport, &config).unwrap();
                $body
            } else {
                let transport = wiretrait::HyperTransport::new(&config).unwrap();
                let $client = $Client::from_transport(transport, &config).unwrap();
                $body
            }
        }
    };
}

#[tokio::test]
async fn all_pages_are_read_by_their_links() {
    replayed!(client: IssuesClient = "paginate-issues"; {
        let issues = client.all_issues(OWNER, "paginate-issues", 3).await.unwrap();
        let numbers: Vec<_> = issues.iter().map(|issue| issue.number).collect();
        assert_eq!(numbers, (1..=13).rev().collect::<Vec<_>>());
    });
}

#[tokio::test]
async fn an_error_has_the_declared_body() {
    replayed!(client: IssuesClient = "errors"; {
        let error = client.create_label(OWNER, "errors", "foo", "invalid", None).await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(422));
        let body: GitHubError = error.body_as().unwrap();
        assert_eq!(body.message, "Validation Failed");
        let field = InvalidField { resource: "Label".into(), code: "invalid".into(), field: "color".into() };
        assert_eq!(body.errors, [field]);
        assert_eq!(
            error.to_string(),
            "create_label: the service responded with 422 Unprocessable Entity: invalid: Validation Failed"
        );
        assert_eq!(error.headers().unwrap()["x-ratelimit-remaining"], "4999");
    });
}

#[tokio::test]
async fn labels_are_listed_created_changed_and_deleted() {
    replayed!(client: IssuesClient = "labels"; {
        let (owner, repo) = (OWNER, "labels");
        let labels = client.labels(owner, repo, None).await.unwrap();
        assert_eq!(labels.header("etag"), Some("\"00000000000000000000000000000000\""));
        assert_eq!(labels.as_ref().unwrap()[0].name, "bug");
        let created = client.create_label(owner, repo, "test-label", "663399", None).await.unwrap();
        assert_eq!((created.name.as_str(), created.description), ("test-label", None));
        assert_eq!(client.label(owner, repo, "test-label").await.unwrap().unwrap().color, "663399");
        let (name, color) = (Some("test-label-updated"), Some("BADA55"));
        let updated = client.update_label(owner, repo, "test-label", name, color, None).await.unwrap();
        assert_eq!(updated.name, "test-label-updated");
        client.delete_label(owner, repo, "test-label-updated").await.unwrap();
    });
}

#[tokio::test]
async fn a_missing_protection_has_no_value_and_nulls_are_sent() {
    replayed!(client: RepositoriesClient = "branch-protection"; {
        let (owner, repo) = (OWNER, "branch-protection");
        assert!(client.protection(owner, repo, "main").await.unwrap().is_none());
        let protection = client.protect(owner, repo, "main", None::<&StatusChecks>, None, None, false).await.unwrap();
        assert!(!protection.enforce_admins.enabled);
    });
}

#[tokio::test]
async fn empty_requests_and_responses_are_exchanged() {
    replayed!(client: IssuesClient = "lock-issue"; {
        client.lock(OWNER, "lock-issue", 1).await.unwrap();
        client.unlock(OWNER, "lock-issue", 1).await.unwrap();
    });
}

#[tokio::test]
async fn text_is_sent_and_received() {
    replayed!(client: RepositoriesClient = "markdown"; {
        let (text, context) = ("### Hello\n\nb597b5d", "octokit-fixture-org/hello-world");
        let html = client.markdown(text, context, "gfm").await.unwrap();
        assert!(html.starts_with("<h3 dir=\"auto\">Hello</h3>\n"), "{html}");
        let html = client.raw_markdown(text).await.unwrap();
        assert!(html.ends_with("</a>Hello</h3>\n<p>b597b5d</p>\n"), "{html}");
    });
    replayed!(client: RepositoriesClient = "get-content"; {
        let files = client.files(OWNER, "hello-world").await.unwrap();
        assert_eq!((files[0].path.as_str(), files[0].size), ("README.md", 13));
        assert_eq!(client.file(OWNER, "hello-world", "README.md").await.unwrap().as_deref(), Some("# hello-world"));
    });
}

#[tokio::test]
async fn a_file_of_a_release_is_uploaded() {
    replayed!(client: RepositoriesClient = "release-assets"; {
        let release = client.release(OWNER, "release-assets", "v1.0.0").await.unwrap().unwrap();
        assert_eq!(release.id, 1000);
        // The server for uploads is another one, as the address in the release says.
        let (uploads, _) = release.upload_url.split_once("/repos/").unwrap();
        let config = ClientConfig::from_url(uploads).unwrap().with_header(AUTHORIZATION, TOKEN);
        let uploads = RepositoriesClient::from_config(&config).unwrap();
        let content = Bytes::from_static(b"Hello, world!\n");
        let asset = uploads
            .upload(OWNER, "release-assets", 1000, "test-upload.txt", Some("test"), "text/plain", &content)
            .await
            .unwrap();
        assert_eq!((asset.id, asset.name.as_str(), asset.content_type.as_str()), (1000, "test-upload.txt", "text/plain"));
    });
}

#[tokio::test]
async fn a_moved_repository_is_an_error_with_its_address() {
    replayed!(client: RepositoriesClient = "rename-repository"; {
        let (repo, new_name) = ("rename-repository", "rename-repository-newname");
        let renamed = client.update(OWNER, repo, Some(new_name), None).await.unwrap();
        assert_eq!(renamed.full_name, format!("{OWNER}/{new_name}"));
        let error = client.repository(OWNER, repo).await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(301));
        let location = error.headers().unwrap()["location"].to_str().unwrap();
        assert!(location.ends_with("/repositories/1000"), "{location}");
        assert_eq!(client.repository_by_id(1000).await.unwrap(), renamed);
        let description = Some(Some("test description"));
        let error = client.update(OWNER, repo, Some(new_name), description).await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(307));
    });
}
