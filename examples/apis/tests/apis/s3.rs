//! S3, as moto serves it.

use super::support::{config, over_both};
use apis::s3::{S3, S3Client};
use wiretrait::ClientConfig;
use wiretrait::bytes::Bytes;
use wiretrait::http::header::{AUTHORIZATION, HeaderValue};

/// The server requires a signature and does not check it.
fn settings() -> Option<ClientConfig> {
    let signature = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    config("S3_URL").map(|config| config.with_header(AUTHORIZATION, HeaderValue::from_static(signature)))
}

#[tokio::test]
async fn objects_are_stored_read_listed_and_deleted() {
    over_both!(client: S3Client = settings(); {
        client.create_bucket("books").await.unwrap();
        let content: Bytes = (0..200_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        let keys = ["shelf a/x/+&?#%3.bin", "shelf a/ü/1.bin", "shelf a/ü/2.bin"];
        for key in keys {
            let stored = client.put("books", key, Some("image/png"), Some("Ann"), &content).await.unwrap();
            let etag = stored.header("etag").unwrap().to_owned();
            let found = client.get("books", key, None).await.unwrap();
            assert_eq!(found.as_ref(), Some(&content), "{key}");
            for (name, expected) in [("etag", etag.as_str()), ("content-type", "image/png"), ("x-amz-meta-author", "Ann")] {
                assert_eq!(found.header(name), Some(expected), "{key}");
            }
        }
        assert_eq!(client.keys("books", "shelf a/", 2).await.unwrap(), keys);
        assert_eq!(client.keys("books", "shelf a/ü", 2).await.unwrap(), &keys[1..]);

        let part = client.get("books", keys[0], Some("bytes=10-13")).await.unwrap();
        assert_eq!((part.status().as_u16(), part.as_deref()), (206, Some(&content[10..14])));
        assert_eq!(part.header("content-range"), Some("bytes 10-13/200000"));
        let error = client.get("books", keys[0], Some("bytes=900000-")).await.unwrap_err();
        assert_eq!(error.service().map(|error| error.code.as_str()), Some("InvalidRange"));

        let head = client.head("books", keys[0]).await.unwrap();
        assert_eq!((head.status().as_u16(), head.header("content-length"), head.is_some()), (200, Some("200000"), true));

        for key in keys {
            client.delete("books", key).await.unwrap();
            assert!(client.get("books", key, None).await.unwrap().is_none());
            assert!(client.head("books", key).await.unwrap().is_none());
        }
        client.delete_bucket("books").await.unwrap();
    });
}

#[tokio::test]
async fn xml_errors_are_read() {
    over_both!(client: S3Client = settings(); {
        let error = client.list("no-such-bucket", None, None, None).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "list: the service responded with 404 Not Found: NoSuchBucket: The specified bucket does not exist"
        );
        assert!(String::from_utf8_lossy(error.body().unwrap()).contains("<BucketName>no-such-bucket</BucketName>"));
    });
    // Without a signature, the response has no body at all.
    over_both!(client: S3Client = config("S3_URL"); {
        let error = client.get("no-such-bucket", "x", None).await;
        assert!(matches!(&error, Ok(found) if found.is_none()) || error.is_err(), "{error:?}");
    });
}
