//! The tokens of builds without the feature `tokio`: there are none.

#![expect(dead_code, clippy::unused_async, reason = "no value is ever created")]

use crate::error::Error;
use crate::runtime::Call;

pub(crate) enum Authorization {}

pub(crate) enum UsedToken {}

pub(crate) enum Attached {
    Nothing,
    Token(UsedToken),
    Waiting,
    Refused(Error),
}

impl Authorization {
    pub(crate) fn has_tokens(&self) -> bool {
        match *self {}
    }

    pub(crate) fn attach(&self, _: &mut Call) -> Attached {
        match *self {}
    }

    pub(crate) async fn ready(&self) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn source(&self) -> String {
        match *self {}
    }

    pub(crate) fn reject(&self, _: &UsedToken) -> bool {
        match *self {}
    }

    pub(crate) fn has_expired(&self, _: &UsedToken) -> bool {
        match *self {}
    }

    pub(crate) fn renewed(&self, _: bool) {
        match *self {}
    }
}

impl UsedToken {
    pub(crate) fn is_same(&self, _: &Self) -> bool {
        match *self {}
    }
}
