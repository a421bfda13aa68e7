//! JSON without white space, and the comparison of values that services may write in another way.

use serde_json::Value;

/// Removes the white space between the tokens of valid JSON.
pub(super) fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut in_string, mut is_escaped) = (false, false);
    for char in json.chars() {
        if in_string {
            in_string = is_escaped || char != '"';
            is_escaped = !is_escaped && char == '\\';
        } else if char.is_ascii_whitespace() {
            continue;
        } else {
            in_string = char == '"';
        }
        compact.push(char);
    }
    compact
}

/// Returns whether two values are the same to a service that keeps numbers as floating-point numbers, such as `1` and
/// `1.0`.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| is_same(one, other)))
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_white_space_between_tokens_is_removed() {
        let json = "{ \"a b\" : [ 1 ,\t\"\\\" , \\\\\" , true ] }";
        assert_eq!(compact(json), r#"{"a b":[1,"\" , \\",true]}"#);
    }

    #[test]
    fn numbers_are_the_same_in_another_notation() {
        assert!(is_same(&json!({"a": [1, 1e2]}), &json!({"a": [1.0, 100]})));
        // Both are the same floating-point number.
        assert!(is_same(&json!(12_345_678_901_234_567_890_u64), &json!(12_345_678_901_234_567_000_u64)));
        for (one, other) in [
            (json!(1), json!("1")),
            (json!(1), json!(2)),
            (json!([1]), json!([1, 2])),
            (json!({"a": 1}), json!({"b": 1})),
            (json!({"a": null}), json!({})),
        ] {
            assert!(!is_same(&one, &other), "{one} {other}");
        }
    }
}
