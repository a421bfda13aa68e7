//! The cases that can be sent over a protocol.

use sessions_client::ClientKind;

/// Situations of HTTP itself: paths, methods, headers, and bodies that are not JSON.
const OF_HTTP: [&str; 6] = ["accept", "bad_json", "content_types", "headers", "paths", "unreached"];

/// Situations with arguments of other types than those of the messages of gRPC, and with other bodies.
const OF_JSON: [&str; 14] = [
    "argument_address",
    "argument_client",
    "argument_filter",
    "argument_paging",
    "argument_session_id",
    "argument_user_id",
    "argument_user_name",
    "bodies",
    "broken",
    "duplicate_keys",
    "filter_active",
    "filter_ids",
    "filter_times",
    "invalid_arguments",
];

/// Fractions and strings in place of whole numbers, which `int64` and `int32` cannot express.
const OF_NUMBERS: &str = "paging";

/// Returns whether the requests of a situation can be sent over the protocol of a kind of client.
pub(super) fn can_send(kind: ClientKind, situation: &str) -> bool {
    match kind {
        ClientKind::CommandableGrpc => !OF_HTTP.contains(&situation),
        ClientKind::Grpc => {
            !OF_HTTP.contains(&situation) && !OF_JSON.contains(&situation) && situation != OF_NUMBERS
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{OF_HTTP, OF_JSON, OF_NUMBERS, can_send};
    use crate::cases::cases;
    use contract_tests::suite::Case;
    use sessions_client::ClientKind;

    #[test]
    fn each_situation_that_is_left_out_exists() {
        let names: Vec<String> = cases().iter().map(Case::name).collect();
        for situation in OF_HTTP.iter().chain(&OF_JSON).chain([&OF_NUMBERS]) {
            assert!(names.iter().any(|name| name.ends_with(&format!("__{situation}"))), "{situation}");
            assert!(can_send(ClientKind::Http, situation));
            assert!(!can_send(ClientKind::Grpc, situation));
        }
    }
}
