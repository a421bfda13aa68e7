//! The contract of a part of [Docker's registry](https://distribution.github.io/distribution/spec/api/). The name of a
//! repository has two segments here; a name with any number of them is part of the path in the middle, which no
//! placeholder can be.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use wiretrait::bytes::Bytes;
use wiretrait::codec::{Binary, Empty};
use wiretrait::http::header::{HeaderMap, LOCATION};
use wiretrait::{ErrorBody, ResponseValue, Result, http_api};

/// The media type of manifests.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The manifest of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The version of this format: 2.
    pub schema_version: u32,
    /// The media type: [`MANIFEST`].
    pub media_type: String,
    /// The configuration.
    pub config: Descriptor,
    /// The layers.
    pub layers: Vec<Descriptor>,
}

/// A reference to a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The media type.
    pub media_type: String,
    /// The digest, such as `sha256:…`.
    pub digest: String,
    /// The size in bytes.
    pub size: u64,
}

/// The tags of a repository.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tags {
    /// The name of the repository.
    pub name: String,
    /// The tags.
    pub tags: Option<Vec<String>>,
}

/// The body of all error responses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RegistryErrors {
    /// The errors.
    pub errors: Vec<RegistryError>,
}

/// An error of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RegistryError {
    /// The code, such as `BLOB_UNKNOWN`.
    pub code: String,
    /// The message for people.
    pub message: String,
}

impl ErrorBody for RegistryErrors {
    fn code(&self) -> Cow<'_, str> {
        self.errors.first().map_or("", |error| error.code.as_str()).into()
    }

    fn message(&self) -> Cow<'_, str> {
        self.errors.first().map_or("", |error| error.message.as_str()).into()
    }
}

/// Docker's registry.
#[http_api(client = RegistryClient, module = operations, client_only, prefix = "/v2", error = RegistryErrors)]
pub trait Registry {
    /// Starts an upload.
    #[post("/{org}/{repo}/blobs/uploads/", request = Empty)]
    async fn start_upload(&self, org: &str, repo: &str) -> Result<ResponseValue<()>>;

    /// Sends a part of an upload.
    #[patch("/{org}/{repo}/blobs/uploads/{upload}")]
    async fn upload_part(
        &self,
        org: &str,
        repo: &str,
        upload: &str,
        #[query("_state")] state: &str,
        #[body(Binary)] part: &Bytes,
    ) -> Result<ResponseValue<()>>;

    /// Ends an upload with its last part.
    #[put("/{org}/{repo}/blobs/uploads/{upload}")]
    async fn finish_upload(
        &self,
        org: &str,
        repo: &str,
        upload: &str,
        #[query("_state")] state: &str,
        #[query] digest: &str,
        #[body(Binary)] part: &Bytes,
    ) -> Result<ResponseValue<()>>;

    /// Uploads a blob in parts.
    async fn upload(&self, org: &str, repo: &str, digest: &str, parts: &[Bytes]) -> Result<()> {
        let started = self.start_upload(org, repo).await?;
        let mut next = Upload::of(started.headers()).unwrap_or_default();
        for part in parts {
            let received = self.upload_part(org, repo, &next.id, &next.state, part).await?;
            next = Upload::of(received.headers()).unwrap_or_default();
        }
        self.finish_upload(org, repo, &next.id, &next.state, digest, &Bytes::new()).await?;
        Ok(())
    }

    /// Returns the size of a blob in the header `content-length`, or `None` if the blob does not exist.
    #[head("/{org}/{repo}/blobs/{digest}", none = 404)]
    async fn stat(&self, org: &str, repo: &str, digest: &str) -> Result<ResponseValue<Option<()>>>;

    /// Returns a blob or a range of it.
    #[get("/{org}/{repo}/blobs/{digest}", response = Binary)]
    async fn blob(
        &self,
        org: &str,
        repo: &str,
        digest: &str,
        #[header("range")] range: Option<&str>,
    ) -> Result<ResponseValue<Bytes>>;

    /// Stores a manifest under a tag. The registry computes its digest from these bytes.
    #[put("/{org}/{repo}/manifests/{tag}")]
    #[header("Content-Type", "application/vnd.oci.image.manifest.v1+json")]
    async fn put_manifest(
        &self,
        org: &str,
        repo: &str,
        tag: &str,
        #[body] manifest: &Manifest,
    ) -> Result<ResponseValue<()>>;

    /// Returns a manifest, or `None` if it does not exist.
    #[get("/{org}/{repo}/manifests/{tag}", none = 404)]
    #[header("Accept", "application/vnd.oci.image.manifest.v1+json")]
    async fn manifest(&self, org: &str, repo: &str, tag: &str) -> Result<ResponseValue<Option<Manifest>>>;

    /// Lists the tags of a repository.
    #[get("/{org}/{repo}/tags/list")]
    async fn tags(&self, org: &str, repo: &str) -> Result<Tags>;

    /// Deletes a blob.
    #[delete("/{org}/{repo}/blobs/{digest}")]
    async fn delete_blob(&self, org: &str, repo: &str, digest: &str) -> Result<()>;
}

/// The address of an upload, from the header `Location`: `…/uploads/{id}?_state={state}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upload {
    /// The id.
    pub id: String,
    /// The state, which changes with each part.
    pub state: String,
}

impl Upload {
    /// Reads the header.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let location = headers.get(LOCATION)?.to_str().ok()?;
        let (path, query) = location.split_once('?')?;
        let (_, id) = path.rsplit_once('/')?;
        let (_, state) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "_state")?;
        Some(Self { id: id.to_owned(), state: state.into_owned() })
    }
}
