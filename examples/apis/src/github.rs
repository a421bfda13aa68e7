//! Contracts of parts of [GitHub's REST API](https://docs.github.com/rest). An API with hundreds of operations is best
//! described by several contracts, one for each of its areas.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use wiretrait::bytes::Bytes;
use wiretrait::codec::{Binary, Empty, Text};
use wiretrait::http::StatusCode;
use wiretrait::{ErrorBody, ResponseValue, Result, ServiceError, http_api};

/// An issue of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// The number in its repository.
    pub number: u64,
    /// The title.
    pub title: String,
    /// The state.
    pub state: State,
}

/// The state of an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The issue is open.
    Open,
    /// The issue is closed.
    Closed,
    /// For lists: both.
    All,
}

/// A label of issues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The name.
    pub name: String,
    /// The color, in hexadecimal.
    pub color: String,
    /// The description.
    pub description: Option<String>,
}

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Repository {
    /// The id, which stays the same if the repository is renamed.
    pub id: u64,
    /// The owner and the name.
    pub full_name: String,
    /// The description.
    pub description: Option<String>,
}

/// A file of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct File {
    /// The path.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
}

/// The protection of a branch.
#[derive(Clone, Debug, Deserialize)]
pub struct Protection {
    /// The switch for administrators.
    pub enforce_admins: Switch,
}

/// A part of a protection that is on or off.
#[derive(Clone, Debug, Deserialize)]
pub struct Switch {
    /// True if it is on.
    pub enabled: bool,
}

/// The checks that must pass before a merge.
#[derive(Clone, Debug, Serialize)]
pub struct StatusChecks {
    /// True if the branch must be up to date.
    pub strict: bool,
    /// The names of the checks.
    pub contexts: Vec<String>,
}

/// A release.
#[derive(Clone, Debug, Deserialize)]
pub struct Release {
    /// The id.
    pub id: u64,
    /// The address for uploads, with a template of its query at the end.
    pub upload_url: String,
}

/// A file of a release.
#[derive(Clone, Debug, Deserialize)]
pub struct Asset {
    /// The id.
    pub id: u64,
    /// The name of the file.
    pub name: String,
    /// The label.
    pub label: Option<String>,
    /// The media type.
    pub content_type: String,
}

/// The body of all error responses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitHubError {
    /// The message for people.
    pub message: String,
    /// The fields that are not valid.
    #[serde(default)]
    pub errors: Vec<InvalidField>,
    /// The address of the documentation.
    pub documentation_url: Option<String>,
}

/// A field that is not valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvalidField {
    /// The kind of resource.
    pub resource: String,
    /// The reason.
    pub code: String,
    /// The name of the field.
    pub field: String,
}

impl ErrorBody for GitHubError {
    fn message(&self) -> Cow<'_, str> {
        self.message.as_str().into()
    }

    fn code(&self) -> Cow<'_, str> {
        self.errors.first().map_or("", |error| error.code.as_str()).into()
    }

    fn from_service(_status: StatusCode, error: &ServiceError) -> impl Serialize {
        Self { message: error.message.clone(), ..Self::default() }
    }
}

/// Issues and labels. The token is an option of the client.
#[http_api(client = IssuesClient, module = issues, error = GitHubError)]
#[header("Accept", "application/vnd.github.v3+json")]
#[header("Content-Type", "application/json; charset=utf-8")]
#[header("X-GitHub-Api-Version", "2022-11-28")]
pub trait Issues {
    /// Lists the issues of a repository: the first page.
    #[get("/repos/{owner}/{repo}/issues")]
    async fn issues(
        &self,
        owner: &str,
        repo: &str,
        #[query(serde)] state: Option<State>,
        #[query(comma)] labels: Option<&[String]>,
        #[query("per_page")] per_page: Option<u32>,
    ) -> Result<ResponseValue<Vec<Issue>>>;

    /// Lists the issues at the address of a [`NextPage`].
    #[get("/repositories/{*path}")]
    async fn issues_at(
        &self,
        path: &str,
        #[query(flatten)] query: &[(String, String)],
    ) -> Result<ResponseValue<Vec<Issue>>>;

    /// Lists all issues of a repository, page by page.
    async fn all_issues(&self, owner: &str, repo: &str, per_page: u32) -> Result<Vec<Issue>> {
        let mut page = self.issues(owner, repo, None, None, Some(per_page)).await?;
        let mut issues = Vec::new();
        loop {
            let next = NextPage::after(&page);
            issues.extend(page.into_inner());
            let Some(NextPage { path, query }) = next else { return Ok(issues) };
            page = self.issues_at(&path, &query).await?;
        }
    }

    /// Locks the conversation of an issue.
    #[put("/repos/{owner}/{repo}/issues/{number}/lock", request = Empty)]
    async fn lock(&self, owner: &str, repo: &str, number: u64) -> Result<()>;

    /// Unlocks the conversation of an issue.
    #[delete("/repos/{owner}/{repo}/issues/{number}/lock")]
    async fn unlock(&self, owner: &str, repo: &str, number: u64) -> Result<()>;

    /// Lists the labels of a repository. `None` if the list is still that of the given version.
    #[get("/repos/{owner}/{repo}/labels", none = 304)]
    async fn labels(
        &self,
        owner: &str,
        repo: &str,
        #[header("if-none-match")] known: Option<&str>,
    ) -> Result<ResponseValue<Option<Vec<Label>>>>;

