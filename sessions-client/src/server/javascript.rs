//! What becomes of JSON when JavaScript has read it.
//!
//! The real service hands payloads through, but it holds them as JavaScript values on the way: numbers are
//! doubles, and keys that are array indices come before all others. Beyond reach are doubles above
//! 18446744073709551615, which [`Value`] writes with an exponent sooner than JavaScript does.

use serde_json::{Map, Number, Value};

/// The value as JavaScript writes it again.
pub(super) fn pass_through(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(double) = number.as_f64().and_then(from_double) {
                *number = double;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(pass_through),
        Value::Object(object) => {
            object.values_mut().for_each(pass_through);
            if object.keys().any(|key| index(key).is_some()) {
                *object = indices_first(std::mem::take(object));
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// `None` where the number is what it should be already, or cannot be.
fn from_double(double: f64) -> Option<Number> {
    // The shortest digits that tell this double from all others, with noughts after them: as JavaScript does.
    let text = if double == 0.0 { "0".to_owned() } else { double.to_string() };
    let whole = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
    whole.ok()
}

fn indices_first(object: Map<String, Value>) -> Map<String, Value> {
    let (mut indices, others): (Vec<_>, Vec<_>) =
        object.into_iter().partition(|(key, _)| index(key).is_some());
    indices.sort_by_key(|(key, _)| index(key));
    indices.into_iter().chain(others).collect()
}

/// The key as an array index: a whole number below 2^32 - 1, written in the one usual way.
fn index(key: &str) -> Option<u32> {
    let usual = key == "0" || !key.starts_with(['0', '+']);
    key.parse().ok().filter(|&index| usual && index != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::pass_through;
    use serde_json::Value;

    fn passed(json: &str) -> String {
        let mut value: Value = serde_json::from_str(json).unwrap();
        pass_through(&mut value);
        value.to_string()
    }

    #[test]
    fn numbers_are_written_as_the_doubles_that_they_were() {
        for (sent, kept) in [
            ("1.0", "1"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("-1.50", "-1.5"),
            ("0.1", "0.1"),
            ("1e-7", "1e-7"),
            ("1e3", "1000"),
            ("9007199254740993", "9007199254740992"),
            ("-9007199254740993", "-9007199254740992"),
            ("12345678901234567890", "12345678901234567000"),
            ("1e30", "1e+30"),
        ] {
            assert_eq!(passed(sent), kept, "{sent}");
        }
    }

    #[test]
    fn keys_that_are_indices_come_first_and_the_others_keep_their_order() {
        let sent = r#"{"b":1,"a":2,"10":3,"2":4,"01":5,"+1":6,"-1":7,"0":8,"4294967295":9,"4294967294":10}"#;
        let kept = r#"{"0":8,"2":4,"10":3,"4294967294":10,"b":1,"a":2,"01":5,"+1":6,"-1":7,"4294967295":9}"#;
        assert_eq!(passed(sent), kept);
    }

    #[test]
    fn values_are_reached_however_deep_they_are() {
        assert_eq!(passed(r#"[{"a":[{"b":1.0,"1":2.0}]}]"#), r#"[{"a":[{"1":2,"b":1}]}]"#);
    }
}
