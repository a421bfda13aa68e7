//! Error responses.

use super::rows;

rows! {
    typed_bodies: "the error body of the API, as a type",
        form "`error = GitHubError`; `error.body_as::<GitHubError>()`",
        peer "progenitor `Error<E>`, Feign `ErrorDecoder`";
    problem_json: "problem+json (RFC 9457)",
        form "`error = Problem`",
        peer "Refit `ApiException`: by hand";
    undeclared_bodies: "error bodies that are not declared: `errors[]`, `error: {…}`, text, HTML",
        form "message of the usual JSON shapes; status, headers and 64 KiB of the body are kept",
        peer "Refit `ApiException.Content`";
    secrets: "cookies and bodies of errors in logs",
        form "kept for programs, in no `Display` or `Debug`",
        peer "–: most print the body";
    own_error_types: "own error types of operations",
        form "`From<Error>` is enough with `client_only`",
        peer "Feign `ErrorDecoder`";
    retries: "retries, deadlines, `Retry-After`, budgets",
        form "works",
        peer "conjure";
}

mod checks {
    use super::super::{responding, wait};
    use serde::Deserialize;
    use std::borrow::Cow;
    use wiretrait::{ClientConfig, Error, ErrorBody, Problem, Result, http_api};

    #[derive(Debug, PartialEq, Deserialize)]
    struct ShopError {
        reason: String,
        fields: Vec<String>,
    }

    impl ErrorBody for ShopError {
        fn message(&self) -> Cow<'_, str> {
            self.reason.as_str().into()
        }
    }

    #[http_api(client = ShopClient, module = shop, error = ShopError)]
    trait Shop {
        #[get("/order")]
        async fn order(&self) -> Result<u32>;
    }

    #[http_api(client = BankClient, module = bank, error = Problem)]
    trait Bank {
        #[get("/balance")]
        async fn balance(&self) -> Result<u32>;
    }

    #[http_api(client = AnyClient, module = any)]
    trait Any {
        #[get("/any")]
        async fn call(&self) -> Result<u32>;
    }

    pub(super) fn typed_bodies() {
        let body = r#"{"reason":"sold out","fields":["amount"]}"#;
        let error = wait(ShopClient::new(responding(422, &[("x-trace", "7")], body)).order()).unwrap_err();
        assert_eq!(error.to_string(), "order: the service responded with 422 Unprocessable Entity: sold out");
        let body = ShopError { reason: "sold out".to_owned(), fields: vec!["amount".to_owned()] };
        assert_eq!(error.body_as::<ShopError>(), Some(body));
        assert_eq!(error.headers().unwrap()["x-trace"], "7");
    }

    pub(super) fn problem_json() {
        let body =
            r#"{"type":"https://bank.test/poor","title":"Poor","detail":"the balance is 30","balance":30}"#;
        let kind = ("content-type", "application/problem+json");
        let error = wait(BankClient::new(responding(403, &[kind], body)).balance()).unwrap_err();
        assert!(error.to_string().ends_with("https://bank.test/poor: the balance is 30"), "{error}");
        assert_eq!(error.body_as::<Problem>().unwrap().extensions["balance"], 30);
    }

    pub(super) fn undeclared_bodies() {
        for (body, words) in [
            (r#"{"message":"sold out"}"#, "sold out"),
            (r#"{"error":{"code":"E7","message":"sold out"}}"#, "sold out"),
            (r#"{"errors":[{"message":"sold out"}]}"#, "sold out"),
            (r#"{"error":"invalid_grant","error_description":"sold out"}"#, "sold out"),
            ("sold out", "409"),
            ("<html><body>Conflict</body></html>", "409"),
            ("", "409"),
        ] {
            let error = wait(AnyClient::new(responding(409, &[], body)).call()).unwrap_err();
            assert!(error.to_string().contains(words) && !error.to_string().contains("proxy"), "{error}");
            assert_eq!(
                (error.status().unwrap().as_u16(), error.body().unwrap().as_ref()),
                (409, body.as_bytes())
            );
        }
    }

    pub(super) fn secrets() {
        let headers = [("set-cookie", "session=secret-1")];
        let error = wait(AnyClient::new(responding(409, &headers, "secret-2")).call()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        assert_eq!(error.headers().unwrap()["set-cookie"], "session=secret-1");
    }

    #[derive(Debug)]
    enum Failed {
        NotThere,
        Other,
    }

    impl From<Error> for Failed {
        fn from(error: Error) -> Self {
            if error.is_not_found() { Self::NotThere } else { Self::Other }
        }
    }

    #[http_api(client = OwnClient, module = own, client_only)]
    trait Own {
        #[get("/own")]
        async fn own(&self) -> std::result::Result<u32, Failed>;
    }

    pub(super) fn own_error_types() {
        assert!(matches!(wait(OwnClient::new(responding(404, &[], "")).own()), Err(Failed::NotThere)));
        assert!(matches!(wait(OwnClient::new(responding(400, &[], "")).own()), Err(Failed::Other)));
    }

    pub(super) fn retries() {
        let config = ClientConfig::new().with_retries(2);
        let client =
            AnyClient::from_transport(responding(503, &[("retry-after", "0")], ""), &config).unwrap();
        assert_eq!(wait(client.call()).unwrap_err().attempts(), 3);
    }
}