    /// Creates a label.
    #[post("/repos/{owner}/{repo}/labels", omit_none)]
    async fn create_label(
        &self,
        owner: &str,
        repo: &str,
        #[field] name: &str,
        #[field] color: &str,
        #[field] description: Option<&str>,
    ) -> Result<Label>;

    /// Returns a label, or `None` if it does not exist.
    #[get("/repos/{owner}/{repo}/labels/{name}", none = 404)]
    async fn label(&self, owner: &str, repo: &str, name: &str) -> Result<Option<Label>>;

    /// Changes a label: what is `None` stays, and `Some(None)` removes the description.
    #[patch("/repos/{owner}/{repo}/labels/{name}", omit_none)]
    async fn update_label(
        &self,
        owner: &str,
        repo: &str,
        name: &str,
        #[field] new_name: Option<&str>,
        #[field] color: Option<&str>,
        #[field] description: Option<Option<&str>>,
    ) -> Result<Label>;

    /// Deletes a label.
    #[delete("/repos/{owner}/{repo}/labels/{name}")]
    async fn delete_label(&self, owner: &str, repo: &str, name: &str) -> Result<()>;
}

/// Repositories, their files, branches and releases.
#[http_api(client = RepositoriesClient, module = repositories, client_only, error = GitHubError)]
#[header("Accept", "application/vnd.github.v3+json")]
#[header("Content-Type", "application/json; charset=utf-8")]
#[header("X-GitHub-Api-Version", "2022-11-28")]
pub trait Repositories {
    /// Returns a repository. One that was renamed is a redirect, which is an error with the new address.
    #[get("/repos/{owner}/{repo}")]
    async fn repository(&self, owner: &str, repo: &str) -> Result<Repository>;

    /// Returns a repository by its id.
    #[get("/repositories/{id}")]
    async fn repository_by_id(&self, id: u64) -> Result<Repository>;

    /// Changes a repository: what is `None` stays.
    #[patch("/repos/{owner}/{repo}", omit_none)]
    async fn update(
        &self,
        owner: &str,
        repo: &str,
        #[field] name: Option<&str>,
        #[field] description: Option<Option<&str>>,
    ) -> Result<Repository>;

    /// Lists the files at the top.
    #[get("/repos/{owner}/{repo}/contents/")]
    async fn files(&self, owner: &str, repo: &str) -> Result<Vec<File>>;

    /// Returns a file unchanged.
    #[get("/repos/{owner}/{repo}/contents/{*path}", response = Text, none = 404)]
    #[header("Accept", "application/vnd.github.v3.raw")]
    async fn file(&self, owner: &str, repo: &str, path: &str) -> Result<Option<String>>;

    /// Returns the protection of a branch, or `None` if it is not protected.
    #[get("/repos/{owner}/{repo}/branches/{branch}/protection", none = 404)]
    async fn protection(&self, owner: &str, repo: &str, branch: &str) -> Result<Option<Protection>>;

    /// Protects a branch. The service requires all keys: `null` switches a part off.
    #[put("/repos/{owner}/{repo}/branches/{branch}/protection")]
    async fn protect(
        &self,
        owner: &str,
        repo: &str,
        branch: &str,
        #[field("required_status_checks")] checks: Option<&StatusChecks>,
        #[field("required_pull_request_reviews")] reviews: Option<bool>,
        #[field] restrictions: Option<bool>,
        #[field] enforce_admins: bool,
    ) -> Result<Protection>;

    /// Returns the release of a tag.
    #[get("/repos/{owner}/{repo}/releases/tags/{tag}", none = 404)]
    async fn release(&self, owner: &str, repo: &str, tag: &str) -> Result<Option<Release>>;

    /// Uploads a file of a release. These uploads have another server, whose address is in the release.
    #[post("/repos/{owner}/{repo}/releases/{id}/assets")]
    async fn upload(
        &self,
        owner: &str,
        repo: &str,
        id: u64,
        #[query] name: &str,
        #[query] label: Option<&str>,
        #[header("content-type")] media_type: &str,
        #[body(Binary)] content: &Bytes,
    ) -> Result<Asset>;

    /// Converts Markdown to HTML, with the references of a repository.
    #[post("/markdown", response = Text)]
    #[header("Accept", "text/html")]
    async fn markdown(
        &self,
        #[field] text: &str,
        #[field] context: &str,
        #[field] mode: &str,
    ) -> Result<String>;

    /// Converts Markdown to HTML.
    #[post("/markdown/raw", response = Text)]
    #[header("Accept", "text/html")]
    #[header("Content-Type", "text/plain; charset=utf-8")]
    async fn raw_markdown(&self, #[body(Text)] text: &str) -> Result<String>;
}

/// The address of the next page of a list, which the service writes into the header `Link`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextPage {
    /// The path after `/repositories/`.
    pub path: String,
    /// The query.
    pub query: Vec<(String, String)>,
}

impl NextPage {
    /// Reads the address after a page: `https://api.github.com/repositories/1/issues?page=2`.
    #[must_use]
    pub fn after<T>(page: &ResponseValue<T>) -> Option<Self> {
        let url = page.link("next")?;
        let (_, address) = url.split_once("/repositories/")?;
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Some(Self { path: path.to_owned(), query })
    }
}
