//! Docker's registry, itself.

use super::support::{config, over_both};
use apis::registry::{Descriptor, MANIFEST, Manifest, Registry, RegistryClient, RegistryErrors};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use wiretrait::bytes::Bytes;

/// Returns the digest of a blob.
fn digest(content: &[u8]) -> String {
    let mut digest = "sha256:".to_owned();
    for byte in Sha256::digest(content) {
        write!(digest, "{byte:02x}").unwrap();
    }
    digest
}

#[tokio::test]
async fn an_image_is_pushed_and_pulled() {
    over_both!(client: RegistryClient = config("REGISTRY_URL"); {
        let (org, repo) = ("team", "app");
        let parts = [Bytes::from(vec![7; 100_000]), Bytes::from_static(b"end")];
        let content = parts.concat();
        let digest = digest(&content);
        assert!(client.stat(org, "none", &digest).await.unwrap().is_none());
        client.upload(org, repo, &digest, &parts).await.unwrap();

        let stat = client.stat(org, repo, &digest).await.unwrap();
        assert_eq!((stat.status().as_u16(), stat.header("content-length")), (200, Some("100003")));
        assert_eq!(stat.header("docker-content-digest"), Some(digest.as_str()));
        assert_eq!(client.blob(org, repo, &digest, None).await.unwrap().into_inner(), content);
        let end = client.blob(org, repo, &digest, Some("bytes=100000-100002")).await.unwrap();
        assert_eq!((end.status().as_u16(), &end[..]), (206, &b"end"[..]));

        let config = Descriptor {
            media_type: "application/vnd.oci.image.config.v1+json".to_owned(),
            digest: digest.clone(),
            size: 100_003,
        };
        let manifest = Manifest { schema_version: 2, media_type: MANIFEST.to_owned(), config, layers: Vec::new() };
        let stored = client.put_manifest(org, repo, "v1", &manifest).await.unwrap();
        assert_eq!(stored.status().as_u16(), 201);
        assert!(stored.header("location").unwrap().contains("/v2/team/app/manifests/sha256:"));
        let pulled = client.manifest(org, repo, "v1").await.unwrap();
        assert_eq!((pulled.as_ref(), pulled.header("content-type")), (Some(&manifest), Some(MANIFEST)));
        assert!(client.manifest(org, repo, "v2").await.unwrap().is_none());
        assert_eq!(client.tags(org, repo).await.unwrap().tags.unwrap(), ["v1"]);
        client.delete_blob(org, repo, &digest).await.unwrap();
    });
}

#[tokio::test]
async fn errors_have_the_declared_body() {
    over_both!(client: RegistryClient = config("REGISTRY_URL"); {
        let error = client.tags("team", "none").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "tags: the service responded with 404 Not Found: NAME_UNKNOWN: repository name not known to registry"
        );
        assert_eq!(error.body_as::<RegistryErrors>().unwrap().errors[0].code, "NAME_UNKNOWN");
        let error = client.blob("team", "app", "sha256:0000", None).await.unwrap_err();
        assert_eq!(error.service().map(|error| error.code.as_str()), Some("DIGEST_INVALID"));
        // A HEAD response has the length of a body that it does not have.
        let error = client.stat("team", "app", "sha256:0000").await.unwrap_err();
        assert_eq!((error.status().map(|status| status.as_u16()), error.body().map(Bytes::len)), (Some(400), Some(0)));
    });
}
