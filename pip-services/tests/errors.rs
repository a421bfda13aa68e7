//! The error format of the framework.

use pip_services::PipErrors;
use wiretrait::http::{Method, StatusCode};
use wiretrait::{Error, ErrorFormat, ErrorKind, ServiceError};

fn read(body: &str) -> Option<ServiceError> {
    PipErrors.read(body.as_bytes())
}

fn write(status: StatusCode, error: &ServiceError) -> String {
    String::from_utf8(PipErrors.write(status, error)).unwrap()
}

#[test]
fn an_error_of_a_command_is_written_with_all_fields() {
    let mut error = ServiceError::new("EXEC_FAILED", "Execution add failed")
        .with_category("FailedInvocation")
        .with_detail("command", "add")
        .with_detail("at", "the \"end\"");
    assert_eq!(
        write(StatusCode::INTERNAL_SERVER_ERROR, &error),
        r#"{"code":"EXEC_FAILED","status":500,"message":"Execution add failed","details":{"at":"the \"end\"","command":"add"},"category":"FailedInvocation"}"#
    );
    error.cause = Some("disk full".to_owned());
    error.details.clear();
    assert_eq!(
        write(StatusCode::INTERNAL_SERVER_ERROR, &error),
        r#"{"code":"EXEC_FAILED","status":500,"message":"Execution add failed","cause":"disk full","details":{},"category":"FailedInvocation"}"#
    );
}

#[test]
fn an_error_of_a_service_in_node_has_a_name_and_a_stack() {
    let error = ServiceError::new("EXEC_FAILED", "disk full").with_category("FailedInvocation");
    let body = PipErrors.write_like_node(StatusCode::INTERNAL_SERVER_ERROR, &error);
    assert_eq!(
        String::from_utf8(body).unwrap(),
        r#"{"code":"EXEC_FAILED","status":500,"message":"disk full","name":"EXEC_FAILED","stack":"EXEC_FAILED: disk full","details":{},"category":"FailedInvocation"}"#
    );
}

#[test]
fn an_error_before_a_command_is_written_with_code_and_message() {
    let error = PipErrors.unknown_path("/v1/nowhere");
    assert_eq!(
        write(StatusCode::NOT_FOUND, &error),
        r#"{"code":"ResourceNotFound","message":"/v1/nowhere does not exist"}"#
    );
}

#[test]
fn both_forms_are_read_back() {
    let mut full = ServiceError::new("EXEC_FAILED", "Execution add failed")
        .with_category("FailedInvocation")
        .with_detail("command", "add");
    full.cause = Some("disk full".to_owned());
    for error in [full, ServiceError::new("ResourceNotFound", "/v1/nowhere does not exist")] {
        let body = write(StatusCode::BAD_REQUEST, &error);
        assert_eq!(read(&body), Some(error));
    }
}

#[test]
fn a_code_or_a_message_is_enough() {
    assert_eq!(read(r#"{"code":"A"}"#), Some(ServiceError::new("A", "")));
    assert_eq!(read(r#"{"message":"b"}"#), Some(ServiceError::new("", "b")));
}

#[test]
fn fields_of_another_type_count_as_absent() {
    let body = r#"{"code":400,"message":"m","category":["c"],"cause":{},"correlation_id":1,"details":"d"}"#;
    assert_eq!(read(body), Some(ServiceError::new("", "m")));
}

#[test]
fn a_correlation_id_is_read_unless_it_is_empty() {
    let correlation_id = |body| read(body).unwrap().correlation_id;
    assert_eq!(correlation_id(r#"{"code":"A","correlation_id":"7"}"#).as_deref(), Some("7"));
    assert_eq!(correlation_id(r#"{"code":"A","correlation_id":""}"#), None);
}

#[test]
fn a_trace_id_is_read_where_there_is_no_correlation_id() {
    let correlation_id = |body| read(body).unwrap().correlation_id;
    assert_eq!(correlation_id(r#"{"code":"A","trace_id":"7"}"#).as_deref(), Some("7"));
    assert_eq!(correlation_id(r#"{"code":"A","trace_id":"7","correlation_id":""}"#).as_deref(), Some("7"));
    assert_eq!(correlation_id(r#"{"code":"A","trace_id":"7","correlation_id":"8"}"#).as_deref(), Some("8"));
    for body in
        [r#"{"code":"A","trace_id":""}"#, r#"{"code":"A","trace_id":7}"#, r#"{"code":"A","trace_id":null}"#]
    {
        assert_eq!(correlation_id(body), None, "{body}");
    }
}

#[test]
fn details_are_read_as_strings() {
    let error = read(r#"{"code":"A","details":{"s":"x","n":1.5,"null":null,"list":[1,"2"]}}"#).unwrap();
    let details: Vec<_> = error.details.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(details, [("list", r#"[1,"2"]"#), ("n", "1.5"), ("null", "null"), ("s", "x")]);
}

#[test]
fn a_body_in_another_format_is_not_an_error_of_the_service() {
    for body in [
        "",
        "<html>Bad Gateway</html>",
        "null",
        "\"code\"",
        r#"["code","message"]"#,
        "{}",
        r#"{"error":"A"}"#,
        r#"{"code":1,"message":null}"#,
        r#"{"code":"A"} {"code":"B"}"#,
        r#"{"code":"A""#,
    ] {
        assert_eq!(read(body), None, "{body}");
    }
}

#[test]
fn errors_of_a_dispatcher_have_the_codes_of_the_framework() {
    let code_and_message = |error: ServiceError| (error.code, error.message);
    for (error, code, message) in [
        (PipErrors.invalid_json("a `}` is missing"), "InvalidContent", "Invalid JSON: a `}` is missing"),
        (PipErrors.unknown_path("/x"), "ResourceNotFound", "/x does not exist"),
        (PipErrors.method_not_allowed(&Method::PUT), "MethodNotAllowed", "PUT is not allowed"),
    ] {
        assert_eq!(error.category, None);
        assert_eq!(code_and_message(error), (code.to_owned(), message.to_owned()));
    }
}

#[test]
fn errors_of_a_command_have_the_categories_of_the_framework() {
    let problems = ["id is missing".to_owned(), "paging: invalid type".to_owned()];
    assert_eq!(
        PipErrors.invalid_arguments(&problems),
        ServiceError::new("INVALID_DATA", "Validation failed: id is missing, paging: invalid type")
            .with_category("BadRequest")
    );
    let why = Error::new(ErrorKind::Encode, "id is too long");
    assert_eq!(
        PipErrors.unusable_argument(&why),
        ServiceError::new("INVALID_DATA", "id is too long").with_category("BadRequest")
    );
    let why = Error::new(ErrorKind::Transport, "disk full");
    assert_eq!(
        PipErrors.failed("add", &why),
        ServiceError::new("EXEC_FAILED", "Execution add failed: disk full")
            .with_category("FailedInvocation")
            .with_detail("command", "add")
    );
}

#[test]
fn the_correlation_id_of_an_error_is_written_and_read() {
    let mut error = ServiceError::new("EXEC_FAILED", "disk full").with_category("FailedInvocation");
    error.correlation_id = Some("trace-1".to_owned());
    let body = PipErrors.write(StatusCode::INTERNAL_SERVER_ERROR, &error);
    assert_eq!(PipErrors.read(&body), Some(error));
}
