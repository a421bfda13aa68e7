//! The client that progenitor generates from an OpenAPI document.

use super::Caller;
use crate::wire::{ADDRESS, CLIENT, Operation, USER_ID, USER_NAME, data};
use anyhow::Result;
use serde_json::Value;

mod generated {
    progenitor::generate_api!(spec = "progenitor.json");
}

use generated::{Client, types};

/// The generated client, and the payload of its requests.
#[derive(Clone)]
pub(super) struct Progenitor {
    client: Client,
    data: Value,
}

impl Caller for Progenitor {
    async fn first(url: &str) -> Result<Self> {
        Ok(Self { client: Client::new(url), data: data() })
    }

    async fn another(&self) -> Result<Self> {
        Ok(self.clone())
    }

    async fn call(&mut self, operation: Operation) -> Result<usize> {
        Ok(match operation {
            Operation::OpenSession => {
                let body = types::OpenSession {
                    user_id: USER_ID.to_owned(),
                    user_name: Some(USER_NAME.to_owned()),
                    address: Some(ADDRESS.to_owned()),
                    client: Some(CLIENT.to_owned()),
                    user: None,
                    data: Some(self.data.clone()),
                };
                usize::from(!self.client.open_session(&body).await?.id.is_empty())
            }
            Operation::GetSessions => {
                let body = types::GetSessions { filter: None, paging: None };
                self.client.get_sessions(&body).await?.data.len()
            }
        })
    }
}
