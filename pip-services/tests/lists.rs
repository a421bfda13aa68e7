//! Requests for lists and their pages.

use pip_services::{DataPage, FilterParams, PagingParams, timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: String,
    total: f64,
}

/// A type without any trait but those of serde.
#[derive(Serialize, Deserialize)]
struct Bare(u8);

#[test]
fn a_page_of_any_type_is_written_with_its_total_first() {
    let page = DataPage::new(vec![Order { id: "a".to_owned(), total: 0.5 }], Some(7));
    assert_eq!(serde_json::to_string(&page).unwrap(), r#"{"total":7,"data":[{"id":"a","total":0.5}]}"#);
    let page = DataPage::new(vec![Bare(1), Bare(2)], None);
    assert_eq!(serde_json::to_string(&page).unwrap(), r#"{"total":null,"data":[1,2]}"#);
    assert_eq!(serde_json::to_string(&DataPage::<Bare>::default()).unwrap(), r#"{"total":null,"data":[]}"#);
}

#[test]
fn a_page_is_read_with_or_without_a_total_and_with_unknown_fields() {
    for (json, total) in [
        (r#"{"total":7,"data":[{"id":"a","total":0.5}]}"#, Some(7)),
        (r#"{"data":[{"id":"a","total":0.5}],"total":null}"#, None),
        (r#"{"data":[{"id":"a","total":0.5}],"next":"b"}"#, None),
    ] {
        let page: DataPage<Order> = serde_json::from_str(json).unwrap();
        assert_eq!(page.total, total);
        assert_eq!(page.data, [Order { id: "a".to_owned(), total: 0.5 }]);
    }
}

#[test]
fn other_values_are_not_read_as_a_page() {
    for json in [
        "[7,[1,2]]",
        "[1,2]",
        "null",
        "{}",
        r#"{"total":7}"#,
        r#"{"data":null}"#,
        r#"{"data":[],"total":-1}"#,
    ] {
        assert!(serde_json::from_str::<DataPage<u8>>(json).is_err(), "{json}");
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        assert!(serde_json::from_value::<DataPage<u8>>(value).is_err(), "{json}");
    }
}

#[test]
fn debug_output_of_a_page_has_no_items() {
    let page = DataPage::new(vec!["secret"], Some(1));
    assert_eq!(format!("{page:?}"), "DataPage { total: Some(1), len: 1, .. }");
}

#[test]
fn a_filter_is_written_as_strings_in_the_order_of_its_conditions() {
    let time = timestamp::parse("2026-11-23T04:10:20.8205+02:00").unwrap();
    let filter = FilterParams::new()
        .set("status", "open")
        .set_time("from_time", time)
        .set("active", "false")
        .set_optional("customer_id", None)
        .set("status", "paid");
    assert_eq!(
        serde_json::to_string(&filter).unwrap(),
        r#"{"status":"paid","from_time":"2026-11-23T02:10:20.820Z","active":"false","customer_id":null}"#
    );
    assert_eq!(serde_json::to_string(&FilterParams::new()).unwrap(), "{}");
}

#[test]
fn a_filter_returns_the_values_of_its_conditions() {
    let filter = FilterParams::new().set("a", "1").set_optional("b", None);
    assert_eq!((filter.get("a"), filter.get("b"), filter.get("c")), (Some("1"), None, None));
}

#[test]
fn values_of_other_types_are_read_into_a_filter_as_strings() {
    let json = r#"{"n":1.50,"t":true,"null":null,"list":[1,"x",null,[2,3]],"object":{"a":1},"n":2}"#;
    let filter: FilterParams = serde_json::from_str(json).unwrap();
    let expected = FilterParams::new()
        .set("n", "2")
        .set("t", "true")
        .set_optional("null", None)
        .set("list", "1,x,,2,3")
        .set("object", "[object Object]");
    assert_eq!(filter, expected);
    for json in ["[]", "null", "\"a\"", "1"] {
        assert!(serde_json::from_str::<FilterParams>(json).is_err(), "{json}");
    }
}

#[test]
fn debug_output_of_a_filter_has_no_values() {
    let filter = FilterParams::new().set("token", "secret").set_optional("id", None);
    assert_eq!(format!("{filter:?}"), r#"FilterParams{"token", "id"}"#);
}

#[test]
fn paging_is_written_with_all_fields() {
    for (paging, json) in [
        (PagingParams::new(), r#"{"skip":null,"take":null,"total":false}"#),
        (PagingParams::new().skip(0).take(0), r#"{"skip":0,"take":null,"total":false}"#),
        (PagingParams::new().skip(20).take(10).total(true), r#"{"skip":20,"take":10,"total":true}"#),
    ] {
        assert_eq!(serde_json::to_string(&paging).unwrap(), json);
        assert_eq!(serde_json::from_str::<PagingParams>(json).unwrap(), paging);
    }
}

fn paging(json: &str) -> PagingParams {
    serde_json::from_str(json).unwrap()
}

#[test]
fn fractions_are_rounded_half_up() {
    for (number, skipped) in [("1.4", 1), ("1.5", 2), ("2.5", 3), ("0.49999999999999994", 0), ("-0.5", 0)] {
        assert_eq!(paging(&format!(r#"{{"skip":{number}}}"#)).skipped(), skipped, "{number}");
    }
    // -1.5 is rounded to -1, and -2.6 to -3: the page is empty.
    for (number, taken) in [("0.5", 1), ("0.4", 50), ("-0.5", 50), ("-1.5", 0), ("-2.6", 0)] {
        assert_eq!(paging(&format!(r#"{{"take":{number}}}"#)).taken(50, 100), taken, "{number}");
    }
}

#[test]
fn missing_and_null_fields_have_the_defaults_of_the_service() {
    for json in ["{}", r#"{"skip":null,"take":null,"total":null}"#, r#"{"take":0}"#] {
        let paging = paging(json);
        assert_eq!((paging.skipped(), paging.taken(50, 100), paging.wants_total()), (0, 50, false), "{json}");
    }
}

#[test]
fn negative_and_large_numbers_are_limited() {
    let negative = paging(r#"{"skip":-3,"take":-3}"#);
    assert_eq!((negative.skipped(), negative.taken(50, 100)), (0, 0));
    let large = paging(r#"{"skip":1e30,"take":1e30,"total":true}"#);
    assert_eq!((large.skipped(), large.taken(50, 100)), (usize::try_from(i64::MAX).unwrap(), 100));
    assert!(large.wants_total());
}

#[test]
fn paging_of_other_types_is_an_error() {
    for json in [r#"{"skip":"1"}"#, r#"{"take":[1]}"#, r#"{"take":true}"#, r#"{"total":1}"#, "7"] {
        assert!(serde_json::from_str::<PagingParams>(json).is_err(), "{json}");
    }
}
