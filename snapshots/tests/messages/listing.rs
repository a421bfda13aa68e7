//! The messages of listing sessions.

use super::{ID, JSON, Operation, TEXT, json_of};
use http::StatusCode;
use sessions_client::sessions_v1::GetSessions;
use sessions_client::{DataPage, FilterParams, ListedSession, Operation as _, PagingParams};
use snapshots::{Promise, Value};

pub(super) fn get_sessions() -> Operation {
    Operation::new("get_sessions", Promise::Value, |response| {
        let page = GetSessions::decode::<Value, Value>(response)?;
        let listed: Vec<_> = page.data.iter().map(ListedSession).collect();
        json_of(Ok(DataPage::new(listed, page.total)))
    })
    .official(
        "all_arguments",
        r#"{"filter":{"user_id":"1","active":"true","from_time":"1970-01-01T00:00:00.000Z","n":"5","nul":null},"paging":{"skip":1,"take":2,"total":true}}"#,
        |id, encoding| {
            let filter = FilterParams::new()
                .user_id("1")
                .active(true)
                .from_time(chrono::DateTime::UNIX_EPOCH)
                .set("n", Some("5".to_owned()))
                .set("nul", None);
            let paging = PagingParams::new().skip(1).take(2).total(true);
            let mut call = GetSessions::new().filter(&filter).paging(&paging);
            call.correlation_id = id;
            call.encode_with(encoding)
        },
    )
    .correlated("123")
    .official("no_arguments", r#"{"filter":null,"paging":null}"#, |id, encoding| {
        let mut call = GetSessions::new();
        call.correlation_id = id;
        call.encode_with(encoding)
    })
    .official(
        "empty_arguments",
        r#"{"filter":{},"paging":{"skip":null,"take":null,"total":false}}"#,
        |id, encoding| {
            let (filter, paging) = (FilterParams::new(), PagingParams::new());
            let mut call = GetSessions::new().filter(&filter).paging(&paging);
            call.correlation_id = id;
            call.encode_with(encoding)
        },
    )
    .request("every_condition", |id, encoding| {
        let time = |seconds| chrono::DateTime::from_timestamp(seconds, 820_000_000).unwrap();
        let filter = FilterParams::new()
            .id(ID)
            .user_id("1")
            .active(false)
            .from_time(time(1_795_399_820))
            .to_time(time(1_795_399_821));
        let paging = PagingParams::new().take(0);
        let mut call = GetSessions::new().filter(&filter).paging(&paging);
        call.correlation_id = id;
        call.encode_with(encoding)
    })
    .success(
        "one_page_of_more",
        r#"{"total":5,"data":[{"id":"eab057c49e09402299099eaba4f061eb","user_id":"b","user_name":"n1","active":false,"open_time":"2026-11-23T02:11:58.207Z","request_time":"2026-11-23T02:11:58.310Z","address":"ad","client":"cl","close_time":"2026-11-23T02:11:58.310Z"},{"id":"a32edc5e22dd432a988aca6182db4fa4","user_id":"a","user_name":"n2","active":true,"open_time":"2026-11-23T02:11:58.230Z","request_time":"2026-11-23T02:11:58.230Z","address":"ad","client":"cl"}]}"#,
    )
    .success("not_counted", r#"{"total":null,"data":[]}"#)
    .success("counted_and_empty", r#"{"total":0,"data":[]}"#)
    .invalid("filter_of_another_type", "filter type must be Map", 1)
    .broken("broken_command", "connection lost")
    .unknown_route()
    .unexpected("missing_page", StatusCode::NO_CONTENT, None, "")
    .unexpected(
        "page_without_data",
        StatusCode::OK,
        JSON,
        r#"{"total":0}"#,
    )
    .unexpected(
        "page_from_mongodb",
        StatusCode::OK,
        JSON,
        r#"{"total":1,"data":[{"user_id":"1","user_name":"User 1","active":true,"open_time":"2026-11-23T02:11:09.645Z","request_time":"2026-11-23T02:11:09.645Z","address":"localhost","client":"test","id":"043edeab77784051ba340bbce8aafd08"}]}"#,
    )
    .unexpected(
        "page_from_the_dart_service",
        StatusCode::OK,
        TEXT,
        r#"{"total":1,"data":[{"id":"8238971a6ecd46eba649e1d31cf2168a","user_id":"3","user_name":null,"active":true,"open_time":"2020-12-07T12:00:00.123456","close_time":null,"request_time":"2020-12-07T12:00:00.123456","address":null,"client":null,"user":null,"data":null}]}"#,
    )
}
