//! A change of the contract, and its level: rules, as data with reasons.

use crate::comparison::{Judgement, Level};
use crate::output::printable_line;
use serde::Serialize;
use std::fmt;

/// A change between two revisions of the contract.
///
/// Displayed as a sentence: `` open_session, argument `user_id`: was optional, is required ``.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContractChange {
    /// The name of the operation.
    pub operation: String,
    /// The part of the operation that has changed, in words; empty for the operation itself.
    pub part: String,
    /// The kind of change.
    pub kind: ChangeKind,
    /// The old state, in words.
    pub was: String,
    /// The new state, in words.
    pub is: String,
    /// The level of the change.
    pub level: Level,
    /// The reason for the level, as a sentence.
    pub reason: &'static str,
}

impl ContractChange {
    pub(super) fn new(
        operation: &str,
        part: &str,
        kind: ChangeKind,
        was: impl Into<String>,
        is: impl Into<String>,
    ) -> Self {
        let Judgement { level, reason } = kind.judgement();
        let (operation, part) = (operation.to_owned(), part.to_owned());
        Self { operation, part, kind, was: was.into(), is: is.into(), level, reason }
    }
}

impl fmt::Display for ContractChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, part, was, is, .. } = self;
        let separator = if part.is_empty() { "" } else { ", " };
        // The names and values are those of the documents.
        f.write_str(&printable_line(&format!("{operation}{separator}{part}: was {was}, is {is}")))
    }
}

/// Declares the kinds of changes, each with its level and the reason.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident: $level:ident, $reason:literal;)*) => {
        /// A kind of change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ChangeKind {
            $($(#[$doc])* $kind,)*
        }

        impl ChangeKind {
            /// Returns the level, with its reason.
            #[must_use]
            pub fn judgement(self) -> Judgement {
                match self {
                    $(Self::$kind => Judgement { level: Level::$level, reason: $reason },)*
                }
            }
        }
    };
}

kinds! {
    /// An operation is gone.
    OperationRemoved: Breaking, "Calls of the operation fail.";
    /// A new operation.
    OperationAdded: Harmless, "Clients do not call operations that they do not know.";
    /// Another id of an operation at the same route.
    OperationRenamed: Harmless, "Clients send the same request. Only generated code has another name.";
    /// Another method or path.
    RouteChanged: Breaking, "Clients send the request to the old route.";
    /// The operation may no longer be retried.
    BecameNotIdempotent: Uncertain, "Clients of the old contract still retry the operation.";
    /// The operation may be retried.
    BecameIdempotent: Harmless, "Clients of the old contract do not retry it, which is safe.";
    /// A new argument that must be sent.
    RequiredArgumentAdded: Breaking, "Clients do not send the argument.";
    /// A new argument that may be omitted.
    OptionalArgumentAdded: Harmless, "Clients may omit the argument.";
    /// An argument is gone.
    ArgumentRemoved: Uncertain, "The service may ignore the argument, so that it has no effect, or reject it.";
    /// An optional argument is required.
    ArgumentBecameRequired: Breaking, "Clients that omit the argument fail.";
    /// A required argument is optional.
    ArgumentBecameOptional: Harmless, "Clients still send the argument.";
    /// An argument has other types.
    ArgumentTypeChanged: Breaking, "Clients send a value of the old type.";
    /// An argument has fewer types or values.
    ArgumentNarrowed: Breaking, "Clients may send a value that is no longer valid.";
    /// An argument has more types or values.
    ArgumentWidened: Harmless, "All values that clients send are still valid.";
    /// A rule for the values of an argument has changed, in a way that cannot be compared.
    ArgumentRuleChanged: Uncertain, "Whether the values of clients are still valid depends on the values.";
    /// The body of the request has become required.
    BodyBecameRequired: Breaking, "Clients that send no body fail.";
    /// The body of the request has become optional.
    BodyBecameOptional: Harmless, "Clients still send the body.";
    /// A media type of the request is gone.
    RequestTypeRemoved: Breaking, "Clients send the old media type.";
    /// A new media type of the request.
    RequestTypeAdded: Harmless, "Clients send the media types that they know.";
    /// A successful status is gone.
    SuccessRemoved: Breaking, "Clients expect the status and do not know the one in its place.";
    /// A new successful status.
    SuccessAdded: Uncertain, "Clients may not know how to decode the response.";
    /// An error status is gone.
    ErrorStatusRemoved: Harmless, "Clients handle all error statuses alike.";
    /// A new error status.
    ErrorStatusAdded: Harmless, "Clients handle all error statuses alike.";
    /// A media type of a response is gone.
    ResponseTypeRemoved: Breaking, "Clients accept and decode the old media type.";
    /// A new media type of a response.
    ResponseTypeAdded: Harmless, "Clients accept the media types that they know.";
    /// A field of a response is gone.
    FieldRemoved: Breaking, "Clients read the field.";
    /// A new field of a response.
    FieldAdded: Harmless, "Clients ignore keys that they do not know.";
    /// A field that was always present may be absent.
    FieldBecameOptional: Breaking, "Clients may require the field.";
    /// A field that may have been absent is always present.
    FieldBecameRequired: Harmless, "Clients already read the field where it is present.";
    /// A field has other types.
    FieldTypeChanged: Breaking, "Clients cannot decode the new type.";
    /// A field has further types or values.
    FieldWidened: Uncertain, "Clients may not know how to decode a value of the new type.";
    /// A field has fewer types or values.
    FieldNarrowed: Harmless, "Clients decode all values that remain.";
    /// A rule for the values of a field has changed, in a way that cannot be compared.
    FieldRuleChanged: Uncertain, "Clients do not check the rule, but code may rely on it.";
}
